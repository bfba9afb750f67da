import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("What gained most, over all aggregators", .timeLimit(.minutes(1)))
struct RedisTrendsTests {
    private func board(_ gains: [(String, Int64)], at milliseconds: UInt64) -> TrendBoard {
        let board = TrendBoard()
        board.add(gains.map { TrendBucket.Entry(content: Array($0.0.utf8), gained: $0.1) }, at: milliseconds)
        return board
    }

    private func text(_ entries: [TrendBucket.Entry]) -> [String] {
        entries.map { "\(String(decoding: $0.content, as: UTF8.self)): \($0.gained)" }
    }

    @Test("what aggregators tell is added up, most first, with ids as they are")
    func addsUp() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        let clock = SimulatedClock()
        try await withRedis(server.topology) { client in
            let trends = RedisTrends(client, clock: clock)
            #expect(await trends.top(.minute, limit: 10).isEmpty)
            await trends.tell(
                board([("a", 5), ("vidéo  with blanks ", 7), ("b", 1), ("lost", -3)], at: clock.milliseconds()),
                as: "one")
            await trends.tell(board([("a", 4), (" ", 2)], at: clock.milliseconds()), as: "two")
            for window in TrendWindow.allCases {
                #expect(
                    text(await trends.top(window, limit: 10)) == ["a: 9", "vidéo  with blanks : 7", " : 2", "b: 1"],
                    "\(window)")
            }
            #expect(text(await trends.top(.hour, limit: 1)) == ["a: 9"])
        }
    }

    @Test("what an aggregator tells replaces what it told before, and one that is gone is left out")
    func replaced() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        let clock = SimulatedClock()
        try await withRedis(server.topology) { client in
            let trends = RedisTrends(client, clock: clock)
            await trends.tell(board([("a", 5)], at: clock.milliseconds()), as: "one")
            await trends.tell(board([("b", 3)], at: clock.milliseconds()), as: "two")
            clock.advance(milliseconds: 10_000)
            await trends.tell(board([("a", 6)], at: clock.milliseconds()), as: "one")
            #expect(text(await trends.top(.minute, limit: 10)) == ["a: 6", "b: 3"])
            clock.advance(milliseconds: 6_000)
            #expect(text(await trends.top(.minute, limit: 10)) == ["a: 6"])
            await trends.tell(TrendBoard(), as: "one")
            #expect(await trends.top(.minute, limit: 10).isEmpty)
        }
    }

    @Test("text that nobody of this version wrote is passed over")
    func foreignText() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        let clock = SimulatedClock()
        try await withRedis(server.topology) { client in
            let trends = RedisTrends(client, clock: clock)
            await trends.tell(board([("a", 5)], at: clock.milliseconds()), as: "one")
            for (name, value) in [("x", "what?"), ("y", ""), ("z", "\(clock.milliseconds())\nnonsense\n7 b\nx c")] {
                let command = ["HSET", "likewise:top:1m", name, value].map { Array($0.utf8) }
                _ = try await client.send(RedisCommand(command, key: 1)).get()
            }
            #expect(text(await trends.top(.minute, limit: 10)) == ["b: 7", "a: 5"])
        }
    }

    @Test("a node gets the rates of all other nodes added up, without its own, and none where Redis cannot be asked")
    func rates() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        let clock = SimulatedClock()
        try await withRedis(server.topology, { $0.commandTimeout = .milliseconds(200) }) { client in
            let nodes = ["one", "two", "three"].map { RedisRates(client, clock: clock, name: $0) }
            let figures: [[(String, Int64)]] = [[("a", 10), ("b", 1)], [("a", 20)], [("a", 5), ("c d", 7)]]
            for (node, told) in zip(nodes, figures) {
                _ = await node.exchange(told.map { ContentFigure(content: Array($0.0.utf8), gained: $0.1) })
            }
            #expect(await nodes[0].exchange([]) == [Array("a".utf8): 25, Array("c d".utf8): 7])
            #expect(await nodes[1].exchange([]) == [Array("a".utf8): 5, Array("c d".utf8): 7])
            try await RedisBed.started { server.kill9() }
            #expect(await nodes[0].exchange([]) == nil)
        }
    }

    @Test("where Redis cannot be asked nothing is in the list, and telling does no harm")
    func down() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        let clock = SimulatedClock()
        try await withRedis(server.topology, { $0.commandTimeout = .milliseconds(200) }) { client in
            let trends = RedisTrends(client, clock: clock)
            try await RedisBed.started { server.kill9() }
            await trends.tell(board([("a", 5)], at: clock.milliseconds()), as: "one")
            #expect(await trends.top(.minute, limit: 10).isEmpty)
        }
    }
}
