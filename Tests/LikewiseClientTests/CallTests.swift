import LikewiseAPI
import LikewiseClient
import LikewiseTestSupport
import Synchronization
import Testing

@Suite("Calls of the client")
struct CallTests {
    static let liked =
        #"{"content_id":"c","user_id":"u","liked":true,"reaction":"like","count":3,"#
        + #""reactions":{"like":3},"approx":false,"changed":true,"new_field":[1]}"#

    static func problem(_ status: Int, _ code: String) -> ScriptedServer.Step {
        .answer(status, body: #"{"status":\#(status),"code":"\#(code)","detail":"Words."}"#)
    }

    /// A client whose waits are over at once, and are kept.
    private func client(
        _ server: ScriptedServer, token: (@Sendable () async throws -> String)? = nil,
        change: (inout LikewiseClient.Configuration) -> Void = { _ in }
    ) -> (client: LikewiseClient, waits: Waits) {
        var configuration = LikewiseClient.Configuration(url: server.url, token: token)
        let waits = Waits()
        configuration.surroundings.sleep = { waits.add($0) }
        configuration.surroundings.random = { UInt64.random(in: .min ... .max) }
        change(&configuration)
        return (LikewiseClient(configuration), waits)
    }

    private final class Waits: Sendable {
        private let kept = Mutex<[Duration]>([])
        func add(_ wait: Duration) { kept.withLock { $0.append(wait) } }
        var all: [Duration] { kept.withLock { $0 } }
    }

    @Test("A write is the idempotent form with a key, and its ids are escaped")
    func write() async throws {
        try await ScriptedServer.with({ _, _ in .answer(200, body: Self.liked) }) { server in
            let (client, _) = client(server)
            let result = try await client.react(to: "a/b c", with: "love", by: "..")
            #expect(result.changed && result.isLiked && result.count == 3 && result.reactions == ["like": 3])
            let request = try #require(server.requests.first)
            #expect(request.method == "PUT" && request.target == "/v1/users/%2E%2E/likes/a%2Fb%20c")
            #expect(request.body == #"{"reaction":"love"}"# && request.headers["content-type"] == "application/json")
            #expect(request.headers["idempotency-key"]?.utf8.count == 32)
            #expect(request.headers["authorization"] == nil)
            try await client.like("c", by: "u")
            #expect(server.requests[0].headers["idempotency-key"] != server.requests[1].headers["idempotency-key"])
        }
    }

    @Test(
        "What may be answered otherwise is sent again with the same key, as long as the server asks and a little more",
        arguments: [
            .answer(503, body: #"{"code":"overloaded"}"#, fields: ["Retry-After": "2"]), .close,
            .answer(502, body: "<html>"), problem(500, "internal"),
        ] as [ScriptedServer.Step])
    func again(step: ScriptedServer.Step) async throws {
        try await ScriptedServer.with({ number, _ in number < 2 ? step : .answer(200, body: Self.liked) }) { server in
            let (client, waits) = client(server)
            let result = try await client.like("c", by: "u")
            #expect(result.changed)
            let keys = Set(server.requests.map { $0.headers["idempotency-key"] })
            #expect(server.requests.count == 3 && keys.count == 1)
            #expect(waits.all.count == 2)
            if case .answer(_, _, let fields) = step, fields["Retry-After"] != nil {
                #expect(waits.all.allSatisfy { $0 >= .seconds(2) })
                #expect(waits.all[0] < .milliseconds(2_100) && waits.all[1] < .milliseconds(2_200))
            }
        }
    }

    @Test("A call ends after its attempts, and says what the server said")
    func attempts() async throws {
        try await ScriptedServer.with({ _, _ in Self.problem(503, "overloaded") }) { server in
            let (client, _) = client(server)
            let error = await #expect(throws: LikewiseError.self) { try await client.like("c", by: "u") }
            #expect(error?.status == 503 && error?.code == .overloaded && error?.detail == "Words.")
            #expect(error?.attempts == 4 && error?.mayHaveTakenEffect == false && server.requests.count == 4)
        }
    }

    @Test(
        "What another attempt would not change is not sent again",
        arguments: [
            (400, "invalid_request"), (403, "not_yourself"), (404, "content_not_found"),
            (422, "idempotency_key_reused"),
            (503, "storage_failed"), (401, "unauthenticated"), (400, "a_code_of_later"),
        ])
    func never(status: Int, code: String) async throws {
        try await ScriptedServer.with({ _, _ in Self.problem(status, code) }) { server in
            let (client, waits) = client(server)
            let error = await #expect(throws: LikewiseError.self) { try await client.unlike("c", by: "u") }
            #expect(error?.status == status && error?.code == ProblemCode(rawValue: code))
            #expect(error?.mayHaveTakenEffect == (code == "storage_failed"))
            #expect(server.requests.count == 1 && waits.all.isEmpty)
        }
    }

    @Test("A server that asks to wait longer than the call has is not waited for")
    func tooLong() async throws {
        let step = ScriptedServer.Step.answer(
            429, body: #"{"code":"rate_limited"}"#, fields: ["Retry-After": "3600"])
        try await ScriptedServer.with({ _, _ in step }) { server in
            let (client, _) = client(server)
            let error = await #expect(throws: LikewiseError.self) { try await client.count(of: "c") }
            #expect(error?.retryAfter == .seconds(3_600) && error?.attempts == 1)
        }
    }

    @Test("An attempt without an answer ends with its time; a write may have taken effect then")
    func silence() async throws {
        try await ScriptedServer.with({ _, _ in .silence }) { server in
            let (client, _) = client(
                server,
                change: { configuration in
                    configuration.timeout = .milliseconds(20)
                    configuration.retry.attempts = 2
                })
            let error = await #expect(throws: LikewiseError.self) { try await client.like("c", by: "u") }
            #expect(error?.kind == .timeout && error?.attempts == 2 && error?.mayHaveTakenEffect == true)
        }
    }

    @Test("Where nothing listens the error says so, and nothing can have taken effect")
    func nobody() async throws {
        let port = try ClosedPort()
        var configuration = LikewiseClient.Configuration(url: "http://127.0.0.1:\(port.number)")
        configuration.surroundings.sleep = { _ in }
        let client = LikewiseClient(configuration)
        let error = await #expect(throws: LikewiseError.self) { try await client.like("c", by: "u") }
        #expect(error?.kind == .connection && error?.mayHaveTakenEffect == false && error?.attempts == 4)
    }

    @Test("A task that is cancelled gets CancellationError at once, while it waits for an answer")
    func cancelled() async throws {
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        try await ScriptedServer.with({ _, _ in
            ask.yield()
            return .silence
        }) { server in
            let (client, _) = client(server)
            let call = Task { try await client.like("c", by: "u") }
            var calls = asked.makeAsyncIterator()
            _ = await calls.next()
            call.cancel()
            await #expect(throws: CancellationError.self) { try await call.value }
        }
    }

    @Test("The token is kept, asked for anew once when it is refused, and no more")
    func token() async throws {
        let asked = Mutex(0)
        let token: @Sendable () async throws -> String = {
            asked.withLock { asked in
                asked += 1; return "t\(asked)"
            }
        }
        try await ScriptedServer.with({ _, request in
            request.headers["authorization"] == "Bearer t2"
                ? .answer(200, body: Self.liked) : Self.problem(401, "unauthenticated")
        }) { server in
            let (client, waits) = client(server, token: token)
            try await client.like("c", by: "u")
            try await client.like("c", by: "u")
            #expect(server.requests.map { $0.headers["authorization"] } == ["Bearer t1", "Bearer t2", "Bearer t2"])
            #expect(Set(server.requests.prefix(2).map { $0.headers["idempotency-key"] }).count == 1)
            #expect(waits.all.isEmpty)
        }
        try await ScriptedServer.with({ _, _ in Self.problem(401, "unauthenticated") }) { server in
            let (client, _) = client(server, token: token)
            let error = await #expect(throws: LikewiseError.self) { try await client.like("c", by: "u") }
            #expect(error?.code == .unauthenticated && server.requests.count == 2)
        }
    }

    @Test("Calls at the same time ask for one token, and one that cannot be had is an error of its own")
    func tokenOnce() async throws {
        struct NoToken: Error {}
        let asked = Mutex(0)
        try await ScriptedServer.with({ _, _ in .answer(200, body: Self.liked) }) { server in
            let (client, _) = client(
                server,
                token: {
                    asked.withLock { $0 += 1 }
                    return "t"
                })
            try await withThrowingTaskGroup(of: Void.self) { group in
                for i in 0..<50 { group.addTask { try await client.like("c\(i)", by: "u") } }
                try await group.waitForAll()
            }
            #expect(asked.withLock { $0 } == 1)
            let none = self.client(server, token: { throw NoToken() }).client
            let error = await #expect(throws: LikewiseError.self) { try await none.like("c", by: "u") }
            #expect(error?.kind == .token && error?.underlying is NoToken)
            #expect(server.requests.count == 50)
        }
    }

    @Test(
        "Ids that no server takes are not sent",
        arguments: ["", "a\nb", "a\u{85}", String(repeating: "x", count: 257)])
    func ids(id: String) async throws {
        try await ScriptedServer.with({ _, _ in .close }) { server in
            let (client, _) = client(server)
            for call in [
                { try await client.like(id, by: "u") as Any }, { try await client.count(of: id) as Any },
                { try await client.counts(of: ["c", id]) as Any }, { try await client.status(of: id, on: "c") as Any },
            ] as [@Sendable () async throws -> Any] {
                let error = await #expect(throws: LikewiseError.self) { _ = try await call() }
                #expect(error?.kind == .argument && error?.attempts == 0)
            }
            #expect(server.requests.isEmpty)
        }
    }

    @Test(
        "Answers that are none of this version are told, and not asked for again",
        arguments: ["", "[]", "<html>", #"{"counts":[]}"#, #"{"counts":[{}]}"#])
    func strange(body: String) async throws {
        try await ScriptedServer.with({ _, _ in .answer(200, body: body) }) { server in
            let (client, _) = client(server)
            let error = await #expect(throws: LikewiseError.self) { try await client.count(of: "c") }
            #expect(error?.kind == .answer && server.requests.count == 1)
        }
    }
}
