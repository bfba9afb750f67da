// What browsers get, over real connections.

import LikewiseServer
import LikewiseTestSupport
import Testing

@Suite("Pages")
struct PageTests {
    @Test("The root is the console for browsers, and words for all others")
    func root() async throws {
        try await TestServer.run { server in
            let caller = try server.connect()
            let words = try caller.ask(RawRequest("GET", "/"))
            #expect(words.status == 200 && words.field("content-type")?.hasPrefix("text/plain") == true)
            let page = try caller.ask(
                RawRequest("GET", "/").with("accept", "text/html,application/xhtml+xml,*/*;q=0.8"))
            #expect(page.status == 200 && page.field("content-type") == "text/html; charset=utf-8")
            #expect(page.text.contains("<!doctype html>") || page.text.contains("<!DOCTYPE html>"))
            #expect(words.field("vary")?.contains("Accept") == true && page.field("vary")?.contains("Accept") == true)
        }
    }

    @Test("No page may run, load or send anything but its own, and none has a script or style within it")
    func policy() async throws {
        try await TestServer.run { server in
            let caller = try server.connect()
            for path in ["/console/index.html", "/buttons"] {
                let page = try caller.ask(RawRequest("GET", path))
                #expect(page.status == 200, "\(path)")
                let policy = try #require(page.field("content-security-policy"))
                #expect(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"))
                #expect(!policy.contains("unsafe"))
                #expect(
                    !page.text.contains("<style") && !page.text.contains(" style=") && !page.text.contains(" onclick="))
                for script in page.text.split(separator: "<script").dropFirst() {
                    #expect(script.prefix { $0 != ">" }.contains("src="))
                }
            }
        }
    }

    @Test("The button is a module for pages of any origin, kept for a while; the console is its own origin's")
    func sharing() async throws {
        try await TestServer.run { server in
            let caller = try server.connect()
            for path in ["/like-button.js", "/likewise.js"] {
                let file = try caller.ask(RawRequest("GET", path))
                #expect(file.status == 200 && file.field("content-type") == "text/javascript; charset=utf-8")
                #expect(file.field("access-control-allow-origin") == "*")
                #expect(file.field("cache-control")?.contains("max-age") == true)
            }
            let page = try caller.ask(RawRequest("GET", "/console/index.html"))
            #expect(page.field("access-control-allow-origin") == nil && page.field("cache-control") == "no-cache")
        }
    }

    @Test("Compressed for who understands it, each form with a tag of its own, and nothing twice for who has it")
    func compression() async throws {
        try await TestServer.run { server in
            let caller = try server.connect()
            let request = RawRequest("GET", "/likewise.js")
            let plain = try caller.ask(request)
            let zipped = try caller.ask(request.with("accept-encoding", "br, gzip;q=0.8"))
            #expect(plain.field("content-encoding") == nil && zipped.field("content-encoding") == "gzip")
            #expect(zipped.body.count < plain.body.count / 2 && zipped.body.prefix(2) == [0x1f, 0x8b])
            let (tag, zippedTag) = (try #require(plain.field("etag")), try #require(zipped.field("etag")))
            #expect(tag != zippedTag)
            for (tag, coding) in [(tag, "identity"), (zippedTag, "gzip")] {
                let known = try caller.ask(request.with("if-none-match", tag).with("accept-encoding", coding))
                #expect(known.status == 304 && known.body.isEmpty && known.field("etag") == tag)
            }
            for refusal in ["gzip;q=0", "identity", "br", "gzip;q=0, *"] {
                let answer = try caller.ask(request.with("accept-encoding", refusal))
                #expect(answer.field("content-encoding") == nil, "\(refusal)")
            }
        }
    }

    @Test("Files that are not there are 404, and other methods 405")
    func unknown() async throws {
        try await TestServer.run { server in
            let caller = try server.connect()
            for path in ["/console/none.js", "/likewise.js/", "/console/../likewise.js", "/console"] {
                #expect(try caller.ask(RawRequest("GET", path)).status == 404, "\(path)")
            }
            let wrong = try caller.ask(RawRequest("POST", "/likewise.js", "{}"))
            #expect(wrong.status == 405 && wrong.field("allow") == "GET, HEAD")
        }
    }
}
