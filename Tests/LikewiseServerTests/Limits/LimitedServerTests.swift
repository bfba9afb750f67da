// Rate limits through a whole server, with a clock that goes by the test's word.

import Foundation
import LikewiseCore
import LikewiseServer
import LikewiseTestSupport
import NIOCore
import Testing

@Suite("A server with rate limits")
struct LimitedServerTests {
    private static let minute: UInt64 = 60_000_000_000

    private static func options(
        _ limits: [(RateLimitKind, UInt64)], clock: SimulatedClock, from options: TestServer.Options = .init()
    ) throws -> TestServer.Options {
        var options = options
        options.clock = clock
        // What moves here is the clock of limits; nobody is quiet for long.
        options.http.idleTimeout = .hours(24)
        options.http.readTimeout = .hours(24)
        for (kind, count) in limits { options.http.rateLimits[kind] = try #require(RateLimit(count, in: minute)) }
        return options
    }

    private static func like(_ content: String, _ user: String) -> RawRequest {
        RawRequest("POST", "/v1/likes", #"{"content_id":"\#(content)","user_id":"\#(user)"}"#)
    }

    /// A field that sends a request through the full stack.
    private static func detour(_ request: RawRequest, _ isDetoured: Bool) -> RawRequest {
        isDetoured ? request.with("If-None-Match", "\"never\"") : request
    }

    @Test(
        "over ten simulated minutes each of 10,000 users passes exactly as often as is allowed",
        .timeLimit(.minutes(5)))
    func exactNumber() async throws {
        let clock = SimulatedClock()
        let passed = try await TestServer.run(try Self.options([(.userContent, 10)], clock: clock)) { server in
            let connection = try server.connect()
            var passed = [Int](repeating: 0, count: 10_000)
            let requests = passed.indices.map { Self.like("video_abc", "user_\($0)").bytes }
            func ask(_ times: Int) throws {
                for start in stride(from: 0, to: requests.count, by: 50) {
                    let users = (start..<start + 50).flatMap { Array(repeating: $0, count: times) }
                    try connection.send(Array(users.map { requests[$0] }.joined()))
                    for user in users where try connection.receive().status != 429 { passed[user] += 1 }
                }
            }
            // What is allowed at each moment, and one or two more.
            for (seconds, times) in [(0, 12), (6, 2), (18, 4), (294, 12), (300, 3), (600, 12)] {
                clock.advance(milliseconds: UInt64(seconds) * 1_000 - clock.nanoseconds() / 1_000_000)
                try ask(times)
            }
            return passed
        }
        #expect(passed.allSatisfy { $0 == 10 + 1 + 2 + 10 + 1 + 10 })
    }

    @Test("bulk intake rejects the lines beyond a user's limit by number, and counts the others")
    func bulk() async throws {
        let clock = SimulatedClock()
        let answers = try await TestServer.run(try Self.options([(.userContent, 10)], clock: clock)) { server in
            let connection = try server.connect()
            func ask(_ users: Range<Int>) throws -> String {
                let lines = users.flatMap { user in
                    Array(repeating: #"{"content_id":"v","user_id":"user_\#(user)","action":"like"}"#, count: 11)
                }
                var request = RawRequest("POST", "/v1/likes/batch", lines.joined(separator: "\n"))
                request.fields = [("content-type", "application/x-ndjson")]
                let answer = try connection.ask(request)
                #expect(answer.status == 200)
                return answer.text
            }
            var answers = [try ask(0..<2)]
            for _ in 0...10 {
                clock.advance(milliseconds: 60_000)
                answers.append(try ask(0..<5_000))
                answers.append(try ask(5_000..<10_000))
            }
            return answers
        }
        let detail = #""code":"rate_limited","detail":"Too many changes by this user on this content."#
        #expect(answers[0].hasPrefix(#"{"accepted":20,"changed":2,"unchanged":18,"rejected":[{"line":11,\#(detail)"#))
        #expect(answers[0].contains(#"{"line":22,\#(detail)"#))
        // Ten each minute of the ten, and ten to begin with, from each of 10,000 users.
        #expect(answers.dropFirst().allSatisfy { $0.hasPrefix(#"{"accepted":50000,"#) })
    }

    @Test("a refusal says which limit it was and when to come again, both ways", arguments: [false, true])
    func refusal(isDetoured: Bool) async throws {
        let clock = SimulatedClock()
        try await TestServer.run(try Self.options([(.userContent, 10), (.address, 40)], clock: clock)) { server in
            let connection = try server.connect()
            let request = Self.detour(Self.like("v", "ann"), isDetoured)
            for left in (0..<10).reversed() {
                let answer = try connection.ask(request)
                #expect(answer.status != 429)
                #expect(answer.field("RateLimit") == "\"user-content\";r=\(left);t=6")
                #expect(answer.field("RateLimit-Policy") == "\"user-content\";q=10;w=60, \"address\";q=40;w=60")
            }
            let answer = try connection.ask(request)
            #expect(answer.line == "HTTP/1.1 429 Too Many Requests")
            #expect(answer.field("Retry-After") == "6")
            #expect(answer.field("RateLimit") == "\"user-content\";r=0;t=6")
            #expect(answer.field("Content-Type") == "application/problem+json")
            #expect(answer.says("code", "\"rate_limited\"") && answer.says("status", "429"))
            clock.advance(milliseconds: 5_500)
            #expect(try connection.ask(request).field("Retry-After") == "1")
            clock.advance(milliseconds: 500)
            #expect(try connection.ask(request).status == 409)
            // Nothing was changed by those that were refused.
            let count = try connection.ask(RawRequest("GET", "/v1/likes/count/v?user_id=ann"))
            #expect(count.says("count", "1") && count.field("RateLimit") == nil)
        }
    }

    @Test("a connection keeps its address when it moves to the full stack, and calls of all kinds count")
    func moves() async throws {
        let clock = SimulatedClock()
        try await TestServer.run(try Self.options([(.address, 5)], clock: clock)) { server in
            let connection = try server.connect()
            #expect(try connection.ask(RawRequest("GET", "/v1/likes/count/v")).status == 200)
            #expect(try connection.ask(Self.like("v", "ann")).status == 200)
            #expect(try connection.ask(RawRequest("GET", "/v1/users/ann/likes/v")).status == 200)
            #expect(try connection.ask(RawRequest("GET", "/v1/content/top")).status == 200)
            let batch = RawRequest("POST", "/v1/likes/count/batch", #"{"content_ids":["v"]}"#)
            #expect(try connection.ask(batch).status == 200)
            let other = try server.connect()
            let calls = [
                RawRequest("GET", "/v1/likes/count/v"), batch, Self.like("v", "bob"),
                RawRequest("GET", "/v1/content/v"),
                RawRequest("GET", "/v1/users/ann/likes"), RawRequest("GET", "/v1/content/v/likes"),
                RawRequest("DELETE", "/v1/content/v"), RawRequest("PUT", "/v1/users/ann/likes/v"),
                RawRequest("PUT", "/v1/content/v", #"{"content_type":"video"}"#),
            ]
            for call in calls {
                #expect(try other.ask(call).status == 429, "\(call.method) \(call.target)")
                #expect(try connection.ask(call).status == 429, "\(call.method) \(call.target)")
            }
            // What an operator and his probes ask for is never limited.
            for path in ["/health/live", "/health/ready", "/metrics", "/openapi.json", "/"] {
                #expect(try other.ask(RawRequest("GET", path)).status == 200, "\(path)")
            }
        }
    }

    @Test("X-Forwarded-For counts from a trusted proxy alone, by subscriber, both ways", arguments: [false, true])
    func forwarded(isDetoured: Bool) async throws {
        var options = try Self.options([(.address, 2)], clock: SimulatedClock())
        func statuses(_ callers: [[String]]) async throws -> [Int] {
            try await TestServer.run(options) { server in
                let connection = try server.connect()
                return try callers.map { fields in
                    var request = Self.detour(RawRequest("GET", "/v1/likes/count/v"), isDetoured)
                    for field in fields { request = request.with("X-Forwarded-For", field) }
                    return try connection.ask(request).status
                }
            }
        }
        let forged = [["192.0.2.1"], ["192.0.2.2"], ["192.0.2.3"], ["192.0.2.4, 192.0.2.5"]]
        #expect(try await statuses(forged) == [200, 200, 429, 429], "the connection's end is nobody's proxy")
        options.http.trustedProxies = TrustedProxies([try #require(NetworkRange("127.0.0.0/8"))])
        #expect(try await statuses(forged) == [200, 200, 200, 200])
        let made = [["1.1.1.1, 192.0.2.1"], ["2.2.2.2, 192.0.2.1"], ["3.3.3.3, 192.0.2.1"], ["4.4.4.4", "192.0.2.1"]]
        #expect(try await statuses(made) == [200, 200, 429, 429], "what stands before it the caller made up")
        let subscriber = [["2001:db8::1"], ["[2001:db8::2]:443"], ["2001:db8:0:0:ffff::3"], ["2001:db8:0:1::1"]]
        #expect(try await statuses(subscriber) == [200, 200, 429, 200])
        #expect(try await statuses([["nonsense"], [], [""]]) == [200, 200, 429], "then it is the proxy himself")
    }

    @Test("a key's calls are counted by the key, and a user's changes by the user of his token")
    func identity() async throws {
        let bed = try IdentityBed()
        let key = try bed.key([.likesWrite])
        let other = try bed.key([.likesWrite], name: "other")
        let token = try await bed.issuer.token("ann")
        for isDetoured in [false, true] {
            var options = try Self.options([(.user, 2), (.key, 3)], clock: SimulatedClock(), from: bed.options)
            // The second server knows nothing of the first one's likes.
            options.ledger = SimulatedLedger()
            try await TestServer.run(options) { server in
                let connection = try server.connect()
                func ask(_ content: String, _ user: String, _ credential: String) throws -> Int {
                    try connection.ask(Self.detour(Self.like(content, user), isDetoured).bearing(credential)).status
                }
                #expect(try ask("a", "ann", token) == 200)
                #expect(try ask("b", "bob", token) == 403, "which counts for nobody")
                #expect(try ask("b", "ann", key) == 200)
                #expect(try ask("c", "ann", token) == 429)
                #expect(try ask("c", "ann", key) == 429, "and is not counted by the key")
                #expect(try ask("c", "bob", key) == 200)
                #expect(try ask("c", "eve", key) == 200)
                #expect(try ask("c", "dan", key) == 429)
                #expect(try ask("c", "dan", other) == 200)
            }
        }
    }

    @Test("a repeated Idempotency-Key is counted like any call, and a refusal is not what is stored")
    func idempotency() async throws {
        let clock = SimulatedClock()
        try await TestServer.run(try Self.options([(.user, 1)], clock: clock)) { server in
            let connection = try server.connect()
            #expect(try connection.ask(Self.like("v", "ann")).status == 200)
            let request = Self.like("w", "ann").with("Idempotency-Key", "k")
            #expect(try connection.ask(request).status == 429)
            clock.advance(milliseconds: 60_000)
            #expect(try connection.ask(request).status == 200)
            clock.advance(milliseconds: 60_000)
            #expect(try connection.ask(request).status == 200)
        }
    }
}
