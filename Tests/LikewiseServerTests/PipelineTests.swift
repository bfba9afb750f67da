import LikewiseServer
import LikewiseTestSupport
import Testing

@Suite("Requests sent one behind the other")
struct PipelineTests {
    private static let requests = 2_000
    private static let connections = 4

    /// Sends a random mixture of hot calls and calls for the full stack, and compares each answer with the model's.
    private static func play(_ server: TestServer, name: String, seed: UInt64, cutAtMost: Int?) throws {
        var random = SeededRandom(seed: seed)
        var model = LikeModel(name: name)
        // Runs of one kind, so that hot calls are also several on their way at a time.
        var isHot = true
        let steps = (0..<requests).map { _ in
            if random.chance(oneIn: 4) { isHot.toggle() }
            return model.step(&random, isHot: isHot)
        }
        let bytes = steps.flatMap(\.request.bytes)
        let connection = try server.connect()
        if let cutAtMost {
            var at = 0
            while at < bytes.count {
                let end = min(bytes.count, at + random.within(1...cutAtMost))
                try connection.send(Array(bytes[at..<end]))
                at = end
            }
        } else {
            try connection.send(bytes)
        }
        for (i, step) in steps.enumerated() {
            let answer = try connection.receive()
            guard answer.status == step.status, answer.text.hasSuffix(step.ending) else {
                Issue.record(
                    """
                    answer \(i) of \(name), seed \(seed), to \(step.request.testDescription): \
                    \(answer.status) \(answer.text); due: \(step.status) …\(step.ending)
                    """)
                return
            }
        }
        let summary = model.summary
        #expect(try server.connect().ask(summary.request).text == summary.ending, "seed \(seed)")
    }

    @Test(
        "Hot calls and others take effect and are answered in the order in which they were sent",
        arguments: SeededRandom.seeds(2), [nil, 400, 30])
    func ordered(seed: UInt64, cutAtMost: Int?) async throws {
        try await TestServer.run { server in
            try PipelineTests.play(server, name: "one", seed: seed, cutAtMost: cutAtMost)
        }
    }

    @Test("Connections do not disturb one another", arguments: SeededRandom.seeds(1))
    func severalConnections(seed: UInt64) async throws {
        let folder = try TemporaryFolder()
        let server = try await TestServer(folder: folder)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for i in 0..<PipelineTests.connections {
                group.addTask {
                    try await onThread {
                        try PipelineTests.play(
                            server, name: "connection-\(i)", seed: seed &+ UInt64(i), cutAtMost: i == 0 ? 50 : nil)
                    }
                }
            }
            try await group.waitForAll()
        }
        try await server.stop()
    }

    @Test("A head and its body may be cut at any byte")
    func everyCut() async throws {
        try await TestServer.run { server in
            let request = RawRequest("POST", "/v1/likes", #"{"content_id":"v","user_id":"u"}"#).bytes
            let connection = try server.connect()
            for cut in 1..<request.count {
                try connection.send(Array(request[..<cut]))
                try connection.send(Array(request[cut...]))
                #expect(try connection.receive().status == (cut == 1 ? 200 : 409))
            }
        }
    }

    @Test("A call whose body comes in chunks is taken, and what follows it as well")
    func chunked() async throws {
        try await TestServer.run { server in
            let like = #"{"content_id":"v","user_id":"u"}"#
            let head = "POST /v1/likes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            let rest = String(like.utf8.count - 4, radix: 16)
            let chunked =
                head + "Transfer-Encoding: chunked\r\n\r\n"
                + "4;x=y\r\n\(like.prefix(4))\r\n\(rest)\r\n\(like.dropFirst(4))\r\n0\r\n\r\n"
            let connection = try server.connect()
            try connection.send(
                RawRequest("POST", "/v1/likes", #"{"content_id":"v","user_id":"first"}"#).bytes + Array(chunked.utf8)
                    + RawRequest("GET", "/v1/likes/count/v").bytes
                    + RawRequest("POST", "/v1/likes", #"{"content_id":"v","user_id":"last"}"#).bytes)
            #expect(try connection.receive().says("count", "1"))
            #expect(try connection.receive().says("count", "2"))
            #expect(try connection.receive().says("count", "2"))
            #expect(try connection.receive().says("count", "3"))
        }
    }

    @Test("A client that waits for a go-ahead gets it, and then its answer")
    func expectContinue() async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            let request = RawRequest("POST", "/v1/likes", #"{"content_id":"v","user_id":"u"}"#)
                .with("Expect", "100-continue")
            let body = try #require(request.body)
            for status in [200, 409] {
                try connection.send(Array(request.bytes.dropLast(body.count)))
                #expect(try connection.receive().status == 100)
                try connection.send(body)
                #expect(try connection.receive().status == status)
            }
        }
    }

    @Test("Any bound of a single call's body that may be set can be used", arguments: [1_000, 100_000, 400_000])
    func longBody(_ padding: Int) async throws {
        var options = TestServer.Options()
        options.http.limits.bodyBytes = 1 << 20
        try await TestServer.run(options) { server in
            let body = #"{"content_id":"v","user_id":"u"}"# + String(repeating: " ", count: padding)
            let answer = try server.connect().ask(RawRequest("POST", "/v1/likes", body))
            #expect(answer.status == 200)
        }
    }
}
