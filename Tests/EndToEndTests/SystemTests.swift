import Testing

@Suite("Health, metrics and description")
struct SystemTests {
    @Test("A server that listens is alive and ready")
    func health() throws {
        try withServer { server in
            let http = try server.connect()
            expect(try http.answer("GET", "/health/live"), 200, ["status": "ok"])
            let ready = try http.answer("GET", "/health/ready")
            expect(ready, 200)
            #expect(ready.json["status"] != nil)
            expect(try http.answer("GET", "/"), 200)
        }
    }

    @Test("HEAD is answered as GET, without a body")
    func head() throws {
        try withServer { server in
            let http = try server.connect()
            for target in ["/health/live", Target.count("c")] {
                let answer = try http.answer("HEAD", target)
                expect(answer, 200)
                #expect(answer.body.isEmpty)
            }
            expect(try http.answer("GET", "/health/live"), 200, ["status": "ok"])
        }
    }

    @Test("Metrics are Prometheus text in which the server's names begin with likewise_")
    func metrics() throws {
        try withServer { server in
            let http = try server.connect()
            for user in 0..<10 {
                _ = try http.answer("POST", Target.likes, ["content_id": "c", "user_id": "user_\(user)"])
            }
            let page = try http.answer("GET", "/metrics")
            expect(page, 200)
            #expect(page.header("content-type")?.hasPrefix("text/plain") == true)
            let lines = page.text.split(separator: "\n")
            let samples = lines.filter { !$0.hasPrefix("#") }
            #expect(samples.count { $0.hasPrefix("likewise_") } > 5)
            let form = /[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? (NaN|[+-]?Inf|[-+0-9.eE]+)/
            for sample in samples { #expect(sample.wholeMatch(of: form) != nil, "\(sample)") }
            for name in Set(samples.map { $0.prefix { $0 != "{" && $0 != " " } }) {
                let family =
                    ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }
                    .map { name.dropLast($0.count) } ?? name
                #expect(
                    lines.contains { $0.hasPrefix("# TYPE \(name) ") || $0.hasPrefix("# TYPE \(family) ") }, "\(name)")
            }
        }
    }

    @Test("The OpenAPI description is JSON and describes every path of the contract")
    func openAPI() throws {
        try withServer { server in
            let answer = try server.connect().answer("GET", "/openapi.json")
            expect(answer, 200)
            #expect(answer.header("content-type")?.hasPrefix("application/json") == true)
            #expect(answer.json["openapi"]?.text?.hasPrefix("3.1") == true)
            for path in [
                "/v1/likes", "/v1/likes/{content_id}", "/v1/users/{user_id}/likes/{content_id}",
                "/v1/likes/count/{content_id}", "/v1/likes/count/batch", "/v1/likes/batch", "/v1/users/{user_id}/likes",
                "/v1/content/{content_id}/likes", "/v1/content/{content_id}", "/v1/content/top", "/health/live",
                "/health/ready", "/metrics", "/openapi.json",
            ] {
                #expect(answer.json["paths"]?[path] != nil, "\(path)")
            }
        }
    }

    @Test("The description names the reactions that the operator chose")
    func reactions() throws {
        try withServer(["--reactions", "like,star"]) { server in
            let http = try server.connect()
            expect(
                try http.answer("PUT", Target.like("u", "c"), ["reaction": "star"]), 200, ["reactions": ["star": 1]])
            expectProblem(
                try http.answer("PUT", Target.like("u", "c"), ["reaction": "love"]), 400, "invalid_request",
                field: "reaction")
            let description = try http.answer("GET", "/openapi.json").json
            let names = description["components"]?["schemas"]?["ReactionInput"]?["enum"]?.entries ?? []
            #expect(names == ["like", "star"])
        }
    }

    @Test("A reaction that the operator takes out is refused, still counted, and keeps its name")
    func reactionTakenOut() throws {
        try withFolder { folder in
            try withServer(["--reactions", "like,star,moon"], dataFolder: folder) { server in
                let http = try server.connect()
                _ = try http.answer("PUT", Target.like("ann", "c"), ["reaction": "star"])
                _ = try http.answer("PUT", Target.like("bob", "c"), ["reaction": "moon"])
            }
            try withServer(["--reactions", "moon,sun,like"], dataFolder: folder) { server in
                let http = try server.connect()
                expect(
                    try http.answer("GET", Target.count("c")), 200, ["count": 2, "reactions": ["star": 1, "moon": 1]])
                expect(try http.answer("GET", Target.like("ann", "c")), 200, ["liked": true, "reaction": "star"])
                expectProblem(
                    try http.answer("PUT", Target.like("carl", "c"), ["reaction": "star"]), 400, "invalid_request",
                    field: "reaction")
                expect(
                    try http.answer("PUT", Target.like("carl", "c"), ["reaction": "sun"]), 200,
                    ["reactions": ["star": 1, "moon": 1, "sun": 1]])
            }
        }
    }
}
