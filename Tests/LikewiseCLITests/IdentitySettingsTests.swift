import Testing
import likewise

@Suite("Settings of identity")
struct IdentitySettingsTests {
    private static let tokens = ["--jwt-keys", "keys.jwks", "--jwt-issuer", "https://i", "--jwt-audience", "likes"]

    private func problems<Table: SettingsTable>(_ table: Table.Type, _ arguments: [String]) -> [String] {
        do {
            _ = try resolve(table, arguments)
            return []
        } catch let error as SettingsError {
            return error.problems.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }

    @Test("With tokens or keys any address may be listened on, without --insecure")
    func hosts() {
        #expect(problems(ServeSettings.self, ["--host", "0.0.0.0"] + Self.tokens).isEmpty)
        #expect(problems(ServeSettings.self, ["--host", "::", "--api-keys", "keys.json"]).isEmpty)
        #expect(problems(ServeSettings.self, ["--host", "::"]).first?.contains("jwt-keys or api-keys") == true)
    }

    @Test("Tokens need an issuer and an audience, and these need tokens")
    func combinations() {
        for missing in ["--jwt-issuer", "--jwt-audience"] {
            var given = Self.tokens
            if let at = given.firstIndex(of: missing) { given.removeSubrange(at...(at + 1)) }
            let found = problems(ServeSettings.self, given)
            #expect(found.count == 1 && found[0].hasPrefix(missing.dropFirst(2)), "\(found)")
        }
        let found = problems(ServeSettings.self, Array(Self.tokens.dropFirst(2)))
        #expect(found.count == 2 && found.allSatisfy { $0.contains("jwt-keys") }, "\(found)")
    }

    @Test(
        "Keys come from a path, over https, or over http from this machine alone",
        arguments: [
            ("keys.jwks", true), ("./a b.pem", true), ("https://issuer.example/.well-known/jwks.json", true),
            ("HTTPS://issuer.example/keys", true), ("http://127.0.0.1:8080/keys", true),
            ("http://localhost/keys", true),
            ("http://[::1]:9/keys", true), ("http://issuer.example/keys", false),
            ("http://127.0.0.1@evil.test/", false),
            ("http://127.0.0.1.evil.test/", false), ("ftp://127.0.0.1/", false), ("https://", false), ("", false),
            ("https://a b/", false),
        ])
    func places(text: String, isTaken: Bool) {
        var given = Self.tokens
        given[1] = text
        #expect(problems(ServeSettings.self, given).isEmpty == isTaken)
    }

    @Test(
        "The actions of likewise keys say what they lack",
        arguments: [
            (["make", "--name", "web", "--scopes", "admin"], nil), (["list"], nil), (["revoke", "0123456789ab"], nil),
            (["make", "--name", "web"], "scopes"), (["make", "--scopes", "admin"], "name"),
            (["make", "web", "--name", "web", "--scopes", "admin"], "no further words"), (["revoke"], "the id"),
            (["list", "all"], "no further words"), (["remove", "x"], "make, list or revoke"),
            (["make", "--name", "web", "--scopes", "likes:all"], "likes:write"),
        ] as [([String], String?)])
    func keyActions(arguments: [String], words: String?) {
        let found = problems(KeysSettings.self, arguments + ["--api-keys", "keys.json"])
        if let words {
            #expect(found.contains { $0.contains(words) }, "\(found)")
        } else {
            #expect(found.isEmpty, "\(found)")
        }
        #expect(!problems(KeysSettings.self, arguments).isEmpty)
    }
}
