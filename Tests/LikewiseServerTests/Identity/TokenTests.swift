import Foundation
import JWTKit
import LikewiseServer
import Testing

@Suite("Tokens")
struct TokenTests {
    private let issuer: TokenIssuer
    private let now = UInt64(Date().timeIntervalSince1970 * 1000)

    init() throws { issuer = try TokenIssuer.shared.get() }

    private func keys(_ text: String, isFile: Bool = true) async throws -> TokenKeySet {
        try await TokenKeyParser.keys(Array(text.utf8), isFile: isFile)
    }

    private func caller(_ keys: TokenKeySet, _ token: String, now: UInt64? = nil) throws -> Caller {
        try keys.caller(Array(token.utf8), TokenIssuer.rules, now: now ?? self.now)
    }

    @Test("A token of each algorithm stands for its subject, with its scopes", arguments: TokenIssuer.Signer.allCases)
    func sound(signer: TokenIssuer.Signer) async throws {
        let keys = try await keys(issuer.keySet())
        let found = try caller(keys, try await issuer.token("zoé", scope: "likes:read other", signer))
        #expect(found.user == Array("zoé".utf8) && found.scopes == .likesRead)
    }

    @Test("Every attack is refused, for its own reason")
    func attacks() async throws {
        let keys = try await keys(issuer.keySet())
        for attack in try await issuer.attacks() {
            let fault = #expect(throws: TokenFault.self, "\(attack.name)") { try caller(keys, attack.token) }
            if let expected = attack.fault { #expect(fault == expected, "\(attack.name)") }
        }
    }

    @Test("Moments count with the leeway on either side, and to the millisecond")
    func moments() async throws {
        let keys = try await keys(issuer.keySet())
        let token = try await issuer.token(
            header: issuer.header(.edDSA), claims: TokenIssuer.claims(["exp": "2000.5", "nbf": "1000"]), .edDSA)
        for (now, holds) in [
            (UInt64(969_999), false), (970_000, true), (2_000_500, true), (2_030_499, true), (2_030_500, false),
        ] {
            #expect(((try? caller(keys, token, now: now)) != nil) == holds, "at \(now)")
        }
        #expect(try caller(keys, token, now: 1_500_000).expires == 2_030_500)
    }

    @Test("An audience may be one of several, and a type may be that of RFC 9068 or left away")
    func variants() async throws {
        let keys = try await keys(issuer.keySet())
        for (header, claims) in [
            (issuer.header(.es256), TokenIssuer.claims(["aud": #"["other","likewise"]"#])),
            (#"{"alg":"ES256","kid":"key-ES256"}"#, TokenIssuer.claims()), (#"{"alg":"ES256"}"#, TokenIssuer.claims()),
            (
                #"{"typ":"AT+JWT","alg":"ES256","kid":"key-ES256","x5t":"abc"}"#,
                TokenIssuer.claims(["jti": "{\"a\":[1]}"])
            ),
        ] {
            let token = try await issuer.token(header: header, claims: claims, .es256)
            #expect(try caller(keys, token).user == Array("ann".utf8))
        }
    }

    @Test("A token that names no key is refused where several could be meant")
    func noName() async throws {
        let other = try TokenIssuer()
        let two = "{\"keys\":[\(try issuer.key(.es256)),\(try other.key(.es256, prefix: "other-"))]}"
        let keys = try await keys(two)
        let token = try await issuer.token(header: #"{"alg":"ES256"}"#, claims: TokenIssuer.claims(), .es256)
        #expect(throws: TokenFault.unknownKey) { try caller(keys, token) }
    }

    @Test("A file may be one public key as PEM, whose kind says the algorithm, or a secret")
    func files() async throws {
        for (text, signer) in [
            (issuer.rsa.publicKey.pemRepresentation, TokenIssuer.Signer.rs256),
            (issuer.ec.publicKey.pemRepresentation, .es256), (issuer.ed.publicKey.pemRepresentation, .edDSA),
        ] {
            let keys = try await keys(text + "\n")
            #expect(try caller(keys, try await issuer.token("ann", signer)).user == Array("ann".utf8))
            for other in TokenIssuer.Signer.allCases where other != signer {
                let token = try await issuer.token("ann", other)
                #expect(throws: TokenFault.unknownKey) { try caller(keys, token) }
            }
        }
        let secret = "a shared secret of more than 32 bytes"
        let keys = try await keys(secret + "\r\n")
        let text =
            TokenIssuer.base64(Array(#"{"alg":"HS256"}"#.utf8)) + "."
            + TokenIssuer.base64(Array(TokenIssuer.claims().utf8))
        let code = TokenIssuer.hmac(Array(text.utf8), key: Array(secret.utf8))
        #expect(try caller(keys, text + "." + TokenIssuer.base64(code)).user == Array("ann".utf8))
    }

    @Test("Keys that cannot be used are an error that says so")
    func unsoundFiles() async throws {
        let short = #"{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}"#
        let cases: [(text: String, isFile: Bool, words: String)] = [
            ("", true, "at least 32 bytes"), ("short", true, "at least 32 bytes"), (short, true, "at least 32 bytes"),
            ("{}", true, "no JSON Web Key Set"), ("{\"keys\":[]}", true, "no key is for"),
            (try issuer.keySet([.hs256]), false, "no key is for"),
            ("a shared secret of more than 32 bytes", false, "no JSON"),
            (issuer.rsa.pemRepresentation, true, "private key"), (issuer.ec.pemRepresentation, true, "private key"),
            (
                issuer.ec.publicKey.pemRepresentation + "\n" + issuer.ed.publicKey.pemRepresentation, true,
                "one public key"
            ),
            ("{\"keys\":[\(try issuer.key(.es256)),\(try issuer.key(.es256))]}", true, "same kid"),
            (try issuer.keySet([.es256]).replacing("\"x\"", with: "\"d\":\"AA\",\"x\""), true, "private key"),
            (#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#, true, "no sound RS256 key"),
            (try issuer.keySet([.es256]).replacing("\"y\":\"", with: "\"y\":\"AAAA"), true, "32 bytes"),
            (#"{"keys":[{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}]}"#, true, "no key is for"),
            (
                "{\"keys\":[" + (0...64).map { _ in "{\"kty\":\"x\"}" }.joined(separator: ",") + "]}", true,
                "more than 64"
            ),
            (String(repeating: "x", count: TokenKeyParser.maxBytes + 1), true, "more than 262144"),
        ]
        for (text, isFile, words) in cases {
            let problem = await #expect(throws: TokenKeyProblem.self, "\(text.prefix(80))") {
                try await keys(text, isFile: isFile)
            }
            #expect(problem?.description.contains(words) == true, "\(text.prefix(80)): \(problem?.description ?? "")")
        }
    }

    @Test("Keys for encryption, or of other algorithms, are passed over")
    func otherKeys() async throws {
        let other =
            #"{"kty":"EC","crv":"P-256","use":"enc","kid":"a","x":"A","y":"A"},{"kty":"RSA","alg":"RS512","kid":"b"}"#
        let keys = try await keys("{\"keys\":[\(other),\(try issuer.key(.es256))]}")
        #expect(keys.keys.map(\.id) == ["key-ES256"])
    }
}

@Suite("When an issuer's keys are fetched")
struct RefreshPlanTests {
    @Test("On schedule, sooner after a failure, and for a token at most once in 30 s")
    func plan() {
        var plan = RefreshPlan(interval: 600_000)
        #expect(plan.isDue(at: 0) && plan.mayFetch(at: 0))
        plan.begin(at: 1_000)
        plan.end(succeeded: true)
        #expect(!plan.mayFetch(at: 30_999) && plan.mayFetch(at: 31_000))
        #expect(!plan.isDue(at: 31_000) && !plan.isDue(at: 600_999) && plan.isDue(at: 601_000))
        plan.begin(at: 601_000)
        plan.end(succeeded: false)
        #expect(!plan.isDue(at: 630_999) && plan.isDue(at: 631_000))
        plan.begin(at: 631_000)
        plan.end(succeeded: true)
        #expect(!plan.isDue(at: 1_230_999) && plan.isDue(at: 1_231_000))
    }
}
