// The detector at the door of a server: what becomes of likes, at once and afterwards, by the event loop's way and the full
// stack's.

import LikewiseEngine
import LikewiseServer
import LikewiseTestSupport
import Logging
import Testing

@Suite("Likes judged by the detector")
struct AbuseJudgeTests {
    private static func like(_ content: Int, _ user: String, from address: String?) -> RawRequest {
        let request = RawRequest("POST", "/v1/likes", #"{"content_id":"v\#(content)","user_id":"\#(user)"}"#)
        return address.map { request.with("X-Forwarded-For", $0).with("User-Agent", "app/1") } ?? request
    }

    /// A server behind a proxy on loopback, with a detector of which the clock stands still.
    private func withServer(
        _ mode: AbuseMode, _ test: @escaping @Sendable (TestServer) throws -> Void
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let judge = AbuseJudge(AbuseGuard(mode: mode, seed: 7), clock: SimulatedClock(), logger: logger)
        var options = TestServer.Options()
        options.judge = judge
        options.http.trustedProxies = TrustedProxies([try #require(NetworkRange("127.0.0.0/8"))])
        try await TestServer.run(options) { server in
            let service = LikeService(
                engine: server.engine, idempotency: IdempotencyStore(IdempotencyStore.Options(), restoring: []),
                clock: SystemClock())
            let judging = Task { await judge.run(service) }
            defer { judging.cancel() }
            try test(server)
        }
    }

    private static func count(_ content: Int, _ connection: RawConnection) throws -> Int {
        let answer = try connection.ask(RawRequest("GET", "/v1/likes/count/v\(content)"))
        for count in 0...3 where answer.says("count", "\(count)") { return count }
        throw RawConnection.Failure.closed
    }

    @Test(
        "Who likes faster than people can is held, then refused, and what counted before is held too",
        arguments: [false, true])
    func rate(detour: Bool) async throws {
        try await withServer(.enforce) { server in
            let connection = try server.connect()
            func ask(_ request: RawRequest) throws -> Int {
                try connection.ask(detour ? request.detoured : request).status
            }
            #expect(try ask(Self.like(3, "ann", from: "192.0.2.9")) == 200)
            let statuses = try (0..<130).map { try ask(Self.like($0, "bot", from: "198.51.100.7")) }
            #expect(statuses.prefix(100).allSatisfy { $0 == 200 }, "he is told of nothing")
            #expect(statuses.last == 403)
            let began = ContinuousClock.now
            for content in 0..<100 {
                let expected = content == 3 ? 1 : 0
                while try Self.count(content, connection) != expected {
                    try #require(ContinuousClock.now - began < .seconds(60), "v\(content) still counts")
                }
            }
            #expect(try connection.ask(RawRequest("GET", "/v1/users/bot/likes/v0")).says("liked", "true"))
        }
    }

    @Test("Who only observes counts every like", arguments: [false, true])
    func observe(detour: Bool) async throws {
        try await withServer(.observe) { server in
            let connection = try server.connect()
            for content in 0..<130 {
                let request = Self.like(content, "bot", from: "198.51.100.7")
                #expect(try connection.ask(detour ? request.detoured : request).status == 200)
            }
            for content in 0..<130 { #expect(try Self.count(content, connection) == 1) }
        }
    }

    @Test(
        "Likes of which nobody said where their users are, are not judged: they count",
        arguments: [nil, "127.0.0.1", "no address"])
    func unknown(address: String?) async throws {
        try await withServer(.enforce) { server in
            let connection = try server.connect()
            for content in 0..<130 {
                for request in [
                    Self.like(content, "bot", from: address), Self.like(content, "bod", from: address).detoured,
                ] {
                    #expect(try connection.ask(request).status == 200)
                }
            }
            let lines = (0..<130).map { #"{"content_id":"v\#($0)","user_id":"boe","action":"like"}"# }
            var bulk = RawRequest("POST", "/v1/likes/batch")
            bulk.body = Array(lines.joined(separator: "\n").utf8)
            bulk.fields = [("Content-Type", "application/x-ndjson"), ("X-Forwarded-For", "198.51.100.7")]
            #expect(try connection.ask(bulk).says("changed", "130"))
            for content in 0..<130 { #expect(try Self.count(content, connection) == 3) }
        }
    }
}
