import Testing

@Suite("Bulk intake")
struct BulkTests {
    private func bulk(_ lines: [String], end: String = "\n") -> HTTPCall {
        HTTPCall(
            "POST", Target.bulk, contentType: "application/x-ndjson",
            body: Array((lines.joined(separator: "\n") + end).utf8))
    }

    private func line(_ content: String, _ user: String, _ action: String, more: String = "") -> String {
        ContractTables.bulkLine(content, user, action, more: more)
    }

    @Test("Lines take effect in their order, and the answer counts what they did")
    func inOrder() throws {
        try withServer(["--shards", "2"]) { server in
            let http = try server.connect()
            let answer = try http.answer(
                bulk([
                    line("a", "ann", "like"), line("a", "ann", "like"), line("a", "bob", "like"),
                    line("a", "bob", "unlike"), line("b", "ann", "unlike"),
                    line("b", "bob", "like", more: #", "reaction": "love", "content_type": "post""#),
                    line("b", "bob", "like", more: #", "reaction": "wow""#),
                ]))
            expect(answer, 200, ["accepted": 7, "changed": 5, "unchanged": 2, "rejected": []])
            expectNoStore(answer)
            expect(try http.answer("GET", Target.count("a")), 200, ["count": 1, "reactions": ["like": 1]])
            expect(try http.answer("GET", Target.count("b")), 200, ["count": 1, "reactions": ["wow": 1]])
        }
    }

    @Test("Bad lines are reported by their numbers, and the others take effect")
    func badLines() throws {
        try withServer { server in
            let http = try server.connect()
            let (lines, bad, good) = ContractTables.mixedLines("a")
            let answer = try http.answer(bulk(lines, end: ""))
            let taken = JSON.integer(Int64(good))
            expect(answer, 200, ["accepted": taken, "changed": taken, "unchanged": 0])
            let rejected = answer.json["rejected"]?.entries ?? []
            #expect(rejected.map { $0["line"]?.int } == bad)
            #expect(rejected.allSatisfy { $0["code"] == "invalid_request" })
            #expect(rejected.allSatisfy { $0["detail"]?.text?.isEmpty == false })
            expect(try http.answer("GET", Target.count("a")), 200, ["count": 3])
        }
    }

    @Test("At most 100 rejected lines are listed")
    func manyBadLines() throws {
        try withServer { server in
            let answer = try server.connect().answer(
                bulk((0..<300).map { $0 % 2 == 0 ? "bad" : line("a", "user_\($0)", "like") }))
            expect(answer, 200, ["accepted": 150, "changed": 150])
            let rejected = answer.json["rejected"]?.entries ?? []
            #expect(rejected.map { $0["line"]?.int } == (0..<100).map { 2 * $0 + 1 })
        }
    }

    @Test("Lines of many contents are counted exactly, sent twice once")
    func large() throws {
        try withServer(["--shards", "3"]) { server in
            let http = try server.connect()
            let lines = (0..<20_000).map { line("content_\($0 % 7)", "user_\($0 / 7)", "like") }
            let expected = (0..<7).map { content in (0..<20_000).count { $0 % 7 == content } }
            expect(try http.answer(bulk(lines)), 200, ["accepted": 20_000, "changed": 20_000, "unchanged": 0])
            expect(try http.answer(bulk(lines)), 200, ["accepted": 20_000, "changed": 0, "unchanged": 20_000])
            for (content, count) in expected.enumerated() {
                expect(
                    try http.answer("GET", Target.count("content_\(content)")), 200, ["count": .integer(Int64(count))])
            }
        }
    }

    @Test("More lines or bytes than are allowed are refused before anything is changed")
    func limits() throws {
        try withServer(["--bulk-lines", "10", "--bulk-body-bytes", "4KiB"]) { server in
            let http = try server.connect()
            let ten = (0..<10).map { line("a", "u\($0)", "like") }
            expectProblem(try http.answer(bulk(ten + [line("a", "more", "like")])), 413, "body_too_large")
            expect(try http.answer("GET", Target.count("a")), 200, ["count": 0])
            expect(try http.answer(bulk(ten)), 200, ["accepted": 10])
            let wide = HTTPCall(
                "POST", Target.bulk, contentType: "application/x-ndjson", body: [UInt8](repeating: 0x20, count: 5_000))
            expectProblem(try server.connect().answer(wide), 413, "body_too_large")
        }
    }

    @Test("A body that is not NDJSON is refused")
    func mediaType() throws {
        try withServer { server in
            let call = HTTPCall("POST", Target.bulk, contentType: "text/csv", body: Array("a,b".utf8))
            expectProblem(try server.connect().answer(call), 415, "unsupported_media_type")
        }
    }
}
