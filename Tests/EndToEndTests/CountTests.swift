import LikewiseTestSupport
import Testing

@Suite("Counts")
struct CountTests {
    private func fill(_ http: HTTPConnection, _ content: String, likes: Int, loves: Int = 0) throws {
        let calls = try (0..<likes + loves).map { user in
            try HTTPCall(
                "POST", Target.likes,
                [
                    "content_id": .string(content), "user_id": "user_\(user)",
                    "reaction": user < likes ? "like" : "love",
                ])
        }
        try http.send(calls)
        for _ in calls { expect(try http.receive(), 200) }
    }

    @Test("A content that nobody knows counts 0", arguments: ["/v1/likes/count/nobody", "/v1/likes/nobody"])
    func unknown(target: String) throws {
        try withServer { server in
            let answer = try server.connect().answer("GET", target)
            expect(
                answer, 200, ["content_id": "nobody", "count": 0, "reactions": [:], "approx": false, "display": "0"],
                without: ["liked", "reaction"])
        }
    }

    @Test("A count tells all reactions and a short form, and both paths say the same")
    func count() throws {
        try withServer { server in
            let http = try server.connect()
            try fill(http, "c", likes: 1_000, loves: 234)
            let answer = try http.answer("GET", Target.count("c"))
            expect(
                answer, 200,
                [
                    "content_id": "c", "count": 1_234, "reactions": ["like": 1_000, "love": 234], "approx": false,
                    "display": "1.2K",
                ], without: ["liked", "reaction"])
            #expect(try http.answer("GET", Target.likes("c")).body == answer.body)
        }
    }

    @Test("With a user, a count tells what he holds")
    func withUser() throws {
        try withServer { server in
            let http = try server.connect()
            try fill(http, "c", likes: 2, loves: 1)
            expect(
                try http.answer("GET", Target.count("c", user: "user_2")), 200,
                ["count": 3, "liked": true, "reaction": "love"])
            let stranger = try http.answer("GET", Target.count("c", user: "stranger"))
            expect(stranger, 200, ["count": 3, "liked": false], without: ["reaction"])
            expectNoStore(stranger)
            #expect(stranger.header("etag") == nil)
            expect(try http.answer("GET", "/v1/likes/c?user_id=user_0"), 200, ["liked": true, "reaction": "like"])
        }
    }

    @Test("A count for everyone may be cached, and is confirmed by its ETag until it changes")
    func cache() throws {
        try withServer { server in
            let http = try server.connect()
            try fill(http, "c", likes: 3)
            let first = try http.answer("GET", Target.count("c"))
            let tag = try #require(first.header("etag"))
            let lifetime = "public, max-age=5, stale-while-revalidate=10"
            #expect(first.header("cache-control") == lifetime)
            #expect(try http.answer("GET", Target.count("c")).header("etag") == tag)
            for match in [tag, "\"other\", \(tag)", "W/\(tag)", "*"] {
                let known = try http.answer("GET", Target.count("c"), headers: [("if-none-match", match)])
                expect(known, 304, [:], "\(match)")
                #expect(known.body.isEmpty && known.header("etag") == tag)
                #expect(known.header("cache-control") == lifetime)
            }
            expect(
                try http.answer("GET", Target.count("c"), headers: [("if-none-match", "\"other\"")]), 200, ["count": 3])
            _ = try http.answer("POST", Target.likes, ["content_id": "c", "user_id": "one more"])
            let changed = try http.answer("GET", Target.count("c"), headers: [("if-none-match", tag)])
            expect(changed, 200, ["count": 4])
            #expect(changed.header("etag") != tag)
        }
    }

    @Test("Counts of many contents come in the order asked, repeated and unknown ones too")
    func batch() throws {
        try withServer(["--shards", "3"]) { server in
            let http = try server.connect()
            for (content, likes) in [("a", 1), ("b", 2), ("c", 3)] { try fill(http, content, likes: likes) }
            let order = ["c", "nobody", "a", "b", "c"]
            let ids = JSON.list(order.map { .string($0) })
            let counts = try http.answer("POST", Target.counts, ["content_ids": ids])
            expect(counts, 200)
            let entries = counts.json["counts"]?.entries ?? []
            #expect(entries.map { $0["content_id"]?.text } == order)
            #expect(entries.map { $0["count"]?.int } == [3, 0, 1, 2, 3])
            #expect(entries.map { $0["display"]?.text } == ["3", "0", "1", "2", "3"])
            #expect(entries.allSatisfy { $0["approx"] == false && $0["liked"] == nil && $0["reactions"] != nil })
            let mine = try http.answer("POST", Target.counts, ["content_ids": ids, "user_id": "user_1"])
            expectNoStore(mine)
            let held = mine.json["counts"]?.entries ?? []
            #expect(held.map { $0["liked"] } == [true, false, false, true, true])
            #expect(held.map { $0["reaction"] } == ["like", nil, nil, "like", "like"])
            expect(try http.answer("POST", Target.counts, ["videoIds": ["a"], "userId": "user_0"]), 200)
        }
    }

    @Test("A call for counts takes 1 to 100 contents", arguments: ContractTables.batchSizes)
    func batchLimits(count: Int, status: Int) throws {
        try withServer { server in
            let ids = JSON.list((0..<count).map { .string("content_\($0)") })
            let answer = try server.connect().answer("POST", Target.counts, ["content_ids": ids])
            if status == 200 {
                expect(answer, 200)
                #expect(answer.json["counts"]?.entries.count == count)
            } else {
                expectProblem(answer, 400, "invalid_request", field: "content_ids")
            }
        }
    }

    @Test("The most liked contents of a window come first, by what they gained")
    func top() throws {
        try withServer { server in
            let http = try server.connect()
            for (content, likes) in [("few", 2), ("most", 9), ("some", 5)] { try fill(http, content, likes: likes) }
            for window in ["1m", "1h", "24h"] {
                let top = try settledTop(http, "/v1/content/top?window=\(window)&limit=2", gained: [9, 5])
                expect(top, 200, ["window": .string(window)])
                let contents = top.json["contents"]?.entries ?? []
                #expect(contents.map { $0["content_id"]?.text } == ["most", "some"])
                #expect(contents.map { $0["gained"]?.int } == [9, 5])
                #expect(contents.map { $0["count"]?.int } == [9, 5])
                #expect(contents.map { $0["display"]?.text } == ["9", "5"])
            }
            expect(try http.answer("GET", "/v1/content/top"), 200, ["window": "1h"])
            expectProblem(
                try http.answer("GET", "/v1/content/top?window=2d"), 400, "invalid_request", field: "window")
            for limit in ["0", "101", "x"] {
                expectProblem(
                    try http.answer("GET", "/v1/content/top?limit=\(limit)"), 400, "invalid_request", field: "limit")
            }
        }
    }

    @Test("The most liked contents have their counts also where nobody has asked for them since the start")
    func topAfterRestart() throws {
        try withFolder { folder in
            try withServer(dataFolder: folder) { server in
                try fill(server.connect(), "c", likes: 3)
                #expect(server.terminate() == .exited(0))
            }
            try withServer(dataFolder: folder) { server in
                let top = try settledTop(server.connect(), "/v1/content/top?window=24h", gained: [3])
                #expect(
                    top.json["contents"] == [["content_id": "c", "gained": 3, "count": 3, "display": "3"]],
                    "\(top.text)")
            }
        }
    }

    /// The list once it shows what was gained, which is within a second, or as it is after five.
    private func settledTop(_ http: HTTPConnection, _ target: String, gained: [Int]) throws -> HTTPAnswer {
        let deadline = ContinuousClock.now + .seconds(5)
        while true {
            let top = try http.answer("GET", target)
            let shown = (top.json["contents"]?.entries ?? []).map { $0["gained"]?.int }
            if shown == gained || ContinuousClock.now > deadline { return top }
        }
    }
}
