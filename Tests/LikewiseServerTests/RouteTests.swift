import HTTPTypes
import LikewiseServer
import Testing

@Suite("Routes")
struct RouteTests {
    private func route(_ method: HTTPRequest.Method, _ path: String) -> Route? {
        if case .route(let route) = Route.match(method, path) { route } else { nil }
    }

    private static func id(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test(
        "Every call has its path",
        arguments: [
            (.post, "/v1/likes", .like), (.delete, "/v1/likes", .unlike),
            (.delete, "/v1/likes/v1", .unlikeContent(id("v1"))), (.get, "/v1/likes/v1", .count(id("v1"))),
            (.get, "/v1/likes/count/v1", .count(id("v1"))), (.post, "/v1/likes/count/batch", .countBatch),
            (.post, "/v1/likes/batch", .bulk),
            (.put, "/v1/users/ann/likes/v1", .hold(user: id("ann"), content: id("v1"))),
            (.delete, "/v1/users/ann/likes/v1", .release(user: id("ann"), content: id("v1"))),
            (.get, "/v1/users/ann/likes/v1", .status(user: id("ann"), content: id("v1"))),
            (.get, "/v1/users/ann/likes", .userLikes(id("ann"))),
            (.get, "/v1/content/v1/likes", .contentLikes(id("v1"))),
            (.put, "/v1/content/v1", .putContent(id("v1"))), (.get, "/v1/content/v1", .getContent(id("v1"))),
            (.delete, "/v1/content/v1", .deleteContent(id("v1"))), (.get, "/v1/content/top", .top),
            (.get, "/health/live", .live), (.get, "/health/ready", .ready), (.get, "/metrics", .metrics),
            (.get, "/openapi.json", .openAPI), (.get, "/", .index),
        ] as [(HTTPRequest.Method, String, Route)])
    func paths(_ method: HTTPRequest.Method, _ path: String, _ expected: Route) {
        #expect(route(method, path) == expected)
    }

    @Test(
        "Names of the contract are ids where no other call has them",
        arguments: [
            (.get, "/v1/likes/count", .count(id("count"))), (.get, "/v1/likes/batch", .count(id("batch"))),
            (.delete, "/v1/likes/batch", .unlikeContent(id("batch"))),
            (.delete, "/v1/likes/count", .unlikeContent(id("count"))),
            (.get, "/v1/likes/count/batch", .count(id("batch"))),
            (.get, "/v1/content/top/likes", .contentLikes(id("top"))),
            (.get, "/v1/users/likes/likes", .userLikes(id("likes"))),
            (.put, "/v1/users/likes/likes/likes", .hold(user: id("likes"), content: id("likes"))),
            (.get, "/v1/content/likes/likes", .contentLikes(id("likes"))),
        ] as [(HTTPRequest.Method, String, Route)])
    func ambiguous(_ method: HTTPRequest.Method, _ path: String, _ expected: Route) {
        #expect(route(method, path) == expected)
    }

    @Test(
        "Ids are percent-decoded once, after the path was cut at its slashes",
        arguments: [
            ("/v1/likes/a%20b", "a b"), ("/v1/likes/a%2Fb", "a/b"), ("/v1/likes/%2f", "/"), ("/v1/likes/a+b", "a+b"),
            ("/v1/likes/a%2520b", "a%20b"), ("/v1/likes/%C3%A9", "\u{e9}"), ("/v1/likes/%c3%a9", "\u{e9}"),
            ("/v1/likes/\u{e9}", "\u{e9}"), ("/v1/likes/%62atch", "batch"), ("/v1/likes/%3F%23%26", "?#&"),
            ("/v1/l%69kes/x", "x"), ("/v1/likes/count/%00", "\u{0}"), ("/v1/likes/..", ".."), ("/v1/likes/%2e", "."),
        ])
    func decoded(_ path: String, _ content: String) {
        #expect(route(.get, path) == .count(RouteTests.id(content)))
    }

    @Test("An id need not be UTF-8 to be told apart; its rule is not the route's")
    func notUTF8() {
        #expect(route(.get, "/v1/likes/%ff%fe") == .count([0xff, 0xfe]))
    }

    @Test(
        "A path with an escape that is none is malformed, for every method",
        arguments: ["/v1/likes/%", "/v1/likes/%2", "/v1/likes/%zz", "/v1/likes/a%2g", "/%", "/nowhere/%g0", "/v1/%%20"])
    func malformed(_ path: String) {
        for method in [HTTPRequest.Method.get, .post, .options] {
            guard case .malformed = Route.match(method, path) else {
                Issue.record("\(method) \(path) is not malformed")
                continue
            }
        }
    }

    @Test(
        "There is no other path",
        arguments: [
            "", "v1/likes", "*", "//", "/v1", "/v1/", "/v1/likes/", "/v1/likes/count/", "/v1/likes//", "/v1//likes",
            "//v1/likes", "/V1/likes", "/v1/Likes", "/v2/likes", "/v1/likes/a/b", "/v1/likes/count/a/b", "/v1/content",
            "/v1/content/", "/v1/content/a/", "/v1/content/a/users", "/v1/users", "/v1/users/ann", "/v1/users/ann/",
            "/v1/users/ann/likes/", "/v1/users/ann/likes/v1/x", "/v1/users/ann/like/v1", "/health", "/health/",
            "/health/live/", "/health/dead", "/metrics/", "/openapi", "/openapi.json/x", "/favicon.ico",
        ])
    func unknown(_ path: String) {
        guard case .unknown = Route.match(.get, path) else {
            Issue.record("there is a path \(path)")
            return
        }
    }

    @Test("An empty id between slashes is an id, whose rule refuses it")
    func emptyID() {
        #expect(route(.get, "/v1/users//likes") == .userLikes([]))
        #expect(route(.put, "/v1/users//likes/v1") == .hold(user: [], content: RouteTests.id("v1")))
    }

    @Test(
        "A path with another method says which ones it takes",
        arguments: [
            (.put, "/v1/likes", "POST, DELETE"), (.get, "/v1/likes", "POST, DELETE"),
            (.head, "/v1/likes", "POST, DELETE"), (.put, "/v1/likes/v1", "GET, DELETE, HEAD"),
            (.put, "/v1/likes/batch", "GET, DELETE, POST, HEAD"), (.post, "/v1/likes/count/v1", "GET, HEAD"),
            (.put, "/v1/likes/count/batch", "GET, POST, HEAD"), (.post, "/v1/users/a/likes", "GET, HEAD"),
            (.post, "/v1/users/a/likes/v1", "GET, PUT, DELETE, HEAD"),
            (.patch, "/v1/content/v1", "GET, PUT, DELETE, HEAD"), (.post, "/v1/content/v1/likes", "GET, HEAD"),
            (.post, "/health/ready", "GET, HEAD"), (.delete, "/metrics", "GET, HEAD"), (.post, "/", "GET, HEAD"),
            (.options, "/openapi.json", "GET, HEAD"), (.put, "/v1/content/top", "GET, HEAD"),
            (.delete, "/v1/content/top", "GET, HEAD"),
        ] as [(HTTPRequest.Method, String, String)])
    func otherMethod(_ method: HTTPRequest.Method, _ path: String, _ expected: String) {
        guard case .methodNotAllowed(let allow) = Route.match(method, path) else {
            Issue.record("\(method) \(path) is not refused")
            return
        }
        #expect(allow == expected)
    }

    @Test("HEAD goes where GET goes")
    func head() {
        for path in ["/", "/metrics", "/v1/likes/v1", "/v1/content/top", "/v1/users/a/likes/b"] {
            #expect(route(.head, path) == route(.get, path))
            #expect(route(.head, path) != nil)
        }
    }

    @Test("Methods are told apart by their case")
    func methodCase() throws {
        let lower = try #require(HTTPRequest.Method("get"))
        guard case .methodNotAllowed = Route.match(lower, "/metrics") else {
            Issue.record("get is not GET")
            return
        }
    }

    // MARK: Percent-encoding

    @Test("All bytes can be written as escapes, in either case")
    func allBytes() {
        let digits = Array("0123456789abcdef".utf8)
        for byte in UInt8.min...UInt8.max {
            let escape = [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            #expect(PercentEncoding.decode(escape) == [byte])
            #expect(PercentEncoding.decode(Array(String(decoding: escape, as: UTF8.self).uppercased().utf8)) == [byte])
        }
    }

    @Test("Plus is a space in queries alone")
    func plus() {
        #expect(PercentEncoding.decode(Array("a+b%2B".utf8), plusIsSpace: true) == Array("a b+".utf8))
        #expect(PercentEncoding.decode(Array("a+b%2B".utf8)) == Array("a+b+".utf8))
    }
}
