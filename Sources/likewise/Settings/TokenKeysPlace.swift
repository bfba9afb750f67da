/// Where the keys of tokens are.
package enum TokenKeysPlace: Hashable, Sendable {
    case path(String)
    case address(String)

    /// As it was given.
    package var text: String {
        switch self {
        case .path(let text), .address(let text): text
        }
    }
}

extension SettingKind where Value == TokenKeysPlace {
    /// A path, an address with https, or one with http on loopback: keys that come unprotected are anybody's.
    static var tokenKeys: Self {
        Self("a path, an https:// address, or an http:// address on loopback", placeholder: "<path|url>") { text in
            guard !text.isEmpty, !text.utf8.contains(0) else { return nil }
            let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return .path(text) }
            guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
            let authority = parts[1].prefix { !"/?#".contains($0) }
            guard !authority.isEmpty, !authority.contains("@") else { return nil }
            switch parts[0].lowercased() {
            case "https": return .address("https://" + parts[1])
            case "http":
                let host = ServerAddress.parse(String(authority))?.host ?? String(authority)
                return Loopback.covers(host) ? .address("http://" + parts[1]) : nil
            default: return nil
            }
        }
    }
}
