internal import LikewiseCore
internal import LikewiseEngine

/// Settings that several commands have.
package enum CommonSettings {
    static let ledger = Setting(
        "ledger", SettingKind<LedgerKind>.choice, default: "sqlite",
        "What a new ledger is kept in; a data folder keeps the one that it has. rocksdb: for very many likes")
    /// The file that describes a cluster.
    package static let cluster = Setting(required: "cluster", .path, "File that describes the cluster")
    /// The YAML file.
    package static let config = Setting(
        optional: SettingNames.config, .path, absent: "no file", "YAML file of settings, one `name: value` a line")
    /// Where the event log and the ledger are.
    package static let dataDir = Setting("data-dir", .path, default: "./data", "Folder of the event log and the ledger")
    /// Which contents can be liked.
    static let content = Setting(
        "content", SettingKind<ContentMode>.choice, default: "open", "strict: only registered contents can be liked")
    /// The region's number.
    static let region = Setting(
        "region", .integer(0...65_535), default: "0", "This region's number, the same for ever")

    /// The reactions; `help` says what may be done to them.
    static func reactions(_ help: String) -> Setting<[String]> {
        Setting("reactions", .reactions, default: ReactionSet.standard.joined(separator: ","), help)
    }

    /// Where a command listens; `help` says for what.
    static func host(_ help: String) -> Setting<String> {
        Setting("host", .text("an IP address or a host name"), default: "127.0.0.1", help)
    }

    /// The port that it listens on; `help` says for what.
    static func port(default text: String, _ help: String) -> Setting<Int> {
        Setting("port", .integer(0...65_535), default: text, "\(help); 0 takes a free one, printed at the start")
    }

    /// The file of a cluster for a command that does without one; `absent` says in words what holds then.
    static func cluster(absent: String, _ help: String) -> Setting<String?> {
        Setting(optional: cluster.name, cluster.kind, absent: absent, help)
    }

    /// The least level that is logged.
    package static let logLevel = Setting(
        "log-level", SettingKind<LogLevel>.choice, default: "info", "Least level that is logged")
    /// How log lines look.
    package static let logFormat = Setting(
        "log-format", SettingKind<LogFormat>.choice, default: "text",
        "Log lines for people or, one object each, for machines")
}
