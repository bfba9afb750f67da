// `likewise keys`: makes, lists and revokes the keys of backends, in the file that servers read.

import ArgumentParser
import LikewiseServer

struct Keys: SettingsCommand {
    typealias Table = KeysSettings

    static let configuration = settingsConfiguration(abstract: "Make, list and revoke the keys of backends.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run(_ settings: Settings<KeysSettings>) async throws {
        let file = IdentityFile(settings.apiKeys, maxBytes: APIKeySet.maxBytes)
        do {
            switch settings.arguments[0] {
            case "make": try make(settings, file)
            case "revoke": try revoke(settings.arguments[1], file)
            default: try list(file)
            }
        } catch let failure as IdentityFile.Failure {
            throw Failure.exit("\(settings.apiKeys): \(failure)")
        } catch let problem as APIKeyProblem {
            throw Failure.exit("\(settings.apiKeys): \(problem)")
        }
    }

    private func make(_ settings: Settings<KeysSettings>, _ file: IdentityFile) throws {
        let scopes = (settings.scopes ?? []).compactMap { Scopes(named: $0) }.reduce(into: Scopes()) {
            $0.formUnion($1)
        }
        let made = APIKey.make(
            name: settings.name ?? "", scopes: scopes, created: LogTime.now().rfc3339)
        try file.update { bytes in
            var keys = try bytes.map { bytes throws(APIKeyProblem) in try APIKeySet(bytes) } ?? APIKeySet()
            try keys.add(made.key)
            return (try keys.encoded(), ())
        }
        print(made.shown)
        LogSink.standardError.write(
            Array(
                "made the key \(made.key.id) for \(made.key.name): \(made.key.scopes.joined(separator: ", ")). The line "
                    .utf8) + Array("above is shown this once; send it as Authorization: Bearer.\n".utf8))
    }

    private func list(_ file: IdentityFile) throws {
        for key in try APIKeySet(try file.contents()).keys {
            print("\(key.id)  \(key.created)  \(key.scopes.joined(separator: ","))  \(key.name)")
        }
    }

    private func revoke(_ id: String, _ file: IdentityFile) throws {
        let wasThere = try file.update { bytes in
            var keys = try bytes.map { bytes throws(APIKeyProblem) in try APIKeySet(bytes) } ?? APIKeySet()
            let wasThere = keys.remove(id)
            return (try keys.encoded(), wasThere)
        }
        guard wasThere else { throw Failure.exit("there is no key \(id): likewise keys list shows those there are") }
        print("revoked \(id)")
    }
}
