// The settings of `likewise top`.

/// The settings of `likewise top`.
package struct TopSettings: SettingsTable {
    package static let command = "top"
    package static let arguments = ["url"]
    package static let examples: [(line: String, does: String)] = [
        ("likewise top http://127.0.0.1:8080", "what a server does, each second, until Ctrl-C"),
        ("likewise top http://127.0.0.1:8080 --once --key-file admin.key", "once, in plain lines, with an admin's key"),
    ]

    package init() {}

    package let config = CommonSettings.config
    package let interval = Setting(
        "interval", .duration(.milliseconds(100)...(.seconds(3600))), default: "1s", "Time between two looks")
    package let once = Setting(
        "once", .onOff, default: "off", "Looks twice, prints what happened in between in plain lines, and ends")
    package let contents = Setting(
        optional: "hot-contents", .integer(0...100), absent: "as many as have room, 10 in plain lines",
        "How many of the contents that gained most in the last minute are shown")
    package let keyFile = Setting(
        optional: "key-file", .path, absent: "none", "File with a key of scope admin, as likewise keys make shows it")
    package let key = Setting(
        optional: "key", .claim, absent: "none",
        "The key itself: rather as the variable, since others on the machine can read flags")
    package let logLevel = CommonSettings.logLevel
    package let logFormat = CommonSettings.logFormat

    package static func conflicts(in settings: Settings<Self>) -> [String] {
        var found: [String] = []
        let url = settings.arguments.first ?? ""
        if SettingKind.serverURL.parse(url) == nil {
            found.append("'\(url)' is no http:// or https:// address without a path: http://127.0.0.1:8080")
        }
        if settings.key != nil, settings.keyFile != nil { found.append("key, key-file: give one of them") }
        return found
    }
}
