import Testing

/// What a content's users hold, and the answers that follow from it.
private struct Model {
    private var held: [String: [String: String]] = [:]

    func reactions(_ content: String) -> JSON {
        var counts: [String: JSON] = [:]
        for reaction in (held[content] ?? [:]).values {
            counts[reaction] = .integer(Int64((counts[reaction]?.int ?? 0) + 1))
        }
        return .object(counts)
    }

    func members(_ content: String) -> [String: JSON] {
        [
            "content_id": .string(content), "count": .integer(Int64(held[content]?.count ?? 0)),
            "reactions": reactions(content),
        ]
    }

    func members(_ content: String, _ user: String) -> [String: JSON] {
        var members = members(content)
        members["liked"] = .bool(held[content]?[user] != nil)
        if let reaction = held[content]?[user] { members["reaction"] = .string(reaction) }
        return members
    }

    /// Sets what a user holds; answers whether that changed anything.
    mutating func set(_ content: String, _ user: String, _ reaction: String?) -> Bool {
        defer { held[content, default: [:]][user] = reaction }
        return held[content]?[user] != reaction
    }
}

/// A request, and what must be answered if all before it took effect.
private struct Step {
    var call: HTTPCall
    var status: Int
    var members: [String: JSON]

    init(_ random: inout Random, _ model: inout Model) throws {
        let (content, user) = ("c\(random.below(3))", "u\(random.below(4))")
        let reaction = ["like", "love", "wow"][random.below(3)]
        let ids: [String: JSON] = ["content_id": .string(content), "user_id": .string(user)]
        switch random.below(9) {
        case 0, 1:
            call = try HTTPCall(
                "POST", Target.likes, .object(ids.merging(["reaction": .string(reaction)]) { $1 }))
            status = model.set(content, user, reaction) ? 200 : 409
            members = model.members(content, user)
        case 2:
            call = try HTTPCall("DELETE", Target.likes, .object(ids))
            status = model.set(content, user, nil) ? 200 : 404
            members = status == 200 ? model.members(content, user) : ["code": "not_liked"]
        case 3:
            call = try HTTPCall("DELETE", Target.likes(content), ["user_id": .string(user)])
            status = model.set(content, user, nil) ? 200 : 404
            members = status == 200 ? model.members(content, user) : ["code": "not_liked"]
        case 4:
            call = try HTTPCall("PUT", Target.like(user, content), ["reaction": .string(reaction)])
            status = 200
            let changed = model.set(content, user, reaction)
            members = model.members(content, user).merging(["changed": .bool(changed)]) { $1 }
        case 5:
            call = try HTTPCall("DELETE", Target.like(user, content))
            status = 200
            let changed = model.set(content, user, nil)
            members = model.members(content, user).merging(["changed": .bool(changed)]) { $1 }
        case 6:
            call = try HTTPCall("GET", Target.count(content, user: user))
            status = 200
            members = model.members(content, user)
        case 7:
            call = try HTTPCall("GET", Target.count(content))
            status = 200
            members = model.members(content)
        default:
            call = try HTTPCall("GET", Target.like(user, content))
            status = 200
            let state = model.members(content, user)
            members = state.filter { !["count", "reactions"].contains($0.key) }
        }
    }
}

@Suite("Pipelining")
struct PipelineTests {
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
            var random = Random(seed: seed)
            var model = Model()
            let steps = try (0..<600).map { _ in try Step(&random, &model) }
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
            var random = Random(seed: UInt64(size))
            var model = Model()
            let steps = try (0..<40).map { _ in try Step(&random, &model) }
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
            var random = Random(seed: 11)
            var model = Model()
            let steps = try (0..<60).map { _ in try Step(&random, &model) }
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
