import Testing

@Suite("Likes, one at a time")
struct LikeTests {
    private let like: JSON = ["content_id": "video_1", "content_type": "video", "user_id": "ann"]

    @Test("A first like is answered with what is held and with the counts")
    func firstLike() throws {
        try withServer { server in
            let answer = try server.connect().answer("POST", Target.likes, like)
            expect(
                answer, 200,
                [
                    "content_id": "video_1", "user_id": "ann", "liked": true, "reaction": "like", "count": 1,
                    "reactions": ["like": 1], "approx": false,
                ])
            #expect(answer.header("content-type")?.hasPrefix("application/json") == true)
            expectNoStore(answer)
        }
    }

    @Test("A like that is held is answered with 409 and the same fields, and is counted once")
    func alreadyLiked() throws {
        try withServer { server in
            let http = try server.connect()
            let first = try http.answer("POST", Target.likes, like)
            for _ in 0..<3 {
                let again = try http.answer("POST", Target.likes, like)
                expectProblem(again, 409, "already_liked")
                for name in ["content_id", "user_id", "liked", "reaction", "count", "reactions", "approx"] {
                    #expect(again.json[name] == first.json[name], "\(name)")
                }
                expectNoStore(again)
            }
            expect(try http.answer("GET", Target.count("video_1")), 200, ["count": 1])
        }
    }

    @Test("Another reaction replaces the one that is held, and the user still counts once")
    func changeOfReaction() throws {
        try withServer { server in
            let http = try server.connect()
            _ = try http.answer("POST", Target.likes, like)
            let love = try http.answer(
                "POST", Target.likes, ["content_id": "video_1", "user_id": "ann", "reaction": "love"])
            expect(love, 200, ["liked": true, "reaction": "love", "count": 1, "reactions": ["love": 1]])
            let again = try http.answer(
                "POST", Target.likes, ["content_id": "video_1", "user_id": "ann", "reaction": "love"])
            expectProblem(again, 409, "already_liked")
            _ = try http.answer("POST", Target.likes, ["content_id": "video_1", "user_id": "bob"])
            expect(
                try http.answer("GET", Target.count("video_1")), 200,
                ["count": 2, "reactions": ["like": 1, "love": 1]])
        }
    }

    @Test("An unlike takes the like back, the content in the body or in the path", arguments: [true, false])
    func unlike(inPath: Bool) throws {
        try withServer { server in
            let http = try server.connect()
            func unlike() throws -> HTTPAnswer {
                inPath
                    ? try http.answer("DELETE", Target.likes("video_1"), ["user_id": "ann"])
                    : try http.answer("DELETE", Target.likes, ["content_id": "video_1", "user_id": "ann"])
            }
            expectProblem(try unlike(), 404, "not_liked")
            _ = try http.answer("POST", Target.likes, like)
            let answer = try unlike()
            expect(
                answer, 200,
                [
                    "content_id": "video_1", "user_id": "ann", "liked": false, "count": 0, "reactions": [:],
                    "approx": false,
                ], without: ["reaction"])
            expectNoStore(answer)
            expectProblem(try unlike(), 404, "not_liked")
            expect(try http.answer("POST", Target.likes, like), 200, ["liked": true, "count": 1])
        }
    }

    @Test("The idempotent form says whether it changed anything")
    func idempotentForm() throws {
        try withServer { server in
            let http = try server.connect()
            let target = Target.like("ann", "video_1")
            let held: [String: JSON] = [
                "content_id": "video_1", "user_id": "ann", "liked": true, "reaction": "like", "count": 1,
                "reactions": ["like": 1], "approx": false,
            ]
            let empty = HTTPCall("PUT", target, contentType: "application/json", body: [])
            expect(try http.answer(empty), 200, held.merging(["changed": true]) { $1 }, "a PUT without a body")
            expect(try http.answer("PUT", target, [:]), 200, held.merging(["changed": false]) { $1 })
            expect(
                try http.answer("PUT", target, ["reaction": "wow"]), 200,
                ["changed": true, "reaction": "wow", "count": 1, "reactions": ["wow": 1]])
            let gone: [String: JSON] = ["content_id": "video_1", "user_id": "ann", "liked": false, "count": 0]
            let delete = try http.answer("DELETE", target)
            expect(delete, 200, gone.merging(["changed": true]) { $1 }, without: ["reaction"])
            expectNoStore(delete)
            expect(try http.answer("DELETE", target), 200, gone.merging(["changed": false]) { $1 })
        }
    }

    @Test("A user's state on a content tells what is held, and since when")
    func state() throws {
        try withServer { server in
            let http = try server.connect()
            let target = Target.like("ann", "video_1")
            expect(
                try http.answer("GET", target), 200, ["content_id": "video_1", "user_id": "ann", "liked": false],
                without: ["reaction", "since"])
            _ = try http.answer("PUT", target, ["reaction": "sad"])
            let held = try http.answer("GET", target)
            expect(held, 200, ["content_id": "video_1", "user_id": "ann", "liked": true, "reaction": "sad"])
            let since = held.json["since"]?.text ?? ""
            #expect(since.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(since)")
            _ = try http.answer("DELETE", target)
            expect(try http.answer("GET", target), 200, ["liked": false], without: ["reaction", "since"])
        }
    }

    @Test(
        "The other spellings of a field mean the same",
        arguments: [
            ["video_id": "v", "user_id": "u"], ["videoId": "v", "userId": "u"],
            ["contentId": "v", "userId": "u", "contentType": "video"],
            ["content_id": "v", "user_id": "u", "x": [1, [:]]],
        ] as [JSON])
    func spellings(body: JSON) throws {
        try withServer { server in
            let http = try server.connect()
            expect(try http.answer("POST", Target.likes, body), 200, ["content_id": "v", "user_id": "u", "count": 1])
            expect(try http.answer("DELETE", Target.likes, body), 200, ["content_id": "v", "liked": false, "count": 0])
        }
    }

    @Test(
        "Ids may hold any character but control characters, and are percent-encoded in paths",
        arguments: ContractTables.unusualIDs)
    func unusualIds(id: String) throws {
        try withServer { server in
            let http = try server.connect()
            let body: JSON = ["content_id": .string(id), "user_id": .string(id)]
            expect(
                try http.answer("POST", Target.likes, body), 200,
                ["content_id": .string(id), "user_id": .string(id), "count": 1])
            expect(
                try http.answer("GET", Target.like(id, id)), 200,
                ["content_id": .string(id), "user_id": .string(id), "liked": true])
            expect(
                try http.answer("GET", Target.count(id, user: id)), 200,
                ["content_id": .string(id), "count": 1, "liked": true])
            expect(try http.answer("PUT", Target.like(id, id), [:]), 200, ["changed": false, "count": 1])
            let likes = try http.answer("GET", Target.likesOfUser(id))
            expect(likes, 200, ["user_id": .string(id)])
            #expect(likes.json["likes"]?.entries.first?["content_id"] == .string(id))
            expect(try http.answer("DELETE", Target.likes(id), ["user_id": .string(id)]), 200, ["count": 0])
        }
    }

    @Test("The longest ids are taken, and one byte more is refused by name")
    func lengths() throws {
        try withServer { server in
            let http = try server.connect()
            let (content, user) = (String(repeating: "c", count: 256), String(repeating: "u", count: 128))
            func body(_ content: String, _ user: String) -> JSON {
                ["content_id": .string(content), "user_id": .string(user)]
            }
            expect(try http.answer("POST", Target.likes, body(content, user)), 200, ["count": 1])
            expect(try http.answer("GET", Target.like(user, content)), 200, ["liked": true])
            expectProblem(
                try http.answer("POST", Target.likes, body(content + "c", user)), 400, "invalid_request",
                field: "content_id")
            expectProblem(
                try http.answer("POST", Target.likes, body(content, user + "u")), 400, "invalid_request",
                field: "user_id")
            expectProblem(
                try http.answer("GET", Target.count(content + "c")), 400, "invalid_request", field: "content_id")
        }
    }

    @Test("A like is seen by its user at once on every connection")
    func readYourWrites() throws {
        try withServer { server in
            let connections = try (0..<4).map { _ in try server.connect() }
            for round in 0..<50 {
                let user = "user_\(round)"
                let writer = connections[round % 4]
                _ = try writer.answer("POST", Target.likes, ["content_id": "c", "user_id": .string(user)])
                for reader in connections {
                    expect(try reader.answer("GET", Target.count("c", user: user)), 200, ["liked": true])
                }
            }
        }
    }
}
