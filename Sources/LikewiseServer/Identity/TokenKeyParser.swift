// Reads the keys of an issuer: a JSON Web Key Set (RFC 7517), a public key as PEM, or a shared secret.

import FoundationEssentials
import JWTKit
import LikewiseAPI

/// Why keys cannot be used, and what to do. For the operator.
package struct TokenKeyProblem: Error, Equatable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

/// Makes keys from what a file or an address holds.
package enum TokenKeyParser {
    /// Bytes of a key set.
    package static let maxBytes = 256 << 10
    /// Keys of a set.
    package static let maxKeys = 64
    /// Bytes of a shared secret: as many as the hash has (RFC 7518, section 3.2).
    package static let minSecretBytes = 32
    /// Characters of a number in a key: 8,192 bits.
    private static let maxNumberCharacters = 1_366
    /// Characters of an RSA key's exponent.
    private static let maxExponentCharacters = 8

    /// The keys in `bytes`. Shared secrets are taken from files alone: what an address hands to everybody is none.
    package static func keys(_ bytes: [UInt8], isFile: Bool) async throws(TokenKeyProblem) -> TokenKeySet {
        guard bytes.count <= maxBytes else { throw TokenKeyProblem("there are more than \(maxBytes) bytes of keys") }
        let text = trimmed(bytes)
        if text.first == UInt8(ascii: "{") { return try await set(Data(text), takesSecrets: isFile) }
        guard isFile else { throw TokenKeyProblem("what came is no JSON Web Key Set") }
        if String(decoding: text, as: UTF8.self).contains("-----BEGIN") { return try await pem(text) }
        return TokenKeySet(keys: [try await secret(Array(text), id: nil)])
    }

    private static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
        guard let end = bytes.lastIndex(where: { !isSpace($0) }) else { return [] }
        return bytes[...end].drop(while: isSpace)
    }

    // MARK: A set

    private struct Entry: Decodable {
        var kty: String
        var alg: String?
        var use: String?
        var keyOperations: [String]?
        var kid: String?
        var crv: String?
        var n: String?
        var e: String?
        var x: String?
        var y: String?
        var k: String?
        var d: String?

        enum CodingKeys: String, CodingKey {
            case kty, alg, use, kid, crv, n, e, x, y, k, d
            case keyOperations = "key_ops"
        }

        /// Whether the key may be used to check signatures with `algorithm`.
        func serves(_ algorithm: TokenAlgorithm) -> Bool {
            (alg == nil || alg == algorithm.rawValue) && (use == nil || use == "sig")
                && (keyOperations.map { $0.contains("verify") } ?? true)
        }
    }

    private struct Entries: Decodable { var keys: [Entry] }

    private static func set(_ json: Data, takesSecrets: Bool) async throws(TokenKeyProblem) -> TokenKeySet {
        let entries: [Entry]
        do { entries = try JSONDecoder().decode(Entries.self, from: json).keys } catch {
            throw TokenKeyProblem("it is no JSON Web Key Set: an object with the list keys (RFC 7517)")
        }
        guard entries.count <= maxKeys else { throw TokenKeyProblem("there are more than \(maxKeys) keys") }
        var keys: [TokenKey] = []
        for entry in entries {
            guard let key = try await key(entry, takesSecrets: takesSecrets) else { continue }
            guard !keys.contains(where: { $0.id == key.id && $0.algorithm == key.algorithm }) else {
                throw TokenKeyProblem("two \(key.algorithm.rawValue) keys have the same kid: give each its own")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else {
            throw TokenKeyProblem("no key is for HS256, RS256, ES256 or EdDSA: these are the algorithms that are taken")
        }
        return TokenKeySet(keys: keys)
    }

    /// The key of an entry; nil where it is for something else.
    private static func key(_ entry: Entry, takesSecrets: Bool) async throws(TokenKeyProblem) -> TokenKey? {
        let name = entry.kid.map { "the key '\($0.prefix(64))'" } ?? "a key without kid"
        guard entry.d == nil else {
            throw TokenKeyProblem("\(name) is a private key: give the public part alone, and replace the key")
        }
        switch entry.kty {
        case "oct":
            guard takesSecrets, entry.serves(.hs256) else { return nil }
            guard let bytes = entry.k.flatMap({ Base64URL.decode($0.utf8) }) else {
                throw TokenKeyProblem("\(name) has no k in base64url")
            }
            return try await secret(bytes, id: entry.kid)
        case "RSA":
            guard entry.serves(.rs256) else { return nil }
            guard let n = entry.n, let e = entry.e, n.utf8.count <= maxNumberCharacters,
                e.utf8.count <= maxExponentCharacters
            else { throw TokenKeyProblem("\(name) has no n and e, or longer ones than 8,192 bits") }
            return try await made(name, entry.kid, .rs256) {
                await $0.add(rsa: try Insecure.RSA.PublicKey(modulus: n, exponent: e), digestAlgorithm: .sha256)
            }
        case "EC":
            guard entry.crv == "P-256", entry.serves(.es256) else { return nil }
            guard let x = entry.x, let y = entry.y, x.utf8.count == 43, y.utf8.count == 43 else {
                throw TokenKeyProblem("\(name) has no x and y of 32 bytes")
            }
            return try await made(name, entry.kid, .es256) {
                await $0.add(ecdsa: try ES256PublicKey(parameters: (x, y)))
            }
        case "OKP":
            guard entry.crv == "Ed25519", entry.serves(.edDSA) else { return nil }
            guard let x = entry.x, x.utf8.count == 43 else { throw TokenKeyProblem("\(name) has no x of 32 bytes") }
            return try await made(name, entry.kid, .edDSA) {
                await $0.add(eddsa: try EdDSA.PublicKey(x: x, curve: .ed25519))
            }
        default: return nil
        }
    }

    // MARK: Single keys

    private static func secret(_ bytes: [UInt8], id: String?) async throws(TokenKeyProblem) -> TokenKey {
        guard bytes.count >= minSecretBytes else {
            throw TokenKeyProblem("a shared secret has at least \(minSecretBytes) bytes: openssl rand -base64 48")
        }
        return try await made("the secret", id, .hs256) {
            await $0.add(hmac: HMACKey(from: bytes), digestAlgorithm: .sha256)
        }
    }

    private static func pem(_ bytes: ArraySlice<UInt8>) async throws(TokenKeyProblem) -> TokenKeySet {
        let text = String(decoding: bytes, as: UTF8.self)
        guard !text.contains("PRIVATE KEY") else {
            throw TokenKeyProblem("it is a private key: give the public one, openssl pkey -pubout")
        }
        guard text.hasPrefix("-----BEGIN PUBLIC KEY-----"), text.split(separator: "-----BEGIN").count == 1 else {
            throw TokenKeyProblem("PEM must be one public key: -----BEGIN PUBLIC KEY-----")
        }
        if let key = try? Insecure.RSA.PublicKey(pem: text) {
            return TokenKeySet(keys: [
                try await made("the key", nil, .rs256) { await $0.add(rsa: key, digestAlgorithm: .sha256) }
            ])
        }
        if let key = try? ES256PublicKey(pem: text) {
            return TokenKeySet(keys: [try await made("the key", nil, .es256) { await $0.add(ecdsa: key) }])
        }
        if let key = try? EdDSA.PublicKey(pem: text) {
            return TokenKeySet(keys: [try await made("the key", nil, .edDSA) { await $0.add(eddsa: key) }])
        }
        throw TokenKeyProblem("the public key is none of RSA with 2,048 bits or more, EC on P-256, or Ed25519")
    }

    private static func made(
        _ name: String, _ id: String?, _ algorithm: TokenAlgorithm,
        _ add: (JWTKeyCollection) async throws -> Void
    ) async throws(TokenKeyProblem) -> TokenKey {
        do {
            let collection = JWTKeyCollection()
            try await add(collection)
            return try await TokenKey(id: id, algorithm, collection)
        } catch {
            throw TokenKeyProblem("\(name) is no sound \(algorithm.rawValue) key")
        }
    }
}
