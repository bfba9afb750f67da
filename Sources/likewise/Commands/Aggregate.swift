// `likewise aggregate`: takes events from Kafka into PostgreSQL, and shows in Redis what changed.

import ArgumentParser
import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseServer
import Logging
import Metrics
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

struct Aggregate: SettingsCommand {
    typealias Table = AggregateSettings

    static let configuration = settingsConfiguration(
        abstract: "Take a cluster's events from Kafka into PostgreSQL and show the counts in Redis.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run(_ settings: Settings<AggregateSettings>) async throws {
        Logs.bootstrap(format: settings.logFormat, level: settings.logLevel)
        let metrics = PrometheusMetrics(help: MetricsHelp.texts)
        MetricsSystem.bootstrap(metrics)
        signal(SIGPIPE, SIG_IGN)
        let logger = Logger(label: "likewise")
        let file = try ClusterFile(path: settings.cluster)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let role = try await AggregatorRole(file, logger: logger)
        let server: StatusServer
        do {
            server = try await StatusServer(
                host: settings.host, port: settings.port, group: group, status: { role.status },
                metricsPage: {
                    role.metrics.report()
                    return metrics.render()
                })
        } catch { throw Failure.exit("cannot listen on \(settings.host):\(settings.port): \(error)") }
        logger.notice(
            "listening", metadata: ["host": "\(settings.host)", "port": "\(server.port)", "pid": "\(getpid())"])
        var configuration = ServiceGroupConfiguration(
            services: [role], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        var failure: (any Error)?
        do { try await ServiceGroup(configuration: configuration).run() } catch { failure = error }
        await server.stop()
        await role.stop()
        try await group.shutdownGracefully()
        if let failure { throw Failure.exit("\(failure)") }
        logger.notice("stopped; what was taken is in the ledger, with its offsets")
    }
}

/// What an aggregator is made of.
private struct AggregatorRole: Service {
    private let aggregator: Aggregator
    private let purge: LedgerPurge
    private let window: CountWindow
    private let trends: TrendBoard
    private let told: RedisTrends
    private let servers: PostgresServers
    private let clients: [RedisClient]
    private let name = "\(UUIDText.random())"
    private let failures: AsyncStream<String>
    /// How the engines behind this aggregator are.
    let metrics: DeploymentMetrics

    init(_ file: ClusterFile, logger: Logger) async throws {
        let clock = SystemClock()
        let settings = file.settings
        servers = file.pools(logger: logger)
        let redis = try file.redis(logger: logger)
        clients = redis.registers === redis.counts ? [redis.counts] : [redis.registers, redis.counts]
        metrics = DeploymentMetrics(servers, registers: redis.registers, counts: redis.counts)
        let reactions = try file.reactions(known: (try? await servers.pools[0].run { try $0.reactions() }) ?? [])
        trends = TrendBoard()
        told = RedisTrends(redis.counts, clock: clock)
        let writer = RedisWindowWriter(
            servers, counts: RedisCounts(redis.counts, reactions: reactions, expiry: settings.countExpiry),
            registers: RedisRegisters(redis.registers, reactions: reactions, expiry: settings.registerExpiry),
            clients: clients, logger: logger)
        window = CountWindow(writer, trends: trends, clock: clock)
        try await file.checkPartitions(file.kafka(clientID: "likewise-aggregator"), logger: logger)
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        failures = stream
        do {
            let ledgers = try file.postgres.map {
                try PostgresLedger($0, writers: settings.postgresqlWriters, logger: logger)
            }
            let ledger = try ShardedLedger(placed: ledgers)
            aggregator = try Aggregator(
                AggregatorOptions(kafka: file.kafka(clientID: "likewise-aggregator"), group: settings.kafkaGroup),
                AggregatorPorts(
                    ledger: ledger, positions: { try ledger.makeReader().positions() },
                    reactions: { try ledger.makeReader().reactions() }, window: window, clock: clock),
                logger: logger, failed: { continuation.yield($0) })
            let purged = try file.postgres.map { try PostgresLedger($0, logger: logger) }
            purge = LedgerPurge(try ShardedLedger(placed: purged), logger: logger)
        } catch { throw Failure.exit("\(error)") }
    }

    var status: StatusServer.Status {
        let partitions = aggregator.assigned.map(String.init).joined(separator: ",")
        switch aggregator.health {
        case .good: return StatusServer.Status(isReady: true, fields: [("partitions", partitions)])
        case .waiting(let words): return StatusServer.Status(isReady: false, fields: [("waiting_for", words)])
        case .failed(let words): return StatusServer.Status(isReady: false, fields: [("failed", words)])
        }
    }

    /// Shows once a second what changed, until it is told to stop or the aggregator cannot go on.
    func run() async throws {
        let failure = await cancelWhenGracefulShutdown {
            await withTaskGroup(of: String?.self) { tasks -> String? in
                tasks.addTask {
                    let clock = ContinuousClock()
                    var next = clock.now
                    while !Task.isCancelled {
                        next += .seconds(1)
                        try? await clock.sleep(until: next)
                        await window.close()
                        await told.tell(trends, as: name)
                    }
                    return nil
                }
                tasks.addTask {
                    for await words in failures { return words }
                    return nil
                }
                for await words in tasks {
                    tasks.cancelAll()
                    if let words { return words }
                }
                return nil
            }
        }
        if let failure { throw Failure.exit(failure) }
    }

    /// Ends the aggregator, and shows what it did last.
    func stop() async {
        await withCheckedContinuation { continuation in
            NIOThreadPool.singleton.submit { [aggregator, purge] _ in
                aggregator.stop()
                purge.stop()
                continuation.resume()
            }
        }
        await window.close()
        await withCheckedContinuation { continuation in
            NIOThreadPool.singleton.submit { [servers] _ in
                servers.close()
                continuation.resume()
            }
        }
        for client in clients { await client.shutdown() }
    }
}

/// A name that no other process has.
private enum UUIDText {
    static func random() -> String {
        (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }.joined()
    }
}
