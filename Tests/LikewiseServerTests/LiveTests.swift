// Streams of counts, over a real connection.

import LikewiseEngine
import LikewiseServer
import LikewiseTestSupport
import Testing

/// A stream of server-sent events.
private struct EventStream {
    struct Event {
        var name = ""
        var id = ""
        var data = ""

        /// Whether the data says `"name":value` with this value as JSON.
        func says(_ name: String, _ json: String) -> Bool {
            data.contains("\"\(name)\":\(json),") || data.contains("\"\(name)\":\(json)}")
        }
    }

    let head: RawAnswer
    /// The milliseconds after which to come again.
    private(set) var retry: Int?
    private let connection: RawConnection
    private var waiting: [Event] = []

    /// Follows `target`. The first chunk, with what is sent at once, is read.
    init(_ server: TestServer, _ target: String, after id: String? = nil) throws {
        connection = try server.connect()
        var request = RawRequest("GET", target)
        if let id { request = request.with("Last-Event-ID", id) }
        try connection.send(request.bytes)
        head = try connection.receive(toHead: true)
        if head.status == 200 { _ = try take() }
    }

    /// What came at once and was not asked for yet.
    var first: [Event] { waiting }

    /// The next event; nil where the stream has ended.
    mutating func next() throws -> Event? {
        while waiting.isEmpty { guard try take() else { return nil } }
        return waiting.removeFirst()
    }

    private mutating func take() throws -> Bool {
        guard let chunk = try connection.receiveChunk() else { return false }
        var event = Event()
        for line in chunk.split(separator: "\n", omittingEmptySubsequences: false) {
            let parts = line.split(separator: ": ", maxSplits: 1).map(String.init)
            switch parts.first {
            case "event": event.name = parts[1]
            case "id": event.id = parts[1]
            case "data": event.data = parts[1]
            case "retry": retry = Int(parts[1])
            case nil where !event.name.isEmpty:
                waiting.append(event)
                event = Event()
            default: break
            }
        }
        return true
    }
}

@Suite("Live counts")
struct LiveTests {
    private static func like(_ content: String, _ user: String) -> RawRequest {
        RawRequest("POST", "/v1/likes", #"{"content_id":"\#(content)","user_id":"\#(user)"}"#)
    }

    @Test("A stream tells the count at once and then each change, in the words of a count, and of no other content")
    func changes() async throws {
        try await TestServer.run { server in
            let caller = try server.connect()
            _ = try caller.ask(Self.like("v", "ann"))
            var stream = try EventStream(server, "/v1/live?content_id=v&content_id=w")
            #expect(stream.head.status == 200 && stream.head.field("content-type") == "text/event-stream")
            #expect(stream.head.field("cache-control") == "no-store")
            let retry = try #require(stream.retry)
            #expect((1_000...3_000).contains(retry))
            let count = try caller.ask(RawRequest("GET", "/v1/likes/count/v")).text
            let (v, w) = (try #require(try stream.next()), try #require(try stream.next()))
            #expect(v.name == "count" && v.data == count && v.says("count", "1"))
            #expect(w.name == "count" && w.says("content_id", "\"w\"") && w.says("count", "0"))
            _ = try caller.ask(Self.like("x", "ann"))
            _ = try caller.ask(Self.like("w", "ann"))
            let changed = try #require(try stream.next())
            #expect(changed.says("content_id", "\"w\"") && changed.says("count", "1") && changed.id != w.id)
            _ = try caller.ask(RawRequest("DELETE", "/v1/likes", #"{"content_id":"v","user_id":"ann"}"#))
            let back = try #require(try stream.next())
            #expect(back.says("content_id", "\"v\"") && back.says("count", "0"))
        }
    }

    @Test("Whoever comes again with the last id is told of what changed since, and of nothing else")
    func reconnect() async throws {
        try await TestServer.run { server in
            let caller = try server.connect()
            // Keeps both contents followed while the other one is away.
            let other = try EventStream(server, "/v1/live?content_id=v&content_id=w")
            var stream = try EventStream(server, "/v1/live?content_id=v&content_id=w")
            _ = try caller.ask(Self.like("v", "ann"))
            var last = try #require(try stream.next())
            while !last.says("count", "1") { last = try #require(try stream.next()) }
            let same = try EventStream(server, "/v1/live?content_id=v&content_id=w", after: last.id)
            #expect(same.first.isEmpty)
            _ = try caller.ask(Self.like("w", "ann"))
            let later = try EventStream(server, "/v1/live?content_id=v&content_id=w", after: last.id)
            #expect(later.first.map(\.data).filter { $0.contains("\"v\"") }.isEmpty)
            #expect(later.first.contains { $0.says("content_id", "\"w\"") && $0.says("count", "1") })
            for id in ["", "1-2-3", "zz-1", "0-999999"] {
                #expect(try EventStream(server, "/v1/live?content_id=v", after: id).first.count == 1)
            }
            withExtendedLifetime(other) {}
        }
    }

    @Test("Events come in the order of their ids, whatever the order asked for: a stream that is cut loses none")
    func order() async throws {
        try await TestServer.run { server in
            let other = try EventStream(server, "/v1/live?content_id=c&content_id=b&content_id=a")
            let stream = try EventStream(server, "/v1/live?content_id=a&content_id=b&content_id=c")
            let sequences = stream.first.compactMap { $0.id.split(separator: "-").last.flatMap { Int($0) } }
            #expect(sequences.count == 3 && sequences == sequences.sorted())
            #expect(stream.first.first?.says("content_id", "\"c\"") == true)
            withExtendedLifetime(other) {}
        }
    }

    @Test("A content that is deleted is gone, and comes back when it is registered again")
    func gone() async throws {
        var options = TestServer.Options()
        options.strictContent = true
        try await TestServer.run(options) { server in
            let caller = try server.connect()
            let put = RawRequest("PUT", "/v1/content/v", #"{"content_type":"video"}"#)
            #expect(try EventStream(server, "/v1/live?content_id=v").head.status == 404)
            _ = try caller.ask(put)
            var stream = try EventStream(server, "/v1/live?content_id=v")
            #expect(try stream.next()?.says("count", "0") == true)
            _ = try caller.ask(RawRequest("DELETE", "/v1/content/v"))
            let gone = try #require(try stream.next())
            #expect(gone.name == "gone" && gone.data == #"{"content_id":"v"}"#)
            _ = try caller.ask(put)
            let back = try #require(try stream.next())
            #expect(back.name == "count" && back.says("count", "0"))
        }
    }

    @Test(
        "What cannot be followed is refused",
        arguments: [
            ("GET", "/v1/live", 400), ("GET", "/v1/live?content_id=", 400), ("GET", "/v1/live?content_id=%00", 400),
            ("GET", "/v1/live?" + (0...100).map { "content_id=c\($0)" }.joined(separator: "&"), 400),
            ("POST", "/v1/live?content_id=v", 405),
        ])
    func refused(_ method: String, _ target: String, _ status: Int) async throws {
        try await TestServer.run { server in
            let caller = try server.connect()
            #expect(try caller.ask(RawRequest(method, target)).status == status)
        }
    }

    @Test("HEAD tells of a stream and does not begin one")
    func head() async throws {
        try await TestServer.run { server in
            let caller = try server.connect()
            let answer = try caller.ask(RawRequest("HEAD", "/v1/live?content_id=v"))
            #expect(answer.status == 200 && answer.field("content-type") == "text/event-stream")
            #expect(try caller.ask(RawRequest("GET", "/v1/likes/count/v")).status == 200)
        }
    }

    @Test("A server that stops ends its streams")
    func stop() async throws {
        try await TestServer.run { server in
            var streams = try (0..<20).map { try EventStream(server, "/v1/live?content_id=v\($0 % 3)") }
            server.beginStop()
            for i in streams.indices {
                _ = try streams[i].next()
                #expect(try streams[i].next() == nil)
            }
        }
    }
}
