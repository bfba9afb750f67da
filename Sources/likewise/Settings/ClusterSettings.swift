// The one file that describes a cluster, the same for all its roles: `likewise serve --cluster FILE` and others read it.

internal import LikewiseCluster

/// The keys of a cluster's file. It has no command of its own.
package struct ClusterSettings: SettingsTable {
    package static let command = "the cluster's file"
    package static let examples: [(line: String, does: String)] = []

    package init() {}

    package let config = Setting(required: SettingNames.config, .path, "The cluster's file")
    package let kafka = Setting(
        required: "kafka", .addresses, "Brokers to begin with, host:port each; the others are learned from them")
    package let kafkaTopic = Setting(
        "kafka-topic", .text("a topic's name"), default: "likewise.events", "Topic of the events")
    package let kafkaPartitions = Setting(
        "kafka-partitions", .integer(1...65_535), default: "16",
        "Partitions of the topic: as many aggregators can share the work. `likewise migrate` makes them")
    package let kafkaReplicas = Setting(
        optional: "kafka-replicas", .integer(1...15), absent: "3, or as many as there are brokers",
        "Replicas of each partition")
    package let kafkaRetention = Setting(
        "kafka-retention", .duration(.seconds(60)...(.seconds(3650 * 86_400))), default: "7d",
        "How long events are kept")
    package let kafkaGroup = Setting(
        "kafka-group", .text("a consumer group's name"), default: "likewise", "Consumer group of the aggregators")
    package let kafkaLibrary = Setting(
        optional: "kafka-library", .path, absent: "librdkafka.so.1, where the system has it", "librdkafka's file")
    package let postgresql = Setting(
        required: "postgresql", .postgresServers,
        "Servers of the ledger, a connection URI each, in the order in which they were added; `likewise rebalance` brings "
            + "a new one its share")
    package let postgresqlConnections = Setting(
        "postgresql-connections", .integer(1...256), default: "4", "Connections of a process to each server")
    package let postgresqlWriters = Setting(
        "postgresql-writers", .integer(1...PostgresLedger.writerLimit), default: "2",
        "Connections of an aggregator that write to each server at the same time, each with a share of the partitions")
    package let postgresqlSynchronousCommit = Setting(
        "postgresql-synchronous-commit", .onOff, default: "on",
        "off: a crash of a PostgreSQL server may take back its last second of transactions, each whole and with its offsets; "
            + "Kafka gives those events again")
    package let postgresqlLibrary = Setting(
        optional: "postgresql-library", .path, absent: "libpq.so.5, where the system has it", "libpq's file")
    package let redis = Setting(
        required: "redis", .redis,
        "Registers of the fast path: redis://host:port, redis-cluster://host:port,… or "
            + "redis-sentinel://host:port,…/master")
    package let redisCounts = Setting(
        optional: "redis-counts", .redis, absent: "the same as redis",
        "Counts for display; a deployment of its own, so that the loss of one leaves the other")
    package let redisPassword = Setting(
        optional: "redis-password-file", .path, absent: "none", "File with the password of both, on one line")
    package let registerExpiry = Setting(
        "register-expiry", .duration(.seconds(10)...(.seconds(30 * 86_400))), default: "1h",
        "How long Redis keeps a register that nobody touches")
    package let countExpiry = Setting(
        "count-expiry", .duration(.seconds(10)...(.seconds(30 * 86_400))), default: "1h",
        "How long Redis keeps a count that does not change")
    package let reactions = CommonSettings.reactions(
        "Reactions that are accepted; add new ones at the end, and take none away")
    package let content = CommonSettings.content
    package let region = CommonSettings.region
    package let hotRate = Setting(
        "hot-rate", .integer(1...1_000_000_000), default: "100",
        "Likes a minute of one content at a node above which it is spread over more keys")
    package let hotSpread = Setting(
        "hot-spread", .spread, default: "8", "Most keys that one content is spread over; 1: never")
}

extension SettingKind where Value == [String] {
    /// `host:port`, some of them.
    static var addresses: Self {
        .names("addresses, host:port each, with commas between them") { $0.allSatisfy(ServerAddress.isAddress) }
    }
}

extension SettingKind where Value == Int {
    /// A power of two up to what a content can be spread over.
    static var spread: Self {
        Self("a power of two from 1 to \(EventKey.maxSpread)", placeholder: "<number>") { text in
            guard let value = Int(text), (1...EventKey.maxSpread).contains(value), value & (value - 1) == 0 else {
                return nil
            }
            return value
        }
    }
}

extension PostgresAddress {
    /// As the cluster's code takes it.
    var options: PostgresOptions {
        var options = PostgresOptions(host: host, port: port, database: database, user: user, password: password)
        options.parameters = parameters
        return options
    }
}
