import LikewiseTestSupport
import Testing

/// Counts, bulk intake, and what is most liked.
extension ClusterContractTests {
    @Test("A content that nobody knows counts 0 on every node")
    func unknownContent() throws {
        let nodes = try Nodes()
        for http in nodes.both {
            for target in [Target.count("never-liked"), Target.likes("never-liked")] {
                expect(
                    try http.answer("GET", target), 200,
                    ["content_id": "never-liked", "count": 0, "reactions": [:], "approx": true, "display": "0"],
                    without: ["liked", "reaction"])
            }
        }
    }

    @Test("Likes through one node are counted at both, with all reactions and a short form, and per user at once")
    func count() throws {
        let nodes = try Nodes()
        let lines = (0..<1_234).map { user in
            ContractTables.bulkLine(
                "count-c", "user_\(user)", "like", more: user < 1_000 ? "" : #", "reaction": "love""#)
        }
        expect(try nodes.bulk(lines), 200, ["accepted": 1_234, "changed": 1_234, "unchanged": 0, "rejected": []])
        for (user, reaction) in [("user_0", "like"), ("user_1233", "love")] {
            let mine = try nodes.other.answer("GET", Target.count("count-c", user: user))
            expect(mine, 200, ["liked": true, "reaction": .string(reaction)])
            expectNoStore(mine)
            #expect((mine.json["reactions"]?[reaction]?.int ?? 0) >= 1, "his own like is counted: \(mine.text)")
        }
        try nodes.expectSoon(
            Target.count("count-c"),
            [
                "content_id": "count-c", "count": 1_234, "reactions": ["like": 1_000, "love": 234], "display": "1.2K",
                "approx": true,
            ], without: ["liked", "reaction"])
        for http in nodes.both {
            expect(
                try http.answer("GET", Target.count("count-c", user: "stranger")), 200,
                ["count": 1_234, "liked": false], without: ["reaction"])
        }
        expect(try nodes.bulk(lines), 200, ["accepted": 1_234, "changed": 0, "unchanged": 1_234])
    }

    @Test("Who follows a count at one node is told what comes in at the other, and of a deletion there")
    func live() throws {
        let nodes = try Nodes()
        let stream = try nodes.cluster.connect(1)
        try stream.send([HTTPCall("GET", "/v1/live?content_id=live-c")])
        #expect(try stream.text(until: "\n\n").contains(" 200 "))
        #expect(try stream.text(until: "\"count\":0,").contains("event: count"))
        for user in ["ann", "bob", "cy"] {
            expect(try nodes.one.answer("POST", Target.likes, ["content_id": "live-c", "user_id": .string(user)]), 200)
        }
        let told = try stream.text(until: "\"count\":3,")
        #expect(told.contains("\"content_id\":\"live-c\""))
        expect(try nodes.one.answer("DELETE", "/v1/content/live-c"), 200)
        _ = try stream.text(until: "\"count\":0,")
    }

    @Test("A node says that it counts no anonymous reactions")
    func noWidgets() throws {
        let nodes = try Nodes()
        expectProblem(try nodes.one.answer("GET", "/openheart/example.com/page"), 404, "not_found")
        expectProblem(try nodes.one.answer("POST", "/v1/admin/experiments/lock", [:]), 404, "not_found")
    }

    @Test("Counts of many contents come in the order asked, repeated and unknown ones too")
    func countBatch() throws {
        let nodes = try Nodes()
        for (content, likes) in [("batch-a", 1), ("batch-b", 2), ("batch-c", 3)] {
            for user in 0..<likes { _ = try nodes.one.answer("PUT", Target.like("user_\(user)", content), [:]) }
        }
        let order = ["batch-c", "batch-nobody", "batch-a", "batch-b", "batch-c"]
        let ids = JSON.list(order.map { .string($0) })
        for content in Set(order).sorted() {
            let count = ["batch-a": 1, "batch-b": 2, "batch-c": 3][content] ?? 0
            try nodes.expectSoon(Target.count(content), ["count": .integer(Int64(count))])
        }
        for http in nodes.both {
            let counts = try http.answer("POST", Target.counts, ["content_ids": ids])
            expect(counts, 200)
            let entries = counts.json["counts"]?.entries ?? []
            #expect(entries.map { $0["content_id"]?.text } == order)
            #expect(entries.map { $0["count"]?.int } == [3, 0, 1, 2, 3])
            #expect(entries.map { $0["display"]?.text } == ["3", "0", "1", "2", "3"])
            #expect(entries.allSatisfy { $0["approx"] == true && $0["liked"] == nil && $0["reactions"] != nil })
            let mine = try http.answer("POST", Target.counts, ["content_ids": ids, "user_id": "user_1"])
            expectNoStore(mine)
            let held = mine.json["counts"]?.entries ?? []
            #expect(held.map { $0["liked"] } == [true, false, false, true, true])
            #expect(held.map { $0["reaction"] } == ["like", nil, nil, "like", "like"])
        }
    }

    @Test("A call for counts takes 1 to 100 contents", arguments: ContractTables.batchSizes)
    func batchSizes(count: Int, status: Int) throws {
        let ids = JSON.list((0..<count).map { .string("sizes_\($0)") })
        for http in try Nodes().both {
            let answer = try http.answer("POST", Target.counts, ["content_ids": ids])
            if status != 200 {
                expectProblem(answer, status, "invalid_request", field: "content_ids")
                continue
            }
            expect(answer, 200)
            #expect(answer.json["counts"]?.entries.count == count)
        }
    }

    @Test("Bad lines are reported by their numbers; what the others did is seen at the other node at once")
    func bulkLines() throws {
        let nodes = try Nodes()
        let (lines, bad, good) = ContractTables.mixedLines("lines-c")
        let answer = try nodes.bulk(lines)
        let taken = JSON.integer(Int64(good))
        expect(answer, 200, ["accepted": taken, "changed": taken, "unchanged": 0])
        let rejected = answer.json["rejected"]?.entries ?? []
        #expect(rejected.map { $0["line"]?.int } == bad)
        #expect(rejected.allSatisfy { $0["code"] == "invalid_request" && $0["detail"]?.text?.isEmpty == false })
        for user in ["ann", "bob", "dora"] {
            expect(try nodes.other.answer("GET", Target.like(user, "lines-c")), 200, ["liked": true])
        }
        try nodes.expectSoon(Target.count("lines-c"), ["count": taken])
    }

    @Test("The most liked contents of a window come first on every node, by what they gained")
    func top() throws {
        let nodes = try Nodes()
        // More than all other tests of the suite do to one content.
        for (content, likes) in [("top-most", 4_000), ("top-second", 3_000)] {
            let lines = (0..<likes).map { ContractTables.bulkLine(content, "user_\($0)", "like") }
            expect(try nodes.bulk(lines), 200, ["changed": .integer(Int64(likes))])
        }
        let expected: [[String: JSON]] = [
            ["content_id": "top-most", "gained": 4_000, "count": 4_000, "display": "4K"],
            ["content_id": "top-second", "gained": 3_000, "count": 3_000, "display": "3K"],
        ]
        for http in nodes.both {
            for window in ["1m", "1h", "24h"] {
                var contents: [JSON] = []
                let isShown = RedisPoll.until(seconds: 15) {
                    let top = try? http.answer("GET", "/v1/content/top?window=\(window)&limit=2")
                    contents = top?.json["contents"]?.entries ?? []
                    return contents.count == 2
                        && zip(contents, expected).allSatisfy { entry, members in
                            members.allSatisfy { entry[$0.key] == $0.value }
                        }
                }
                #expect(isShown, "\(window): \(contents)")
            }
        }
    }
}
