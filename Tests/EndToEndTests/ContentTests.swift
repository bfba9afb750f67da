import LikewiseTestSupport
import Testing

@Suite("Contents")
struct ContentTests {
    @Test("A content is registered, looked at and deleted with its likes")
    func lifeOfAContent() throws {
        try withServer { server in
            let http = try server.connect()
            expectProblem(try http.answer("GET", Target.content("c")), 404, "content_not_found")
            let put = try http.answer("PUT", Target.content("c"), ["content_type": "video", "visibility": "private"])
            expect(put, 200, ["content_id": "c", "content_type": "video", "visibility": "private", "registered": true])
            expectNoStore(put)
            for user in ["ann", "bob"] { _ = try http.answer("PUT", Target.like(user, "c"), [:]) }
            expect(
                try http.answer("GET", Target.content("c")), 200,
                [
                    "content_id": "c", "content_type": "video", "visibility": "private", "registered": true, "count": 2,
                    "reactions": ["like": 2], "approx": false,
                ])
            let delete = try http.answer("DELETE", Target.content("c"))
            expect(delete, 200, ["content_id": "c"])
            expectNoStore(delete)
            expect(try http.answer("GET", Target.count("c")), 200, ["count": 0, "reactions": [:]])
            expect(try http.answer("GET", Target.like("ann", "c")), 200, ["liked": false])
            #expect(try http.answer("GET", Target.likesOfUser("ann")).json["likes"] == [])
            #expect(try http.answer("GET", Target.likesOfContent("c")).json["likes"] == [])
            expectProblem(try http.answer("GET", Target.content("c")), 404, "content_not_found")
            expect(
                try http.answer("POST", Target.likes, ["content_id": "c", "user_id": "ann"]), 200, ["count": 1],
                "a like after the deletion is a first one")
        }
    }

    @Test("What a content is, and that its likes were deleted, outlives a restart")
    func restart() throws {
        try withFolder { folder in
            try withServer(dataFolder: folder) { server in
                let http = try server.connect()
                for content in ["kept", "gone"] {
                    _ = try http.answer("PUT", Target.content(content), ["content_type": "post"])
                    for user in 0..<5 { _ = try http.answer("PUT", Target.like("user_\(user)", content), [:]) }
                }
                expect(try http.answer("DELETE", Target.content("gone")), 200)
                _ = try http.answer("PUT", Target.like("user_0", "gone"), [:])
            }
            try withServer(dataFolder: folder) { server in
                let http = try server.connect()
                expect(
                    try http.answer("GET", Target.content("kept")), 200,
                    ["content_type": "post", "registered": true, "count": 5])
                expect(try http.answer("GET", Target.count("gone")), 200, ["count": 1])
                expect(try http.answer("GET", Target.like("user_0", "gone")), 200, ["liked": true])
                expect(try http.answer("GET", Target.like("user_1", "gone")), 200, ["liked": false])
            }
            let verify = try Binary.run(["verify", "--data-dir", folder])
            #expect(verify.ending == .exited(0), "\(verify.output)\(verify.errors)")
        }
    }

    @Test("In strict mode only registered contents can be liked, counted or listed")
    func strict() throws {
        try withServer(["--content", "strict"]) { server in
            let http = try server.connect()
            let like: JSON = ["content_id": "c", "user_id": "ann"]
            expectProblem(try http.answer("POST", Target.likes, like), 404, "content_not_found")
            expectProblem(try http.answer("PUT", Target.like("ann", "c"), [:]), 404, "content_not_found")
            expectProblem(try http.answer("GET", Target.count("c")), 404, "content_not_found")
            expect(try http.answer("PUT", Target.content("c"), ["content_type": "video"]), 200)
            expect(try http.answer("POST", Target.likes, like), 200, ["count": 1])
            expect(try http.answer("GET", Target.count("c")), 200, ["count": 1])
            _ = try http.answer("DELETE", Target.content("c"))
            expectProblem(try http.answer("POST", Target.likes, like), 404, "content_not_found")
        }
    }

    @Test("In strict mode a bulk intake rejects the lines of unregistered contents by their numbers")
    func strictBulk() throws {
        try withServer(["--content", "strict"]) { server in
            let http = try server.connect()
            _ = try http.answer("PUT", Target.content("known"), ["content_type": "video"])
            let lines = ["known", "unknown", "known", "other"].enumerated().map { number, content in
                #"{"content_id": "\#(content)", "user_id": "user_\#(number)", "action": "like"}"#
            }
            let bulk = HTTPCall(
                "POST", Target.bulk, contentType: "application/x-ndjson",
                body: Array(lines.joined(separator: "\n").utf8))
            let answer = try http.answer(bulk)
            expect(answer, 200, ["accepted": 2, "changed": 2, "unchanged": 0])
            let rejected = answer.json["rejected"]?.entries ?? []
            #expect(rejected.map { $0["line"]?.int } == [2, 4])
            #expect(rejected.map { $0["code"]?.text } == ["content_not_found", "content_not_found"])
        }
    }

    @Test("What registers a content is checked")
    func badContents() throws {
        try withServer { server in
            let http = try server.connect()
            func put(_ body: JSON) throws -> HTTPAnswer { try http.answer("PUT", Target.content("c"), body) }
            expectProblem(try put([:]), 400, "invalid_request", field: "content_type")
            expectProblem(try put(["content_type": "Not A Name"]), 400, "invalid_request", field: "content_type")
            expectProblem(try put(["content_type": 7]), 400, "invalid_request", field: "content_type")
            expectProblem(
                try put(["content_type": "video", "visibility": "Nobody!"]), 400, "invalid_request", field: "visibility"
            )
            expectProblem(try http.answer("GET", Target.content("c")), 404, "content_not_found")
            expectProblem(try http.answer("DELETE", Target.content("c")), 404, "content_not_found")
        }
    }
}
