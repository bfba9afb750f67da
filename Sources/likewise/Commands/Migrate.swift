// `likewise migrate`: makes or brings up to date what a cluster's engines must have: the ledger's tables, and the topic.

import ArgumentParser
import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import Logging

struct Migrate: SettingsCommand {
    typealias Table = MigrateSettings

    static let configuration = settingsConfiguration(
        abstract: "Make a cluster's tables in PostgreSQL and its topic in Kafka, or bring them up to date.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run(_ settings: Settings<MigrateSettings>) async throws {
        Logs.bootstrap(format: settings.logFormat, level: settings.logLevel)
        let logger = Logger(label: "likewise")
        let file = try ClusterFile(path: settings.cluster)
        let servers = try file.migrateLedger(logger: logger)
        print("postgresql: the ledger lies on \(servers) of \(file.postgres.count) servers")
        do {
            let admin = try KafkaAdmin(file.kafka(clientID: "likewise-migrate"), logger: logger)
            let topic = try admin.ensureTopic(file.topicPlan)
            print(
                "kafka, topic \(file.settings.kafkaTopic): \(topic.isNew ? "made" : "there"), "
                    + "\(topic.partitions) partitions, \(topic.replicas) replicas")
            guard topic.partitions == file.settings.kafkaPartitions else {
                throw Failure.exit(
                    "the topic has \(topic.partitions) partitions and the file says \(file.settings.kafkaPartitions): "
                        + "set kafka-partitions to \(topic.partitions)")
            }
        } catch let code as ExitCode { throw code } catch { throw Failure.exit("\(error)") }
    }
}
