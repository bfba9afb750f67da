import LikewiseServer
import LikewiseTestSupport
import NIOCore
import Testing

@Suite("How connections end")
struct ClosingTests {
    private static let count = RawRequest("GET", "/v1/likes/count/v")

    private static func like(_ user: Int) -> RawRequest {
        RawRequest("POST", "/v1/likes", #"{"content_id":"v","user_id":"\#(user)"}"#)
    }

    // MARK: The client says that no more comes

    @Test("A client that sends no more gets all its answers, then the end", arguments: SeededRandom.seeds(8))
    func halfClose(seed: UInt64) async throws {
        try await TestServer.run { server in
            var random = SeededRandom(seed: seed)
            var model = LikeModel(name: "half")
            let steps = (0..<random.within(1...60)).map { _ in
                model.step(&random, isHot: !random.chance(oneIn: 5))
            }
            let connection = try server.connect()
            try connection.send(steps.flatMap(\.request.bytes))
            connection.finishSending()
            for step in steps {
                let answer = try connection.receive()
                #expect(answer.status == step.status, "seed \(seed)")
                #expect(answer.text.hasSuffix(step.ending), "seed \(seed)")
            }
            try connection.expectEnd()
        }
    }

    @Test("A client that ends in the middle of a request is not kept", arguments: [1, 60, 100, 120])
    func halfRequest(_ bytes: Int) async throws {
        try await TestServer.run { server in
            let request = ClosingTests.like(1).bytes
            let other = RawRequest("PUT", "/v1/users/u/likes/v", #"{"reaction":"love", "padding":"0123456789"}"#).bytes
            for request in [request, other] {
                let connection = try server.connect()
                try connection.send(Array(request[..<min(bytes, request.count - 1)]))
                connection.finishSending()
                do {
                    while case let answer = try connection.receive() { #expect(answer.status == 400) }
                } catch RawConnection.Failure.closed {}
            }
            #expect(try server.connect().ask(ClosingTests.count).says("count", "0"))
        }
    }

    // MARK: Timeouts

    /// Waits for the end of a connection that did `actions`; answers how long that took.
    private func untilEnd(
        idle: TimeAmount, read: TimeAmount, _ actions: @escaping @Sendable (RawConnection) throws -> Void
    ) async throws -> Duration {
        var options = TestServer.Options()
        options.http.idleTimeout = idle
        options.http.readTimeout = read
        return try await TestServer.run(options) { server in
            // Before the server can know of it, whose time begins when it does.
            let began = ContinuousClock.now
            let connection = try server.connect()
            try actions(connection)
            try connection.expectEnd()
            return ContinuousClock.now - began
        }
    }

    @Test("A connection on which nothing happens is closed after the idle timeout, and not before")
    func idle() async throws {
        let took = try await untilEnd(idle: .milliseconds(60), read: .hours(1)) { _ in }
        #expect(took >= .milliseconds(59))
    }

    @Test(
        "A connection on which nothing more happens is closed after the idle timeout, and not before",
        arguments: [count, RawRequest("GET", "/health/live")])
    func idleAfterAnswer(_ request: RawRequest) async throws {
        let took = try await untilEnd(idle: .milliseconds(1_000), read: .hours(1)) { connection in
            let answer = try connection.ask(request)
            #expect(answer.status == 200)
        }
        #expect(took >= .milliseconds(990))
    }

    @Test(
        "A request that does not come to its end is cut off after the read timeout",
        arguments: [
            "G", "GET / HTTP/1.1\r\nHost: a\r\nA: b",
            "POST /v1/likes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{",
            "PUT /v1/users/u/likes/v HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n{",
            "POST /v1/likes HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 40\r\n\r\n{",
        ])
    func readTimeout(_ text: String) async throws {
        let took = try await untilEnd(idle: .hours(1), read: .milliseconds(60)) { connection in
            try connection.send(text)
        }
        #expect(took >= .milliseconds(59))
    }

    @Test("A request that drips in is cut off, however little time is between its bytes")
    func drip() async throws {
        var options = TestServer.Options()
        options.http.idleTimeout = .hours(1)
        options.http.readTimeout = .milliseconds(60)
        try await TestServer.run(options) { server in
            let connection = try server.connect()
            #expect(throws: RawConnection.Failure.closed) {
                let began = ContinuousClock.now
                try connection.send("GET / HTTP/1.1\r\nHost: a\r\n")
                while ContinuousClock.now - began < .seconds(20) {
                    try connection.send("")
                    // A round trip elsewhere is the time between two bytes.
                    #expect(try server.connect().ask(ClosingTests.count).status == 200)
                    try connection.send("A: b\r\n")
                }
            }
        }
    }

    @Test("A connection that the full stack has for good ends by the idle timeout, not by that of its first request")
    func idleAfterChunks() async throws {
        var options = TestServer.Options()
        options.http.idleTimeout = .milliseconds(3_000)
        options.http.readTimeout = .milliseconds(1_000)
        let took = try await TestServer.run(options) { server in
            let connection = try server.connect()
            try connection.send("GET /health/live HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chun")
            // Answers on every event loop: now the first part has been looked at.
            for _ in 0..<16 { #expect(try server.connect().ask(ClosingTests.count).status == 200) }
            let began = ContinuousClock.now
            try connection.send("ked\r\n\r\n0\r\n\r\n")
            #expect(try connection.receive().status == 200)
            try connection.expectEnd()
            return ContinuousClock.now - began
        }
        #expect(took >= .milliseconds(2_900))
    }

    @Test("A refused client that does not close is cut off after the read timeout")
    func refused() async throws {
        let took = try await untilEnd(idle: .hours(1), read: .milliseconds(60)) { connection in
            try connection.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n")
            #expect(try connection.receive().status == 413)
        }
        #expect(took >= .zero)
    }

    // MARK: Bounds

    @Test("A connection above the bound waits until another one ends")
    func maxConnections() async throws {
        var options = TestServer.Options()
        options.http.maxConnections = 2
        try await TestServer.run(options) { server in
            var first: RawConnection? = try server.connect()
            let second = try server.connect()
            #expect(try first?.ask(ClosingTests.count).status == 200)
            #expect(try second.ask(ClosingTests.count).status == 200)
            let third = try server.connect()
            try third.send(ClosingTests.count.bytes)
            for _ in 0..<100 { #expect(try second.ask(ClosingTests.count).status == 200) }
            #expect(!third.hasSomething)
            first = nil
            #expect(try third.receive().status == 200)
        }
    }

    // MARK: Shutdown

    @Test("What was accepted is answered before the server stops, and then the connection ends")
    func shutdown() async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            // In one segment, so that all of it is there when the first answer is.
            var requests = (0..<5).map(ClosingTests.like)
            requests.append(RawRequest("GET", "/v1/users/1/likes/v"))
            requests += (0..<5).map { _ in ClosingTests.count }
            requests.append(RawRequest("PUT", "/v1/users/5/likes/v"))
            requests.append(ClosingTests.count)
            let bytes = requests.flatMap(\.bytes)
            #expect(bytes.count < 2048)
            try connection.send(bytes)
            #expect(try connection.receive().status == 200)
            server.beginStop()
            for _ in requests.dropFirst(2) { #expect(try connection.receive().status == 200) }
            #expect(try connection.receive().says("count", "6"))
            try connection.expectEnd()
        }
    }

    @Test("Connections on which nothing is under way end at once when the server stops")
    func shutdownIdle() async throws {
        var options = TestServer.Options()
        options.http.idleTimeout = .hours(1)
        try await TestServer.run(options) { server in
            let fresh = try server.connect()
            let hot = try server.connect()
            #expect(try hot.ask(ClosingTests.count).status == 200)
            let full = try server.connect()
            #expect(try full.ask(RawRequest("GET", "/health/live")).status == 200)
            let chunked = try server.connect()
            try chunked.send("GET /health/live HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            #expect(try chunked.receive().status == 200)
            server.beginStop()
            for connection in [hot, full, chunked, fresh] { try connection.expectEnd() }
        }
    }
}
