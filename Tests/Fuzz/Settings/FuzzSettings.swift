// A command of the fuzzer's own, with a setting of each kind: the tables of the real ones need all libraries.

package import LikewiseServer

package struct FuzzSettings: SettingsTable {
    package static let command = "fuzz"
    package static let arguments = ["word"]
    package static let examples: [(line: String, does: String)] = []

    package init() {}

    package let config = Setting(optional: SettingNames.config, .path, absent: "none", "The file")
    package let port = Setting("port", .integer(0...65_535), default: "8080", "A number")
    package let memory = Setting("memory", .bytes((1 << 20)...(1 << 40)), default: "256MiB", "A size")
    package let every = Setting(
        "every", .duration(.milliseconds(1)...(.seconds(7 * 86_400))), default: "1s", "A time")
    package let topic = Setting("topic", .text("a name"), default: "events", "A text")
    package let reactions = Setting("reactions", .reactions, default: "like,love", "Names")
    package let isOpen = Setting("open", .onOff, default: "off", "A switch")
    package let content = Setting("content", SettingKind<ContentMode>.choice, default: "open", "A choice")
    package let sync = Setting("sync", .sync, default: "always", "When to sync")
    package let rateLimit = Setting("rate-limit", .rateLimit, default: "none", "Limits")
    package let proxies = Setting("trusted-proxies", .proxies, default: "none", "Ranges")
    package let postgresql = Setting(
        "postgresql", .postgresServers, default: "postgresql://u@h:1/d", "Servers of PostgreSQL")
    package let redis = Setting("redis", .redis, default: "redis://127.0.0.1:6379", "A Redis")
    package let keys = Setting(optional: "jwt-keys", .tokenKeys, absent: "none", "Where keys are")
}

/// The commands that a resolver knows.
package enum SettingsCatalogue {
    /// Their tables.
    package static let tables: [any SettingsTable.Type] = [FuzzSettings.self]
}
