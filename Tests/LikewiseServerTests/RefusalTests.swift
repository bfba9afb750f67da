import LikewiseServer
import Testing

@Suite("Requests that are refused")
struct RefusalTests {
    private static let like = #"{"content_id":"v","user_id":"u"}"#

    /// Expects a problem with this status and code.
    private static func expectProblem(_ answer: RawAnswer, _ status: Int, _ code: String) {
        #expect(answer.status == status)
        #expect(answer.field("content-type") == "application/problem+json")
        #expect(answer.field("cache-control") == "no-store")
        #expect(answer.says("code", "\"\(code)\""), "\(answer.text)")
        #expect(answer.says("status", "\(status)"), "\(answer.text)")
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var name: String
        var request: RawRequest
        var status: Int
        var code: String
        var testDescription: String { name }
    }

    @Test(
        "A request that is wrong is refused, and the connection goes on",
        arguments: [
            Refusal(
                name: "no length", request: RawRequest("POST", "/v1/likes"), status: 411, code: "length_required"),
            Refusal(
                name: "bulk without a length", request: RawRequest("POST", "/v1/likes/batch"), status: 411,
                code: "length_required"),
            Refusal(
                name: "long body",
                request: RawRequest("POST", "/v1/likes", like + String(repeating: " ", count: 64 << 10)), status: 413,
                code: "body_too_large"),
            Refusal(
                name: "long body for a path without",
                request: RawRequest("GET", "/v1/likes/count/v", String(repeating: " ", count: 70_000)), status: 413,
                code: "body_too_large"),
            Refusal(
                name: "wrong type",
                request: RawRequest(
                    "POST", "/v1/likes", nil, [("Content-Type", "text/plain"), ("Content-Length", "0")]
                )
                .withBody(like), status: 415, code: "unsupported_media_type"),
            Refusal(
                name: "bulk of the wrong type", request: RawRequest("POST", "/v1/likes/batch", like), status: 415,
                code: "unsupported_media_type"),
            Refusal(
                name: "no JSON", request: RawRequest("POST", "/v1/likes", "like"), status: 400,
                code: "invalid_request"),
            Refusal(
                name: "empty body", request: RawRequest("POST", "/v1/likes", ""), status: 400, code: "invalid_request"),
            Refusal(
                name: "malformed escape", request: RawRequest("GET", "/v1/likes/count/%zz"), status: 400,
                code: "invalid_request"),
            Refusal(name: "unknown path", request: RawRequest("GET", "/v2/likes"), status: 404, code: "not_found"),
            Refusal(
                name: "wrong method", request: RawRequest("PATCH", "/v1/likes", like), status: 405,
                code: "method_not_allowed"),
        ])
    func refused(_ refusal: Refusal) async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            for _ in 0..<2 {
                let answer = try connection.ask(refusal.request)
                RefusalTests.expectProblem(answer, refusal.status, refusal.code)
                if refusal.status == 405 { #expect(answer.field("allow") == "POST, DELETE") }
            }
            #expect(try connection.ask(RawRequest("GET", "/v1/likes/count/v")).says("count", "0"))
        }
    }

    struct Closing: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var status: Int
        var code: String
        var testDescription: String { name }
    }

    @Test(
        "A request that is too long for the server is refused, and the connection closed",
        arguments: [
            Closing(
                name: "long field",
                text: "GET / HTTP/1.1\r\nHost: a\r\nA: \(String(repeating: "a", count: 17_000))\r\n\r\n", status: 431,
                code: "headers_too_large"),
            Closing(
                name: "long field without end",
                text: "GET / HTTP/1.1\r\nHost: a\r\nA: \(String(repeating: "a", count: 17_000))", status: 431,
                code: "headers_too_large"),
            Closing(
                name: "many fields",
                text: "GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "Abc: def\r\n", count: 1700))\r\n", status: 431,
                code: "headers_too_large"),
            Closing(
                name: "long target", text: "GET /\(String(repeating: "a", count: 9_000)) HTTP/1.1\r\nHost: a\r\n\r\n",
                status: 414, code: "uri_too_long"),
            Closing(
                name: "long target without end", text: "GET /\(String(repeating: "a", count: 9_000))", status: 414,
                code: "uri_too_long"),
            Closing(
                name: "long body", text: "POST /v1/likes/batch HTTP/1.1\r\nHost: a\r\nContent-Length: 16777217\r\n\r\n",
                status: 413, code: "body_too_large"),
            Closing(
                name: "very long body",
                text: "POST /v1/likes HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999\r\n\r\n", status: 413,
                code: "body_too_large"),
            Closing(
                name: "long body that waits for a go-ahead",
                text: "PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n",
                status: 413, code: "body_too_large"),
        ])
    func closing(_ closing: Closing) async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            // What came before is answered first.
            try connection.send(RawRequest("GET", "/v1/likes/count/v").bytes + Array(closing.text.utf8))
            #expect(try connection.receive().status == 200)
            let answer = try connection.receive()
            RefusalTests.expectProblem(answer, closing.status, closing.code)
            #expect(answer.field("connection") == "close")
            try connection.expectEnd()
        }
    }

    @Test("A client that goes on sending what was refused still gets the answer")
    func refusedWhileSending() async throws {
        var options = TestServer.Options()
        options.http.limits.bulkBytes = 1 << 20
        try await TestServer.run(options) { server in
            for _ in 0..<5 {
                let connection = try server.connect()
                let body = String(repeating: " ", count: 4 << 20)
                let request = RawRequest("POST", "/v1/likes", body)
                try connection.send(request.bytes)
                connection.finishSending()
                RefusalTests.expectProblem(try connection.receive(), 413, "body_too_large")
                try connection.expectEnd()
            }
        }
    }

    @Test(
        "What is no request is answered with 400 or nothing, and the connection closed",
        arguments: [
            "hello\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}", "GET\r\n\r\n", "{}\n\n",
            "GET / HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{0}\u{0}\u{0}\u{0}",
            "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "A: b\r\n", count: 300))\r\n",
        ])
    func garbage(_ text: String) async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            try connection.send(RawRequest("GET", "/v1/likes/count/v").bytes)
            #expect(try connection.receive().status == 200)
            // Nothing behind it takes effect: where it would begin is not known.
            try connection.send(Array(text.utf8) + RawRequest("POST", "/v1/likes", RefusalTests.like).bytes)
            connection.finishSending()
            do {
                let answer = try connection.receive()
                #expect(answer.status == 400)
                try connection.expectEnd()
            } catch RawConnection.Failure.closed {}
            #expect(try server.connect().ask(RawRequest("GET", "/v1/likes/count/v")).says("count", "0"))
        }
    }

    @Test(
        "Nothing that follows a request that closes the connection takes effect",
        arguments: ["close", "Close", "keep-alive, close"])
    func afterClose(_ value: String) async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            let last = RawRequest("GET", "/v1/likes/count/v").with("Connection", value)
            let behind = RawRequest("POST", "/v1/likes", RefusalTests.like).bytes
            try connection.send(last.bytes + behind + behind)
            connection.finishSending()
            #expect(try connection.receive().says("count", "0"))
            do {
                while case let answer = try connection.receive() { #expect(answer.status == 400) }
            } catch RawConnection.Failure.closed {}
            #expect(try server.connect().ask(RawRequest("GET", "/v1/likes/count/v")).says("count", "0"))
        }
    }

    @Test("A request of HTTP/1.0 is answered, and the connection closed")
    func oldVersion() async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            try connection.send("GET /v1/likes/count/v HTTP/1.0\r\n\r\n")
            #expect(try connection.receive().says("count", "0"))
            connection.finishSending()
            try connection.expectEnd()
        }
    }

    @Test("HEAD is answered like GET, without the body")
    func head() async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            let get = try connection.ask(RawRequest("GET", "/v1/likes/count/v"))
            let head = try connection.ask(RawRequest("HEAD", "/v1/likes/count/v"))
            #expect(head.status == 200)
            #expect(head.field("content-length") == "\(get.body.count)")
            #expect(head.field("etag") == get.field("etag"))
            #expect(try connection.ask(RawRequest("GET", "/v1/likes/count/v")).body == get.body)
        }
    }

    @Test("A count that the client has already is answered with 304 and no body")
    func notModified() async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            let request = RawRequest("GET", "/v1/likes/count/v")
            let tag = try #require(try connection.ask(request).field("etag"))
            let known = try connection.ask(request.with("If-None-Match", "\"x\", W/\(tag)"))
            #expect(known.status == 304)
            #expect(known.field("etag") == tag)
            #expect(known.body.isEmpty)
            #expect(try connection.ask(RawRequest("POST", "/v1/likes", RefusalTests.like)).status == 200)
            let changed = try connection.ask(request.with("If-None-Match", tag))
            #expect(changed.status == 200)
            #expect(changed.field("etag") != tag)
        }
    }
}

extension RawRequest {
    /// The same request with a body, whose length its own field says.
    func withBody(_ text: String) -> RawRequest {
        var request = self
        request.fields.removeAll { $0.name.lowercased() == "content-length" }
        request.body = Array(text.utf8)
        return request
    }
}
