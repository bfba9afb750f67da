import LikewiseAPI
import LikewiseClient
import Testing

@Suite("Counts and bulk intake of the client")
struct CoalescingTests {
    /// Answers a batch as the server does: the count of a content is the length of its id.
    private static func counts(_ request: ScriptedServer.Request) -> ScriptedServer.Step {
        let json = try? JSONValue(parsing: Array(request.body.utf8))
        let user = json?["user_id"]?.text
        let counts = (json?["content_ids"]?.entries ?? []).compactMap(\.text).map { id in
            let own = user == nil ? "" : #","liked":false"#
            return
                #"{"content_id":"\#(id)","count":\#(id.utf8.count),"reactions":{},"approx":true,"display":"1"\#(own)}"#
        }
        return .answer(200, body: #"{"counts":[\#(counts.joined(separator: ","))]}"#)
    }

    private static func client(_ server: ScriptedServer, window: Duration) -> LikewiseClient {
        var configuration = LikewiseClient.Configuration(url: server.url)
        configuration.countWindow = window
        return LikewiseClient(configuration)
    }

    @Test("250 tasks that ask for 250 contents send three requests at most, and each gets his own")
    func together() async throws {
        try await ScriptedServer.with({ _, request in Self.counts(request) }) { server in
            // Longer than it takes to start the tasks; full windows do not wait for it.
            let client = Self.client(server, window: .seconds(1))
            let found = try await withThrowingTaskGroup(of: (Int, Count).self) { group in
                for i in 0..<250 {
                    group.addTask { (i, try await client.count(of: String(repeating: "x", count: i + 1))) }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            #expect((0..<250).allSatisfy { found[$0]?.count == UInt64($0 + 1) })
            #expect(server.requests.count == 3)
            #expect(server.requests.allSatisfy { $0.target == "/v1/likes/count/batch" && $0.method == "POST" })
        }
    }

    @Test("The same content is asked for once, and each user by himself")
    func once() async throws {
        try await ScriptedServer.with({ _, request in Self.counts(request) }) { server in
            let client = Self.client(server, window: .milliseconds(500))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for i in 0..<60 {
                    group.addTask { _ = try await client.count(of: "c", user: i % 2 == 0 ? nil : "u\(i % 3)") }
                }
                try await group.waitForAll()
            }
            #expect(server.requests.count == 4)
            #expect(server.requests.allSatisfy { $0.body.contains(#""content_ids":["c"]"#) })
        }
    }

    @Test("All who came along get the error, and one who is cancelled does not wait for it")
    func failure() async throws {
        try await ScriptedServer.with({ _, _ in CallTests.problem(403, "forbidden") }) { server in
            let client = Self.client(server, window: .milliseconds(100))
            await withTaskGroup(of: ProblemCode?.self) { group in
                for i in 0..<5 {
                    group.addTask {
                        do { _ = try await client.count(of: "c\(i)") } catch { return (error as? LikewiseError)?.code }
                        return nil
                    }
                }
                for await code in group { #expect(code == .forbidden) }
            }
            #expect(server.requests.count == 1)
        }
        try await ScriptedServer.with({ _, _ in .silence }) { server in
            let client = Self.client(server, window: .seconds(3_600))
            let call = Task { try await client.count(of: "c") }
            call.cancel()
            await #expect(throws: CancellationError.self) { try await call.value }
        }
    }

    @Test("Many contents are asked for in pieces, in order")
    func pieces() async throws {
        try await ScriptedServer.with({ _, request in Self.counts(request) }) { server in
            let ids = (0..<205).map { "content_\($0)" }
            let counts = try await Self.client(server, window: .zero).counts(of: ids)
            #expect(counts.map(\.contentID) == ids)
            #expect(server.requests.count == 3)
        }
    }

    @Test("Bulk intake goes in pieces of 100,000 lines, and rejected intents are told by their place among all")
    func bulk() async throws {
        try await ScriptedServer.with({ number, request in
            let lines = request.body.utf8.count { $0 == 0x0a }
            return .answer(
                200,
                body: """
                    {"accepted":\(lines - 1),"changed":\(lines - 2),"unchanged":1,\
                    "rejected":[{"line":\(number + 1),"code":"invalid_request","detail":"d"}]}
                    """)
        }) { server in
            let client = Self.client(server, window: .zero)
            let intents = (0..<100_003).map { Intent.like("c", by: "u\($0)") }
            let result = try await client.send(intents)
            #expect(result.accepted == 100_001 && result.changed == 99_999 && result.unchanged == 2)
            #expect(result.rejectedCount == 2 && result.rejected.map(\.index) == [0, 100_001])
            #expect(server.requests.count == 2)
            #expect(Set(server.requests.compactMap { $0.headers["idempotency-key"] }).count == 2)
            #expect(server.requests.allSatisfy { $0.headers["content-type"] == "application/x-ndjson" })
            let last = server.requests[1].body.split(separator: "\n")
            #expect(last.count == 3)
            #expect(last[0] == #"{"content_id":"c","user_id":"u100000","action":"like","reaction":"like"}"#)
            #expect(try await client.send([Intent]()).accepted == 0)
            #expect(server.requests.count == 2)
        }
    }

    @Test("A piece that fails says what those before it came to")
    func bulkFailure() async throws {
        try await ScriptedServer.with({ number, _ in
            number == 0
                ? .answer(200, body: #"{"accepted":100000,"changed":7,"unchanged":99993,"rejected":[]}"#)
                : CallTests.problem(413, "body_too_large")
        }) { server in
            let client = Self.client(server, window: .zero)
            let intents = (0..<100_001).map { Intent.unlike("c", by: "u\($0)") }
            let error = await #expect(throws: LikewiseError.self) { try await client.send(intents, exactTotals: false) }
            #expect(error?.code == .bodyTooLarge && error?.taken?.accepted == 100_000 && error?.taken?.changed == 7)
            #expect(server.requests.allSatisfy { $0.headers["idempotency-key"] == nil })
        }
    }
}
