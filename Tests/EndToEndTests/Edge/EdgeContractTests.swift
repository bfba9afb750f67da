import Foundation
import LikewiseTestSupport
import Testing

/// The contract holds behind a server that stands before the nodes.
@Suite("The contract behind nginx and Varnish", .timeLimit(.minutes(3)))
struct EdgeContractTests {
    /// A call of the contract, in the order in which they are sent.
    private static func calls() throws -> [HTTPCall] {
        let like: JSON = ["content_id": "c", "user_id": "ann"]
        func bulk(_ text: String) -> HTTPCall {
            HTTPCall("POST", Target.bulk, contentType: "application/x-ndjson", body: Array(text.utf8))
        }
        var calls = [
            try HTTPCall("POST", Target.likes, like), try HTTPCall("POST", Target.likes, like),
            try HTTPCall("POST", Target.likes, ["content_id": "c", "user_id": "bob", "reaction": "love"]),
            try HTTPCall("POST", Target.likes, like).with(key: "k"),
            try HTTPCall("POST", Target.likes, like).with(key: "k"),
            try HTTPCall("POST", Target.likes, ["content_id": "d", "user_id": "ann"]).with(key: "k"),
            try HTTPCall("GET", Target.count("c")), try HTTPCall("GET", Target.likes("c")),
            try HTTPCall("GET", Target.count("c", user: "ann")), try HTTPCall("HEAD", Target.count("c")),
            try HTTPCall("POST", Target.counts, ["content_ids": ["c", "d"]]),
            try HTTPCall("POST", Target.counts, ["content_ids": ["c", "d"], "user_id": "ann"]),
            try HTTPCall("PUT", Target.like("ann", "e"), ["reaction": "wow"]),
            try HTTPCall("PUT", Target.like("ann", "e")), try HTTPCall("GET", Target.like("ann", "e")),
            try HTTPCall("DELETE", Target.like("ann", "e")), try HTTPCall("DELETE", Target.like("ann", "e")),
            bulk(#"{"content_id":"f","user_id":"ann","action":"like"}"# + "\nnot json\n"),
            try HTTPCall("GET", Target.likesOfUser("ann")),
            try HTTPCall("GET", Target.likesOfContent("c") + "?limit=1"),
            try HTTPCall("PUT", Target.content("g"), ["content_type": "video"]),
            try HTTPCall("GET", Target.content("g")), try HTTPCall("DELETE", Target.content("g")),
            try HTTPCall("DELETE", Target.likes, like), try HTTPCall("DELETE", Target.likes, like),
            try HTTPCall("DELETE", Target.likes("c"), ["user_id": "bob"]),
            try HTTPCall("GET", "/v1/content/top?window=2d"), try HTTPCall("GET", "/v1/likes/count/c/d"),
            try HTTPCall("PATCH", Target.likes, like), try HTTPCall("GET", Target.likes),
            try HTTPCall("GET", Target.count("c") + "?user_id="), try HTTPCall("GET", "/v1/nothing"),
            try HTTPCall("GET", "/nothing"), try HTTPCall("GET", "/v1"), try HTTPCall("GET", "/openapi.json"),
            try HTTPCall("GET", "/"), HTTPCall("POST", Target.likes, contentType: "text/plain", body: [1, 2]),
        ]
        // Twice: the second answer is the edge's own.
        for spelling in ["a%2Fb", "a%252Fb", "%C3%A4", "x%3Fuser_id%3Dann", "a+b", "%2E%2E", "~%3B", "plain"] {
            for _ in 0..<2 { calls.append(try HTTPCall("GET", "/v1/likes/count/\(spelling)")) }
        }
        return calls
    }

    /// What two answers to the same call have to have in common, byte for byte; moments aside.
    private func essence(_ answer: HTTPAnswer) -> String {
        let headers = ["content-type", "cache-control", "etag", "allow", "retry-after"].map {
            "\($0): \(answer.header($0) ?? "")"
        }
        let body = answer.text.replacing(/\d{4}-\d\d-\d\dT[0-9:.]+Z/, with: "T")
            .replacing(/"next_cursor":"[^"]+"/, with: "C")
        return "\(answer.status)\n\(headers.joined(separator: "\n"))\n\(body)"
    }

    @Test("Every call is answered as by the node itself", arguments: EdgeKind.allCases)
    func sameBytes(kind: EdgeKind) throws {
        try withServer { server in
            try withEdge(kind) { _, edge in
                let (direct, through) = (try server.connect(), try edge.connect())
                for call in try Self.calls() {
                    let (expected, found) = (try direct.answer(call), try through.answer(call))
                    #expect(essence(found) == essence(expected), "\(call.method) \(call.target)")
                }
            }
        }
    }

    @Test("An ETag that is still right is confirmed, by the edge and by the node", arguments: EdgeKind.allCases)
    func notModified(kind: EdgeKind) throws {
        try withEdge(kind) { server, edge in
            let http = try edge.connect()
            _ = try http.answer("POST", Target.likes, ["content_id": "c", "user_id": "ann"])
            let tag = try #require(try http.answer("GET", Target.count("c")).header("etag"))
            let asked = try server.answered("count")
            // Varnish does not look into lists: it answers in full, which is as right.
            for name in [tag, "W/\(tag)"] + (kind == .nginx ? ["\"other\", \(tag)"] : []) {
                let known = try http.answer("GET", Target.count("c"), headers: [("if-none-match", name)])
                #expect(known.status == 304 && known.body.isEmpty && known.header("etag") == tag, "\(name)")
                #expect(known.header("cache-control") == "public, max-age=5, stale-while-revalidate=10")
            }
            expect(
                try http.answer("GET", Target.count("c"), headers: [("if-none-match", "\"other\"")]), 200, ["count": 1])
            #expect(try server.answered("count") == asked, "the edge asked the node")
            // With a query the node decides.
            let passed = try http.answer("GET", Target.count("c") + "?x=1", headers: [("if-none-match", tag)])
            #expect(passed.status == 304)
            #expect(try server.answered("count") == asked + 1)
        }
    }

    @Test("An id with an escaped slash or question mark is another one than without", arguments: EdgeKind.allCases)
    func escapes(kind: EdgeKind) throws {
        try withEdge(kind) { server, edge in
            let http = try edge.connect()
            let ids = ["a/b", "a%2Fb", "a//b", "x", "x?user_id=ann", "x?y=1", "../x", "b c", "b+c", "é"]
            for (number, id) in ids.enumerated() {
                for user in 0...number { try like(http, id, "user_\(user)") }
            }
            for _ in 0..<2 {
                for (number, id) in ids.enumerated() {
                    expect(
                        try http.answer("GET", Target.count(id)), 200,
                        ["content_id": .string(id), "count": .integer(Int64(number + 1))], id)
                }
                expectProblem(try http.answer("GET", "/v1/likes/count/a/b"), 404, "not_found")
                expect(try http.answer("GET", "/v1/likes/count/x?y=1"), 200, ["content_id": "x", "count": 4])
            }
        }
    }

    private func like(_ http: HTTPConnection, _ content: String, _ user: String) throws {
        let answer = try http.answer("POST", Target.likes, ["content_id": .string(content), "user_id": .string(user)])
        expect(answer, 200, [:], "\(content) \(user)")
    }

    @Test("Health and metrics are not shown outside, however they are spelt", arguments: EdgeKind.allCases)
    func hidden(kind: EdgeKind) throws {
        try withEdge(kind) { _, edge in
            for target in [
                "/metrics", "/%6Detrics", "//metrics", "/health/live", "/health/ready", "/health%2Fready", "/./metrics",
                "/v1/../metrics", "/metrics?x=1", "/v1/%2e%2e/metrics", "/openapi.json/../metrics", "/health/",
            ] {
                let answer = try edge.connect().answer("GET", target)
                expectProblem(answer, 404, "not_found", target)
                expectNoStore(answer)
            }
        }
    }

    @Test("A bulk of 16 MiB passes, one of 20 is refused, and so is a like of 100 KiB", arguments: EdgeKind.allCases)
    func bodies(kind: EdgeKind) throws {
        try withEdge(kind) { _, edge in
            let (lines, bytes) = (90_000, 16 << 20)
            var body: [UInt8] = []
            body.reserveCapacity(bytes)
            for user in 0..<lines {
                let line = #"{"content_id":"c","user_id":"user_\#(user)","action":"like"}"#
                body += Array(line.utf8) + [UInt8](repeating: UInt8(ascii: " "), count: 100) + [10]
            }
            // On the last line, since an empty one would count as one.
            body += [UInt8](repeating: UInt8(ascii: " "), count: bytes - body.count)
            let http = try edge.connect()
            expect(
                try http.answer(HTTPCall("POST", Target.bulk, contentType: "application/x-ndjson", body: body)), 200,
                ["accepted": .integer(Int64(lines)), "changed": .integer(Int64(lines))])
            for (target, size) in [
                (Target.bulk, 20 << 20), (Target.likes, 100 << 10), (Target.like("u", "c"), 100 << 10),
            ] {
                let refused = try edge.connect()
                try refused.send(
                    bytes: Array(
                        """
                        \(target.contains("users") ? "PUT" : "POST") \(target) HTTP/1.1\r\nhost: x\r\n\
                        content-type: application/json\r\ncontent-length: \(size)\r\n\r\n{
                        """.utf8))
                expectProblem(try refused.receive(), 413, "body_too_large", target)
            }
            expect(try edge.connect().answer("GET", Target.count("c")), 200, ["count": .integer(Int64(lines))])
        }
    }

    @Test("Server-sent events pass as they come", arguments: EdgeKind.allCases)
    func live(kind: EdgeKind) throws {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n\r\n"
        let node = try MadeUpNode {
            $0.hasPrefix("GET /v1/live") ? .inTwoParts(head + "data: 1\n\n", "data: 2\n\n") : .json(200, "{}")
        }
        defer { node.stop() }
        let edge = try EdgeProcess(kind, nodes: (node.port, node.port))
        defer { edge.stop() }
        let http = try edge.connect()
        try http.send([HTTPCall("GET", "/v1/live?content_id=c")])
        // The second is not sent before the first was seen.
        #expect(try http.text(until: "data: 1\n\n").contains("text/event-stream"))
        node.goOn()
        #expect(try http.text(until: "data: 2\n\n").isEmpty == false)
    }
}
