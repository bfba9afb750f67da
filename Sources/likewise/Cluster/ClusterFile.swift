// What the roles of a cluster are built of, from the one file that describes it.

import ArgumentParser
import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import Logging
import NIOPosix

/// A cluster as its file has it.
struct ClusterFile {
    let settings: Settings<ClusterSettings>

    /// Reads the file, or ends the command with all that is wrong in it.
    init(path: String) throws {
        let resolver = SettingsResolver(environment: [:], catalogue: [ClusterSettings.self])
        do {
            guard
                case .settings(let settings) = try resolver.resolve(
                    ClusterSettings.self, arguments: ["--\(SettingNames.config)", path])
            else { preconditionFailure("a file's settings have no help") }
            self.settings = settings
        } catch {
            throw Failure.exit(error.problems.map { "\($0)" }.joined(separator: "\nerror: "))
        }
    }

    /// The reactions that are accepted, with the codes that the ledger has given out.
    func reactions(known: [String]) throws -> ReactionSet {
        do { return try ReactionSet(settings.reactions, known: known) } catch {
            throw Failure.exit("\(EngineStartError.reactions(error))")
        }
    }

    func kafka(clientID: String) -> KafkaOptions {
        KafkaOptions(
            brokers: settings.kafka, topic: settings.kafkaTopic, libraryPath: settings.kafkaLibrary, clientID: clientID)
    }

    var topicPlan: KafkaTopicPlan {
        KafkaTopicPlan(
            partitions: settings.kafkaPartitions, replicas: settings.kafkaReplicas ?? min(3, settings.kafka.count),
            retention: settings.kafkaRetention)
    }

    /// Ends the command where the topic has other partitions than the file says: events would be looked for where they
    /// are not. Where no broker can be asked it goes on, for a node has to start while Kafka is down.
    func checkPartitions(_ kafka: KafkaOptions, logger: Logger) async throws {
        let found: Result<Int?, any Error> = await withCheckedContinuation { continuation in
            NIOThreadPool.singleton.submit { _ in
                continuation.resume(
                    returning: Result {
                        try KafkaAdmin(kafka, timeout: .seconds(3), logger: logger).partitionCount()
                    })
            }
        }
        switch found {
        case .success(let count?) where count != settings.kafkaPartitions:
            throw Failure.exit(
                "the topic \(settings.kafkaTopic) has \(count) partitions and the file says \(settings.kafkaPartitions): "
                    + "set kafka-partitions to \(count)")
        case .success(nil): throw Failure.exit("there is no topic \(settings.kafkaTopic): run `likewise migrate` first")
        case .success: break
        case .failure(let error):
            logger.warning("Kafka could not be asked for the topic's partitions", metadata: ["reason": "\(error)"])
        }
    }

    /// The ledger's servers, in their order.
    var postgres: [PostgresOptions] {
        settings.postgresql.map { address in
            var options = address.options
            if let library = settings.postgresqlLibrary { options.libraryPath = library }
            options.synchronousCommit = settings.postgresqlSynchronousCommit
            return options
        }
    }

    /// Brings the ledger's tables up to date on all servers, and prints what was done. Answers on how many servers the
    /// ledger lies.
    func migrateLedger(logger: Logger) throws -> Int {
        do {
            for (number, server) in postgres.enumerated() {
                let added = try PostgresSchema.migrate(server)
                let ledger = try PostgresLedger(server, logger: logger)
                let held = try ledger.reader().reactions()
                try ledger.setReactions(try reactions(known: held).names)
                let words = added.isEmpty ? "up to date" : "brought to version \(added.upperBound)"
                print("postgresql, server \(number + 1) of \(postgres.count): \(words)")
            }
            return try RebalanceLayout.number(postgres)
        } catch let code as ExitCode { throw code } catch { throw Failure.exit("\(error)") }
    }

    /// Ends the command where the servers are not those that the ledger lies on. Where they cannot be asked it goes on,
    /// for a node has to start while PostgreSQL is down.
    func checkPlacement(_ servers: PostgresServers, logger: Logger) async throws {
        do { _ = try await servers.placement() } catch LedgerError.unusable(let words) {
            throw Failure.exit(words)
        } catch {
            logger.warning("the ledger could not be asked where contents lie", metadata: ["reason": "\(error)"])
        }
    }

    /// The pools that a process asks the ledger by.
    func pools(logger: Logger, patience: Duration = .seconds(5)) -> PostgresServers {
        var limits = PostgresPool.Limits()
        limits.connections = settings.postgresqlConnections
        limits.patience = patience
        return PostgresServers(postgres, limits: limits, logger: logger)
    }

    /// The clients of the write path and of the display path; the same one where the file names one Redis.
    func redis(logger: Logger) throws -> (registers: RedisClient, counts: RedisClient) {
        // They outlive every server of this process, and so must their loops.
        let group = MultiThreadedEventLoopGroup.singleton
        let registers = RedisClient(try options(settings.redis), group: group, logger: logger)
        guard let counts = settings.redisCounts else { return (registers, registers) }
        return (registers, RedisClient(try options(counts), group: group, logger: logger))
    }

    private func options(_ place: RedisPlace) throws -> RedisOptions {
        func addresses(_ texts: [String]) -> [RedisAddress] { texts.compactMap { RedisAddress($0) } }
        let topology: RedisOptions.Topology
        switch place {
        case .standalone(let text):
            guard let address = RedisAddress(text) else { throw Failure.exit("redis: \(text) is no address") }
            topology = .standalone(address)
        case .cluster(let texts): topology = .cluster(addresses(texts))
        case .sentinel(let texts, let master): topology = .sentinel(addresses(texts), master: master)
        }
        var options = RedisOptions(topology: topology, password: try password())
        options.commandTimeout = .milliseconds(250)
        return options
    }

    private func password() throws -> String? {
        guard let path = settings.redisPassword else { return nil }
        do {
            let file = try PosixDisk().open(path)
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
            return String(decoding: bytes.prefix(count).prefix { $0 != 10 && $0 != 13 }, as: UTF8.self)
        } catch { throw Failure.exit("redis-password-file: \(error)") }
    }
}
