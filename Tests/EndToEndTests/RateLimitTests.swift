import LikewiseTestSupport
import Testing

@Suite("Rate limits of the binary")
struct RateLimitTests {
    @Test("Limits are as set, changes of a user on a content are refused beyond them, and metrics say so")
    func limits() throws {
        // So slow that nothing comes back while the test runs.
        let settings = ["--rate-limit", "user-content=3/1d,address=100/1d", "--trusted-proxies", "127.0.0.1"]
        try withServer(settings) { server in
            let http = try server.connect()
            let like: JSON = ["content_id": "c", "user_id": "ann"]
            expect(try http.answer("POST", Target.likes, like), 200)
            expect(try http.answer("DELETE", Target.likes, like), 200)
            let last = try http.answer("PUT", Target.like("ann", "c"))
            expect(last, 200)
            #expect(last.header("ratelimit") == "\"user-content\";r=0;t=28800")
            for method in ["POST", "DELETE"] {
                let refused = try http.answer(method, Target.likes, like)
                expectProblem(refused, 429, "rate_limited")
                #expect((28_000...28_800).contains(Int(refused.header("retry-after") ?? "") ?? 0))
                #expect(refused.header("ratelimit-policy") == "\"user-content\";q=3;w=86400, \"address\";q=100;w=86400")
            }
            expect(try http.answer("GET", Target.count("c")), 200, ["count": 1])
            let elsewhere = [(name: "X-Forwarded-For", value: "192.0.2.1")]
            for _ in 0..<100 { expect(try http.answer("GET", Target.count("c"), headers: elsewhere), 200) }
            expectProblem(try http.answer("GET", Target.count("c"), headers: elsewhere), 429, "rate_limited")
            expect(try http.answer("GET", Target.count("c")), 200)
            let page = try http.answer("GET", "/metrics").text
            for sample in [
                #"likewise_rate_limit_calls_total{limit="user-content",outcome="passed"} 3"#,
                #"likewise_rate_limit_calls_total{limit="user-content",outcome="refused"} 2"#,
                #"likewise_rate_limit_calls_total{limit="address",outcome="refused"} 1"#,
                "likewise_rate_limit_tracked 3",
            ] { #expect(page.contains(sample + "\n"), "\(sample)") }
        }
    }
}
