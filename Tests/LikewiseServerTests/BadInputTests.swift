import LikewiseServer
import Testing

@Suite("Input that is wrong")
struct BadInputTests {
    struct Wrong: Sendable, CustomTestStringConvertible {
        var field: String?
        var request: RawRequest
        var testDescription: String { "\(field ?? "no field"): \(request.testDescription)" }
    }

    private static func post(_ field: String?, _ json: String, _ fields: [(name: String, value: String)] = []) -> Wrong
    {
        Wrong(field: field, request: RawRequest("POST", "/v1/likes", json, fields))
    }

    private static func delete(_ field: String?, _ json: String, _ target: String = "/v1/likes") -> Wrong {
        Wrong(field: field, request: RawRequest("DELETE", target, json))
    }

    private static func put(_ field: String?, _ target: String, _ json: String? = nil) -> Wrong {
        Wrong(field: field, request: RawRequest("PUT", target, json))
    }

    private static func get(_ field: String?, _ target: String) -> Wrong {
        Wrong(field: field, request: RawRequest("GET", target))
    }

    private static func batch(_ field: String?, _ json: String) -> Wrong {
        Wrong(field: field, request: RawRequest("POST", "/v1/likes/count/batch", json))
    }

    private static let longContent = String(repeating: "c", count: 257)
    private static let longUser = String(repeating: "u", count: 129)
    private static let longName = String(repeating: "n", count: 33)
    private static let good = #"{"content_id":"v","user_id":"u"}"#

    private static let likes = [
        post("content_id", #"{"user_id":"u"}"#), post("content_id", #"{"content_id":"","user_id":"u"}"#),
        post("content_id", #"{"content_id":"\#(longContent)","user_id":"u"}"#),
        post("content_id", #"{"content_id":7,"user_id":"u"}"#),
        post("content_id", #"{"content_id":null,"user_id":"u"}"#),
        post("content_id", #"{"content_id":["v"],"user_id":"u"}"#),
        post("content_id", #"{"content_id":"a\u0000b","user_id":"u"}"#),
        post("content_id", #"{"content_id":"a\u009fb","user_id":"u"}"#),
        post("content_id", #"{"content_id":"v","content_id":"w","user_id":"u"}"#),
        post("content_id", #"{"content_id":"v","videoId":"w","user_id":"u"}"#),
        post("user_id", #"{"content_id":"v"}"#), post("user_id", #"{"content_id":"v","user_id":""}"#),
        post("user_id", #"{"content_id":"v","user_id":"\#(longUser)"}"#),
        post("user_id", #"{"content_id":"v","user_id":true}"#),
        post("user_id", #"{"content_id":"v","user_id":{}}"#),
        post("user_id", #"{"content_id":"v","user_id":"a\tb"}"#),
        post("user_id", #"{"content_id":"v","user_id":"u","userId":"u"}"#),
        post("content_type", #"{"content_id":"v","user_id":"u","content_type":""}"#),
        post("content_type", #"{"content_id":"v","user_id":"u","content_type":"Video"}"#),
        post("content_type", #"{"content_id":"v","user_id":"u","content_type":"\#(longName)"}"#),
        post("content_type", #"{"content_id":"v","user_id":"u","content_type":1}"#),
        post("reaction", #"{"content_id":"v","user_id":"u","reaction":"meh"}"#),
        post("reaction", #"{"content_id":"v","user_id":"u","reaction":""}"#),
        post("reaction", #"{"content_id":"v","user_id":"u","reaction":"Like"}"#),
        post("reaction", #"{"content_id":"v","user_id":"u","reaction":null}"#),
        post(nil, "[]"), post(nil, "\"v\""), post(nil, "{"), post(nil, #"{"content_id":"v","user_id":"u"},"#),
        post(nil, #"{"content_id":"v" "user_id":"u"}"#), post(nil, #"{"content_id":"v","user_id":"\x"}"#),
        post("Idempotency-Key", good, [("Idempotency-Key", "")]),
        post("Idempotency-Key", good, [("Idempotency-Key", "a b")]),
        post("Idempotency-Key", good, [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]),
        post("Idempotency-Key", good, [("Idempotency-Key", String(repeating: "k", count: 256))]),
    ]

    private static let otherWrites = [
        delete("content_id", #"{"user_id":"u"}"#), delete("user_id", #"{"content_id":"v"}"#),
        delete("user_id", #"{}"#, "/v1/likes/v"), delete("user_id", #"{"user_id":""}"#, "/v1/likes/v"),
        delete("content_id", #"{"user_id":"u","content_id":"w"}"#, "/v1/likes/v"),
        delete("content_id", #"{"user_id":"u"}"#, "/v1/likes/\(longContent)"),
        delete("content_id", #"{"user_id":"u"}"#, "/v1/likes/%ff"),
        delete("content_id", #"{"user_id":"u"}"#, "/v1/likes/a%00"),
        Wrong(field: "content_id", request: RawRequest("DELETE", "/v1/likes")),
        Wrong(field: "user_id", request: RawRequest("DELETE", "/v1/likes/v")),
        put("user_id", "/v1/users//likes/v"), put("user_id", "/v1/users/\(longUser)/likes/v"),
        put("user_id", "/v1/users/%c3/likes/v"), put("content_id", "/v1/users/u/likes/\(longContent)"),
        put("content_id", "/v1/users/u/likes/%0a"), put("reaction", "/v1/users/u/likes/v", #"{"reaction":"meh"}"#),
        put("content_type", "/v1/users/u/likes/v", #"{"content_type":"!"}"#), put(nil, "/v1/users/u/likes/v", "["),
        Wrong(field: "user_id", request: RawRequest("DELETE", "/v1/users/%7f/likes/v")),
        put("content_type", "/v1/content/v", "{}"), put("content_type", "/v1/content/v", #"{"content_type":"A"}"#),
        put("visibility", "/v1/content/v", #"{"content_type":"video","visibility":"secret"}"#),
        put("visibility", "/v1/content/v", #"{"content_type":"video","visibility":1}"#),
        put("content_id", "/v1/content/\(longContent)", #"{"content_type":"video"}"#),
        Wrong(field: "content_id", request: RawRequest("DELETE", "/v1/content/%80")),
    ]

    private static let reads = [
        get("content_id", "/v1/likes/count/\(longContent)"), get("content_id", "/v1/likes/count/%00"),
        get("content_id", "/v1/likes/%ff"), get("user_id", "/v1/likes/count/v?user_id="),
        get("user_id", "/v1/likes/count/v?user_id"), get("user_id", "/v1/likes/count/v?user_id=\(longUser)"),
        get("user_id", "/v1/likes/count/v?user_id=a&user_id=b"), get("user_id", "/v1/likes/count/v?user_id=%zz"),
        get("user_id", "/v1/likes/count/v?user_id=%ff"), get("user_id", "/v1/likes/count/v?x=y&user_id=%00"),
        get("user_id", "/v1/users//likes/v"), get("content_id", "/v1/users/u/likes/%1f"),
        get("user_id", "/v1/users/\(longUser)/likes"), get("limit", "/v1/users/u/likes?limit=0"),
        get("limit", "/v1/users/u/likes?limit=1001"), get("limit", "/v1/users/u/likes?limit=ten"),
        get("limit", "/v1/users/u/likes?limit="), get("limit", "/v1/users/u/likes?limit=1&limit=2"),
        get("limit", "/v1/users/u/likes?limit=-1"), get("limit", "/v1/users/u/likes?limit=99999999999999999999"),
        get("cursor", "/v1/users/u/likes?cursor=x"), get("cursor", "/v1/content/v/likes?cursor="),
        get("cursor", "/v1/content/v/likes?cursor=%00"), get("content_id", "/v1/content/\(longContent)/likes"),
        get("limit", "/v1/content/v/likes?limit=1.5"), get("limit", "/v1/content/top?limit=101"),
        get("window", "/v1/content/top?window=2h"), get("window", "/v1/content/top?window="),
        get("window", "/v1/content/top?window=1m&window=1h"), get("content_id", "/v1/content/%00"),
        batch("content_ids", "{}"), batch("content_ids", #"{"content_ids":[]}"#),
        batch("content_ids", #"{"content_ids":"v"}"#), batch("content_ids", #"{"content_ids":["v",1]}"#),
        batch("content_ids", #"{"content_ids":["v",""]}"#),
        batch("content_ids", #"{"content_ids":["\#(longContent)"]}"#),
        batch("content_ids", #"{"content_ids":["v"],"videoIds":["w"]}"#),
        batch("content_ids", "{\"content_ids\":[\(Array(repeating: "\"v\"", count: 101).joined(separator: ","))]}"),
        batch("user_id", #"{"content_ids":["v"],"user_id":""}"#),
        batch("user_id", #"{"content_ids":["v"],"user_id":5}"#), batch(nil, "[]"), batch(nil, ""),
    ]

    @Test(
        "What is wrong is answered with 400, naming the field, and changes nothing",
        arguments: [likes, otherWrites, reads])
    func wrong(_ all: [Wrong]) async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            for wrong in all {
                let answer = try connection.ask(wrong.request)
                #expect(answer.status == 400, "\(wrong.testDescription): \(answer.text)")
                #expect(answer.field("content-type") == "application/problem+json")
                #expect(answer.says("code", #""invalid_request""#), "\(wrong.testDescription): \(answer.text)")
                #expect(answer.text.contains(#""detail":""#))
                if let field = wrong.field {
                    #expect(answer.says("field", "\"\(field)\""), "\(wrong.testDescription): \(answer.text)")
                } else {
                    #expect(!answer.text.contains(#""field":"#), "\(wrong.testDescription): \(answer.text)")
                }
            }
            #expect(try connection.ask(RawRequest("GET", "/v1/likes/count/v")).says("count", "0"))
            #expect(try connection.ask(RawRequest("GET", "/v1/users/u/likes")).says("likes", "[]"))
        }
    }

    @Test("A bulk line that is wrong is rejected with its number, the others count")
    func bulk() async throws {
        let lines = [
            #"{"content_id":"v","user_id":"u","action":"like"}"#, #"{"content_id":"v","user_id":"w"}"#, "",
            #"{"content_id":"","user_id":"w","action":"like"}"#, #"{"content_id":"v","user_id":5,"action":"like"}"#,
            #"{"content_id":"v","user_id":"w","action":"love"}"#,
            #"{"content_id":"v","user_id":"w","action":"like","reaction":"meh"}"#,
            #"{"content_id":"v","user_id":"w","action":"like","content_type":"A"}"#, "like",
            #"{"content_id":"v","user_id":"w","action":"like"}"#,
        ]
        try await TestServer.run { server in
            let connection = try server.connect()
            var request = RawRequest("POST", "/v1/likes/batch", nil, [("Content-Type", "application/x-ndjson")])
            request.body = Array(lines.joined(separator: "\r\n").utf8)
            let answer = try connection.ask(request)
            #expect(answer.status == 200)
            #expect(answer.says("accepted", "2") && answer.says("changed", "2"), "\(answer.text)")
            for line in [2, 4, 5, 6, 7, 8, 9] { #expect(answer.text.contains("{\"line\":\(line),"), "\(line)") }
            for line in [1, 3, 10] { #expect(!answer.text.contains("{\"line\":\(line),"), "\(line)") }
            #expect(try connection.ask(RawRequest("GET", "/v1/likes/count/v")).says("count", "2"))
        }
    }

    @Test("A problem repeats nothing of what was sent")
    func repeatsNothing() async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            for request in [
                RawRequest("POST", "/v1/likes", #"{"content_id":"v","user_id":"u","reaction":"zebra"}"#),
                RawRequest("GET", "/zebra"), RawRequest("GET", "/v1/content/top?window=zebra"),
                RawRequest("POST", "/v1/likes", "zebra", [("Content-Type", "zebra/zebra")]),
                RawRequest("GET", "/v1/users/u/likes?cursor=zebra"),
            ] {
                let answer = try connection.ask(request)
                #expect(answer.status >= 400)
                #expect(!answer.text.contains("zebra"), "\(answer.text)")
            }
        }
    }
}
