// Makes keys and tokens, sound ones and others, from the text of header and claims: a library would put them right.

import Crypto
import CryptoExtras
import Foundation
import JWTKit
import LikewiseAPI
import LikewiseServer

/// An issuer with a key of each kind.
struct TokenIssuer: Sendable {
    static let name = "https://issuer.test"
    static let audience = "likewise"
    /// Seconds for which a token holds, leeway aside: longer than any test takes on a slow machine.
    static let lifetime: UInt64 = 3_600
    static let rules = TokenRules(issuer: name, audience: audience, leeway: 30_000)

    let rsa: JWTKit.Insecure.RSA.PrivateKey
    let ec: ES256PrivateKey
    let ed: EdDSA.PrivateKey
    let secret: [UInt8]

    init() throws {
        rsa = try JWTKit.Insecure.RSA.PrivateKey(backing: try _RSA.Signing.PrivateKey(keySize: .bits2048))
        ec = ES256PrivateKey()
        ed = try EdDSA.PrivateKey()
        secret = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
    }

    /// One for all tests that need no other: an RSA key takes a while to make.
    static let shared = Result { try TokenIssuer() }

    enum Signer: String, CaseIterable {
        case hs256 = "HS256"
        case rs256 = "RS256"
        case es256 = "ES256"
        case edDSA = "EdDSA"
        var kid: String { "key-\(rawValue)" }
    }

    // MARK: Tokens

    /// Claims that hold for a minute from now, with others in their place or beside them; nil takes one away.
    static func claims(_ changes: [String: String?] = [:], user: String = "ann", now: Double? = nil) -> String {
        let now = now ?? Date().timeIntervalSince1970
        var members: [String: String] = [
            "iss": "\"\(name)\"", "aud": "\"\(audience)\"", "sub": "\"\(user)\"", "exp": "\(UInt64(now) + lifetime)",
        ]
        for (name, value) in changes { members[name] = value }
        return "{" + members.sorted { $0.key < $1.key }.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    func header(_ signer: Signer, _ more: String = "") -> String {
        #"{"alg":"\#(signer.rawValue)","typ":"JWT","kid":"\#(signer.kid)"\#(more)}"#
    }

    /// A token of this text, signed by the key of `signer`.
    func token(header: String, claims: String, _ signer: Signer) async throws -> String {
        let signed = TokenIssuer.base64(Array(header.utf8)) + "." + TokenIssuer.base64(Array(claims.utf8))
        return signed + "." + TokenIssuer.base64(try await sign(Array(signed.utf8), signer))
    }

    /// A sound token of `user`.
    func token(_ user: String = "ann", scope: String? = nil, _ signer: Signer = .es256) async throws -> String {
        let claims = TokenIssuer.claims(scope.map { ["scope": "\"\($0)\""] } ?? [:], user: user)
        return try await token(header: header(signer), claims: claims, signer)
    }

    func sign(_ bytes: [UInt8], _ signer: Signer) async throws -> [UInt8] {
        let keys = JWTKeyCollection()
        switch signer {
        case .hs256: await keys.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
        case .rs256: await keys.add(rsa: rsa, digestAlgorithm: .sha256)
        case .es256: await keys.add(ecdsa: ec)
        case .edDSA: await keys.add(eddsa: ed)
        }
        return try await keys.getKey().sign(bytes)
    }

    /// The code of HS256.
    static func hmac(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: key)))
    }

    // MARK: Keys

    /// The set of these keys; `prefix` comes before their names.
    func keySet(_ signers: [Signer] = Signer.allCases, prefix: String = "") throws -> String {
        "{\"keys\":[" + (try signers.map { try key($0, prefix: prefix) }).joined(separator: ",") + "]}"
    }

    /// One key of the set.
    func key(_ signer: Signer, prefix: String = "") throws -> String {
        let head = #""kid":"\#(prefix)\#(signer.kid)","alg":"\#(signer.rawValue)","use":"sig""#
        switch signer {
        case .hs256: return #"{"kty":"oct",\#(head),"k":"\#(TokenIssuer.base64(secret))"}"#
        case .rs256:
            let (n, e) = try rsa.publicKey.getKeyPrimitives()
            return
                #"{"kty":"RSA",\#(head),"n":"\#(TokenIssuer.base64(Array(n)))","e":"\#(TokenIssuer.base64(Array(e)))"}"#
        case .es256:
            let raw = try P256.Signing.PublicKey(pemRepresentation: ec.publicKey.pemRepresentation).rawRepresentation
            let (x, y) = (TokenIssuer.base64(Array(raw.prefix(32))), TokenIssuer.base64(Array(raw.suffix(32))))
            return #"{"kty":"EC","crv":"P-256",\#(head),"x":"\#(x)","y":"\#(y)"}"#
        case .edDSA:
            let x = TokenIssuer.base64(Array(ed.publicKey.rawRepresentation))
            return #"{"kty":"OKP","crv":"Ed25519",\#(head),"x":"\#(x)"}"#
        }
    }

    static func base64(_ bytes: [UInt8]) -> String { String(decoding: Base64URL.encode(bytes), as: UTF8.self) }
}
