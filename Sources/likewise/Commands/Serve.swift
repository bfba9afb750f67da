// `likewise serve`: puts the parts together, serves, and takes them apart in the order that loses nothing.

import ArgumentParser
import LikewiseCluster
import LikewiseEngine
import LikewiseServer
import Logging
import Metrics
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import UnixSignals

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

struct Serve: SettingsCommand {
    typealias Table = ServeSettings

    static let configuration = settingsConfiguration(abstract: "Serve the HTTP interface over the embedded store.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run(_ settings: Settings<ServeSettings>) async throws {
        Logs.bootstrap(format: settings.logFormat, level: settings.logLevel)
        let metrics = PrometheusMetrics(help: MetricsHelp.texts)
        MetricsSystem.bootstrap(metrics)
        // A limit on file sizes is an error to be told, not a signal to die of.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        // What users like is nobody else's business on this machine.
        umask(0o027)
        let logger = Logger(label: "likewise")
        let group = MultiThreadedEventLoopGroup(numberOfThreads: settings.threadCount(cores: System.coreCount))
        if let path = settings.cluster {
            return try await runNode(settings, ClusterFile(path: path), on: group, metrics: metrics, logger: logger)
        }
        let opened = try OpenedEngine(settings, logger: logger)
        defer { withExtendedLifetime(opened.lock) {} }
        let counters = try counters(settings, logger: logger)
        var failure: (any Error)?
        do {
            try await serve(
                settings, opened.engine, restoring: opened.engine.storedAnswers, counters: counters, on: group,
                metricsPage: { metrics.render() }, logger: logger)
        } catch { failure = error }
        if let counters { await onThread { counters.stop() } }
        // The shards answer to event loops, so the loops end last.
        let wasGood = opened.engine.health.allSatisfy { $0 == .good }
        await onThread { opened.engine.stop() }
        try await group.shutdownGracefully()
        if let failure { throw Failure.exit("the server ended: \(failure)") }
        logger.notice(
            wasGood
                ? "stopped; everything that was accepted is answered and on disk"
                : "stopped; some writes were refused because of the disk, all others are on it")
    }

    /// Serves as an API node of a cluster.
    private func runNode(
        _ settings: Settings<ServeSettings>, _ file: ClusterFile, on group: MultiThreadedEventLoopGroup,
        metrics: PrometheusMetrics, logger: Logger
    ) async throws {
        let parts = try await ClusterParts(file, settings, logger: logger)
        defer { withExtendedLifetime(parts.lock) {} }
        var failure: (any Error)?
        do {
            let page: @Sendable () -> [UInt8] = {
                parts.metrics.report()
                return metrics.render()
            }
            try await serve(settings, parts.node, restoring: [], on: group, metricsPage: page, logger: logger)
        } catch { failure = error }
        await parts.stop()
        try await group.shutdownGracefully()
        if let failure { throw Failure.exit("the server ended: \(failure)") }
        logger.notice("stopped; everything that was accepted is answered, and in Kafka or in the spool")
    }

    private func serve(
        _ settings: Settings<ServeSettings>, _ engine: any LikeEngine, restoring answers: [StoredAnswer],
        counters: EmbeddedCounters? = nil, on group: MultiThreadedEventLoopGroup,
        metricsPage: @escaping @Sendable () -> [UInt8], logger: Logger
    ) async throws {
        let clock = SystemClock()
        let store = IdempotencyStore(
            IdempotencyStore.Options(
                window: settings.idempotencyWindow.milliseconds, limit: settings.idempotencyKeys),
            restoring: answers)
        let flag = StopFlag()
        let authenticator = try await authenticator(settings, clock: clock, on: group, logger: logger)
        let certificates = try await certificates(settings, clock: clock, logger: logger)
        let judge = judge(settings, clock: clock, logger: logger)
        let service = LikeService(engine: engine, idempotency: store, clock: clock, judge: judge)
        var options = options(settings)
        options.anonymous = counters.map { Anonymous(store: $0, limit: settings.widgetLimit) }
        // A node's shards have no log of their own that a lock could be compared with.
        if settings.cluster == nil { options.experiments = Experiments(directory: settings.dataDir, disk: PosixDisk()) }
        let server = HTTPServer(
            options, service: service, authenticator: authenticator, certificates: certificates, group: group,
            logger: logger,
            metricsPage: metricsPage,
            isStopping: { flag.isSet },
            onListening: { port in
                logger.notice(
                    "listening", metadata: ["host": "\(settings.host)", "port": "\(port)", "pid": "\(getpid())"])
            })
        let http = HTTPService(
            server: server, authenticator: authenticator, certificates: certificates, judge: judge, service: service,
            flag: flag)
        var configuration = ServiceGroupConfiguration(
            services: [http],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger)
        configuration.maximumGracefulShutdownDuration = settings.shutdownTimeout
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch is CancellationError {
            logger.warning("some connections were still open after the shutdown timeout and have been closed")
        }
    }

    /// What knows the callers; nil where they are believed.
    private func authenticator(
        _ settings: Settings<ServeSettings>, clock: SystemClock, on group: MultiThreadedEventLoopGroup, logger: Logger
    ) async throws -> Authenticator? {
        guard let options = settings.identity else { return nil }
        return try await Authenticator(options, clock: clock, group: group, logger: logger)
    }

    /// The certificate that TLS is spoken with; nil where it is not.
    private func certificates(
        _ settings: Settings<ServeSettings>, clock: SystemClock, logger: Logger
    ) async throws -> ServerCertificates? {
        guard let options = settings.tls else { return nil }
        return try await ServerCertificates(options, clock: clock, logger: logger)
    }

    /// What says which likes count; nil where all do.
    private func judge(_ settings: Settings<ServeSettings>, clock: SystemClock, logger: Logger) -> AbuseJudge? {
        guard settings.abuse != .off else { return nil }
        return AbuseJudge(AbuseGuard(mode: settings.abuse), clock: clock, logger: logger)
    }

    private func options(_ settings: Settings<ServeSettings>) -> HTTPServerOptions {
        var options = HTTPServerOptions()
        options.host = settings.host
        options.port = settings.port
        options.maxHeaderBytes = settings.maxHeaderBytes
        options.idleTimeout = .nanoseconds(Int64(settings.idleTimeout.nanoseconds))
        options.readTimeout = .nanoseconds(Int64(settings.readTimeout.nanoseconds))
        options.maxConnections = settings.maxConnections
        options.maxConnectionsPerAddress =
            settings.maxConnectionsPerAddress > 0 ? settings.maxConnectionsPerAddress : nil
        options.trustedProxies = settings.trustedProxies
        options.proxyProtocol = settings.proxyProtocol
        options.fields = settings.answerFields
        options.loops = settings.threadCount(cores: System.coreCount)
        options.limits.bodyBytes = settings.maxBodyBytes
        options.limits.bulkBytes = settings.bulkBodyBytes
        options.limits.bulkLines = settings.bulkLines
        options.rateLimits = settings.rateLimit
        return options
    }

    /// What counts reactions of anonymous visitors; nil where that is switched off.
    private func counters(_ settings: Settings<ServeSettings>, logger: Logger) throws -> EmbeddedCounters? {
        guard settings.widgets else { return nil }
        do throws(LedgerError) {
            return try EmbeddedCounters(in: settings.dataDir, region: UInt16(settings.region), logger: logger)
        } catch { throw Failure.exit("\(error)") }
    }

    /// Does something on a thread that may wait.
    private func onThread(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            NIOThreadPool.singleton.submit { _ in
                body()
                continuation.resume()
            }
        }
    }
}

/// Whether the server has been told to stop.
private final class StopFlag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}

/// The server as a service that notes when shutdown begins.
private struct HTTPService: Service {
    let server: HTTPServer
    let authenticator: Authenticator?
    let certificates: ServerCertificates?
    let judge: AbuseJudge?
    let service: LikeService
    let flag: StopFlag

    func run() async throws {
        // Keys are kept up to date as long as there are requests.
        let upkeep = Task { await keepUp() }
        defer { upkeep.cancel() }
        try await withGracefulShutdownHandler {
            try await server.run()
        } onGracefulShutdown: {
            flag.set()
        }
        upkeep.cancel()
        await upkeep.value
    }

    /// Keeps keys and certificate up to date, and does what a judge leaves to do, until the task is cancelled; SIGHUP asks for the certificate at once.
    private func keepUp() async {
        await withDiscardingTaskGroup { tasks in
            if let authenticator { tasks.addTask { await authenticator.run() } }
            if let judge { tasks.addTask { [service] in await judge.run(service) } }
            guard let certificates else { return }
            tasks.addTask { await certificates.run() }
            tasks.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sighup) { await certificates.lookAgain() }
            }
        }
    }
}
