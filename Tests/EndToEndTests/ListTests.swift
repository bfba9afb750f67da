import Testing

@Suite("Lists of likes")
struct ListTests {
    @Test(
        "What a user likes comes newest first, page by page, without gap or repetition", arguments: [1, 4, 10, 25, 26])
    func ofUser(limit: Int) throws {
        try withServer(["--shards", "1"]) { server in
            let http = try server.connect()
            for number in 0..<25 {
                let reaction: JSON = number % 2 == 0 ? "like" : "love"
                _ = try http.answer("PUT", Target.like("ann", "c\(number)"), ["reaction": reaction])
                _ = try http.answer("PUT", Target.like("bob", "c\(number)"), [:])
            }
            let pages = try http.pages(Target.likesOfUser("ann"), limit: limit)
            let entries = pages.flatMap { $0 }
            #expect(entries.map { $0["content_id"]?.text } == (0..<25).reversed().map { "c\($0)" })
            #expect(entries.map { $0["reaction"] } == (0..<25).reversed().map { $0 % 2 == 0 ? "like" : "love" })
            #expect(isNewestFirst(entries))
            #expect(pages.dropLast().allSatisfy { $0.count == limit })
            #expect(pages.count == (25 + limit - 1) / limit, "the last page has no cursor")
        }
    }

    @Test(
        "Who likes a content comes newest first, page by page, without gap or repetition",
        arguments: [1, 4, 10, 25, 26])
    func ofContent(limit: Int) throws {
        try withServer { server in
            let http = try server.connect()
            for number in 0..<25 { _ = try http.answer("PUT", Target.like("u\(number)", "c"), [:]) }
            let entries = try http.pages(Target.likesOfContent("c"), limit: limit).flatMap { $0 }
            #expect(entries.map { $0["user_id"]?.text } == (0..<25).reversed().map { "u\($0)" })
            #expect(isNewestFirst(entries))
        }
    }

    @Test("A user's list is complete and in order over several shards, also after a restart")
    func severalShards() throws {
        try withFolder { folder in
            let contents = Set((0..<60).map { "c\($0)" })
            func check(_ server: ServerProcess) throws {
                let entries = try server.connect().pages(Target.likesOfUser("ann"), limit: 7).flatMap { $0 }
                #expect(entries.count == 60)
                #expect(Set(entries.compactMap { $0["content_id"]?.text }) == contents)
                #expect(isNewestFirst(entries))
            }
            try withServer(["--shards", "4"], dataFolder: folder) { server in
                let http = try server.connect()
                for content in contents.sorted() { _ = try http.answer("PUT", Target.like("ann", content), [:]) }
                try check(server)
            }
            try withServer(["--shards", "4"], dataFolder: folder) { try check($0) }
        }
    }

    @Test("What was taken back is not listed, and what is liked again comes first")
    func takenBack() throws {
        try withServer(["--shards", "1"]) { server in
            let http = try server.connect()
            for content in ["a", "b", "c"] { _ = try http.answer("PUT", Target.like("ann", content), [:]) }
            _ = try http.answer("DELETE", Target.like("ann", "b"))
            func listed(_ target: String, _ field: String) throws -> [String] {
                try http.pages(target, limit: 10).flatMap { $0 }.compactMap { $0[field]?.text }
            }
            #expect(try listed(Target.likesOfUser("ann"), "content_id") == ["c", "a"])
            #expect(try listed(Target.likesOfContent("b"), "user_id") == [])
            _ = try http.answer("PUT", Target.like("ann", "b"), [:])
            #expect(try listed(Target.likesOfUser("ann"), "content_id") == ["b", "c", "a"])
            _ = try http.answer("PUT", Target.like("ann", "a"), ["reaction": "wow"])
            #expect(try listed(Target.likesOfUser("ann"), "content_id") == ["a", "b", "c"])
            #expect(try listed(Target.likesOfUser("stranger"), "content_id") == [])
        }
    }

    @Test("Likes that come in between pages do not repeat or push out what is older")
    func whileReading() throws {
        try withServer(["--shards", "1"]) { server in
            let http = try server.connect()
            for number in 0..<10 { _ = try http.answer("PUT", Target.like("ann", "c\(number)"), [:]) }
            let first = try http.answer("GET", Target.likesOfUser("ann") + "?limit=5")
            let cursor = try #require(first.json["next_cursor"]?.text)
            for number in 10..<15 { _ = try http.answer("PUT", Target.like("ann", "c\(number)"), [:]) }
            let second = try http.answer("GET", Target.likesOfUser("ann") + "?limit=5&cursor=\(cursor)")
            #expect(
                second.json["likes"]?.entries.compactMap { $0["content_id"]?.text } == ["c4", "c3", "c2", "c1", "c0"])
            #expect(second.json["next_cursor"] == nil)
        }
    }

    @Test(
        "A page's size and its cursor are checked",
        arguments: ContractTables.badPages)
    func badPages(query: String, field: String) throws {
        try withServer { server in
            let http = try server.connect()
            for target in [Target.likesOfUser("ann"), Target.likesOfContent("c")] {
                expectProblem(
                    try http.answer("GET", target + "?" + query), 400, "invalid_request", field: field, target)
            }
        }
    }
}
