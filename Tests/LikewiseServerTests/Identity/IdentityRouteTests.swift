// Who may do what, over HTTP: each table runs through the event loop's way and through the full stack's.

import Foundation
import LikewiseServer
import LikewiseTestSupport
import Testing

@Suite("Identity over HTTP")
struct IdentityRouteTests {
    /// Whose credential a request carries.
    enum Bearer: String, CaseIterable, Sendable {
        case nobody, ann, bob
        /// Ann's token with a scope of its own.
        case annWriter, annReader
        /// Keys of backends, each with one scope.
        case writer, reader, usersReader, admin
        /// A key with all scopes, and one with none.
        case all, none
    }

    struct Ask: Sendable {
        var bearer: Bearer
        var request: RawRequest
        var status: Int
        var code: String?

        init(_ bearer: Bearer, _ request: RawRequest, _ status: Int, _ code: String? = nil) {
            self.bearer = bearer
            self.request = request
            self.status = status
            self.code = code
        }

        var description: String { "\(bearer): \(request.testDescription)" }
    }

    /// Everybody's credentials, for one server.
    struct Credentials: Sendable {
        private var tokens: [Bearer: String] = [:]

        init(_ bed: IdentityBed) async throws {
            tokens[.ann] = try await bed.issuer.token("ann")
            tokens[.bob] = try await bed.issuer.token("bob", .rs256)
            tokens[.annWriter] = try await bed.issuer.token("ann", scope: "likes:write", .hs256)
            tokens[.annReader] = try await bed.issuer.token("ann", scope: "openid likes:read users:read", .edDSA)
            tokens[.writer] = try bed.key(.likesWrite)
            tokens[.reader] = try bed.key(.likesRead)
            tokens[.usersReader] = try bed.key(.usersRead)
            tokens[.admin] = try bed.key(.admin)
            tokens[.all] = try bed.key([.likesWrite, .likesRead, .usersRead, .admin])
            tokens[.none] = try bed.key([])
        }

        subscript(_ bearer: Bearer) -> String? { tokens[bearer] }
    }

    static func like(_ content: String, _ user: String? = nil) -> RawRequest {
        RawRequest("POST", "/v1/likes", body(content, user))
    }
    static func unlike(_ content: String, _ user: String? = nil) -> RawRequest {
        RawRequest("DELETE", "/v1/likes", body(content, user))
    }
    static func body(_ content: String, _ user: String?) -> String {
        #"{"content_id":"\#(content)"\#(user.map { #","user_id":"\#($0)""# } ?? "")}"#
    }
    static func count(_ content: String, _ user: String? = nil) -> RawRequest {
        RawRequest("GET", "/v1/likes/count/\(content)" + (user.map { "?user_id=\($0)" } ?? ""))
    }
    static func counts(_ contents: String, _ user: String? = nil) -> RawRequest {
        RawRequest(
            "POST", "/v1/likes/count/batch",
            #"{"content_ids":[\#(contents)]\#(user.map { #","user_id":"\#($0)""# } ?? "")}"#)
    }
    static func get(_ target: String) -> RawRequest { RawRequest("GET", target) }
    static func bulk(_ lines: String) -> RawRequest {
        var request = RawRequest("POST", "/v1/likes/batch")
        request.body = Array(lines.utf8)
        request.fields = [("content-type", "application/x-ndjson")]
        return request
    }

    static let asks: [Ask] = [
        // Likes: oneself, others, nobody.
        Ask(.nobody, like("v"), 401, "unauthenticated"), Ask(.nobody, like("v", "ann"), 401, "unauthenticated"),
        Ask(.ann, like("v"), 200), Ask(.ann, like("v", "ann"), 409, "already_liked"),
        Ask(.ann, like("v", "bob"), 403, "not_yourself"), Ask(.bob, like("v"), 200), Ask(.bob, unlike("v"), 200),
        Ask(.annWriter, like("v", "carl"), 200), Ask(.annReader, like("v", "carl"), 403, "not_yourself"),
        Ask(.writer, like("v", "dora"), 200), Ask(.writer, like("v"), 400, "invalid_request"),
        Ask(.none, like("v", "dora"), 403, "forbidden"), Ask(.usersReader, like("v", "dora"), 403, "forbidden"),
        Ask(.ann, unlike("v", "dora"), 403, "not_yourself"), Ask(.writer, unlike("v", "dora"), 200),
        Ask(.ann, RawRequest("DELETE", "/v1/likes/v", "{}"), 200),
        Ask(.ann, RawRequest("DELETE", "/v1/likes/v"), 404, "not_liked"),
        Ask(.ann, RawRequest("PUT", "/v1/users/ann/likes/v", "{}"), 200),
        Ask(.ann, RawRequest("PUT", "/v1/users/bob/likes/v", "{}"), 403, "not_yourself"),
        Ask(.bob, RawRequest("DELETE", "/v1/users/ann/likes/v"), 403, "not_yourself"),
        Ask(.writer, RawRequest("PUT", "/v1/users/eve/likes/v", "{}"), 200),
        // Counts: everybody's without a user, one's own with one.
        Ask(.nobody, count("v"), 200), Ask(.ann, count("v"), 200), Ask(.none, count("v"), 200),
        Ask(.nobody, count("never"), 200), Ask(.ann, count("never"), 200),
        Ask(.nobody, count("v", "ann"), 401, "unauthenticated"), Ask(.ann, count("v", "ann"), 200),
        Ask(.ann, count("v", ""), 200), Ask(.ann, count("v", "bob"), 403, "not_yourself"),
        Ask(.annReader, count("v", "bob"), 200), Ask(.usersReader, count("v", "bob"), 200),
        Ask(.writer, count("v", "bob"), 403, "forbidden"), Ask(.nobody, counts(#""v","never""#), 200),
        Ask(.nobody, counts(#""v""#, "ann"), 401, "unauthenticated"), Ask(.ann, counts(#""v""#, "ann"), 200),
        Ask(.bob, counts(#""v""#, "ann"), 403, "not_yourself"), Ask(.usersReader, counts(#""v""#, "ann"), 200),
        Ask(.nobody, get("/v1/likes/v"), 200),
        // What a user likes.
        Ask(.ann, get("/v1/users/ann/likes"), 200), Ask(.bob, get("/v1/users/ann/likes"), 403, "not_yourself"),
        Ask(.nobody, get("/v1/users/ann/likes"), 401, "unauthenticated"),
        Ask(.writer, get("/v1/users/ann/likes"), 403, "forbidden"), Ask(.usersReader, get("/v1/users/ann/likes"), 200),
        Ask(.ann, get("/v1/users/ann/likes/v"), 200), Ask(.bob, get("/v1/users/ann/likes/v"), 403, "not_yourself"),
        Ask(.nobody, get("/v1/users/ann/likes/v"), 401, "unauthenticated"),
        Ask(.nobody, get("/v1/content/v/likes"), 200),
        // Bulk intake, contents, operation.
        Ask(.ann, bulk(#"{"content_id":"v","user_id":"ann","action":"like"}"#), 403, "forbidden"),
        Ask(.nobody, bulk("{}"), 401, "unauthenticated"), Ask(.all, bulk("{}"), 200),
        Ask(.writer, bulk(#"{"content_id":"v","user_id":"fay","action":"like"}"#), 200),
        Ask(.nobody, RawRequest("PUT", "/v1/content/x", #"{"content_type":"video"}"#), 401, "unauthenticated"),
        Ask(.writer, RawRequest("PUT", "/v1/content/x", #"{"content_type":"video"}"#), 403, "forbidden"),
        Ask(.ann, RawRequest("DELETE", "/v1/content/v"), 403, "forbidden"),
        Ask(.admin, RawRequest("PUT", "/v1/content/x", #"{"content_type":"video"}"#), 200),
        Ask(.nobody, get("/v1/content/x"), 200), Ask(.admin, RawRequest("DELETE", "/v1/content/x"), 200),
        Ask(.nobody, get("/metrics"), 401, "unauthenticated"), Ask(.ann, get("/metrics"), 403, "forbidden"),
        Ask(.writer, get("/metrics"), 403, "forbidden"), Ask(.admin, get("/metrics"), 200),
        Ask(.nobody, get("/health/live"), 200), Ask(.nobody, get("/health/ready"), 200),
        Ask(.nobody, get("/openapi.json"), 200), Ask(.nobody, get("/"), 200),
        Ask(.nobody, get("/nowhere"), 404, "not_found"),
    ]

    /// Contents: `open` is public, `closed` private, each liked by ann and bob.
    static func privateAsks(strict: Bool) -> [Ask] {
        let unknown = strict ? (404, "content_not_found") : (200, nil)
        let likeBoth = [like("open", "ann"), like("open", "bob"), like("closed", "ann"), like("closed", "bob")]
        func registered(_ content: String, _ visibility: String) -> RawRequest {
            RawRequest("PUT", "/v1/content/\(content)", #"{"content_type":"video","visibility":"\#(visibility)"}"#)
        }
        let seen: [(RawRequest, Int)] = [
            (count("closed"), 200), (count("closed", "ann"), 200), (get("/v1/likes/closed"), 200),
            (get("/v1/content/closed"), 200), (get("/v1/users/ann/likes/closed"), 200),
            (get("/v1/content/closed/likes"), 200), (like("closed", "ann"), 409),
        ]
        let all = seen.map { Ask(.all, $0.0, $0.1) }
        let requests: [RawRequest] = [
            count("closed"), count("closed", "ann"), get("/v1/likes/closed"), get("/v1/content/closed"),
            get("/v1/users/ann/likes/closed"), get("/v1/content/closed/likes"), like("closed"), unlike("closed"),
            RawRequest("PUT", "/v1/users/ann/likes/closed", "{}"), RawRequest("DELETE", "/v1/users/ann/likes/closed"),
        ]
        return [registered("open", "public"), registered("closed", "private")].map { Ask(.admin, $0, 200) }
            + likeBoth.map { Ask(.all, $0, 200) } + all
            + requests.map { Ask(.ann, $0, 404, "content_not_found") }
            + [
                Ask(.nobody, count("closed"), 404, "content_not_found"),
                Ask(.nobody, get("/v1/content/closed/likes"), 404, "content_not_found"),
                Ask(.nobody, count("unknown"), unknown.0, unknown.1),
                Ask(.writer, like("closed", "zoe"), 404, "content_not_found"),
                Ask(.writer, unlike("closed", "ann"), 404, "content_not_found"),
                Ask(.reader, count("closed"), 200), Ask(.annReader, count("closed", "ann"), 200),
                Ask(.reader, get("/v1/content/closed/likes"), 403, "forbidden"),
                Ask(.annReader, get("/v1/content/closed/likes"), 200), Ask(.annReader, unlike("closed"), 200),
                Ask(.annReader, like("closed"), 200), Ask(.ann, unlike("open"), 200), Ask(.ann, like("open"), 200),
                Ask(.ann, counts(#""open","closed","unknown""#), 200), Ask(.nobody, counts(#""closed","open""#), 200),
                Ask(.nobody, counts(#""closed""#), 200), Ask(.ann, counts(#""open","closed""#, "ann"), 200),
                Ask(.reader, counts(#""closed""#), 200),
            ]
    }

    struct Answer: Equatable, Sendable {
        var line: String
        var fields: [String]
        var body: String
        /// Whether it was written by the event loop: only there is Date the last of the fields.
        var isHot: Bool

        init(_ answer: RawAnswer) {
            line = answer.line
            fields = answer.fields.filter { $0.name.lowercased() != "date" }.map {
                "\($0.name.lowercased()): \($0.value)"
            }
            .sorted()
            // When something was liked differs from run to run.
            body = answer.text.replacing(/"since":"[^"]*"/, with: "since")
            isHot = answer.fields.last?.name == "Date" && answer.fields.first?.name == "Content-Type"
        }

        static func == (a: Answer, b: Answer) -> Bool { (a.line, a.body) == (b.line, b.body) && a.fields == b.fields }
    }

    private func answers(to asks: [Ask], strict: Bool = false, detour: Bool) async throws -> [Answer] {
        let bed = try IdentityBed(strict: strict)
        let credentials = try await Credentials(bed)
        return try await TestServer.run(bed.options) { server in
            let connection = try server.connect()
            return try asks.map { ask in
                let request = ask.request.bearing(credentials[ask.bearer])
                return Answer(try connection.ask(detour ? request.detoured : request))
            }
        }
    }

    private func check(_ asks: [Ask], strict: Bool = false) async throws {
        let hot = try await answers(to: asks, strict: strict, detour: false)
        let full = try await answers(to: asks, strict: strict, detour: true)
        for (i, ask) in asks.enumerated() {
            #expect(hot[i].line.hasPrefix("HTTP/1.1 \(ask.status) "), "\(ask.description): \(hot[i])")
            #expect(hot[i] == full[i], "\(ask.description)")
            #expect(!full[i].isHot, "\(ask.description)")
            if let code = ask.code { #expect(hot[i].body.contains("\"code\":\"\(code)\""), "\(ask.description)") }
            if ask.status == 401 || ask.code == "forbidden" {
                #expect(hot[i].fields.contains { $0.hasPrefix("www-authenticate: Bearer ") }, "\(ask.description)")
            }
        }
    }

    @Test("Every caller gets what the rules give him, the same both ways")
    func rules() async throws { try await check(Self.asks) }

    @Test("A private content is not there for who may not see it, the same both ways", arguments: [false, true])
    func privateContents(strict: Bool) async throws {
        try await check(Self.privateAsks(strict: strict), strict: strict)
    }

    @Test("What is allowed of the hot calls is answered by the event loop, from a token's first request on")
    func hot() async throws {
        let bed = try IdentityBed()
        let credentials = try await Credentials(bed)
        try await TestServer.run(bed.options) { server in
            let connection = try server.connect()
            for (bearer, request, status) in [
                (Bearer.ann, Self.like("new"), 200), (.ann, Self.like("new"), 409), (.bob, Self.like("new"), 200),
                (.writer, Self.like("newer", "carl"), 200), (.all, Self.like("newest", "carl"), 200),
                (.ann, Self.unlike("new", "ann"), 200), (.nobody, Self.count("new"), 200),
                (.nobody, Self.count("unheard"), 200), (.ann, Self.count("new", "ann"), 200),
                (.usersReader, Self.count("unseen", "ann"), 200), (.nobody, Self.counts(#""new","newer""#), 200),
            ] {
                let answer = try connection.ask(request.bearing(credentials[bearer]))
                #expect(answer.status == status && Answer(answer).isHot, "\(bearer): \(request.testDescription)")
            }
        }
    }

    @Test("Pipelined requests of many callers are answered in their order, each as its own")
    func pipelined() async throws {
        let bed = try IdentityBed()
        var requests: [(RawRequest, String)] = []
        for i in 0..<60 {
            let user = "user\(i)"
            requests.append((Self.like("content\(i % 7)").bearing(try await bed.issuer.token(user)), user))
        }
        let sent = requests
        try await TestServer.run(bed.options) { server in
            let connection = try server.connect()
            try connection.send(sent.flatMap(\.0.bytes))
            for (_, user) in sent {
                let answer = try connection.receive()
                #expect(answer.status == 200 && answer.says("user_id", "\"\(user)\""), "\(user): \(answer.text)")
            }
        }
    }

    @Test("An idempotency key is its caller's alone")
    func idempotency() async throws {
        let bed = try IdentityBed()
        let credentials = try await Credentials(bed)
        try await TestServer.run(bed.options) { server in
            let connection = try server.connect()
            func ask(_ bearer: Bearer) throws -> RawAnswer {
                try connection.ask(Self.like("v").with("Idempotency-Key", "same").bearing(credentials[bearer]))
            }
            let (ann, bob) = (try ask(.ann), try ask(.bob))
            #expect(ann.status == 200 && ann.says("user_id", "\"ann\"") && ann.says("count", "1"))
            #expect(bob.status == 200 && bob.says("user_id", "\"bob\"") && bob.says("count", "2"))
            #expect(try ask(.ann).body == ann.body && ask(.bob).body == bob.body)
        }
    }

    @Test("Bulk intake leaves out the lines on private contents for who may not see them, and says so")
    func bulkOnPrivate() async throws {
        let bed = try IdentityBed()
        let credentials = try await Credentials(bed)
        try await TestServer.run(bed.options) { server in
            let connection = try server.connect()
            let hide = RawRequest("PUT", "/v1/content/closed", #"{"content_type":"video","visibility":"private"}"#)
            #expect(try connection.ask(hide.bearing(credentials[.admin])).status == 200)
            let lines = (0..<10).map { i in
                #"{"content_id":"\#(i % 2 == 0 ? "open" : "closed")","user_id":"u\#(i)","action":"like"}"#
            }.joined(separator: "\n")
            let answer = try connection.ask(Self.bulk(lines).bearing(credentials[.writer]))
            #expect(
                answer.status == 200 && answer.says("accepted", "5") && answer.says("changed", "5"), "\(answer.text)")
            #expect(answer.text.components(separatedBy: "content_not_found").count == 6, "\(answer.text)")
            #expect(try connection.ask(Self.bulk(lines).bearing(credentials[.all])).says("changed", "5"))
            #expect(try connection.ask(Self.count("closed").bearing(credentials[.reader])).says("count", "5"))
        }
    }

    @Test("Lists and the top leave private contents out for who may not see them")
    func lists() async throws {
        let bed = try IdentityBed()
        let credentials = try await Credentials(bed)
        try await TestServer.run(bed.options) { server in
            let connection = try server.connect()
            func ask(_ bearer: Bearer, _ request: RawRequest) throws -> RawAnswer {
                try connection.ask(request.bearing(credentials[bearer]))
            }
            for content in ["open", "closed"] { #expect(try ask(.ann, Self.like(content)).status == 200) }
            let hide = RawRequest("PUT", "/v1/content/closed", #"{"content_type":"video","visibility":"private"}"#)
            #expect(try ask(.admin, hide).status == 200)
            let list = "/v1/users/ann/likes"
            #expect(try ask(.ann, Self.get(list)).text.contains("\"open\""))
            #expect(try !ask(.ann, Self.get(list)).text.contains("closed"))
            #expect(try ask(.annReader, Self.get(list)).text.contains("closed"))
            var top = ""
            while !top.contains("closed") { top = try ask(.reader, Self.get("/v1/content/top?window=1h")).text }
            let shown = try ask(.nobody, Self.get("/v1/content/top?window=1h&limit=1")).text
            #expect(shown.contains("open") && !shown.contains("closed"), "\(shown)")
        }
    }
}
