/// Tables of the contract that hold for one server as for a cluster.
enum ContractTables {
    /// Bodies of a like that are refused, with the field at fault.
    static let badFields = [
        (#"{"user_id": "u"}"#, "content_id"), (#"{"content_id": "c"}"#, "user_id"),
        (#"{"content_id": "", "user_id": "u"}"#, "content_id"), (#"{"content_id": "c", "user_id": ""}"#, "user_id"),
        (#"{"content_id": 7, "user_id": "u"}"#, "content_id"),
        (#"{"content_id": "c", "user_id": null}"#, "user_id"),
        (#"{"content_id": "c\n", "user_id": "u"}"#, "content_id"),
        (#"{"content_id": "c", "user_id": "\u0085"}"#, "user_id"),
        (#"{"content_id": "c", "user_id": "u", "reaction": "unknown"}"#, "reaction"),
        (#"{"content_id": "c", "user_id": "u", "reaction": 1}"#, "reaction"),
        (#"{"content_id": "c", "user_id": "u", "content_type": "A B"}"#, "content_type"),
        (#"{"content_id": "c", "video_id": "d", "user_id": "u"}"#, "content_id"),
    ]

    /// Bodies that are not one JSON object.
    static let notJSON = [
        "", "{", "[]", "\"text\"", "{}{}", "{\"content_id\": \"c\",}", "{'a': 1}", "{\"a\": 01}", "nul",
    ]

    /// Paths that are none.
    static let noPaths = [
        "/v1", "/v1/", "/v2/likes", "/v1/like", "/v1/users/ann", "/v1/users/ann/likes/c/d", "/v1/likes/count/c/d",
        "/health", "/nothing", "/v1/content/c/comments",
    ]

    /// Methods that a path does not take, and those that it takes.
    static let otherMethods = [
        ("PATCH", "/v1/likes", ["POST", "DELETE"]), ("POST", "/v1/likes/count/c", ["GET"]),
        ("PUT", "/v1/likes/c", ["GET", "DELETE"]), ("GET", "/v1/likes", ["POST", "DELETE"]),
        ("POST", "/v1/users/u/likes/c", ["GET", "PUT", "DELETE"]), ("DELETE", "/v1/users/u/likes", ["GET"]),
        ("POST", "/v1/content/c", ["GET", "PUT", "DELETE"]), ("POST", "/health/live", ["GET"]),
        ("DELETE", "/metrics", ["GET"]),
    ]

    /// Media types that a like's body must not have.
    static let otherMediaTypes = ["text/plain", "application/x-www-form-urlencoded", "text/json"]

    /// Queries of a list that are refused, with the field at fault.
    static let badPages = [
        ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("limit=-1", "limit"),
        ("cursor=nonsense", "cursor"), ("cursor=", "cursor"), ("cursor=AQGiABYZywAAAAF2aWRlb19hYmOlWB", "cursor"),
    ]

    /// How many contents a call for counts names, and its status.
    static let batchSizes = [(0, 400), (1, 200), (100, 200), (101, 400)]

    /// Ids that may be taken for something else on their way.
    static let unusualIDs = [
        "a/b/c", "https://example.org/watch?v=1&t=2#x", "日本語", "👍🏽 two words", "100%", "a+b", "\"quoted\\\"", "..",
        "count", "batch", "top", "e\u{301}", String(repeating: "ö", count: 64),
    ]

    /// A bulk intake's lines on `content`, of which some are bad, and the numbers of those.
    static func mixedLines(_ content: String) -> (lines: [String], bad: [Int], good: Int) {
        let lines = [
            bulkLine(content, "ann", "like"), "not json", bulkLine(content, "bob", "like"), bulkLine("", "ann", "like"),
            #"{"content_id": "\#(content)", "action": "like"}"#, bulkLine(content, "carl", "applaud"),
            bulkLine(content, "carl", "like", more: #", "reaction": "unknown""#),
            #"{"content_id": "\#(content)", "user_id": "x"}"#,
            "[1]", bulkLine(content, "carl", "like", more: #", "content_type": "Not A Name""#),
            bulkLine(content, "dora", "like"),
        ]
        return (lines, [2, 4, 5, 6, 7, 8, 9, 10], 3)
    }

    /// A line of a bulk intake.
    static func bulkLine(_ content: String, _ user: String, _ action: String, more: String = "") -> String {
        #"{"content_id": "\#(content)", "user_id": "\#(user)", "action": "\#(action)"\#(more)}"#
    }

    /// A call of each kind of write, each with a key of its own, on contents and keys that begin with `name`; and the
    /// statuses that are due where nothing was liked before.
    static func writesWithKeys(_ name: String) throws -> (calls: [HTTPCall], statuses: [Int]) {
        func call(_ method: String, _ target: String, _ json: JSON? = nil, key: String) throws -> HTTPCall {
            try HTTPCall(method, target, json).with(key: name + key)
        }
        func like(_ reaction: String) -> JSON {
            ["content_id": "\(name)c", "user_id": "ann", "reaction": .string(reaction)]
        }
        let bulk = bulkLine("\(name)e", "ann", "like") + "\nbad\n"
        let calls = try [
            call("POST", Target.likes, like("like"), key: "like"),
            call("POST", Target.likes, like("wow"), key: "change"),
            call("POST", Target.likes, like("wow"), key: "again"),
            call("DELETE", Target.likes("\(name)c"), ["user_id": "bob"], key: "unlike"),
            call("PUT", Target.like("bob", "\(name)c"), ["reaction": "sad"], key: "put"),
            call("DELETE", Target.like("carl", "\(name)c"), key: "delete"),
            call("PUT", Target.content("\(name)d"), ["content_type": "post"], key: "content"),
            HTTPCall("POST", Target.bulk, contentType: "application/x-ndjson", body: Array(bulk.utf8))
                .with(key: "\(name)bulk"),
        ]
        return (calls, [200, 200, 409, 404, 200, 200, 200, 200])
    }
}
