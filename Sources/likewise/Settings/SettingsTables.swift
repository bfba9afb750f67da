internal import LikewiseCluster
package import LikewiseEngine
package import LikewiseServer

/// The tables of all commands. One file and one environment serve them all, so a key of another command is not unknown.
package enum SettingsCatalogue {
    /// Every command's table; a new command adds its own here.
    package static let tables: [any SettingsTable.Type] = [
        ServeSettings.self, AggregateSettings.self, MigrateSettings.self, RebalanceSettings.self, VerifySettings.self,
        ReplaySettings.self, KeysSettings.self, AbuseSettings.self, PlanSettings.self, BenchSettings.self,
        LoadSettings.self, TopSettings.self,
    ]
}

/// The settings of `likewise serve`.
package struct ServeSettings: SettingsTable {
    package static let command = "serve"
    package static let examples: [(line: String, does: String)] = [
        ("likewise serve --port 8080 --data-dir ./data", "serves on loopback"),
        ("LIKEWISE_PORT=9000 likewise serve --config likewise.yaml", "the variable wins over the file"),
    ]

    package init() {}

    package let config = CommonSettings.config
    package let host = CommonSettings.host("Address to listen on")
    package let port = CommonSettings.port(default: "8080", "Port to listen on")
    package let insecure = Setting(
        "insecure", .onOff, default: "off",
        "Listen on an address that is not loopback although callers have no identity")
    package let tlsCertificate = TransportSettings.tlsCertificate
    package let tlsKey = TransportSettings.tlsKey
    package let strictTransportSecurity = TransportSettings.transportSecurity
    package let corsOrigins = TransportSettings.corsOrigins
    package let jwtKeys = IdentitySettings.jwtKeys
    package let jwtIssuer = IdentitySettings.jwtIssuer
    package let jwtAudience = IdentitySettings.jwtAudience
    package let jwtLeeway = IdentitySettings.jwtLeeway
    package let jwtRefresh = IdentitySettings.jwtRefresh
    package let apiKeys = IdentitySettings.apiKeys
    package let dataDir = CommonSettings.dataDir
    package let cluster = CommonSettings.cluster(
        absent: "none: one machine",
        "File that describes the cluster of which this is an API node; its ledger is there, and only the spool here")
    package let spoolBytes = Setting(
        "spool-bytes", .bytes(1 << 20...16 << 40), default: "1GiB",
        "With --cluster: bound of the events that wait here while Kafka is down; beyond it 503")
    package let shards = Setting(
        "shards", .integer(0...1024), default: "0", "Single writers that share the contents; 0: a quarter of the cores")
    package let region = CommonSettings.region
    package let memory = Setting(
        "memory", .bytes(16 << 20...16 << 40), default: "1GiB", "Budget of overlay, filters and caches")
    package let overlayBytes = Setting(
        optional: "overlay-bytes", .bytes(1 << 20...16 << 40), absent: "an eighth of memory",
        "Bound of what the ledger does not hold yet; at the bound callers get 503")
    package let filters = Setting(
        "filters", SettingKind<FilterUse>.choice, default: "on",
        "Whether filters spare the ledger questions; answers are the same. evict: emptied at random, for tests")
    package let ledger = CommonSettings.ledger
    package let sync = Setting(
        "sync", .sync, default: "always", "Answer after fdatasync, or sync at an interval and risk the last one")
    package let retention = Setting(
        "retention", .duration(.seconds(1)...(.seconds(3650 * 86400))), default: "7d", "How long log segments are kept")
    package let segmentBytes = Setting(
        "segment-bytes", .bytes(64 << 10...1 << 30), default: "64MiB", "Size of a log segment")
    package let queueDepth = Setting(
        "queue-depth", .integer(1...4_194_304), default: "65536", "Intents that may wait for a shard; beyond it 503")
    package let batchLimit = Setting(
        "batch-limit", .integer(1...1_048_576), default: "16384", "Most intents that share one sync")
    package let content = CommonSettings.content
    package let reactions = CommonSettings.reactions("Reactions that are accepted")
    package let maxHeaderBytes = Setting(
        "max-header-bytes", .bytes(1 << 10...1 << 20), default: "16KiB", "Bound of a request's head; beyond it 431")
    package let maxBodyBytes = Setting(
        "max-body-bytes", .bytes(1 << 10...16 << 20), default: "64KiB", "Bound of a single call's body; beyond it 413")
    package let bulkBodyBytes = Setting(
        "bulk-body-bytes", .bytes(1 << 10...1 << 30), default: "16MiB", "Bound of a bulk intake's body; beyond it 413")
    package let bulkLines = Setting(
        "bulk-lines", .integer(1...10_000_000), default: "100000", "Most lines of a bulk intake; beyond it 413")
    package let idleTimeout = Setting(
        "idle-timeout", .duration(.milliseconds(1)...(.seconds(86400))), default: "60s",
        "After this time without a request a connection is closed")
    package let readTimeout = Setting(
        "read-timeout", .duration(.milliseconds(1)...(.seconds(86400))), default: "15s",
        "Within this time a request that has begun must be complete")
    package let maxConnections = Setting(
        "max-connections", .integer(1...1_000_000), default: "10000", "Connections open at a time")
    package let maxConnectionsPerAddress = TransportSettings.maxConnectionsPerAddress
    package let proxyProtocol = TransportSettings.proxyProtocol
    package let threads = Setting("threads", .integer(0...1024), default: "0", "Event loops; 0: as many as cores")
    package let shutdownTimeout = Setting(
        "shutdown-timeout", .duration(.milliseconds(1)...(.seconds(3600))), default: "10s",
        "After SIGTERM, the time that open requests have to end")
    package let rateLimit = Setting(
        "rate-limit", .rateLimit, default: "none",
        "How often callers may ask: changes of a user on a content, calls of a user, an address, an API key; beyond it 429"
    )
    package let widgets = Setting(
        "widgets", .onOff, default: "on",
        "Whether /openheart and /applause count reactions of anonymous visitors, for buttons that speak these protocols"
    )
    package let widgetLimit = Setting(
        "widget-limit", .callRate, default: "60/1m", "Reactions that these take from one address; beyond it 429")
    package let trustedProxies = Setting(
        "trusted-proxies", .proxies, default: "none",
        "Whose X-Forwarded-For is believed; without, a caller's address is that of the connection")
    package let abuse = Setting(
        "abuse", SettingKind<AbuseMode>.choice, default: "off",
        "Whether likes are judged: off; observe, which counts what would be held in the metrics; enforce, which holds it back"
    )
    package let idempotencyWindow = Setting(
        "idempotency-window", .duration(.seconds(1)...(.seconds(7 * 86400))), default: "10m",
        "How long the first answer to an Idempotency-Key is kept")
    package let idempotencyKeys = Setting(
        "idempotency-keys", .integer(1...100_000_000), default: "1000000", "Most Idempotency-Keys kept; beyond it 503")
    package let logLevel = CommonSettings.logLevel
    package let logFormat = CommonSettings.logFormat

    package static func conflicts(in settings: Settings<Self>) -> [String] {
        var found = IdentitySettings.conflicts(in: settings) + TransportSettings.conflicts(in: settings)
        if !Loopback.covers(settings.host) && !settings.insecure && !settings.hasIdentity {
            found.append(
                "host: '\(settings.host)' is not loopback, and callers have no identity: give jwt-keys or api-keys, put "
                    + "the server behind a trusted backend on 127.0.0.1, or give --insecure if the network is trusted")
        }
        if settings.cluster != nil {
            let elsewhere = [
                ("reactions", settings.origin(of: \.reactions)), ("content", settings.origin(of: \.content)),
                ("region", settings.origin(of: \.region)),
            ]
            for (name, origin) in elsewhere where origin != .fallback {
                found.append("\(name): with --cluster it is a key of the cluster's file, the same for all nodes")
            }
        }
        if let overlay = settings.overlayBytes, overlay > settings.memory {
            found.append(
                "overlay-bytes: \(ByteSize.text(overlay)) is more than memory, \(ByteSize.text(settings.memory)), "
                    + "of which it is a part")
        }
        return found
    }
}

extension Settings where Table == ServeSettings {
    package var memoryShares: MemoryShares { MemoryShares(budget: self.memory) }
    /// The overlay's bound in bytes: as given, or its share of the memory budget.
    package var overlayBudget: Int { self.overlayBytes ?? memoryShares.overlay }

    /// The number of shards on a machine of `cores` cores.
    package func shardCount(cores: Int) -> Int { self.shards > 0 ? self.shards : max(1, cores / 4) }

    /// The number of event loops on a machine of `cores` cores.
    package func threadCount(cores: Int) -> Int { self.threads > 0 ? self.threads : max(1, cores) }
}

/// The settings of `likewise aggregate`.
package struct AggregateSettings: SettingsTable {
    package static let command = "aggregate"
    package static let examples: [(line: String, does: String)] = [
        ("likewise aggregate --cluster cluster.yaml", "takes its share of the partitions, until it is stopped")
    ]

    package init() {}

    package let config = CommonSettings.config
    package let cluster = CommonSettings.cluster
    package let host = CommonSettings.host("Address for /health/live, /health/ready and /metrics")
    package let port = CommonSettings.port(default: "0", "Port of these")
    package let logLevel = CommonSettings.logLevel
    package let logFormat = CommonSettings.logFormat
}

/// The settings of `likewise migrate`.
package struct MigrateSettings: SettingsTable {
    package static let command = "migrate"
    package static let examples: [(line: String, does: String)] = [
        ("likewise migrate --cluster cluster.yaml", "before the first start, and before a newer version is started")
    ]

    package init() {}

    package let config = CommonSettings.config
    package let cluster = CommonSettings.cluster
    package let logLevel = CommonSettings.logLevel
    package let logFormat = CommonSettings.logFormat
}

/// The settings of `likewise rebalance`.
package struct RebalanceSettings: SettingsTable {
    package static let command = "rebalance"
    package static let examples: [(line: String, does: String)] = [
        ("likewise rebalance --cluster cluster.yaml", "brings servers that were added to the file their share"),
        ("likewise rebalance --cluster cluster.yaml --servers 2", "empties all servers but the first two"),
    ]

    package init() {}

    package let config = CommonSettings.config
    package let cluster = CommonSettings.cluster
    package let servers = Setting(
        optional: "servers", .integer(1...ShardedLedger.serverLimit), absent: "all that the file names",
        "On how many of the file's PostgreSQL servers, from the first, the ledger is to lie")
    package let logLevel = CommonSettings.logLevel
    package let logFormat = CommonSettings.logFormat
}

/// The settings of `likewise verify`.
package struct VerifySettings: SettingsTable {
    package static let command = "verify"
    package static let examples: [(line: String, does: String)] = [
        ("likewise verify --data-dir ./data", "recounts all registers; exits with 1 if a tally differs"),
        ("likewise verify --cluster cluster.yaml", "the same for a cluster's ledger, while it works"),
        ("likewise verify --data-dir ./data --against ./rebuilt", "compares two ledgers row by row as well"),
    ]

    package init() {}

    package let config = CommonSettings.config
    package let dataDir = CommonSettings.dataDir
    package let cluster = CommonSettings.cluster(
        absent: "none: the ledger in data-dir",
        "File that describes a cluster: its ledger is verified, on every server")
    package let against = Setting(
        optional: "against", .path, absent: "none", "Folder of another ledger to compare with, row by row")
    package let logLevel = CommonSettings.logLevel
    package let logFormat = CommonSettings.logFormat
}

/// The settings of `likewise replay`.
package struct ReplaySettings: SettingsTable {
    package static let command = "replay"
    package static let examples: [(line: String, does: String)] = [
        ("likewise replay --data-dir ./data --into ./rebuilt", "rebuilds the ledger from the log into a new folder")
    ]

    package init() {}

    package let ledger = CommonSettings.ledger
    package let config = CommonSettings.config
    package let dataDir = CommonSettings.dataDir
    package let into = Setting(required: "into", .path, "Folder in which the new ledger is built")
    package let skipDamage = Setting(
        "skip-damage", .onOff, default: "off", "Pass over damaged records, and say how many, instead of stopping")
    package let logLevel = CommonSettings.logLevel
    package let logFormat = CommonSettings.logFormat
}

/// The settings of `likewise bench`.
package struct BenchSettings: SettingsTable {
    package static let command = "bench"
    package static let arguments = ["suite"]
    package static let repeatsLastArgument = true
    package static let examples: [(line: String, does: String)] = [
        ("likewise bench engine", "likes a second through the engine, an object of JSON a line"),
        ("likewise bench all --ledger-likes 10000000", "every suite, with a shorter ledger"),
        ("likewise bench abuse --trace likes.csv.gz", "what of click farms is held, on a trace of your own"),
    ]

    package init() {}

    package let ledger = CommonSettings.ledger
    package let config = CommonSettings.config
    package let dataDir = Setting(
        optional: "data-dir", .path, absent: "./",
        "Folder to measure in; a fresh one is made there, and removed afterwards")
    package let likes = Setting(
        optional: "likes", .integer(10_000...1_000_000_000),
        absent: "4 million in engine and a second of http, 10 million in bulk and memory", "Likes of each measurement")
    package let redisLikes = Setting(
        "redis-likes", .integer(10_000...100_000_000), default: "1000000",
        "Likes of a round of Redis in bulk, which is a rate")
    package let ledgerLikes = Setting(
        "ledger-likes", .integer(10_000...1_000_000_000), default: "100000000", "Likes that ledger goes up to")
    package let rounds = Setting("rounds", .integer(1...100), default: "5", "Rounds; the median is reported")
    package let seconds = Setting(
        "seconds", .duration(.milliseconds(100)...(.seconds(600))), default: "5s", "Time of each measurement in http")
    package let connections = Setting(
        "connections", .integer(1...4096), default: "256", "Connections of the load generator in http")
    package let memory = Setting(
        optional: "memory", .bytes(16 << 20...16 << 40), absent: "256MiB in memory, 1GiB in ledger",
        "Budget of overlay, filters and caches in memory and ledger")
    package let without = Setting(
        "without", .leftOut, default: "none", "Servers to compare with that are not here, and are left out")
    package let levels = Setting(
        "levels",
        .names("some of 1, 2, 3, 4, 5 with commas between them", where: Set("12345".map(String.init)).isSuperset),
        default: "1,2,3,4,5", "In levels: which of them")
    package let callers = Setting(
        "callers", .integer(1...1000), default: "64", "In levels: callers, each with one like on its way")
    package let kills = Setting(
        "kills", .integer(1...1000), default: "3", "In levels: how often each process is killed")
    package let writeBehind = Setting(
        "write-behind", .duration(.seconds(1)...(.seconds(3600))), default: "30s",
        "In levels: time between two writes of the write-behind cache")
    package let benchEnvironment = Setting(
        "bench-environment", .path, default: ".build/bench-venv",
        "In levels: the Python environment with a Kafka broker and client that scripts/bench/setup.sh makes")
    package let trace = Setting(
        optional: "trace", .path, absent: "none",
        "In abuse: likes that were recorded, lines 'timestamp_s,user_id,content_id' with numbers, plain or gzipped")
    package let seeds = Setting("seeds", .integer(1...100), default: "5", "In abuse: seeds, 1 and up")
    package let logLevel = Setting(
        "log-level", SettingKind<LogLevel>.choice, default: "warning", "Least level that is logged")
    package let logFormat = CommonSettings.logFormat

    package static func conflicts(in settings: Settings<Self>) -> [String] {
        BenchSuites.problems(with: settings.arguments)
    }
}

extension SettingKind where Value == [String] {
    /// The servers that a benchmark can do without; empty for `none`.
    static var leftOut: Self {
        let known = ["redis", "postgresql", "kafka"]
        return Self(
            "none, or some of \(known.joined(separator: ", ")) with commas between them", placeholder: "<name,…>"
        ) {
            text in
            if text == "none" { return [] }
            let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            return names.allSatisfy(known.contains) ? names : nil
        }
    }
}
