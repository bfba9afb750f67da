// The settings of `likewise load`.

/// The settings of `likewise load`.
package struct LoadSettings: SettingsTable {
    package static let command = "load"
    package static let arguments = ["url"]
    package static let examples: [(line: String, does: String)] = [
        ("likewise load http://127.0.0.1:8080", "as much as the server takes, for 10 s"),
        (
            "likewise load http://127.0.0.1:8080 --rate 5000 --reads 50",
            "5,000 requests a second, each when it is due, half of them reads"
        ),
    ]

    package init() {}

    package let config = CommonSettings.config
    package let duration = Setting(
        "duration", .duration(.milliseconds(100)...(.seconds(86_400))), default: "10s", "How long requests are sent")
    package let rate = Setting(
        optional: "rate", .integer(1...1_000_000), absent: "none: each connection sends when it is answered",
        "Requests a second, sent when they are due whatever the server does")
    package let connections = Setting(
        "connections", .integer(1...4096), default: "64", "Connections, each with one request on its way")
    package let contents = Setting(
        "contents", .integer(1...10_000_000), default: "10000",
        "Contents that are liked, load_00000001 and up, by Zipf's law")
    package let users = Setting(
        "users", .integer(1...10_000_000), default: "100000", "Users who like, user_00000001 and up, by Zipf's law")
    package let skew = Setting(
        "skew", .decimal(0...5), default: "1", "Exponent of that law: 0 draws all alike, 1 the k-th 1/k times as often")
    package let reads = Setting(
        "reads", .integer(0...100), default: "80", "Reads of counts, in percent of all requests")
    package let unlikes = Setting(
        "unlikes", .integer(0...100), default: "10", "Likes that are taken back, in percent of what is not a read")
    package let seed = Setting(
        "seed", .integer(0...Int.max), default: "1", "The same seed draws the same requests")
    package let tokenFile = Setting(
        optional: "token-file", .path, absent: "none",
        "File with a key that may write likes for all users, for servers with identity")
    package let json = Setting("json", .onOff, default: "off", "Figures as one object of JSON instead of a table")
    package let logLevel = CommonSettings.logLevel
    package let logFormat = CommonSettings.logFormat

    package static func conflicts(in settings: Settings<Self>) -> [String] {
        let url = settings.arguments.first ?? ""
        guard let known = SettingKind.serverURL.parse(url) else {
            return ["'\(url)' is no http:// address without a path: http://127.0.0.1:8080"]
        }
        guard known.hasPrefix("http://") else {
            return ["load speaks HTTP without TLS: give the http:// address of a server, or of a proxy in front of it"]
        }
        return []
    }
}

extension SettingKind where Value == Double {
    /// A number within `bounds`, with a decimal point where it is none of the whole ones.
    static func decimal(_ bounds: ClosedRange<Double>) -> Self {
        let accepts =
            "a number from \(BenchValue.number(bounds.lowerBound).json) to "
            + "\(BenchValue.number(bounds.upperBound).json), such as 0.8"
        return Self(accepts, placeholder: "<number>") { text in
            guard text.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || $0 &- 0x30 < 10 }), let value = Double(text),
                bounds.contains(value)
            else { return nil }
            return value
        }
    }
}
