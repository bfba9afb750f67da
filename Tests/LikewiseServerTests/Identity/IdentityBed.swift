// A server that knows its callers, with an issuer and a backend's keys, all made for one test.

import Foundation
import LikewiseServer
import LikewiseTestSupport

/// What a test of identity needs, in a folder of its own.
struct IdentityBed: Sendable {
    let folder: TemporaryFolder
    let issuer: TokenIssuer
    var options: TestServer.Options

    var keySetPath: String { folder.path + "/keys.jwks" }
    var apiKeyPath: String { folder.path + "/api-keys.json" }

    init(strict: Bool = false, keySet: String? = nil) throws {
        folder = try TemporaryFolder()
        issuer = try TokenIssuer.shared.get()
        options = TestServer.Options()
        options.strictContent = strict
        try Data((try keySet ?? issuer.keySet()).utf8).write(to: URL(filePath: keySetPath))
        try Data("{\"keys\":[]}".utf8).write(to: URL(filePath: apiKeyPath))
        options.identity = IdentityOptions(
            tokens: IdentityOptions.Tokens(keys: keySetPath, rules: TokenIssuer.rules), apiKeys: apiKeyPath)
    }

    /// A new key, which a server that starts later knows.
    func key(_ scopes: Scopes, name: String = "backend") throws -> String {
        let made = APIKey.make(name: name, scopes: scopes, created: "2026-01-01T00:00:00Z")
        try IdentityFile(apiKeyPath, maxBytes: APIKeySet.maxBytes).update { bytes in
            var keys = try APIKeySet(bytes ?? [])
            try keys.add(made.key)
            return (try keys.encoded(), ())
        }
        return made.shown
    }
}

extension RawRequest {
    /// The same request with this credential.
    func bearing(_ token: String?) -> RawRequest { token.map { with("Authorization", "Bearer \($0)") } ?? self }

    /// The same request with a field that changes nothing but sends it through the full stack.
    var detoured: RawRequest { with("If-None-Match", "\"never\"") }
}
