import LikewiseTestSupport
import Testing

@Suite("Idempotency-Key")
struct IdempotencyKeyTests {
    private func call(_ method: String, _ target: String, _ json: JSON? = nil, key: String) throws -> HTTPCall {
        try HTTPCall(method, target, json).with(key: key)
    }

    private func expectSame(_ again: HTTPAnswer, _ first: HTTPAnswer, sourceLocation: SourceLocation = #_sourceLocation)
    {
        #expect(again.status == first.status, sourceLocation: sourceLocation)
        #expect(again.body == first.body, "\(again.text) is not \(first.text)", sourceLocation: sourceLocation)
        #expect(again.header("content-type") == first.header("content-type"), sourceLocation: sourceLocation)
    }

    @Test("The same key and body get the first answer again, whatever happened since")
    func sameAnswer() throws {
        try withServer { server in
            let http = try server.connect()
            let like = try call("POST", Target.likes, ["content_id": "c", "user_id": "ann"], key: "k1")
            let first = try http.answer(like)
            expect(first, 200, ["count": 1])
            expectSame(try http.answer(like), first)
            _ = try http.answer("POST", Target.likes, ["content_id": "c", "user_id": "bob"])
            _ = try http.answer("DELETE", Target.likes, ["content_id": "c", "user_id": "ann"])
            expectSame(try server.connect().answer(like), first)
            expect(try http.answer("GET", Target.like("ann", "c")), 200, ["liked": false], "the retry changed nothing")
            expect(try http.answer("GET", Target.count("c")), 200, ["count": 1])
        }
    }

    @Test("Answers that are problems are given again as well")
    func sameProblem() throws {
        try withServer { server in
            let http = try server.connect()
            let unlike = try call("DELETE", Target.likes, ["content_id": "c", "user_id": "ann"], key: "k")
            let first = try http.answer(unlike)
            expectProblem(first, 404, "not_liked")
            _ = try http.answer("POST", Target.likes, ["content_id": "c", "user_id": "ann"])
            expectSame(try http.answer(unlike), first)
            expect(try http.answer("GET", Target.like("ann", "c")), 200, ["liked": true])
        }
    }

    @Test("The same key with another body, path or method is refused and changes nothing")
    func anotherRequest() throws {
        try withServer { server in
            let http = try server.connect()
            let body: JSON = ["content_id": "c", "user_id": "ann"]
            expect(try http.answer(call("POST", Target.likes, body, key: "k")), 200)
            for other in [
                try call("POST", Target.likes, ["content_id": "c", "user_id": "bob"], key: "k"),
                try call("DELETE", Target.likes, body, key: "k"),
                try call("PUT", Target.like("ann", "d"), [:], key: "k"),
                try call("DELETE", Target.likes("c"), ["user_id": "ann"], key: "k"),
            ] {
                expectProblem(try http.answer(other), 422, "idempotency_key_reused", "\(other.method) \(other.target)")
            }
            expect(try http.answer("GET", Target.count("c")), 200, ["count": 1])
            expect(try http.answer("GET", Target.count("d")), 200, ["count": 0])
        }
    }

    @Test("Every kind of write gives its first answer again, also after kill -9 and a restart")
    func restart() throws {
        try withFolder { folder in
            let (calls, statuses) = try ContractTables.writesWithKeys("")
            var first: [HTTPAnswer] = []
            try withServer(dataFolder: folder) { server in
                let http = try server.connect()
                first = try calls.map { try http.answer($0) }
                #expect(first.map(\.status) == statuses)
                // The server is killed as this ends.
            }
            try withServer(dataFolder: folder) { server in
                let http = try server.connect()
                let counted = try http.answer("GET", Target.count("c")).body
                for (call, first) in zip(calls, first) { expectSame(try http.answer(call), first) }
                for call in calls {
                    var other = call
                    other.target = Target.like("other", "c")
                    other.method = "PUT"
                    other.body = Array("{}".utf8)
                    other.headers =
                        [("content-type", "application/json")] + call.headers.filter { $0.name != "content-type" }
                    expectProblem(try http.answer(other), 422, "idempotency_key_reused")
                }
                #expect(try http.answer("GET", Target.count("c")).body == counted)
                expect(try http.answer("GET", Target.count("e")), 200, ["count": 1])
            }
        }
    }

    @Test(
        "A key of 255 bytes is taken; an empty or longer one is refused", arguments: [(255, 200), (256, 400), (0, 400)])
    func lengths(count: Int, status: Int) throws {
        try withServer { server in
            let like = try call(
                "POST", Target.likes, ["content_id": "c", "user_id": "ann"], key: String(repeating: "k", count: count))
            let answer = try server.connect().answer(like)
            if status == 200 { expect(answer, 200) } else { expectProblem(answer, status, "invalid_request") }
        }
    }

    @Test(
        "One key sent on many connections at once changes something once, and all get that answer or are told to wait")
    func race() throws {
        try withServer { server in
            let like = try call("POST", Target.likes, ["content_id": "c", "user_id": "ann"], key: "race")
            let answers = try Crew(8) { _ in try server.connect().answer(like) }.finish()
            let done = answers.filter { $0.status == 200 }
            #expect(!done.isEmpty && Set(done.map(\.body)).count == 1)
            for answer in answers where answer.status != 200 { expectProblem(answer, 409, "idempotency_key_in_use") }
            expect(try server.connect().answer("GET", Target.count("c")), 200, ["count": 1])
        }
    }
}
