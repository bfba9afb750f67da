// A caller cannot tell which way his request went. Each call is sent to two fresh servers: to one so that the event loop
// answers it, to the other with a header field that means nothing here and sends it through the full stack.

import LikewiseCore
import LikewiseServer
import LikewiseTestSupport
import Testing

@Suite("The event loop's answers and the full stack's are the same")
struct ConformanceTests {
    /// Fields that mean nothing to these calls, and that the event loop leaves to the full stack.
    private static let detour = ("Authorization", "Bearer of no meaning")

    private static func like(_ content: String, _ user: String, _ more: String = "") -> RawRequest {
        RawRequest("POST", "/v1/likes", #"{"content_id":"\#(content)","user_id":"\#(user)"\#(more)}"#)
    }

    private static func unlike(_ content: String, _ user: String) -> RawRequest {
        RawRequest("DELETE", "/v1/likes", #"{"content_id":"\#(content)","user_id":"\#(user)"}"#)
    }

    private static func count(_ content: String, _ user: String? = nil) -> RawRequest {
        RawRequest("GET", "/v1/likes/count/\(content)" + (user.map { "?user_id=\($0)" } ?? ""))
    }

    private static func counts(_ contents: [String], _ user: String? = nil) -> RawRequest {
        let ids = contents.map { "\"\($0)\"" }.joined(separator: ",")
        return RawRequest(
            "POST", "/v1/likes/count/batch",
            #"{"content_ids":[\#(ids)]\#(user.map { #","user_id":"\#($0)""# } ?? "")}"#)
    }

    /// Requests with the status that is due, in an order in which they mean something.
    private static let calls: [(request: RawRequest, status: Int)] = [
        (count("v1"), 200), (count("v1", "ann"), 200), (counts(["v1", "v2"]), 200), (unlike("v1", "ann"), 404),
        (like("v1", "ann"), 200), (like("v1", "ann"), 409), (like("v1", "ann", #","reaction":"love""#), 200),
        (like("v1", "ann", #","reaction":"love""#), 409), (count("v1"), 200), (count("v1", "ann"), 200),
        (count("v1", "bob"), 200), (like("v1", "bob", #","content_type":"video""#), 200),
        (like("v2", "ann", #","reaction":"angry","content_type":"post""#), 200), (counts(["v2", "v1", "v2"]), 200),
        (counts(["v2", "v1"], "ann"), 200), (counts(["v1", "never", "v2"]), 200), (count("never"), 200),
        (count("never", "ann"), 200), (unlike("never", "ann"), 404), (unlike("v1", "ann"), 200),
        (unlike("v1", "ann"), 404), (count("v1"), 200), (unlike("v1", "bob"), 200), (count("v1"), 200),
        (like("v1", "ann"), 200), (like("\u{e9}\u{1f600}<&>/", "\u{fc}ser"), 200),
        (like("\u{e9}\u{1f600}<&>/", "\u{fc}ser"), 409), (counts(["\u{e9}\u{1f600}<&>/"]), 200),
        (unlike("\u{e9}\u{1f600}<&>/", "\u{fc}ser"), 200), (count("batch"), 200), (count("a'b(c)"), 200),
        (like(String(repeating: "c", count: 256), String(repeating: "u", count: 128)), 200),
        (count(String(repeating: "c", count: 256), String(repeating: "u", count: 128)), 200),
    ]

    /// In strict mode: two contents are registered, one of them is liked.
    private static let strictCalls: [(request: RawRequest, status: Int)] = [
        (like("v1", "ann"), 404), (unlike("v1", "ann"), 404), (count("v1"), 404), (count("v1", "ann"), 404),
        (counts(["v1"]), 200), (counts(["v1", "known"]), 200), (count("known"), 200), (count("known", "ann"), 200),
        (counts(["known"]), 200), (unlike("known", "ann"), 404), (like("known", "ann"), 200),
        (like("known", "ann"), 409), (like("v1", "ann"), 404), (count("known"), 200), (count("v1"), 404),
        (counts(["known", "v1", "other"]), 200), (counts(["known", "other"]), 200), (unlike("known", "ann"), 200),
        (count("known"), 200),
    ]

    /// With limits: two changes a minute of a user on a content, three of a user, ten calls from an address.
    private static let limitedCalls: [(request: RawRequest, status: Int)] = [
        (like("v1", "ann"), 200), (like("v1", "ann"), 409), (unlike("v1", "ann"), 429), (like("v2", "ann"), 200),
        (like("v3", "ann"), 429), (unlike("v1", "bob"), 404), (count("v1"), 200), (count("v1", "ann"), 200),
        (counts(["v1", "v2"]), 200), (counts(["v1", "never"]), 200), (counts(["v1"], "ann"), 200), (count("v3"), 200),
        (count("v1"), 429), (count("never"), 429), (count("v1", "ann"), 429), (counts(["v1"]), 429),
        (counts(["v1"], "ann"), 429), (like("v1", "bob"), 429), (unlike("v1", "bob"), 429), (like("v1", "ann"), 429),
    ]

    private struct Answer: Equatable, Sendable, CustomStringConvertible {
        var line: String
        var fields: [String]
        var body: String

        init(_ answer: RawAnswer) {
            line = answer.line
            fields = answer.fields.map { name, value in
                name.lowercased() == "date" ? "date" : "\(name.lowercased()): \(value)"
            }.sorted()
            body = answer.text
        }

        var description: String { "\(line) \(fields) \(body)" }
    }

    /// The answers of a fresh server, all calls on one connection, one after the other.
    private func answers(
        to calls: [(request: RawRequest, status: Int)], strict: Bool, detour: Bool, isLimited: Bool = false
    ) async throws -> [Answer] {
        var options = TestServer.Options()
        options.strictContent = strict
        if isLimited {
            options.clock = SimulatedClock()
            for (kind, count) in [(RateLimitKind.userContent, 2), (.user, 3), (.address, 10)] {
                options.http.rateLimits[kind] = RateLimit(UInt64(count), in: 60_000_000_000)
            }
        }
        let requests = calls.map { call in
            detour ? call.request.with(ConformanceTests.detour.0, ConformanceTests.detour.1) : call.request
        }
        return try await TestServer.run(options) { server in
            let connection = try server.connect()
            if strict {
                for content in ["known", "other"] {
                    let registered = RawRequest("PUT", "/v1/content/\(content)", #"{"content_type":"video"}"#)
                    #expect(try connection.ask(registered).status == 200)
                }
            }
            return try requests.map { Answer(try connection.ask($0)) }
        }
    }

    @Test("Every hot call is answered alike both ways, to the last byte", arguments: [false, true])
    func alike(strict: Bool) async throws {
        let calls = strict ? ConformanceTests.strictCalls : ConformanceTests.calls
        let hot = try await answers(to: calls, strict: strict, detour: false)
        let full = try await answers(to: calls, strict: strict, detour: true)
        for (i, call) in calls.enumerated() {
            #expect(hot[i] == full[i], "\(call.request.testDescription)")
            #expect(hot[i].line.hasPrefix("HTTP/1.1 \(call.status) "), "\(call.request.testDescription): \(hot[i])")
        }
    }

    @Test("Calls that limits let pass, and those that they refuse, are answered alike both ways")
    func alikeWithLimits() async throws {
        let calls = ConformanceTests.limitedCalls
        let hot = try await answers(to: calls, strict: false, detour: false, isLimited: true)
        let full = try await answers(to: calls, strict: false, detour: true, isLimited: true)
        for (i, call) in calls.enumerated() {
            #expect(hot[i] == full[i], "\(call.request.testDescription)")
            #expect(hot[i].line.hasPrefix("HTTP/1.1 \(call.status) "), "\(call.request.testDescription): \(hot[i])")
        }
    }

    @Test("What is asked for is hot without the detour, and is not with it")
    func detourIsOne() throws {
        for call in ConformanceTests.calls + ConformanceTests.strictCalls + ConformanceTests.limitedCalls {
            let isASCII = call.request.target.utf8.allSatisfy { $0 < 0x80 }
            try #require(isASCII)
            for (bytes, isHot) in [
                (call.request.bytes, true), (call.request.with(Self.detour.0, Self.detour.1).bytes, false),
            ] {
                guard case .head(let head) = bytes.withUnsafeBytes({ RequestScanner(maxHeadBytes: 4096).scan($0) })
                else {
                    Issue.record("not plain: \(call.request.testDescription)")
                    continue
                }
                #expect(head.isHot == isHot)
            }
        }
    }

    @Test("An answer's Date is the same field both ways, in the form of RFC 9110")
    func date() async throws {
        let dates = try await TestServer.run { server in
            let connection = try server.connect()
            let request = ConformanceTests.count("v1")
            return try [request, request.with(ConformanceTests.detour.0, ConformanceTests.detour.1)]
                .map { try connection.ask($0).field("Date") }
        }
        for date in dates {
            let date = try #require(date)
            #expect(date.utf8.count == 29)
            #expect(date.hasSuffix(" GMT"))
        }
    }
}
