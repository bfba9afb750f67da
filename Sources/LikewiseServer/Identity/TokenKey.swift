// The keys that tokens are checked with, and the token's header, which says which of them.
//
// A key is bound to one algorithm when it is read, and a token is checked only with keys of the algorithm that it names.
// So a public key can never be taken for a shared secret, whatever a token says of itself.

import JWTKit
import LikewiseAPI

/// The algorithms that are taken; every other one is refused, `none` among them.
package enum TokenAlgorithm: String, CaseIterable, Sendable {
    case hs256 = "HS256"
    case rs256 = "RS256"
    case es256 = "ES256"
    case edDSA = "EdDSA"
}

/// A key that checks signatures of one algorithm.
package struct TokenKey: Sendable {
    /// The name by which tokens ask for it; nil for the only key of a file.
    package let id: String?
    package let algorithm: TokenAlgorithm
    private let verifier: any JWTAlgorithm

    /// - Parameter keys: a collection with this key alone.
    init(id: String?, _ algorithm: TokenAlgorithm, _ keys: JWTKeyCollection) async throws {
        verifier = try await keys.getKey()
        precondition(verifier.name == algorithm.rawValue, "a key for \(verifier.name) is none for \(algorithm)")
        self.id = id
        self.algorithm = algorithm
    }

    /// Whether `signature` is this key's over `signed`.
    func verifies(_ signature: [UInt8], over signed: ArraySlice<UInt8>) -> Bool {
        // A signature of the wrong length throws in some of the algorithms: it is none.
        (try? verifier.verify(signature, signs: signed)) == true
    }
}

/// The keys of an issuer at one time.
package struct TokenKeySet: Sendable {
    package let keys: [TokenKey]

    /// The one key that a token with this header is checked with. Throws `unknownKey` where there is none, or where the
    /// token names none and there are several.
    func key(for header: TokenHeader) throws(TokenFault) -> TokenKey {
        let fitting = keys.filter { $0.algorithm == header.algorithm }
        if let id = header.keyID {
            if let named = fitting.first(where: { $0.id == id }) { return named }
            guard let unnamed = fitting.first(where: { $0.id == nil }) else { throw .unknownKey }
            return unnamed
        }
        guard fitting.count == 1 else { throw .unknownKey }
        return fitting[0]
    }
}

/// A token's header, as far as it matters (RFC 7515, section 4.1).
struct TokenHeader {
    let algorithm: TokenAlgorithm
    let keyID: String?

    init(_ members: JSONMembers) throws(TokenFault) {
        guard case .string(let name) = members["alg"], let algorithm = TokenAlgorithm(rawValue: name) else {
            throw .algorithm
        }
        // None of the extensions that a token can insist on is known here.
        guard members["crit"] == nil else { throw .critical }
        // Keys come from the operator alone.
        for name in ["jwk", "jku", "x5u", "x5c"] where members[name] != nil { throw .bringsKey }
        switch members["typ"] {
        case nil: break
        case .string(let type):
            let type = type.lowercased()
            guard ["jwt", "at+jwt", "application/at+jwt"].contains(type) else { throw .header }
        default: throw .header
        }
        switch members["kid"] {
        case nil: keyID = nil
        case .string(let id): keyID = id
        default: throw .header
        }
        self.algorithm = algorithm
    }
}

/// A token cut into its parts and decoded.
struct ParsedToken {
    let header: TokenHeader
    let claims: JSONMembers
    let signature: [UInt8]
    /// What the signature is over.
    let signed: ArraySlice<UInt8>

    init(_ token: [UInt8]) throws(TokenFault) {
        guard token.count <= BearerField.maxTokenBytes else { throw .form }
        let parts = token.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64URL.decode(parts[0]), let claims = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2]), !signature.isEmpty
        else { throw .form }
        guard let members = JSONMembers(header) else { throw .header }
        self.header = try TokenHeader(members)
        guard let claims = JSONMembers(claims) else { throw .claims }
        self.claims = claims
        self.signature = signature
        signed = token[..<parts[1].endIndex]
    }
}

extension TokenKeySet {
    /// The caller that `token` stands for at `now` (milliseconds since 1970).
    package func caller(_ token: [UInt8], _ rules: TokenRules, now: UInt64) throws(TokenFault) -> Caller {
        let parsed = try ParsedToken(token)
        let key = try key(for: parsed.header)
        guard key.verifies(parsed.signature, over: parsed.signed) else { throw .signature }
        return try rules.caller(parsed.claims, now: now)
    }
}
