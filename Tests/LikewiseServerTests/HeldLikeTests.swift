// Likes that a judge holds back or refuses, over HTTP: each table runs through the event loop's way and the full stack's.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine
import LikewiseServer
import LikewiseTestSupport
import Synchronization
import Testing

/// Judges by the first letter of the user: h is held back, r is refused, all others count.
private struct LetterJudge: LikeJudge {
    func verdict(on intent: JudgedIntent) -> LikeVerdict {
        switch intent.user.first {
        case UInt8(ascii: "h"): .hold
        case UInt8(ascii: "r"): .refuse
        default: .count
        }
    }
}

@Suite("Likes held back, over HTTP")
struct HeldLikeTests {
    private static func like(_ content: String, _ user: String, _ reaction: String? = nil) -> RawRequest {
        let more = reaction.map { #","reaction":"\#($0)""# } ?? ""
        return RawRequest("POST", "/v1/likes", #"{"content_id":"\#(content)","user_id":"\#(user)"\#(more)}"#)
    }
    private static func unlike(_ content: String, _ user: String) -> RawRequest {
        RawRequest("DELETE", "/v1/likes", #"{"content_id":"\#(content)","user_id":"\#(user)"}"#)
    }
    private static func get(_ target: String) -> RawRequest { RawRequest("GET", target) }
    private static func settle(_ action: String, _ json: String) -> RawRequest {
        RawRequest("POST", "/v1/admin/held/\(action)", json)
    }

    private static var options: TestServer.Options {
        var options = TestServer.Options()
        options.judge = LetterJudge()
        return options
    }

    /// One connection to a server with the judge; `ask` sends each request through the event loop or around it.
    private func withServer(
        detour: Bool, ledger: any Ledger = SimulatedLedger(),
        _ test: @escaping @Sendable ((RawRequest) throws -> RawAnswer) throws -> Void
    ) async throws {
        var options = Self.options
        options.ledger = ledger
        try await TestServer.run(options) { server in
            let connection = try server.connect()
            try test { try connection.ask(detour ? $0.detoured : $0) }
        }
    }

    @Test("A like that is held back is liked for its user and not there for anybody else", arguments: [false, true])
    func held(detour: Bool) async throws {
        try await withServer(detour: detour) { ask in
            _ = try ask(Self.like("v", "ann"))
            let first = try ask(Self.like("v", "hal", "love"))
            #expect(first.status == 200 && first.says("liked", "true") && first.says("reaction", "\"love\""))
            #expect(first.says("count", "1") && first.says("reactions", #"{"like":1}"#), "\(first.text)")
            let again = try ask(Self.like("v", "hal", "love"))
            #expect(again.status == 409 && again.text.contains("already_liked") && again.says("liked", "true"))
            let own = try ask(Self.get("/v1/likes/count/v?user_id=hal"))
            #expect(own.says("count", "1") && own.says("liked", "true") && own.says("reaction", "\"love\""))
            #expect(try ask(Self.get("/v1/users/hal/likes/v")).says("liked", "true"))
            #expect(try ask(Self.get("/v1/users/hal/likes")).text.contains("\"v\""))
            #expect(try ask(Self.get("/v1/likes/count/v")).says("count", "1"))
            #expect(try ask(Self.get("/v1/content/v")).says("count", "1"))
            #expect(try !ask(Self.get("/v1/content/v/likes")).text.contains("hal"))
            let other = try ask(Self.get("/v1/likes/count/v?user_id=ann"))
            #expect(other.says("count", "1") && other.says("reactions", #"{"like":1}"#))
        }
    }

    @Test("Nothing but the public count tells a user that his likes are held back", arguments: [false, true])
    func cannotTell(detour: Bool) async throws {
        let requests = { @Sendable (user: String) -> [RawRequest] in
            [
                Self.like("v", user), Self.like("v", user), Self.like("v", user, "love"),
                Self.get("/v1/likes/count/v?user_id=\(user)"), Self.get("/v1/users/\(user)/likes/v"),
                Self.get("/v1/users/\(user)/likes"), Self.unlike("v", user), Self.unlike("v", user),
                Self.get("/v1/users/\(user)/likes/v"), Self.like("v", user, "wow"),
                RawRequest("PUT", "/v1/users/\(user)/likes/v", #"{"reaction":"wow"}"#),
                RawRequest("PUT", "/v1/users/\(user)/likes/v", #"{"reaction":"sad"}"#),
                Self.like("w", user).with("Idempotency-Key", "k"), Self.like("w", user).with("Idempotency-Key", "k"),
                RawRequest("DELETE", "/v1/users/\(user)/likes/v"), RawRequest("DELETE", "/v1/users/\(user)/likes/v"),
            ]
        }
        /// Without what is everybody's, and the moments.
        @Sendable func shape(_ answer: RawAnswer) -> String {
            var text = "\(answer.status) \(answer.text)"
            for pattern in [#""count":\d+"#, #""display":"\d+""#, #""reactions":\{[^}]*\}"#, #""since":"[^"]*""#] {
                if let regex = try? Regex(pattern) { text.replace(regex, with: "*") }
            }
            let names = answer.fields.map { $0.name.lowercased() }.sorted()
            return text.replacing("hxl", with: "axl") + names.joined(separator: ",")
        }
        let held = Received()
        try await withServer(detour: detour) { ask in held.set(try requests("hxl").map { shape(try ask($0)) }) }
        try await withServer(detour: detour) { ask in
            let counted = try requests("axl").map { shape(try ask($0)) }
            #expect(counted == held.value)
        }
    }

    @Test("Release lets a like count, reject takes it away, and each does so once", arguments: [false, true])
    func settled(detour: Bool) async throws {
        try await withServer(detour: detour) { ask in
            for user in ["hal", "hob", "hix"] { #expect(try ask(Self.like("v", user)).status == 200) }
            #expect(try ask(Self.get("/v1/likes/count/v")).says("count", "0"))
            let both = #"{"items":[{"content_id":"v","user_id":"hal"},{"content_id":"v","user_id":"nobody"}]}"#
            for changed in [1, 0] {
                let answer = try ask(Self.settle("release", both))
                #expect(answer.says("changed", "\(changed)") && answer.says("unchanged", "\(2 - changed)"))
                #expect(answer.says("more", "false"))
                #expect(try ask(Self.get("/v1/likes/count/v")).says("count", "1"))
            }
            let one = #"{"content_id":"v","user_id":"hob"}"#
            for changed in [1, 0] {
                #expect(try ask(Self.settle("reject", one)).says("changed", "\(changed)"))
            }
            #expect(try ask(Self.get("/v1/users/hob/likes/v")).says("liked", "false"))
            #expect(try ask(Self.unlike("v", "hob")).text.contains("not_liked"))
            // He may like again, and is judged anew.
            #expect(try ask(Self.like("v", "hob")).says("liked", "true"))
            #expect(try ask(Self.get("/v1/admin/held/v/hob")).status == 200)
            #expect(try ask(Self.settle("release", #"{"content_id":"v"}"#)).says("changed", "2"))
            #expect(try ask(Self.get("/v1/likes/count/v")).says("count", "3"))
            let list = try ask(Self.get("/v1/content/v/likes")).text
            #expect(["hal", "hob", "hix"].allSatisfy { list.contains($0) }, "\(list)")
            #expect(
                try ask(Self.settle("hold", #"{"items":[{"content_id":"v","user_id":"hix"}]}"#)).says("changed", "1"))
            #expect(try ask(Self.settle("hold", one)).says("changed", "1"))
            #expect(try ask(Self.get("/v1/likes/count/v")).says("count", "1"))
            #expect(try ask(Self.settle("reject", #"{"content_id":"v"}"#)).says("changed", "2"))
            #expect(try ask(Self.get("/v1/likes/count/v")).says("count", "1"))
        }
    }

    @Test(
        "A user takes back what is held back, and a change of reaction leaves it held back", arguments: [false, true])
    func ofTheUser(detour: Bool) async throws {
        try await withServer(detour: detour) { ask in
            _ = try ask(Self.like("v", "hal"))
            #expect(try ask(Self.like("v", "hal", "wow")).says("reaction", "\"wow\""))
            #expect(try ask(Self.get("/v1/admin/held/v/hal")).says("reaction", "\"wow\""))
            #expect(try ask(Self.get("/v1/likes/count/v")).says("count", "0"))
            let unlike = try ask(Self.unlike("v", "hal"))
            #expect(unlike.status == 200 && unlike.says("liked", "false"))
            let gone = try ask(Self.get("/v1/admin/held/v/hal"))
            #expect(gone.status == 404 && gone.text.contains("not_held"))
            #expect(try ask(Self.get("/v1/admin/held")).says("held", "[]"))
            #expect(try ask(Self.settle("release", #"{"content_id":"v","user_id":"hal"}"#)).says("changed", "0"))
            #expect(try ask(Self.get("/v1/likes/count/v")).says("count", "0"))
        }
    }

    @Test(
        "What is refused is 403, changes nothing and says no more; an unlike is always taken", arguments: [false, true])
    func refused(detour: Bool) async throws {
        try await withServer(detour: detour) { ask in
            for request in [
                Self.like("v", "rob"), RawRequest("PUT", "/v1/users/rob/likes/v", "{}"),
                Self.like("v", "rob").with("Idempotency-Key", "k"), Self.like("v", "rob").with("Idempotency-Key", "k"),
            ] {
                let answer = try ask(request)
                #expect(answer.status == 403 && answer.says("code", "\"refused\""), "\(answer.text)")
                #expect(answer.line == "HTTP/1.1 403 Forbidden")
            }
            #expect(try ask(Self.get("/v1/users/rob/likes/v")).says("liked", "false"))
            #expect(try ask(Self.get("/v1/admin/held")).says("held", "[]"))
            #expect(try ask(Self.unlike("v", "rob")).text.contains("not_liked"))
        }
    }

    @Test("A bulk intake holds back and refuses line by line")
    func bulk() async throws {
        try await withServer(detour: false) { ask in
            var request = RawRequest("POST", "/v1/likes/batch")
            let users = ["ann", "hal", "rob", "bob", "hob"]
            request.body = Array(
                users.map { #"{"content_id":"v","user_id":"\#($0)","action":"like"}"# }.joined(separator: "\n").utf8)
            request.fields = [("content-type", "application/x-ndjson")]
            let answer = try ask(request)
            #expect(answer.says("accepted", "4") && answer.says("changed", "4"), "\(answer.text)")
            #expect(answer.text.contains(#"{"line":3,"code":"refused""#), "\(answer.text)")
            #expect(try ask(Self.get("/v1/likes/count/v")).says("count", "2"))
            let held = try ask(Self.get("/v1/admin/held?content_id=v")).text
            #expect(held.contains("hal") && held.contains("hob") && !held.contains("ann"))
        }
    }

    @Test("The list goes newest first, by content and by user, and its pages join", arguments: LedgerKind.allCases)
    func lists(kind: LedgerKind) async throws {
        let folder = try TemporaryFolder()
        let ledger = try Ledgers.open(in: folder.path, otherwise: kind, cacheBytes: 1 << 20)
        try await withServer(detour: false, ledger: ledger) { ask in
            for i in 0..<12 { _ = try ask(Self.like("v\(i % 3)", "h\(i)")) }
            for i in 0..<4 { _ = try ask(Self.like("v\(i)", "ann")) }
            func list(_ query: String) throws -> [String] {
                var found: [String] = []
                var cursor = ""
                repeat {
                    let page = try ask(Self.get("/v1/admin/held?limit=5\(query)\(cursor)"))
                    #expect(page.status == 200 && page.field("Cache-Control") == "no-store")
                    found += page.text.matches(of: /"content_id":"(\w+)","user_id":"(\w+)"/).map { "\($0.1) \($0.2)" }
                    cursor = page.text.firstMatch(of: /"next_cursor":"([^"]+)"/).map { "&cursor=\($0.1)" } ?? ""
                } while !cursor.isEmpty
                return found
            }
            let all = (0..<12).reversed().map { "v\($0 % 3) h\($0)" }
            #expect(try list("") == all)
            #expect(try list("&content_id=v1") == all.filter { $0.hasPrefix("v1 ") })
            #expect(try list("&user_id=h7") == ["v1 h7"])
            #expect(try list("&content_id=v2&user_id=h7") == [])
            #expect(try ask(Self.settle("release", #"{"content_id":"v1"}"#)).says("changed", "4"))
            #expect(try list("") == all.filter { !$0.hasPrefix("v1 ") })
            #expect(try ask(Self.get("/v1/likes/count/v1")).says("count", "5"))
        }
    }

    @Test(
        "What is wrong with a call is said, and the field named",
        arguments: [
            ("{}", "content_id"), (#"{"items":[]}"#, "items"), (#"{"items":"v"}"#, "items"),
            (#"{"items":[1]}"#, "items"),
            (#"{"items":[{"content_id":"v"}]}"#, "user_id"), (#"{"items":[{"user_id":"u"}]}"#, "content_id"),
            (#"{"content_id":""}"#, "content_id"), (#"{"content_id":"v","user_id":""}"#, "user_id"), ("[]", ""),
            ("", ""),
        ])
    func wrong(body: String, field: String) async throws {
        try await withServer(detour: false) { ask in
            for action in ["release", "reject", "hold"] {
                let answer = try ask(Self.settle(action, body))
                #expect(answer.status == 400 && answer.text.contains("invalid_request"), "\(answer.text)")
                if !field.isEmpty { #expect(answer.says("field", "\"\(field)\""), "\(answer.text)") }
            }
            #expect(try ask(Self.settle("hold", #"{"content_id":"v"}"#)).says("field", "\"user_id\""))
            let many = (0...WireLimits.heldItems).map { _ in #"{"content_id":"v","user_id":"u"}"# }
            #expect(try ask(Self.settle("release", #"{"items":[\#(many.joined(separator: ","))]}"#)).status == 400)
            #expect(try ask(Self.settle("burn", "{}")).status == 404)
            #expect(try ask(Self.get("/v1/admin/held/release")).field("Allow") == "POST")
            #expect(try ask(Self.get("/v1/admin/held?cursor=x")).status == 400)
        }
    }

    @Test("The calls are for admin alone, and who may see another's likes does not see what is held back")
    func rules() async throws {
        var bed = try IdentityBed()
        bed.options.judge = LetterJudge()
        let tokens = [
            "hal": try await bed.issuer.token("hal"), "bob": try await bed.issuer.token("bob", scope: "users:read"),
            "web": try bed.key([.likesWrite, .usersRead]), "ops": try bed.key(.admin),
        ]
        try await TestServer.run(bed.options) { server in
            let connection = try server.connect()
            func ask(_ who: String, _ request: RawRequest) throws -> RawAnswer {
                try connection.ask(request.bearing(tokens[who]))
            }
            #expect(try ask("hal", Self.like("v", "hal")).says("liked", "true"))
            let body = #"{"content_id":"v"}"#
            for request in [
                Self.get("/v1/admin/held"), Self.get("/v1/admin/held/v/hal"), Self.settle("release", body),
                Self.settle("reject", body), Self.settle("hold", #"{"content_id":"v","user_id":"hal"}"#),
            ] {
                #expect(try ask("nobody", request).status == 401)
                for who in ["hal", "web"] {
                    let answer = try ask(who, request)
                    #expect(answer.status == 403 && answer.says("code", "\"forbidden\""))
                }
            }
            // To himself, and to a backend that asks for him; not to another user.
            for (who, liked) in [("hal", true), ("web", true), ("bob", false)] {
                #expect(try ask(who, Self.get("/v1/users/hal/likes/v")).says("liked", "\(liked)"), "\(who)")
                #expect(try ask(who, Self.get("/v1/likes/count/v?user_id=hal")).says("liked", "\(liked)"), "\(who)")
                #expect(try ask(who, Self.get("/v1/users/hal/likes")).text.contains("\"v\"") == liked, "\(who)")
                let batch = RawRequest("POST", "/v1/likes/count/batch", #"{"content_ids":["v"],"user_id":"hal"}"#)
                #expect(try ask(who, batch).says("liked", "\(liked)"), "\(who)")
            }
            #expect(try ask("ops", Self.get("/v1/admin/held/v/hal")).status == 200)
            #expect(try ask("ops", Self.settle("release", body)).says("changed", "1"))
            #expect(try ask("bob", Self.get("/v1/users/hal/likes/v")).says("liked", "true"))
        }
    }
}

/// What one server answered, for comparison with another.
private final class Received: Sendable {
    private let held = Mutex<[String]>([])
    var value: [String] { held.withLock { $0 } }
    func set(_ value: [String]) { held.withLock { $0 = value } }
}
