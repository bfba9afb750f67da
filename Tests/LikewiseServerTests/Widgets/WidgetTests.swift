// Buttons of other makers, over real connections.

import LikewiseCore
import LikewiseEngine
import LikewiseServer
import LikewiseTestSupport
import Logging
import Testing

@Suite("Buttons of other makers")
struct WidgetTests {
    /// Runs `test` against a server that counts anonymous reactions.
    private func run(
        limit: RateLimit? = nil, _ test: @escaping @Sendable (TestServer) throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let counters = try EmbeddedCounters(
            in: folder.path, region: 0, logger: Logger(label: "widgets") { _ in SwiftLogNoOpLogHandler() })
        var options = TestServer.Options()
        options.http.anonymous = Anonymous(store: counters, limit: limit)
        try await TestServer.run(options, test)
        try await onThread { counters.stop() }
    }

    private func post(_ target: String, _ body: String, type: String? = nil) -> RawRequest {
        RawRequest("POST", target, body: Array(body.utf8), type.map { [("content-type", $0)] } ?? [])
    }

    @Test("OpenHeart: an emoji as the body counts for its page, and GET tells all of them")
    func hearts() async throws {
        try await run { server in
            let caller = try server.connect()
            let page = "/openheart/example.com/hello"
            #expect(try caller.ask(RawRequest("GET", page)).text == "{}")
            let first = try caller.ask(self.post(page, "❤️"))
            #expect(first.status == 200 && first.text == #"{"❤️":1}"#)
            #expect(first.field("access-control-allow-origin") == "*")
            #expect(try caller.ask(self.post(page, "🥨 with salt")).text == #"{"❤️":1,"🥨":1}"#)
            // A form of type text/plain, one of the usual type, and a program that calls what it sends a form.
            #expect(try caller.ask(self.post(page, "❤️=", type: "text/plain")).status == 200)
            let form = "application/x-www-form-urlencoded"
            #expect(try caller.ask(self.post(page, "%E2%9D%A4%EF%B8%8F=", type: form)).status == 200)
            #expect(try caller.ask(self.post(page, "❤️", type: form)).status == 200)
            let read = try caller.ask(RawRequest("GET", "/openheart/EXAMPLE.com/hello"))
            #expect(read.text == #"{"❤️":4,"🥨":1}"# && read.field("access-control-allow-origin") == "*")
            #expect(try caller.ask(RawRequest("GET", "/openheart/example.com/other")).text == "{}")
        }
    }

    @Test(
        "OpenHeart: what is no emoji or no page is refused with what to do",
        arguments: [
            ("/openheart/example.com/a", "hello"), ("/openheart/example.com/a", "="), ("/openheart/-x/a", "❤️"),
            ("/openheart/a%20b/a", "❤️"), ("/openheart/example.com/%00", "❤️"), ("/openheart/example.com/a", "\u{1}"),
        ])
    func badHearts(target: String, body: String) async throws {
        try await run { server in
            let answer = try server.connect().ask(self.post(target, body))
            #expect(answer.status == 400)
            #expect(answer.text.contains(#""code":"invalid_request""#) && answer.text.contains(#""field":"#))
            #expect(answer.field("access-control-allow-origin") == "*")
        }
    }

    @Test("Applause: claps add up, one to ten at a time, and are read one by one and together")
    func claps() async throws {
        try await run { server in
            let caller = try server.connect()
            let page = "?url=https://example.com/a?utm=1"
            #expect(try caller.ask(RawRequest("GET", "/applause/get-claps\(page)")).text == "0")
            let sent: [(String, String)] = [
                (#""3,3.3.0""#, "3"), ("2", "5"), (#""1""#, "6"), ("10", "16"), ("99", "26"), (#""0,3.3.0""#, "27"),
            ]
            for (body, total) in sent {
                let answer = try caller.ask(self.post("/applause/update-claps\(page)", body, type: "text/plain"))
                #expect(answer.status == 200 && answer.text == total, "\(body)")
            }
            // The page may be said without scheme, with another one, or by the page that asks.
            #expect(try caller.ask(RawRequest("GET", "/applause/get-claps?url=example.com/a")).text == "27")
            #expect(
                try caller.ask(RawRequest("GET", "/applause/get-claps?url=http%3A%2F%2FExample.com%2Fa%23x")).text
                    == "27")
            let referred = RawRequest("GET", "/applause/get-claps").with("referer", "https://example.com/a?y")
            #expect(try caller.ask(referred).text == "27")
            let several = try caller.ask(
                self.post("/applause/get-multiple", #"["https://example.com/a","https:\/\/example.com/b"]"#))
            #expect(
                several.text
                    == #"[{"url":"https://example.com/a","claps":27},{"url":"https://example.com/b","claps":0}]"#)
        }
    }

    @Test(
        "Applause: what is no number or no page is refused with what to do",
        arguments: [
            ("/applause/update-claps?url=https://example.com/a", "many"),
            ("/applause/update-claps?url=https://example.com/a", "-1"),
            ("/applause/update-claps?url=https://example.com/a", "1.5"), ("/applause/update-claps", "3"),
            ("/applause/update-claps?url=https://", "3"), ("/applause/update-claps?url=a%20b", "3"),
            ("/applause/get-multiple", "{}"), ("/applause/get-multiple", #"["https://example.com/a""#),
            ("/applause/get-multiple", "[" + Array(repeating: #""a.b""#, count: 101).joined(separator: ",") + "]"),
        ])
    func badClaps(target: String, body: String) async throws {
        try await run { server in
            let answer = try server.connect().ask(self.post(target, body))
            #expect(answer.status == 400 && answer.text.contains(#""code":"invalid_request""#))
        }
    }

    @Test(
        "Beyond an address' limit a reaction is refused and not counted, reading goes on, and no answer has an address")
    func limit() async throws {
        try await run(limit: RateLimit(3, in: 3_600_000_000_000)) { server in
            let caller = try server.connect()
            for left in [2, 1, 0] {
                let answer = try caller.ask(self.post("/openheart/example.com/a", "❤️"))
                #expect(answer.status == 200)
                #expect(answer.field("ratelimit")?.hasPrefix("\"address\";r=\(left)") == true)
            }
            for target in ["/openheart/example.com/b", "/applause/update-claps?url=example.com/a"] {
                let refused = try caller.ask(self.post(target, target.contains("heart") ? "❤️" : "1"))
                #expect(refused.status == 429 && refused.field("retry-after") != nil)
                #expect(!refused.text.contains("127.0.0.1"))
            }
            #expect(try caller.ask(RawRequest("GET", "/openheart/example.com/a")).text == #"{"❤️":3}"#)
            #expect(try caller.ask(RawRequest("GET", "/openheart/example.com/b")).text == "{}")
            #expect(try caller.ask(RawRequest("GET", "/applause/get-claps?url=example.com/a")).text == "0")
        }
    }

    @Test("A browser that asks beforehand may, from a page of any origin, and only for these calls")
    func preflight() async throws {
        try await run { server in
            let caller = try server.connect()
            func ask(_ target: String, _ method: String) throws -> RawAnswer {
                try caller.ask(
                    RawRequest("OPTIONS", target).with("origin", "https://blog.example")
                        .with("access-control-request-method", method))
            }
            for target in ["/openheart/example.com/a", "/applause/update-claps?url=a.b", "/applause/get-multiple"] {
                let answer = try ask(target, "POST")
                #expect(answer.status == 204 && answer.field("access-control-allow-origin") == "*", "\(target)")
                #expect(answer.field("access-control-allow-headers")?.contains("Content-Type") == true)
            }
            #expect(try ask("/v1/likes", "POST").status == 405)
        }
    }

    @Test("A server that counts none says so, and one that is not known too")
    func off() async throws {
        try await TestServer.run { server in
            let caller = try server.connect()
            for request in [
                RawRequest("GET", "/openheart/example.com/a"), self.post("/openheart/example.com/a", "❤️"),
                RawRequest("GET", "/applause/get-claps?url=a.b"),
            ] {
                let answer = try caller.ask(request)
                #expect(answer.status == 404 && answer.text.contains("widgets"))
            }
            #expect(try caller.ask(RawRequest("GET", "/applause/other")).status == 404)
            #expect(try caller.ask(RawRequest("DELETE", "/openheart/example.com/a")).status == 405)
        }
    }
}
