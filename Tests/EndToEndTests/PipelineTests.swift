import Testing

@Suite("Pipelining")
struct PipelineTests {
    private let contents = (0..<3).map { "c\($0)" }
    private let users = (0..<4).map { "u\($0)" }

    private func steps(_ count: Int, seed: UInt64) throws -> [LikeStep] {
        var random = Random(seed: seed)
        var model = LikeModel()
        return try (0..<count).map { _ in try LikeStep(&random, &model, contents: contents, users: users) }
    }

    @Test("Like, count, unlike, count, sent at once, are answered in order and see one another")
    func likeCountUnlikeCount() throws {
        try withServer { server in
            let http = try server.connect()
            let like = try HTTPCall("POST", Target.likes, ["content_id": "c", "user_id": "ann"])
            let unlike = try HTTPCall("DELETE", Target.likes, ["content_id": "c", "user_id": "ann"])
            let count = try HTTPCall("GET", Target.count("c"))
            try http.send((0..<50).flatMap { _ in [like, count, unlike, count] })
            let expected: [[String: JSON]] = [
                ["count": 1, "liked": true], ["count": 1], ["count": 0, "liked": false], ["count": 0],
            ]
            for round in 0..<50 {
                for members in expected { expect(try http.receive(), 200, members, "round \(round)") }
            }
        }
    }

    @Test("Any calls, sent at once, take effect and are answered in order", arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func anyCalls(seed: UInt64) throws {
        try withServer(["--shards", seed % 2 == 0 ? "1" : "3"]) { server in
            let http = try server.connect()
            let steps = try steps(600, seed: seed)
            try http.send(steps.map(\.call))
            for (number, step) in steps.enumerated() {
                let answer = try http.receive()
                let comment = "seed \(seed), request \(number): \(step.call.method) \(step.call.target)"
                expect(answer, step.status, step.members, comment)
                if answer.status != step.status { return }
            }
        }
    }

    @Test("Calls for several contents at once stay in order among the others")
    func mixed() throws {
        try withServer(["--shards", "3"]) { server in
            let http = try server.connect()
            var calls: [HTTPCall] = []
            for number in 0..<60 {
                calls.append(try HTTPCall("PUT", Target.like("u\(number)", "c\(number % 3)"), [:]))
                calls.append(
                    try HTTPCall("POST", Target.counts, ["content_ids": ["c0", "c1", "c2"], "user_id": "u0"]))
                calls.append(
                    HTTPCall(
                        "POST", Target.bulk, contentType: "application/x-ndjson",
                        body: Array(#"{"content_id": "b", "user_id": "u\#(number)", "action": "like"}"#.utf8)))
                calls.append(try HTTPCall("GET", Target.count("b")))
                calls.append(try HTTPCall("GET", "/health/live"))
                calls.append(try HTTPCall("GET", "/nothing"))
            }
            try http.send(calls)
            for number in 1...60 {
                expect(try http.receive(), 200, ["changed": true], "like \(number)")
                let counts = try http.receive()
                expect(counts, 200, [:], "counts \(number)")
                let sum = (counts.json["counts"]?.entries ?? []).compactMap { $0["count"]?.int }.reduce(0, +)
                #expect(sum == number)
                expect(try http.receive(), 200, ["accepted": 1, "changed": 1], "bulk \(number)")
                expect(try http.receive(), 200, ["count": .integer(Int64(number))], "count \(number)")
                expect(try http.receive(), 200, ["status": "ok"], "health \(number)")
                expectProblem(try http.receive(), 404, "not_found")
            }
        }
    }

    @Test("How the bytes are cut into packets does not matter", arguments: [1, 2, 3, 7, 64, 1_000])
    func cutAnywhere(size: Int) throws {
        try withServer { server in
            let http = try server.connect()
            let steps = try steps(40, seed: UInt64(size))
            let bytes = steps.flatMap(\.call.bytes)
            for start in stride(from: 0, to: bytes.count, by: size) {
                try http.send(bytes: Array(bytes[start..<min(bytes.count, start + size)]))
            }
            for step in steps { expect(try http.receive(), step.status, step.members, "\(step.call)") }
        }
    }

    @Test("What was sent before the client stopped sending is answered")
    func halfClosed() throws {
        try withServer { server in
            let http = try server.connect()
            try http.send(
                (0..<100).map { try HTTPCall("POST", Target.likes, ["content_id": "c", "user_id": "u\($0)"]) })
            http.finishSending()
            for number in 1...100 { expect(try http.receive(), 200, ["count": .integer(Int64(number))]) }
            #expect(try http.isClosedByServer())
        }
    }

    @Test("Calls of every kind that were sent before the client stopped sending are answered")
    func halfClosedMixed() throws {
        try withServer { server in
            let http = try server.connect()
            let steps = try steps(60, seed: 11)
            try http.send(steps.map(\.call))
            http.finishSending()
            for (number, step) in steps.enumerated() {
                expect(try http.receive(), step.status, step.members, "request \(number)")
            }
            #expect(try http.isClosedByServer())
        }
    }

    @Test("After Connection: close the answer is the last, and the connection is closed")
    func connectionClose() throws {
        try withServer { server in
            let http = try server.connect()
            let last = try http.answer("GET", Target.count("c"), headers: [("connection", "close")])
            expect(last, 200)
            #expect(try http.isClosedByServer())
        }
    }
}
