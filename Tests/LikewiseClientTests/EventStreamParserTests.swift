import LikewiseClient
import LikewiseTestSupport
import Testing

@Suite("A stream of server-sent events")
struct EventStreamParserTests {
    private static func events(_ pieces: [[UInt8]]) throws -> (events: [ServerEvent], parser: EventStreamParser) {
        var parser = EventStreamParser()
        var events: [ServerEvent] = []
        for piece in pieces { events += try parser.take(piece) }
        return (events, parser)
    }

    private static func event(_ name: String, _ data: String) -> ServerEvent {
        ServerEvent(name: name, data: Array(data.utf8))
    }

    @Test(
        "is read as the standard has it",
        arguments: [
            ("data: a\n\n", [EventStreamParserTests.event("message", "a")]),
            ("data: a\r\n\r\n", [EventStreamParserTests.event("message", "a")]),
            ("data: a\r\r", [EventStreamParserTests.event("message", "a")]),
            (
                "data: a\r\n\ndata: b\n\r",
                [EventStreamParserTests.event("message", "a"), EventStreamParserTests.event("message", "b")]
            ),
            ("event: count\nid: 1-2\ndata: {\"a\":1}\n\n", [EventStreamParserTests.event("count", "{\"a\":1}")]),
            ("data:a\ndata:  b\ndata\n\n", [EventStreamParserTests.event("message", "a\n b\n")]),
            ("data\n\n", [EventStreamParserTests.event("message", "")]),
            (": a comment\n:\n\ndata: a\n:in between\n\n", [EventStreamParserTests.event("message", "a")]),
            ("event: left\n\ndata: a\n\n", [EventStreamParserTests.event("message", "a")]),
            ("data: no end", []), ("data: no empty line\n", []),
            ("\u{feff}data: a\n\n", [EventStreamParserTests.event("message", "a")]),
            ("data: a\n\n\u{feff}data: b\n\n", [EventStreamParserTests.event("message", "a")]),
            ("unknown: x\ndata: a\nretry: soon\n\n", [EventStreamParserTests.event("message", "a")]),
            ("data: a:b: c\n\n", [EventStreamParserTests.event("message", "a:b: c")]),
            ("data: ö👍\n\n", [EventStreamParserTests.event("message", "ö👍")]),
            ("\n\n\n", []),
        ] as [(String, [ServerEvent])])
    func table(text: String, expected: [ServerEvent]) throws {
        #expect(try Self.events([Array(text.utf8)]).events == expected)
    }

    @Test(
        "keeps the last id and the time to wait",
        arguments: [
            ("id: 7\ndata: a\n\n", "7", nil), ("id: 7\n\nid\ndata: a\n\n", "", nil), ("id: 7\n\ndata: a\n\n", "7", nil),
            ("id: 7\n\nid: 8\ndata: cut", "7", nil), ("id: 7\n\nid: 8\u{0}\n\n", "7", nil),
            ("retry: 2236\n\n", "", 2236), ("retry: 1\nretry: 2x\nretry: -3\n", "", 1), ("retry:\n", "", nil),
        ] as [(String, String, UInt64?)])
    func state(text: String, id: String, retry: UInt64?) throws {
        let parser = try Self.events([Array(text.utf8)]).parser
        #expect(parser.lastEventID == id)
        #expect(parser.retryMilliseconds == retry)
    }

    @Test("is the same wherever the network cuts it", arguments: SeededRandom.seeds(20))
    func cuts(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let parts = [
            "data: a", "event: count", "id: 5f-1", ": beat", ":", "retry: 15", "data", "data: ö👍", "id", "x: y", "", "",
            "",
        ]
        let ends = ["\n", "\r\n", "\r"]
        for _ in 0..<200 {
            var bytes: [UInt8] = random.chance(oneIn: 4) ? [0xef, 0xbb, 0xbf] : []
            for _ in 0..<random.below(20) { bytes += Array((random.pick(parts) + random.pick(ends)).utf8) }
            let whole = try Self.events([bytes])
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = random.within(1...min(7, rest.count))
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let cut = try Self.events(pieces)
            #expect(cut.events == whole.events, "LIKEWISE_SEED=\(seed)")
            #expect(cut.parser.lastEventID == whole.parser.lastEventID, "LIKEWISE_SEED=\(seed)")
            #expect(cut.parser.retryMilliseconds == whole.parser.retryMilliseconds, "LIKEWISE_SEED=\(seed)")
        }
    }

    @Test("forgets what was half said when the connection is made again, and keeps the id")
    func reconnect() throws {
        var parser = EventStreamParser()
        _ = try parser.take(Array("id: 3\ndata: a\n\nevent: count\nid: 4\ndata: half".utf8))
        parser.reconnect()
        #expect(parser.lastEventID == "3")
        #expect(try parser.take(Array("data: b\n\n".utf8)) == [Self.event("message", "b")])
    }

    @Test("has a bound for a line and for an event")
    func bounds() {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: EventStreamParser.mostBytes)
        #expect(throws: EventStreamParser.TooLong.self) { try Self.events([Array("data: ".utf8), long]) }
        let line = Array("data: ".utf8) + long.prefix(1 << 14) + [0x0a]
        #expect(throws: EventStreamParser.TooLong.self) { try Self.events(Array(repeating: line, count: 5)) }
    }
}
