// An API node of a cluster: what stands behind the HTTP interface where `Engine` stands on one machine. It keeps nothing
// but its spool; Redis is asked first, Kafka makes durable, and PostgreSQL is what everybody agrees on in the end.

package import LikewiseCore
package import LikewiseEngine
package import Logging
import Synchronization

/// How a node is run.
package struct ClusterNodeOptions: Sendable {
    package var reactions: ReactionSet
    package var region: UInt16 = 0
    package var strictContent = false
    /// Parts of the contents that are worked on side by side.
    package var lanes = 8
    /// Intents that may wait for each lane.
    package var queueDepth = 65_536
    /// Intents of one batch, the first group aside.
    package var batchLimit = 8_192
    /// Registers that this node wrote last and remembers itself, all lanes together.
    package var recentRegisters = 262_144
    package var hot = HotContents.Options()

    package init(reactions: ReactionSet) { self.reactions = reactions }
}

/// A node of a cluster.
package final class ClusterNode: LikeEngine {
    package let reactions: ReactionSet
    package let seed: UInt64
    package let strictContent: Bool
    package let queueDepth: Int
    package var countsLag: Bool { true }
    package let sharedAnswers: (any SharedAnswers)?
    package let sharesLimits: Bool
    package var shardCount: Int { lanes.count }

    private let lanes: [Lane]
    private let contents: any ContentCache
    private let ledger: any LedgerView
    private let trends: any TrendSource
    private let rates: (any RateExchange)?
    private let metrics = NodeMetrics()
    private let logger: Logger
    /// The contents that are spread, with their spread, as of the last exchange of rates.
    private let spreads = Mutex<[[UInt8]: Int]>([:])
    /// Contents whose rates are told to other nodes; those that have the most likes.
    private static let toldRates = 1_000

    /// A node on top of what is handed in. `seed` keys the hashes of this process.
    package init(
        _ options: ClusterNodeOptions, registers: any RegisterCache, contents: any ContentCache,
        ledger: any LedgerView, publisher: any EventPublisher, trends: any TrendSource,
        answers: (any SharedAnswers)? = nil, rates: (any RateExchange)? = nil, limits: (any SharedLimits)? = nil,
        clock: any EngineClock, seed: UInt64, logger: Logger
    ) {
        reactions = options.reactions
        self.seed = seed
        strictContent = options.strictContent
        queueDepth = options.queueDepth
        self.contents = contents
        self.ledger = ledger
        self.trends = trends
        sharedAnswers = answers
        sharesLimits = limits != nil
        self.rates = rates
        self.logger = logger
        let ports = LanePorts(
            registers: registers, contents: contents, ledger: ledger, publisher: publisher, limits: limits,
            clock: clock, metrics: metrics, logger: logger)
        lanes = (0..<max(1, options.lanes)).map { _ in
            Lane(
                LaneCore(
                    ports, region: options.region, strictContent: options.strictContent,
                    recentRegisters: options.recentRegisters / max(1, options.lanes), hot: options.hot),
                bound: options.queueDepth, batchLimit: options.batchLimit)
        }
    }

    package func submit(_ group: IntentGroup, to shard: Int) { lanes[shard].submit(group) }

    package func published(_ content: UnsafeRawBufferPointer) -> PublishedContent? {
        contents.published(content).map { PublishedContent(tally: $0.tally, description: $0.description) }
    }

    package func likes(
        of subject: ListSubject, behind position: LikePosition?, limit: Int,
        completion: @escaping @Sendable (Result<[LedgerLike], ListFailure>) -> Void
    ) {
        Task {
            // As new as the latest answer to a like, where that can be had; else as the ledger is.
            _ = await ledger.catchUp()
            do throws(LedgerError) {
                completion(.success(try await ledger.likes(of: subject, behind: position, limit: limit)))
            } catch {
                completion(.failure(.ledger(error)))
            }
        }
    }

    package func top(
        _ window: TrendWindow, limit: Int, completion: @escaping @Sendable ([TrendBucket.Entry]) -> Void
    ) {
        Task { completion(await trends.top(window, limit: limit)) }
    }

    package var health: [ShardHealth] { lanes.map(\.health) }

    package func spread(of content: [UInt8]) -> Int? { spreads.withLock { $0[content] ?? 1 } }

    /// Tells the other nodes the rates of warm contents, and takes theirs into account from then on; where they cannot be
    /// had, those of the last time stay. To be called about once a second.
    package func exchangeRates() async {
        var warm: [ContentRate] = []
        for lane in lanes { warm += await lane.warm() }
        let spread = warm.filter { $0.spread > 1 }
        spreads.withLock { $0 = Dictionary(spread.map { ($0.content, $0.spread) }) { a, _ in a } }
        metrics.spread(contents: spread.count, largest: spread.map(\.spread).max() ?? 1)
        guard let rates else { return }
        warm.sort { $0.perMinute > $1.perMinute }
        let told = warm.prefix(Self.toldRates).map {
            ContentFigure(content: $0.content, gained: Int64($0.perMinute))
        }
        guard let elsewhere = await rates.exchange(told) else { return }
        for lane in lanes { await lane.note(elsewhere: elsewhere) }
    }

    /// Takes no more, and returns when all that was taken is answered.
    package func stop() async {
        await withDiscardingTaskGroup { tasks in
            for lane in lanes { tasks.addTask { await lane.close() } }
        }
    }
}

/// What gained most, over all aggregators.
package protocol TrendSource: Sendable {
    /// Up to `limit` contents that gained most in the window up to now, most first; none where nobody can be asked.
    func top(_ window: TrendWindow, limit: Int) async -> [TrendBucket.Entry]
}
