// The keys of backends: what the file says, and whether a key that somebody shows is one of them. Without I/O.
//
// A key is 32 random bytes, so that nobody finds one by trying, however fast the hash; SHA-256 is enough to keep them
// (docs/decisions/0017-identity.md). The file holds the hash alone: whoever reads the file cannot act for a backend.

import Crypto
import FoundationEssentials
import LikewiseAPI

/// One key as the file has it.
package struct APIKey: Codable, Equatable, Sendable {
    /// Names the key in the file, in logs and within the key itself: 12 hexadecimal digits.
    package var id: String
    /// For people: whose key it is.
    package var name: String
    /// Names of scopes.
    package var scopes: [String]
    /// The hash of the secret, in base64url.
    package var sha256: String
    /// When it was made, as RFC 3339 has it.
    package var created: String

    /// Bytes of a secret.
    package static let secretBytes = 32
    /// Bytes of a key's name.
    package static let maxNameBytes = 64

    /// A new key, and the text that its bearer shows, which is nowhere else.
    package static func make(name: String, scopes: Scopes, created: String) -> (key: APIKey, shown: String) {
        var random = SystemRandomNumberGenerator()
        let secret = (0..<secretBytes).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let digits = Array("0123456789abcdef")
        let id = String((0..<12).map { _ in digits[Int.random(in: 0..<16, using: &random)] })
        let key = APIKey(
            id: id, name: name, scopes: scopes.names, sha256: text(Array(SHA256.hash(data: secret))), created: created)
        return (key, "lw_\(id)_\(text(secret))")
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: Base64URL.encode(bytes), as: UTF8.self)
    }
}

/// Why a key file cannot be used, and what to do. For the operator.
package struct APIKeyProblem: Error, Equatable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// The keys of one file.
package struct APIKeySet: Sendable {
    /// Keys of a file.
    package static let maxKeys = 1_024
    /// Bytes of a file.
    package static let maxBytes = 1 << 20

    private struct File: Codable { var keys: [APIKey] }

    private struct Entry {
        var id: String
        var scopes: Scopes
        var hash: [UInt8]
    }

    /// In the order of the file.
    package private(set) var keys: [APIKey] = []
    private var entries: [String: Entry] = [:]

    /// No keys.
    package init() {}

    /// The keys of a file's bytes.
    package init(_ bytes: [UInt8]) throws(APIKeyProblem) {
        guard bytes.count <= APIKeySet.maxBytes else {
            throw APIKeyProblem("it has more than \(APIKeySet.maxBytes) bytes")
        }
        let file: File
        do { file = try JSONDecoder().decode(File.self, from: Data(bytes)) } catch {
            throw APIKeyProblem("it is no file of keys: likewise keys make writes one")
        }
        for key in file.keys { try add(key) }
    }

    /// Adds a key at the end.
    package mutating func add(_ key: APIKey) throws(APIKeyProblem) {
        guard keys.count < APIKeySet.maxKeys else {
            throw APIKeyProblem("it has \(APIKeySet.maxKeys) keys, which is the most: revoke those that nobody uses")
        }
        guard APIKeySet.isID(key.id) else { throw APIKeyProblem("the id '\(key.id.prefix(32))' is none of a key") }
        guard entries[key.id] == nil else { throw APIKeyProblem("the id \(key.id) is there twice") }
        guard (1...APIKey.maxNameBytes).contains(key.name.utf8.count),
            !key.name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f })
        else { throw APIKeyProblem("the name of key \(key.id) must have 1 to \(APIKey.maxNameBytes) plain bytes") }
        var scopes: Scopes = []
        for name in key.scopes {
            guard let scope = Scopes(named: name) else {
                let known = Scopes.named.map(\.name).joined(separator: ", ")
                throw APIKeyProblem("key \(key.id) has the scope '\(name.prefix(32))'; there are \(known)")
            }
            scopes.formUnion(scope)
        }
        guard let hash = Base64URL.decode(key.sha256.utf8), hash.count == SHA256Digest.byteCount else {
            throw APIKeyProblem("sha256 of key \(key.id) is no hash in base64url")
        }
        keys.append(key)
        entries[key.id] = Entry(id: key.id, scopes: scopes, hash: hash)
    }

    /// Removes a key; false where there is none of this id.
    package mutating func remove(_ id: String) -> Bool {
        guard entries.removeValue(forKey: id) != nil else { return false }
        keys.removeAll { $0.id == id }
        return true
    }

    /// The file's bytes.
    package func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return Array(try encoder.encode(File(keys: keys))) + [0x0a]
    }

    // MARK: Keys that are shown

    /// What every key begins with.
    private static let prefix = Array("lw_".utf8)
    /// What stands in for the hash of a key that is not there.
    private static let noHash = [UInt8](repeating: 0, count: SHA256Digest.byteCount)

    /// Whether a credential is a key, and no token: tokens begin with `ey`.
    package static func isKey(_ credential: [UInt8]) -> Bool { credential.starts(with: prefix) }

    /// The bearer of `credential`, to be looked at again at `expires` (milliseconds since 1970); nil where it is none of
    /// these keys. The time it takes says nothing of which part was wrong, but for its form.
    package func caller(_ credential: [UInt8], expires: UInt64) -> Caller? {
        guard APIKeySet.isKey(credential) else { return nil }
        let rest = credential.dropFirst(APIKeySet.prefix.count)
        guard let line = rest.firstIndex(of: UInt8(ascii: "_")),
            let secret = Base64URL.decode(rest[(line + 1)...]), secret.count == APIKey.secretBytes
        else { return nil }
        let entry = entries[String(decoding: rest[..<line], as: UTF8.self)]
        let isRight = APIKeySet.isSame(Array(SHA256.hash(data: secret)), entry?.hash ?? APIKeySet.noHash)
        guard let entry, isRight else { return nil }
        return Caller(key: entry.id, scopes: entry.scopes, expires: expires)
    }

    /// Whether two hashes are the same, in a time that does not depend on what they are.
    private static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        guard a.count == b.count else { return false }
        var difference: UInt8 = 0
        for i in a.indices { difference |= a[i] ^ b[i] }
        return difference == 0
    }

    private static func isID(_ id: String) -> Bool {
        id.utf8.count == 12
            && id.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}
