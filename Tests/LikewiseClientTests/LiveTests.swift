import LikewiseAPI
import LikewiseClient
import LikewiseTestSupport
import Synchronization
import Testing

@Suite("Live counts of the client")
struct LiveTests {
    private static func event(_ id: String, _ content: String, _ count: Int) -> String {
        """
        event: count
        id: \(id)
        data: {"content_id":"\(content)","count":\(count),"reactions":{"like":\(count)},\
        "approx":false,"display":"\(count)"}


        """
    }

    private static func client(_ url: String, silence: Duration = .seconds(60)) -> LikewiseClient {
        var configuration = LikewiseClient.Configuration(url: url)
        configuration.surroundings.sleep = { _ in await Task.yield() }
        configuration.liveSilence = silence
        return LikewiseClient(configuration)
    }

    @Test("A stream that is cut goes on by the id of its last event, and says when a content is gone")
    func goesOn() async throws {
        try await ScriptedServer.with({ number, _ in
            switch number {
            case 0: .stream(["retry: 5\n\n", Self.event("7-1", "a", 1), "event: count\nid: 7-2\nda"])
            case 1: .answer(503, body: #"{"code":"shutting_down"}"#)
            case 2: .stream([Self.event("7-3", "b", 2), ":\n\nevent: gone\nid: 7-4\ndata: {\"content_id\":\"a\"}\n\n"])
            default: .stream([Self.event("8-1", "b", 3)], isOpen: true)
            }
        }) { server in
            var told: [LiveUpdate] = []
            for try await update in Self.client(server.url).live(of: "a", "b c") {
                told.append(update)
                if case .count(let count) = update, count.count == 3 { break }
            }
            // Of each content the newest waits, so what it said before may be left out.
            #expect(told.contains(.gone(contentID: "a")))
            let requests = server.requests
            #expect(requests.count == 4)
            #expect(requests[0].target == "/v1/live?content_id=a&content_id=b%20c")
            #expect(requests.map { $0.headers["last-event-id"] } == [nil, "7-1", "7-1", "7-4"])
        }
    }

    @Test("A stream that falls silent is connected again")
    func silence() async throws {
        try await ScriptedServer.with({ number, _ in .stream([Self.event("1-\(number)", "a", number)], isOpen: true) })
        {
            server in
            for try await update in Self.client(server.url, silence: .milliseconds(20)).live(of: "a") {
                if case .count(let count) = update, count.count == 2 { break }
            }
            #expect(server.requests.count >= 3)
        }
    }

    @Test("A refusal ends the stream with its error")
    func refused() async throws {
        try await ScriptedServer.with({ _, _ in CallTests.problem(404, "content_not_found") }) { server in
            let error = await #expect(throws: LikewiseError.self) {
                for try await _ in Self.client(server.url).live(of: "a") {}
            }
            #expect(error?.code == .contentNotFound && server.requests.count == 1)
        }
    }

    @Test("A server that never was there is given up after the attempts of a call")
    func nobody() async throws {
        let port = try ClosedPort()
        let error = await #expect(throws: LikewiseError.self) {
            for try await _ in Self.client("http://127.0.0.1:\(port.number)").live(of: "a") {}
        }
        #expect(error?.kind == .connection)
    }

    @Test("A task that is cancelled stops following")
    func cancelled() async throws {
        try await ScriptedServer.with({ _, _ in .stream([Self.event("1-1", "a", 1)], isOpen: true) }) { server in
            let (seen, see) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                for try await _ in Self.client(server.url).live(of: "a") { see.yield() }
            }
            var updates = seen.makeAsyncIterator()
            _ = await updates.next()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }
}
