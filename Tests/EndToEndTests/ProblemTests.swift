import Testing

@Suite("Problems")
struct ProblemTests {
    @Test(
        "A bad body is refused with the name of the field at fault",
        arguments: ContractTables.badFields)
    func badFields(body: String, field: String) throws {
        try withServer { server in
            let http = try server.connect()
            let call = HTTPCall("POST", Target.likes, contentType: "application/json", body: Array(body.utf8))
            let answer = try http.answer(call)
            expectProblem(answer, 400, "invalid_request", field: field)
            expectNoStore(answer)
            expect(try http.answer("GET", Target.count("c")), 200, ["count": 0])
        }
    }

    @Test(
        "What is not one JSON object is refused",
        arguments: ContractTables.notJSON)
    func notJSON(body: String) throws {
        try withServer { server in
            let http = try server.connect()
            for (method, target) in [("POST", Target.likes), ("DELETE", Target.likes), ("POST", Target.counts)] {
                let call = HTTPCall(method, target, contentType: "application/json", body: Array(body.utf8))
                expectProblem(try http.answer(call), 400, "invalid_request", "\(method) \(target)")
            }
        }
    }

    @Test("Bytes that are not UTF-8 are refused, in a body, a path and a query")
    func notUTF8() throws {
        try withServer { server in
            let http = try server.connect()
            let body = Array(#"{"content_id": ""#.utf8) + [0xff] + Array(#"", "user_id": "u"}"#.utf8)
            let call = HTTPCall("POST", Target.likes, contentType: "application/json", body: body)
            expectProblem(try http.answer(call), 400, "invalid_request")
            expectProblem(try http.answer("GET", "/v1/likes/count/%ff"), 400, "invalid_request", field: "content_id")
            expectProblem(
                try http.answer("GET", "/v1/likes/count/c?user_id=%c3%28"), 400, "invalid_request", field: "user_id")
            expectProblem(try http.answer("GET", "/v1/likes/count/%2"), 400, "invalid_request")
            expectProblem(try http.answer("GET", "/v1/likes/count/a%0ab"), 400, "invalid_request", field: "content_id")
        }
    }

    @Test(
        "A path that is none is not found",
        arguments: ContractTables.noPaths)
    func notFound(target: String) throws {
        try withServer { server in
            expectProblem(try server.connect().answer("GET", target), 404, "not_found")
        }
    }

    @Test(
        "A method that a path does not take is refused, with those that it takes",
        arguments: ContractTables.otherMethods)
    func methodNotAllowed(method: String, target: String, allowed: [String]) throws {
        try withServer { server in
            let call = HTTPCall(method, target, contentType: "application/json", body: Array("{}".utf8))
            let answer = try server.connect().answer(call)
            expectProblem(answer, 405, "method_not_allowed")
            let allow = (answer.header("allow") ?? "").split(separator: ",").map { $0.drop { $0 == " " } }
            for method in allowed { #expect(allow.contains { $0 == method }, "\(allow) lacks \(method)") }
            #expect(!allow.contains { $0 == method })
        }
    }

    @Test("A write without a length is refused, before anything is changed")
    func lengthRequired() throws {
        try withServer { server in
            let http = try server.connect()
            try http.send(
                bytes: Array("POST /v1/likes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\r\n".utf8))
            expectProblem(try http.receive(), 411, "length_required")
        }
    }

    @Test("A body in chunks is taken, or refused for want of a length, but never cut or mixed up")
    func chunked() throws {
        try withServer { server in
            let http = try server.connect()
            let body = #"{"content_id": "c", "user_id": "u"}"#
            try http.send(
                bytes: Array(
                    """
                    POST /v1/likes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
                    10\r\n\(body.prefix(16))\r\n\(String(body.count - 16, radix: 16))\r\n\(body.dropFirst(16))\r\n0\r\n\r\n
                    """.utf8))
            let answer = try http.receive()
            if answer.status == 411 {
                expectProblem(answer, 411, "length_required")
                expect(try server.connect().answer("GET", Target.count("c")), 200, ["count": 0])
            } else {
                expect(answer, 200, ["count": 1])
                expect(try http.answer("GET", Target.count("c")), 200, ["count": 1])
            }
        }
    }

    @Test("A body that is too long is refused, from what its head says")
    func bodyTooLarge() throws {
        try withServer { server in
            let http = try server.connect()
            try http.send(
                bytes: Array(
                    """
                    POST /v1/likes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                    content-length: 10000000\r\n\r\n
                    """.utf8))
            expectProblem(try http.receive(), 413, "body_too_large")
            let other = try server.connect()
            let exact = #"{"content_id": "c", "user_id": "u"}"#
            let padded = exact + String(repeating: " ", count: (64 << 10) - exact.utf8.count)
            expect(
                try other.answer(
                    HTTPCall("POST", Target.likes, contentType: "application/json", body: Array(padded.utf8))), 200)
            expectProblem(
                try other.answer(
                    HTTPCall("POST", Target.likes, contentType: "application/json", body: Array((padded + " ").utf8))),
                413, "body_too_large")
        }
    }

    @Test("A target that is too long is refused")
    func uriTooLong() throws {
        try withServer { server in
            let target = "/v1/likes/count/" + String(repeating: "x", count: 40_000)
            expectProblem(try server.connect().answer("GET", target), 414, "uri_too_long")
        }
    }

    @Test("Header fields that are too long are refused")
    func headersTooLarge() throws {
        try withServer { server in
            let answer = try server.connect().answer(
                "GET", Target.count("c"), headers: [("x-long", String(repeating: "x", count: 40_000))])
            expectProblem(answer, 431, "headers_too_large")
        }
    }

    @Test(
        "A body of another kind is refused",
        arguments: ContractTables.otherMediaTypes)
    func mediaType(type: String) throws {
        try withServer { server in
            let http = try server.connect()
            let body = Array(#"{"content_id": "c", "user_id": "u"}"#.utf8)
            expectProblem(
                try http.answer(HTTPCall("POST", Target.likes, contentType: type, body: body)), 415,
                "unsupported_media_type")
            for good in ["application/json; charset=utf-8", "Application/JSON"] {
                let call = HTTPCall("PUT", Target.like("u", "c"), contentType: good, body: Array("{}".utf8))
                expect(try http.answer(call), 200, [:], good)
            }
        }
    }

    @Test("After a refused request the connection goes on, or is closed, and other requests are not harmed")
    func goesOn() throws {
        try withServer { server in
            let http = try server.connect()
            for number in 0..<20 {
                let bad = HTTPCall("POST", Target.likes, contentType: "application/json", body: Array("{".utf8))
                expectProblem(try http.answer(bad), 400, "invalid_request")
                expect(
                    try http.answer("POST", Target.likes, ["content_id": "c", "user_id": "user_\(number)"]), 200,
                    ["count": .integer(Int64(number + 1))])
            }
        }
    }

    @Test(
        "Bytes that are no HTTP are refused and the connection is closed",
        arguments: [
            "hello\r\n\r\n", "GET /health/live\r\n\r\n", "GET /health/live HTTP/9.9\r\nhost: x\r\n\r\n",
            "POST /v1/likes HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
            "POST /v1/likes HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
            "POST /v1/likes HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
            "GET /health/live HTTP/1.1\r\nbad header\r\n\r\n", "GET /health/live HTTP/1.1\r\nhost : x\r\n\r\n",
        ])
    func notHTTP(bytes: String) throws {
        try withServer { server in
            let http = try server.connect()
            try http.send(bytes: Array(bytes.utf8))
            do {
                let answer = try http.receive()
                #expect((400..<600).contains(answer.status), "\(answer.status) for \(bytes)")
            } catch HTTPConnection.Failure.closed {}
            #expect(try http.isClosedByServer())
            expect(try server.connect().answer("GET", "/health/live"), 200)
        }
    }
}
