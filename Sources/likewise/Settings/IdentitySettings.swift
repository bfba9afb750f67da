// The settings of `serve` that say how callers are known, and those of `likewise keys`.

internal import LikewiseServer

extension SettingKind where Value == String {
    /// A claim of a token, to the letter.
    static var claim: Self {
        Self("a text of 1 to 1024 characters", placeholder: "<text>") { text in
            (1...1024).contains(text.utf8.count) && !text.unicodeScalars.contains { $0.value < 0x20 } ? text : nil
        }
    }
}

extension SettingKind where Value == [String] {
    /// Names of scopes.
    static var scopes: Self {
        let known = Scopes.named.map(\.name)
        return .names("some of \(known.joined(separator: ", ")) with commas between them", where: Set(known).isSuperset)
    }
}

enum IdentitySettings {
    static let jwtKeys = Setting(
        optional: "jwt-keys", .tokenKeys, absent: "none: users have no tokens",
        "Keys that users' tokens are checked with: a file (a JSON Web Key Set, a public key as PEM, or a secret of 32 "
            + "bytes and more), or the address of the issuer's key set")
    static let jwtIssuer = Setting(
        optional: "jwt-issuer", .claim, absent: "none; required with jwt-keys", "Who makes the tokens: their iss")
    static let jwtAudience = Setting(
        optional: "jwt-audience", .claim, absent: "none; required with jwt-keys",
        "Whom the tokens are for: in their aud. Without it a token for another service would hold here")
    static let jwtLeeway = Setting(
        "jwt-leeway", .duration(.zero...(.seconds(300))), default: "30s",
        "By how much the clocks of issuer and server may differ")
    static let jwtRefresh = Setting(
        "jwt-refresh", .duration(.seconds(30)...(.seconds(86400))), default: "10m",
        "How often the key set is fetched from an address; a key that is not known is asked for sooner")
    static let apiKeys = Setting(
        optional: "api-keys", .path, absent: "none: backends have no keys",
        "File of backends' keys, which likewise keys writes; read again when it changes")

    /// What is wrong between the settings of tokens.
    static func conflicts(in settings: Settings<ServeSettings>) -> [String] {
        var found: [String] = []
        let parts: [(name: String, isGiven: Bool)] = [
            ("jwt-issuer", settings.jwtIssuer != nil), ("jwt-audience", settings.jwtAudience != nil),
        ]
        for part in parts where part.isGiven != (settings.jwtKeys != nil) {
            found.append(
                part.isGiven
                    ? "\(part.name): it is for tokens, whose keys jwt-keys names: give that too"
                    : "\(part.name): it is required with jwt-keys, or tokens that are meant for others would hold here")
        }
        return found
    }
}

extension Settings where Table == ServeSettings {
    /// Whether callers are known.
    package var hasIdentity: Bool { self.jwtKeys != nil || self.apiKeys != nil }

    /// How callers are known; nil where they are believed.
    var identity: IdentityOptions? {
        guard hasIdentity else { return nil }
        var options = IdentityOptions(apiKeys: self.apiKeys)
        if let keys = self.jwtKeys, let issuer = self.jwtIssuer, let audience = self.jwtAudience {
            options.tokens = IdentityOptions.Tokens(
                keys: keys.text,
                rules: TokenRules(issuer: issuer, audience: audience, leeway: self.jwtLeeway.milliseconds),
                refresh: self.jwtRefresh.milliseconds)
        }
        return options
    }
}

/// The settings of `likewise keys`.
package struct KeysSettings: SettingsTable {
    package static let command = "keys"
    package static let arguments = ["action"]
    package static let repeatsLastArgument = true
    package static let examples: [(line: String, does: String)] = [
        (
            "likewise keys make --api-keys keys.json --name web --scopes likes:write",
            "makes a key and shows it, once"
        ),
        ("likewise keys list --api-keys keys.json", "the keys with their scopes, but for their secrets"),
        ("likewise keys revoke 0f3a5c7e9b1d --api-keys keys.json", "running servers refuse it within seconds"),
    ]

    package init() {}

    package let config = CommonSettings.config
    package let apiKeys = Setting(required: "api-keys", .path, "File of backends' keys; make makes it")
    package let name = Setting(
        optional: "name", .claim, absent: "none; required in make", "Whose key it is, for those who read the list")
    package let scopes = Setting(
        optional: "scopes", .scopes, absent: "none; required in make", "What the key's bearer may do")
    package let logLevel = CommonSettings.logLevel
    package let logFormat = CommonSettings.logFormat

    package static func conflicts(in settings: Settings<Self>) -> [String] {
        let words = settings.arguments
        switch words.first {
        case "make":
            var found: [String] = []
            if words.count > 1 { found.append("make takes no further words: give --name and --scopes") }
            if settings.name == nil { found.append("name: make needs it: --name web") }
            if settings.scopes == nil { found.append("scopes: make needs them: --scopes likes:write,users:read") }
            return found
        case "list": return words.count == 1 ? [] : ["list takes no further words"]
        case "revoke": return words.count == 2 ? [] : ["revoke takes the id of one key, which list shows"]
        default: return ["'\(words.first ?? "")' is no action: make, list or revoke"]
        }
    }
}
