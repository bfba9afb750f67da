import LikewiseServer
import LikewiseTestSupport
import NIOCore
import NIOHTTP2
import Testing

@Suite("HTTP/2")
struct HTTP2Tests {
    private static let like = #"{"content_id":"v","user_id":"ann"}"#
    private static let count = "/v1/likes/count/v"

    struct Call: Sendable {
        var method: String
        var path: String
        var json: String?

        init(_ method: String, _ path: String, _ json: String? = nil) {
            self.method = method
            self.path = path
            self.json = json
        }
    }

    private static let calls = [
        Call("GET", count), Call("POST", "/v1/likes", like), Call("POST", "/v1/likes", like),
        Call("POST", "/v1/likes", #"{"content_id":"v","user_id":"bob","reaction":"love"}"#), Call("GET", count),
        Call("GET", count + "?user_id=ann"), Call("POST", "/v1/likes/count/batch", #"{"content_ids":["v","w"]}"#),
        Call("PUT", "/v1/users/eve/likes/v", "{}"), Call("DELETE", "/v1/likes", like),
        Call("DELETE", "/v1/likes", like),
        Call("POST", "/v1/likes", "no JSON"), Call("POST", "/v1/likes", "{}"), Call("GET", "/nothing"),
        Call("PATCH", "/v1/likes", like), Call("GET", "/v1/likes/count/%zz"), Call("GET", "/health/live"),
        Call("GET", "/v1/content/v/likes?limit=0"), Call("HEAD", count), Call("GET", "/"),
        Call("POST", "/v1/likes", like + String(repeating: " ", count: 5_000)),
    ]

    /// With a bound of bodies below what may be sent at once.
    private static func smallBodies() -> TestServer.Options {
        var options = TLSTests.options()
        options.http.limits.bodyBytes = 4 << 10
        return options
    }

    /// An answer but for what differs by time or by the version of HTTP.
    private static func comparable(_ answer: SecureAnswer) -> String {
        let fields = answer.fields.filter { !["date", "transfer-encoding", "connection"].contains($0[0]) }
        return "\(answer.status) \(fields.map { $0.joined(separator: ": ") }.sorted()) \(answer.text)"
    }

    @Test("Every call is answered as by HTTP/1.1, to the last byte of the body and in every field but Date")
    func alike() async throws {
        let first = try await TestServer.run(HTTP2Tests.smallBodies()) { server in
            let connection = try SecureConnection(port: server.port)
            return try HTTP2Tests.calls.map { call in
                // The length of a body that HEAD leaves out cannot be told from one that comes.
                guard call.method != "HEAD" else { return "" }
                try connection.send(RawRequest(call.method, call.path, call.json).bytes)
                return HTTP2Tests.comparable(try connection.receive())
            }
        }
        let second = try await TestServer.run(HTTP2Tests.smallBodies()) { server in
            let connection = try FrameConnection(port: server.port)
            return try HTTP2Tests.calls.map { call in
                let answer = try connection.ask(call.method, call.path, call.json)
                guard call.method != "HEAD" else {
                    #expect(answer.status == 200)
                    #expect(answer.body.isEmpty)
                    return ""
                }
                return HTTP2Tests.comparable(answer)
            }
        }
        for (i, call) in HTTP2Tests.calls.enumerated() { #expect(first[i] == second[i], "\(call.method) \(call.path)") }
    }

    @Test("A hundred requests at once on one connection are all answered, each likes once")
    func atOnce() async throws {
        try await TestServer.run(TLSTests.options()) { server in
            let connection = try FrameConnection(port: server.port)
            for round in 0..<3 {
                let streams = try (0..<100).map { user in
                    try connection.send("POST", "/v1/likes", #"{"content_id":"v","user_id":"\#(round)_\#(user)"}"#)
                }
                for stream in streams { #expect(try connection.receive(stream).status == 200) }
            }
            #expect(try connection.ask("GET", HTTP2Tests.count).text.contains(#""count":300"#))
            #expect(connection.settings.contains(HTTP2Setting(parameter: .maxConcurrentStreams, value: 100)))
        }
    }

    @Test("A body whose length is not said is taken, up to the bound of its call")
    func noLength() async throws {
        try await TestServer.run(HTTP2Tests.smallBodies()) { server in
            let connection = try FrameConnection(port: server.port)
            let fields = [("content-type", "application/json")]
            let whole = try connection.begin("POST", "/v1/likes", fields, endsHere: false)
            for byte in HTTP2Tests.like.utf8 { try connection.send([byte], on: whole, endsHere: false) }
            try connection.send(Array(" ".utf8), on: whole, endsHere: true)
            #expect(try connection.receive(whole).status == 200)
            let long = try connection.begin("POST", "/v1/likes", fields, endsHere: false)
            for _ in 0..<3 {
                try connection.send([UInt8](repeating: 0x20, count: 2_000), on: long, endsHere: false)
            }
            #expect(try connection.receive(long).status == 413)
            let bulk = try connection.begin(
                "POST", "/v1/likes/batch", [("content-type", "application/x-ndjson")], endsHere: false)
            try connection.send(
                Array(#"{"content_id":"v","user_id":"bob","action":"like"}"#.utf8), on: bulk, endsHere: true)
            #expect(try connection.receive(bulk).text.contains(#""changed":1"#))
        }
    }

    @Test("A target or a head beyond the bounds is refused, and the connection goes on")
    func head() async throws {
        try await TestServer.run(TLSTests.options()) { server in
            let connection = try FrameConnection(port: server.port)
            let target = "/" + String(repeating: "a", count: 9_000)
            #expect(try connection.ask("GET", target).status == 414)
            let fields = (0..<201).map { ("a\($0)", "b") }
            #expect(try connection.ask("GET", "/health/live", nil, fields).status == 431)
            #expect(try connection.ask("GET", "/health/live").status == 200)
        }
    }

    @Test(
        "Header fields beyond the bound that the server announced, as sent or unpacked, and CONTINUATION without end, end the connection with a reason",
        arguments: [
            ("long", HTTP2ErrorCode.protocolError), ("packed", .compressionError), ("endless", .enhanceYourCalm),
        ])
    func longHead(_ kind: String, _ reason: HTTP2ErrorCode) async throws {
        try await TestServer.run(TLSTests.options()) { server in
            let connection = try FrameConnection(port: server.port)
            switch kind {
            case "long":
                let fields = (0..<20).map { ("a\($0)", String(repeating: "b", count: 4_000)) }
                try connection.sendHead(fields, frameBytes: 16_000)
            case "packed":
                // The field is in the table after the first time, and a byte each time after it.
                let field = ("a", String(repeating: "b", count: 4_000))
                try connection.sendHead([(String, String)](repeating: field, count: 20), frameBytes: 16_000)
            default:
                try connection.sendHead([("a", "a long value")], frameBytes: 1, endsHere: false)
            }
            #expect(connection.isClosedByServer())
            #expect(connection.goAways.last?.code == reason)
            #expect(try FrameConnection(port: server.port).ask("GET", "/health/live").status == 200)
        }
    }

    @Test("What one stream does wrong ends that stream alone")
    func brokenStream() async throws {
        try await TestServer.run(TLSTests.options()) { server in
            let connection = try FrameConnection(port: server.port)
            let broken = try connection.begin(
                "POST", "/v1/likes", [("content-type", "application/json"), ("content-length", "1")], endsHere: false)
            // WINDOW_UPDATE, to more than a window may be (RFC 9113, 6.9.1).
            try connection.inject(
                ByteBuffer(bytes: [0, 0, 4, 8, 0, 0, 0, 0, UInt8(broken), 0x7f, 0xff, 0xff, 0xff]))
            #expect(connection.waitForReset(broken) == .flowControlError)
            #expect(try connection.ask("GET", HTTP2Tests.count).status == 200)
            #expect(connection.goAways.isEmpty)
        }
    }

    // MARK: Clients that close

    @Test("A client that closes is let go at once")
    func closing() async throws {
        try await TestServer.run(TLSTests.options()) { server in
            let connection = try FrameConnection(port: server.port)
            #expect(try connection.ask("GET", HTTP2Tests.count).status == 200)
            connection.close()
            #expect(connection.isClosedByServer())
        }
    }

    // MARK: Slow clients

    @Test("A stream whose body does not come is reset, and the others go on")
    func slowBody() async throws {
        var options = TLSTests.options()
        options.http.readTimeout = .milliseconds(2_000)
        try await TestServer.run(options) { server in
            let connection = try FrameConnection(port: server.port)
            let slow = try connection.begin(
                "POST", "/v1/likes", [("content-type", "application/json"), ("content-length", "40")], endsHere: false)
            #expect(try connection.ask("GET", HTTP2Tests.count).status == 200)
            #expect(connection.waitForReset(slow) != nil)
            #expect(try connection.ask("GET", HTTP2Tests.count).status == 200)
        }
    }

    @Test("A connection without streams is told goodbye after the idle timeout, and closed")
    func idle() async throws {
        var options = TLSTests.options()
        options.http.idleTimeout = .milliseconds(300)
        try await TestServer.run(options) { server in
            let fresh = try FrameConnection(port: server.port)
            let used = try FrameConnection(port: server.port)
            #expect(try used.ask("GET", HTTP2Tests.count).status == 200)
            for connection in [fresh, used] {
                #expect(connection.isClosedByServer())
                #expect(connection.goAways.first?.code == .noError)
            }
        }
    }

    // MARK: Floods

    @Test("A client that resets streams by the hundred is cut off and told why, and others are served")
    func rapidReset() async throws {
        try await TestServer.run(TLSTests.options()) { server in
            let connection = try FrameConnection(port: server.port)
            let other = try FrameConnection(port: server.port)
            do {
                // Requests that are not whole, so that no answers cross the resets: the client's own frames may not like those.
                for _ in 0..<1_000 {
                    try connection.reset(try connection.begin("POST", "/v1/likes", endsHere: false))
                }
            } catch SecureFailure.closed {}
            #expect(connection.isClosedByServer())
            #expect(connection.goAways.last?.code == .enhanceYourCalm)
            #expect(try other.ask("GET", HTTP2Tests.count).status == 200)
        }
    }

    @Test(
        "A client that floods with frames that cost it nothing is cut off, and told why",
        arguments: ["ping", "settings", "data"])
    func flood(_ kind: String) async throws {
        try await TestServer.run(TLSTests.options()) { server in
            let connection = try FrameConnection(port: server.port)
            do {
                let stream = try connection.begin("POST", "/v1/likes", endsHere: false)
                for i in 0..<2_000 {
                    switch kind {
                    case "ping":
                        try connection.write(0, .ping(HTTP2PingData(withInteger: UInt64(i)), ack: false))
                    case "settings":
                        try connection.write(
                            0, .settings(.settings([HTTP2Setting(parameter: .maxFrameSize, value: 16_384)])))
                    default: try connection.send([], on: stream, endsHere: false)
                    }
                }
            } catch SecureFailure.closed {}
            #expect(connection.isClosedByServer())
            #expect(connection.goAways.last?.code == .enhanceYourCalm)
            #expect(try FrameConnection(port: server.port).ask("GET", HTTP2Tests.count).status == 200)
        }
    }

    // MARK: Shutdown

    @Test("A server that stops answers the streams that it has, says goodbye, and takes no more")
    func shutdown() async throws {
        try await TestServer.run(TLSTests.options()) { server in
            let connection = try FrameConnection(port: server.port)
            let begun = try connection.begin(
                "POST", "/v1/likes", [("content-type", "application/json")], endsHere: false)
            #expect(try connection.ask("GET", HTTP2Tests.count).status == 200)
            server.beginStop()
            #expect(connection.waitForGoAway() == .noError)
            try connection.send(Array(HTTP2Tests.like.utf8), on: begun, endsHere: true)
            #expect(try connection.receive(begun).status == 200)
            #expect(connection.isClosedByServer())
        }
    }

    @Test("Requests that cross the server's goodbye are answered, up to the last that it names")
    func crossing() async throws {
        try await TestServer.run(TLSTests.options()) { server in
            let connection = try FrameConnection(port: server.port)
            #expect(try connection.ask("GET", HTTP2Tests.count).status == 200)
            try connection.setReading(false)
            server.beginStop()
            var streams: [Int] = []
            do {
                for user in 0..<100 {
                    streams.append(
                        try connection.send("POST", "/v1/likes", #"{"content_id":"v","user_id":"\#(user)"}"#))
                }
            } catch SecureFailure.closed {
                // The server did not wait any longer for a client that does not read.
            }
            // Fails where the connection has ended already.
            try? connection.setReading(true)
            #expect(connection.isClosedByServer())
            let last = connection.goAways.map(\.last).min() ?? 0
            for stream in streams where stream <= last { #expect(try connection.receive(stream).status == 200) }
            #expect(connection.goAways.allSatisfy { $0.code == .noError })
        }
    }
}
