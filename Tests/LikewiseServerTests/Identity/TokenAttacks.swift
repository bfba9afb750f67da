// Tokens that must not hold, with the reason that the log at debug level would give.

import Foundation
import JWTKit
import LikewiseAPI
import LikewiseServer

/// One token that must be refused.
struct TokenAttack: Sendable {
    var name: String
    var token: String
    /// nil where it is not even looked at as a token.
    var fault: TokenFault?
}

extension TokenIssuer {
    /// Every attack, against a server that knows all keys of this issuer.
    func attacks() async throws -> [TokenAttack] {
        try await algorithms() + signatures() + claimsThatDoNotHold() + forms() + headers()
    }

    /// A token whose header is `header`, and everything else sound.
    private func with(header: String, _ signer: Signer = .es256) async throws -> String {
        try await token(header: header, claims: TokenIssuer.claims(), signer)
    }

    private func unsigned(_ header: String, signature: String = "") -> String {
        TokenIssuer.base64(Array(header.utf8)) + "." + TokenIssuer.base64(Array(TokenIssuer.claims().utf8)) + "."
            + signature
    }

    private func algorithms() async throws -> [TokenAttack] {
        var found: [TokenAttack] = []
        for name in ["none", "NONE", "None", "nOnE", ""] {
            let header = #"{"alg":"\#(name)","typ":"JWT"}"#
            found.append(TokenAttack(name: "alg \(name), no signature", token: unsigned(header), fault: .form))
            found.append(
                TokenAttack(name: "alg \(name), signed", token: try await with(header: header), fault: .algorithm))
        }
        for name in ["RS512", "HS512", "PS256", "ES384", "hs256", "Es256", "RSA-OAEP"] {
            let header = #"{"alg":"\#(name)","typ":"JWT","kid":"key-ES256"}"#
            found.append(TokenAttack(name: "alg \(name)", token: try await with(header: header), fault: .algorithm))
        }
        found.append(
            TokenAttack(name: "no alg", token: try await with(header: #"{"typ":"JWT"}"#), fault: .algorithm))
        // The public key, in the forms in which it is handed out, taken for a shared secret.
        let pem = rsa.publicKey.pemRepresentation
        for (form, secret) in [("PEM", pem), ("PEM with its line's end", pem + "\n"), ("JWK", try key(.rs256))] {
            for kid in [Signer.rs256.kid, Signer.hs256.kid] {
                let text = unsigned(#"{"alg":"HS256","typ":"JWT","kid":"\#(kid)"}"#).dropLast()
                let code = TokenIssuer.hmac(Array(text.utf8), key: Array(secret.utf8))
                found.append(
                    TokenAttack(
                        name: "HS256 under the RSA key's \(form), kid \(kid)",
                        token: text + "." + TokenIssuer.base64(code),
                        fault: kid == Signer.hs256.kid ? .signature : .unknownKey))
            }
        }
        // A key is asked for by its name, with an algorithm that is not its own.
        for signer in Signer.allCases {
            for other in Signer.allCases where other != signer {
                let header = #"{"alg":"\#(signer.rawValue)","typ":"JWT","kid":"\#(other.kid)"}"#
                found.append(
                    TokenAttack(
                        name: "\(signer) with the key of \(other)", token: try await with(header: header, signer),
                        fault: .unknownKey))
                found.append(
                    TokenAttack(
                        name: "\(signer), signed by \(other)",
                        token: try await with(header: self.header(signer), other), fault: .signature))
            }
        }
        return found
    }

    private func signatures() async throws -> [TokenAttack] {
        var found: [TokenAttack] = []
        let stranger = try TokenIssuer()
        for signer in Signer.allCases {
            let sound = try await token("ann", signer)
            let other = try await token("bob", signer)
            let parts = sound.split(separator: ".").map(String.init)
            let others = other.split(separator: ".").map(String.init)
            let bytes = Base64URL.decode(parts[2].utf8) ?? [0]
            var flipped = bytes
            flipped[0] ^= 1
            found += [
                TokenAttack(name: "\(signer), signature stripped", token: "\(parts[0]).\(parts[1]).", fault: .form),
                TokenAttack(name: "\(signer), two parts", token: "\(parts[0]).\(parts[1])", fault: .form),
                TokenAttack(
                    name: "\(signer), signature of another token", token: "\(parts[0]).\(parts[1]).\(others[2])",
                    fault: .signature),
                TokenAttack(
                    name: "\(signer), claims of another token", token: "\(parts[0]).\(others[1]).\(parts[2])",
                    fault: .signature),
                TokenAttack(
                    name: "\(signer), a bit of the signature flipped",
                    token: "\(parts[0]).\(parts[1]).\(TokenIssuer.base64(flipped))", fault: .signature),
                TokenAttack(
                    name: "\(signer), signature cut",
                    token: "\(parts[0]).\(parts[1]).\(TokenIssuer.base64(bytes.dropLast()))",
                    fault: .signature),
                TokenAttack(
                    name: "\(signer), signature of zeros",
                    token: "\(parts[0]).\(parts[1]).\(TokenIssuer.base64([UInt8](repeating: 0, count: bytes.count)))",
                    fault: .signature),
                TokenAttack(
                    name: "\(signer), signed by a stranger", token: try await stranger.token("ann", signer),
                    fault: .signature),
            ]
        }
        return found
    }

    private func claimsThatDoNotHold() async throws -> [TokenAttack] {
        let now = Int(Date().timeIntervalSince1970)
        let changes: [(String, [String: String?], TokenFault)] = [
            ("expired", ["exp": "\(now - 31)"], .expired), ("expired long ago", ["exp": "1"], .expired),
            ("no exp", ["exp": nil], .claims), ("exp as text", ["exp": "\"\(now + 60)\""], .claims),
            ("exp null", ["exp": "null"], .claims), ("exp negative", ["exp": "-1"], .claims),
            ("exp too far", ["exp": "1e300"], .claims), ("exp as a list", ["exp": "[\(now + 60)]"], .claims),
            ("not yet valid", ["nbf": "\(now + Int(TokenIssuer.lifetime))"], .notYetValid),
            ("nbf as text", ["nbf": "\"0\""], .claims),
            ("another audience", ["aud": "\"others\""], .audience), ("no audience", ["aud": nil], .audience),
            ("other audiences", ["aud": "[\"a\",\"likewise \"]"], .audience),
            ("audiences empty", ["aud": "[]"], .audience),
            ("audience in a list with a number", ["aud": "[\"likewise\",1]"], .audience),
            ("another issuer", ["iss": "\"https://issuer.test/\""], .issuer), ("no issuer", ["iss": nil], .issuer),
            ("issuer as a list", ["iss": "[\"https://issuer.test\"]"], .issuer),
            ("no sub", ["sub": nil], .subject), ("sub empty", ["sub": "\"\""], .subject),
            ("sub a number", ["sub": "7"], .subject), ("sub with a line's end", ["sub": #""a\nb""#], .subject),
            ("sub with NUL", ["sub": #""a\u0000""#], .subject),
            ("sub too long", ["sub": "\"" + String(repeating: "u", count: 129) + "\""], .subject),
            ("scope a list", ["scope": "[\"admin\"]"], .scope),
        ]
        var found: [TokenAttack] = []
        for (name, change, fault) in changes {
            let claims = TokenIssuer.claims(change)
            found.append(
                TokenAttack(
                    name: name, token: try await token(header: header(.es256), claims: claims, .es256), fault: fault))
        }
        let sound = TokenIssuer.claims()
        for (name, claims) in [
            ("sub twice", sound.replacing("{", with: #"{"sub":"bob","#, maxReplacements: 1)),
            ("exp twice", sound.replacing("{", with: #"{"exp":1,"#, maxReplacements: 1)),
            ("sub twice, once escaped", sound.replacing("{", with: #"{"s\u0075b":"bob","#, maxReplacements: 1)),
            ("claims a list", "[\(sound)]"), ("claims with something behind", sound + "{}"),
            ("claims empty", ""), ("claims not UTF-8 in meaning", #"{"sub":"\ud800"}"#),
        ] {
            found.append(
                TokenAttack(
                    name: name, token: try await token(header: header(.es256), claims: claims, .es256), fault: .claims))
        }
        return found
    }

    private func forms() async throws -> [TokenAttack] {
        let sound = try await token()
        let parts = sound.split(separator: ".").map(String.init)
        let long = TokenIssuer.claims(["more": "\"" + String(repeating: "x", count: 6_200) + "\""])
        return [
            TokenAttack(name: "huge", token: try await token(header: header(.es256), claims: long, .es256)),
            TokenAttack(name: "four parts", token: sound + ".", fault: .form),
            TokenAttack(name: "five parts", token: sound + ".a.b", fault: .form),
            TokenAttack(name: "one part", token: "token", fault: .form),
            TokenAttack(name: "nothing but dots", token: "..", fault: .form),
            TokenAttack(name: "padded", token: sound + "=", fault: .form),
            TokenAttack(name: "the other base64", token: "\(parts[0]).\(parts[1]).+/\(parts[2])", fault: .form),
            TokenAttack(name: "base64 of a length that is none", token: "\(parts[0])A.\(parts[1]).AAAAA", fault: .form),
            TokenAttack(name: "bits that are left over", token: "\(parts[0]).\(parts[1]).AB", fault: .form),
            TokenAttack(name: "with a comma behind", token: sound + ","),
            TokenAttack(name: "in quotes", token: "\"\(sound)\""),
            TokenAttack(name: "two of them", token: "\(sound) \(sound)"),
            TokenAttack(name: "a key that is none", token: "lw_0123456789ab_" + String(repeating: "A", count: 43)),
        ]
    }

    private func headers() async throws -> [TokenAttack] {
        var found: [TokenAttack] = []
        let stranger = try TokenIssuer()
        for (name, member) in [
            ("jwk", #","jwk":\#(try stranger.key(.es256))"#), ("jku", #","jku":"https://evil.test/keys""#),
            ("x5u", #","x5u":"https://evil.test/cert""#), ("x5c", #","x5c":["AAAA"]"#),
        ] {
            for (whose, issuer) in [("the stranger's key", stranger), ("the issuer's key", self)] {
                found.append(
                    TokenAttack(
                        name: "\(name), signed with \(whose)",
                        token: try await issuer.with(header: header(.es256, member)), fault: .bringsKey))
            }
        }
        for (name, header, fault) in [
            ("crit", header(.es256, #","crit":["exp"]"#), TokenFault.critical),
            ("crit with b64", header(.es256, #","crit":["b64"],"b64":false"#), .critical),
            ("crit empty", header(.es256, #","crit":[]"#), .critical),
            ("an unknown kid", #"{"alg":"ES256","typ":"JWT","kid":"other"}"#, .unknownKey),
            ("kid a path", #"{"alg":"ES256","typ":"JWT","kid":"../../dev/null"}"#, .unknownKey),
            ("kid a number", #"{"alg":"ES256","typ":"JWT","kid":7}"#, .header),
            ("kid null", #"{"alg":"ES256","typ":"JWT","kid":null}"#, .header),
            ("alg twice", #"{"alg":"none","typ":"JWT","kid":"key-ES256","alg":"ES256"}"#, .header),
            ("another type", #"{"alg":"ES256","typ":"logout+jwt","kid":"key-ES256"}"#, .header),
            ("header a list", #"["ES256"]"#, .header), ("header empty", "{}", .algorithm),
        ] {
            found.append(TokenAttack(name: name, token: try await with(header: header), fault: fault))
        }
        return found
    }
}
