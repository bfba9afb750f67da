import LikewiseTestSupport
import Testing

/// Lists, and contents as such.
extension ClusterContractTests {
    @Test(
        "What a user likes comes newest first, page by page, whichever nodes took the likes and give the pages",
        arguments: [4, 25])
    func listOfUser(limit: Int) throws {
        let nodes = try Nodes()
        let user = "lister-\(limit)"
        for number in 0..<25 {
            let http = nodes.both[number % 2]
            _ = try http.answer("PUT", Target.like(user, "listed-\(number)"), ["reaction": "love"])
        }
        _ = try nodes.one.answer("DELETE", Target.like(user, "listed-7"))
        for http in nodes.both {
            let pages = try http.pages(Target.likesOfUser(user), limit: limit)
            let entries = pages.flatMap { $0 }
            #expect(entries.count == 24)
            let listed = Set(entries.compactMap { $0["content_id"]?.text })
            #expect(listed == Set((0..<25).map { "listed-\($0)" }).subtracting(["listed-7"]))
            #expect(entries.allSatisfy { $0["reaction"] == "love" })
            #expect(isNewestFirst(entries))
            #expect(pages.dropLast().allSatisfy { $0.count == limit })
            #expect(pages.count == (24 + limit - 1) / limit, "the last page has no cursor")
        }
    }

    @Test("Who likes a content comes newest first, page by page, without gap or repetition", arguments: [4, 25])
    func listOfContent(limit: Int) throws {
        let nodes = try Nodes()
        let content = "fans-of-\(limit)"
        for number in 0..<25 {
            _ = try nodes.both[number % 2].answer("PUT", Target.like("fan-\(number)", content), [:])
        }
        for http in nodes.both {
            let entries = try http.pages(Target.likesOfContent(content), limit: limit).flatMap { $0 }
            #expect(entries.count == 25)
            #expect(Set(entries.compactMap { $0["user_id"]?.text }) == Set((0..<25).map { "fan-\($0)" }))
            #expect(isNewestFirst(entries))
        }
    }

    @Test("Likes that come in at another node between pages do not repeat or push out what is older")
    func listWhileReading() throws {
        let nodes = try Nodes()
        func like(_ numbers: Range<Int>, _ http: HTTPConnection) throws {
            for number in numbers { _ = try http.answer("PUT", Target.like("reader", "paged-\(number)"), [:]) }
        }
        try like(0..<10, nodes.one)
        let target = Target.likesOfUser("reader") + "?limit=5"
        let first = try nodes.one.answer("GET", target)
        let cursor = try #require(first.json["next_cursor"]?.text)
        try like(10..<15, nodes.other)
        let second = try nodes.other.answer("GET", target + "&cursor=\(cursor)")
        let seen = [first, second].flatMap { $0.json["likes"]?.entries ?? [] }.compactMap { $0["content_id"]?.text }
        #expect(seen.count == 10 && Set(seen) == Set((0..<10).map { "paged-\($0)" }), "\(seen)")
        #expect(second.json["next_cursor"] == nil)
    }

    @Test("A page's size and its cursor are checked", arguments: ContractTables.badPages)
    func badPages(query: String, field: String) throws {
        for http in try Nodes().both {
            for target in [Target.likesOfUser("ann"), Target.likesOfContent("c")] {
                expectProblem(
                    try http.answer("GET", target + "?" + query), 400, "invalid_request", field: field, target)
            }
        }
    }

    @Test("A content that is registered at one node is known at the other, and deleted there with its likes")
    func lifeOfAContent() throws {
        let nodes = try Nodes()
        let content = "life-c"
        for http in nodes.both {
            expectProblem(try http.answer("GET", Target.content(content)), 404, "content_not_found")
        }
        let put = try nodes.one.answer(
            "PUT", Target.content(content), ["content_type": "video", "visibility": "private"])
        expect(
            put, 200, ["content_id": "life-c", "content_type": "video", "visibility": "private", "registered": true])
        expectNoStore(put)
        for user in ["ann", "bob"] { _ = try nodes.one.answer("PUT", Target.like(user, content), [:]) }
        try nodes.expectSoon(
            Target.content(content),
            [
                "content_type": "video", "visibility": "private", "registered": true, "count": 2,
                "reactions": ["like": 2],
            ]
        )
        let delete = try nodes.other.answer("DELETE", Target.content(content))
        expect(delete, 200, ["content_id": "life-c"])
        expectNoStore(delete)
        try nodes.expectSoon(Target.count(content), ["count": 0, "reactions": [:]])
        for http in nodes.both {
            expect(try http.answer("GET", Target.like("ann", content)), 200, ["liked": false])
            for target in [Target.likesOfUser("ann"), Target.likesOfContent(content)] {
                let listed = (try http.answer("GET", target).json["likes"]?.entries ?? [])
                #expect(!listed.contains { $0["content_id"] == "life-c" || $0["user_id"] == "bob" }, "\(listed)")
            }
            expectProblem(try http.answer("GET", Target.content(content)), 404, "content_not_found")
            expectProblem(try http.answer("DELETE", Target.content(content)), 404, "content_not_found")
        }
        expect(
            try nodes.one.answer("POST", Target.likes, ["content_id": "life-c", "user_id": "ann"]), 200,
            ["liked": true, "count": 1], "a like after the deletion is a first one")
        try nodes.expectSoon(Target.count(content), ["count": 1])
    }

    @Test("Under `content: strict` only registered contents can be liked or counted, wherever they were registered")
    func strict() throws {
        let cluster = try TestCluster.current()
        try withFolder { folder in
            try cluster.write(to: folder + "/strict.yaml", ["content": "strict"])
            let servers = try ["a", "b"].map {
                try ServerProcess(dataFolder: "\(folder)/\($0)", ["--cluster", folder + "/strict.yaml"])
            }
            defer { for server in servers { server.process.kill9() } }
            let (one, other) = (try servers[0].connect(), try servers[1].connect())
            let like: JSON = ["content_id": "strict-c", "user_id": "ann"]
            for http in [one, other] {
                expectProblem(try http.answer("POST", Target.likes, like), 404, "content_not_found")
                expectProblem(try http.answer("PUT", Target.like("ann", "strict-c"), [:]), 404, "content_not_found")
                expectProblem(try http.answer("GET", Target.count("strict-c")), 404, "content_not_found")
            }
            expect(try one.answer("PUT", Target.content("strict-c"), ["content_type": "video"]), 200)
            // A registration is seen as counts are, with their lag; it may be 404 again before.
            let isKnown = RedisPoll.until(seconds: 15) {
                (try? one.answer("POST", Target.likes, like))?.status == 200
            }
            #expect(isKnown)
            try expectEventually(other, Target.count("strict-c"), ["count": 1])
            expectProblem(try other.answer("POST", Target.likes, like), 409, "already_liked")
            try expectEventually(one, Target.count("strict-c"), ["count": 1])
            expect(try other.answer("DELETE", Target.content("strict-c")), 200)
            for http in [one, other] {
                let isGone = RedisPoll.until(seconds: 15) {
                    (try? http.answer("POST", Target.likes, like))?.status == 404
                }
                #expect(isGone)
            }
        }
    }
}
