import HTTPTypes
import LikewiseServer
import LikewiseTestSupport
import Testing

@Suite("Pages of other origins, and fields that every answer has")
struct CORSTests {
    private static let page = "https://app.example"
    private static let like = #"{"content_id":"v","user_id":"ann"}"#

    private static func options(_ origins: CORSPolicy.Origins?, _ strict: Int? = nil) -> TestServer.Options {
        var options = TestServer.Options()
        options.http.fields = AnswerFields(cors: origins.map(CORSPolicy.init), transportSecurity: strict)
        return options
    }

    @Test(
        "An origin is what a browser writes, and nothing else",
        arguments: [
            ("https://app.example", true), ("http://localhost:3000", true), ("https://127.0.0.1:8443", true),
            ("https://[::1]:8443", true), ("https://[::1]", true), ("https://a-b.c_d.example", true),
            ("https://app.example/", false), ("https://app.example:443", false), ("http://app.example:80", false),
            ("https://App.example", false), ("app.example", false), ("null", false), ("*", false), ("", false),
            ("ftp://app.example", false), ("https://", false), ("https://*.example", false), ("https://a b", false),
            ("https://app.example:0443", false), ("https://app.example:", false), ("https://[x]", false),
            ("https://user@app.example", false), ("https://app.example?x", false),
        ])
    func origins(_ text: String, _ isOne: Bool) { #expect(CORSPolicy.origin(text) == (isOne ? text : nil)) }

    @Test("A page of a listed origin sees the answer, one of another does not, and caches are told that it depends")
    func listed() async throws {
        try await TestServer.run(CORSTests.options(.listed([CORSTests.page, "http://localhost:3000"]))) { server in
            let connection = try server.connect()
            for request in [
                RawRequest("GET", "/v1/likes/count/v"), RawRequest("POST", "/v1/likes", CORSTests.like),
                RawRequest("POST", "/v1/likes", CORSTests.like), RawRequest("GET", "/nothing"),
                RawRequest("GET", "/health/live"), RawRequest("POST", "/v1/likes", "no JSON"),
            ] {
                let seen = try connection.ask(request.with("Origin", CORSTests.page))
                #expect(seen.field("access-control-allow-origin") == CORSTests.page)
                #expect(seen.field("access-control-expose-headers")?.contains("ETag") == true)
                let other = try connection.ask(request.with("Origin", "https://evil.example"))
                let none = try connection.ask(request)
                for answer in [other, none] { #expect(answer.field("access-control-allow-origin") == nil) }
                for answer in [seen, other, none] {
                    #expect(answer.field("vary") == "Origin")
                    #expect(answer.field("access-control-allow-credentials") == nil)
                }
            }
        }
    }

    @Test("Where every page may ask, every answer says so, hot or not, and none depends on the origin")
    func any() async throws {
        try await TestServer.run(CORSTests.options(.any)) { server in
            let connection = try server.connect()
            for request in [RawRequest("GET", "/v1/likes/count/v"), RawRequest("GET", "/health/live")] {
                for asked in [request, request.with("Origin", CORSTests.page)] {
                    let answer = try connection.ask(asked)
                    #expect(answer.field("access-control-allow-origin") == "*")
                    #expect(answer.field("vary") == nil)
                    #expect(answer.field("access-control-allow-credentials") == nil)
                }
            }
        }
    }

    @Test(
        "A browser that asks beforehand learns methods, fields and for how long; for another origin it learns nothing",
        arguments: [CORSPolicy.Origins.any, .listed([page])])
    func preflight(_ origins: CORSPolicy.Origins) async throws {
        try await TestServer.run(CORSTests.options(origins)) { server in
            let connection = try server.connect()
            let request = RawRequest("OPTIONS", "/v1/likes").with("Access-Control-Request-Method", "POST")
            let answer = try connection.ask(request.with("Origin", CORSTests.page))
            #expect(answer.status == 204)
            #expect(answer.field("access-control-allow-origin") == (origins == .any ? "*" : CORSTests.page))
            #expect(answer.field("access-control-allow-methods") == "GET, HEAD, POST, PUT, DELETE")
            for name in ["Authorization", "Content-Type", "Idempotency-Key"] {
                #expect(answer.field("access-control-allow-headers")?.contains(name) == true)
            }
            #expect(answer.field("access-control-max-age").flatMap { Int($0) } ?? 0 > 0)
            guard origins != .any else { return }
            let other = try connection.ask(request.with("Origin", "https://evil.example"))
            #expect(other.field("access-control-allow-origin") == nil)
            #expect(other.field("access-control-allow-methods") == nil)
            #expect(try connection.ask(RawRequest("OPTIONS", "/v1/likes")).status == 405)
        }
    }

    @Test("Without the setting nothing is said to other origins")
    func off() async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            let answer = try connection.ask(RawRequest("GET", "/v1/likes/count/v").with("Origin", CORSTests.page))
            #expect(answer.fields.allSatisfy { !$0.name.lowercased().hasPrefix("access-control") })
            let asked = RawRequest("OPTIONS", "/v1/likes").with("Access-Control-Request-Method", "POST")
                .with("Origin", CORSTests.page)
            #expect(try connection.ask(asked).status == 405)
        }
    }

    @Test(
        "Every answer says that browsers must not guess, frame or load, and of HTTPS what is set",
        arguments: [nil, 300])
    func security(_ strict: Int?) async throws {
        try await TestServer.run(CORSTests.options(nil, strict)) { server in
            let connection = try server.connect()
            for request in [
                RawRequest("GET", "/v1/likes/count/v"), RawRequest("POST", "/v1/likes", CORSTests.like),
                RawRequest("POST", "/v1/likes", CORSTests.like), RawRequest("GET", "/nothing"), RawRequest("GET", "/"),
                RawRequest("GET", "/metrics"),
            ] {
                let answer = try connection.ask(request)
                #expect(answer.field("x-content-type-options") == "nosniff")
                #expect(answer.field("referrer-policy") == "no-referrer")
                #expect(answer.field("content-security-policy")?.hasPrefix("default-src 'none'") == true)
                #expect(answer.field("strict-transport-security") == strict.map { "max-age=\($0)" })
            }
        }
    }
}
