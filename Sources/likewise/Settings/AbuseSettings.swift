// The settings of `likewise abuse`.

extension SettingKind where Value == String {
    /// Where a server listens: scheme, host and port, without a path.
    static var serverURL: Self {
        Self("an http:// or https:// address without a path", placeholder: "<url>") { text in
            let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, ["http", "https"].contains(parts[0].lowercased()) else { return nil }
            let authority = parts[1].hasSuffix("/") ? parts[1].dropLast() : parts[1]
            guard !authority.isEmpty, authority.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
                !authority.contains(where: { "/?#@".contains($0) })
            else { return nil }
            return parts[0].lowercased() + "://" + authority
        }
    }
}

/// The settings of `likewise abuse`.
package struct AbuseSettings: SettingsTable {
    package static let command = "abuse"
    package static let arguments = ["action"]
    package static let repeatsLastArgument = true
    package static let examples: [(line: String, does: String)] = [
        ("likewise abuse list --content-id video_1", "the likes of a content that are held back, newest first"),
        ("likewise abuse show video_1 ann", "whether ann's like is held back"),
        ("likewise abuse release video_1 ann", "lets it count"),
        ("likewise abuse reject video_1 --key-file admin.key", "takes away all of the content's"),
    ]

    package init() {}

    package let config = CommonSettings.config
    package let url = Setting("url", .serverURL, default: "http://127.0.0.1:8080", "The running server to ask")
    package let keyFile = Setting(
        optional: "key-file", .path, absent: "none", "File with a key of scope admin, as likewise keys make shows it")
    package let key = Setting(
        optional: "key", .claim, absent: "none",
        "The key itself: rather as the variable, since others on the machine can read flags")
    package let contentID = Setting(
        optional: "content-id", .claim, absent: "of all contents", "For list: only those on this content")
    package let userID = Setting(
        optional: "user-id", .claim, absent: "of all users", "For list: only those of this user")
    package let limit = Setting(
        "limit", .integer(1...1_000_000), default: "100", "For list: how many to show at most")
    package let logLevel = CommonSettings.logLevel
    package let logFormat = CommonSettings.logFormat

    package static func conflicts(in settings: Settings<Self>) -> [String] {
        let words = settings.arguments
        var found: [String] = []
        switch words.first {
        case "list":
            if words.count > 1 { found.append("list takes no further words: give --content-id or --user-id") }
        case "show", "hold":
            if words.count != 3 { found.append("\(words[0]) takes a content and a user: \(words[0]) video_1 ann") }
        case "release", "reject":
            if !(2...3).contains(words.count) {
                found.append("\(words[0]) takes a content, and a user unless all of the content is meant")
            }
        default: found.append("'\(words.first ?? "")' is no action: list, show, release, reject or hold")
        }
        if settings.key != nil, settings.keyFile != nil { found.append("key, key-file: give one of them") }
        return found
    }
}
