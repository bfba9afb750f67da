// An API node of a cluster, put together and taken apart in the order that loses nothing.

import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseServer
import Logging
import NIOPosix

/// The parts of an API node.
struct ClusterParts {
    let node: ClusterNode
    let lock: DataDirectoryLock
    private let publisher: KafkaPublisher
    private let exchange: Task<Void, Never>
    private let producer: KafkaProducer
    private let spool: Spool
    private let fence: ClusterFencePorts
    private let servers: PostgresServers
    private let clients: [RedisClient]
    private let logger: Logger
    /// How the engines behind this node are.
    let metrics: DeploymentMetrics

    /// Opens the spool and begins to connect; none of the servers need be there.
    init(
        _ file: ClusterFile, _ serve: Settings<ServeSettings>, logger: Logger
    ) async throws {
        self.logger = logger
        let clock = SystemClock()
        let settings = file.settings
        let disk = PosixDisk()
        do {
            try disk.makeDirectory(serve.dataDir)
            lock = try DataDirectoryLock(directory: serve.dataDir)
        } catch { throw Failure.exit("\(error)") }
        servers = file.pools(logger: logger, patience: .seconds(1))
        let reactions = try file.reactions(known: try await ClusterParts.knownReactions(servers, logger))
        try await file.checkPlacement(servers, logger: logger)
        let redis = try file.redis(logger: logger)
        clients = redis.registers === redis.counts ? [redis.counts] : [redis.registers, redis.counts]
        metrics = DeploymentMetrics(servers, registers: redis.registers, counts: redis.counts)
        let kafka = file.kafka(clientID: "likewise-api")
        do {
            producer = try KafkaProducer(kafka, logger: logger)
            var spoolOptions = Spool.Options(directory: serve.dataDir + "/spool", reactions: reactions.names)
            spoolOptions.region = UInt16(settings.region)
            spoolOptions.bound = serve.spoolBytes
            spool = try Spool(spoolOptions, disk: disk, clock: clock, logger: logger)
        } catch { throw Failure.exit("\(error)") }
        try await file.checkPartitions(kafka, logger: logger)
        let publisher = KafkaPublisher(
            producer: producer, spool: spool, reactions: reactions, clock: clock, logger: logger)
        self.publisher = publisher
        do throws(KafkaError) {
            fence = ClusterFencePorts(
                try KafkaAdmin(kafka, timeout: .seconds(1), logger: logger), servers,
                acknowledged: { publisher.acknowledgedEnds })
        } catch { throw Failure.exit("\(error)") }
        let counts = RedisCounts(redis.counts, reactions: reactions, expiry: settings.countExpiry)
        // With the second of the window, a count is seen everywhere within two seconds of its like.
        var cacheOptions = CountCacheOptions()
        cacheOptions.nodeLife = .milliseconds(500)
        let cache = CountCache(counts, options: cacheOptions) { [servers] ids in
            let results = await servers.partialCounts(ids)
            return try CountLoadFailure.unlessAll(
                zip(ids, results).map { id, result in result.map { CachedCount($0, of: id) } })
        }
        var options = ClusterNodeOptions(reactions: reactions)
        options.region = UInt16(settings.region)
        options.strictContent = settings.content == .strict
        options.queueDepth = serve.queueDepth
        options.hot = HotContents.Options(rate: settings.hotRate, maxSpread: settings.hotSpread)
        let ledger = ClusterLedgerView(
            servers, fence: LedgerFence(fence, clock: clock), partitions: settings.kafkaPartitions)
        node = ClusterNode(
            options,
            registers: RedisRegisterCache(
                RedisRegisters(redis.registers, reactions: reactions, expiry: settings.registerExpiry),
                client: redis.registers, clock: clock),
            contents: RedisContentCache(cache, clock: clock, logger: logger), ledger: ledger, publisher: publisher,
            trends: RedisTrends(redis.counts, clock: clock),
            answers: RedisAnswers(redis.registers, clock: clock),
            rates: RedisRates(redis.counts, clock: clock, name: String(UInt64.random(in: .min ... .max), radix: 16)),
            limits: serve.rateLimit.isEmpty ? nil : RedisLimits(redis.registers), clock: clock,
            seed: UInt64.random(in: .min ... .max), logger: logger)
        publisher.start()
        exchange = Task { [node] in
            let clock = ContinuousClock()
            var next = clock.now
            while !Task.isCancelled {
                await node.exchangeRates()
                next = max(next + .seconds(1), clock.now)
                // Ends early where it is cancelled, and then the loop ends too.
                try? await clock.sleep(until: next)
            }
        }
        logger.notice(
            "node of a cluster",
            metadata: ["spooled_events": "\(spool.waiting.events)", "data_dir": "\(serve.dataDir)"])
    }

    /// The reactions that the ledger has given codes to; none where it cannot be asked, and the file's order decides.
    private static func knownReactions(_ servers: PostgresServers, _ logger: Logger) async throws -> [String] {
        do { return try await servers.pools[0].run { try $0.reactions() } } catch LedgerError.unusable(let words) {
            throw Failure.exit(words)
        } catch {
            logger.warning(
                "the ledger could not be asked for its reactions; the file's are taken",
                metadata: ["reason": "\(error)"])
            return []
        }
    }

    /// Answers all that was accepted, and ends. What Kafka has not taken stays in the spool.
    func stop() async {
        exchange.cancel()
        await exchange.value
        await node.stop()
        publisher.stop()
        await withCheckedContinuation { continuation in
            NIOThreadPool.singleton.submit { [self] _ in
                producer.close(flushFor: .seconds(5))
                spool.stop()
                fence.stop()
                servers.close()
                continuation.resume()
            }
        }
        for client in clients { await client.shutdown() }
    }
}
