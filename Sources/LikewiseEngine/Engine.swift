// The embedded engine: shards with their logs, the ledger behind them, and what is needed to start and stop them.

import CPlatform
package import LikewiseCore
package import Logging
import Synchronization

package final class Engine: LikeEngine {
    package let options: EngineOptions
    package let reactions: ReactionSet
    /// Keys the hashes of this process; intents are made with it.
    package let seed: UInt64
    package let trends = TrendBoard()
    /// Answers to writes with an idempotency key from before the start, unexpired.
    package let storedAnswers: [StoredAnswer]
    /// What the start found, by shard.
    package let recoveries: [SegmentLog.Recovery]

    let clock: any EngineClock
    private let directories: [CountDirectory]
    private let shards: [ShardThread]
    private let writer: LedgerWriter
    private let lists: ReaderPool
    private let loader: ReaderPool
    private let threads: Mutex<[EngineThread]>

    /// Opens the data folder, recovers what the ledger does not hold yet, and starts the shards. On return every
    /// acknowledged like of the last run counts.
    package init(
        _ options: EngineOptions, disk: any Disk, clock: any EngineClock, ledger: any Ledger, seed: UInt64,
        logger: Logger
    ) throws(EngineStartError) {
        self.options = options
        self.clock = clock
        self.seed = seed
        likewise_settle_heap()
        let start = EngineStart(options: options, disk: disk, clock: clock, ledger: ledger, seed: seed, logger: logger)
        reactions = try start.settleReactions()
        try start.drainIfNeeded()
        let recovered = try start.recoverShards(reactions: reactions, trends: trends)
        storedAnswers = recovered.answers
        recoveries = recovered.shards.map(\.log.recovery)
        directories = recovered.shards.map(\.directory)
        let inboxes = recovered.shards.map { _ in Inbox(bound: options.queueDepth) }
        writer = LedgerWriter(
            options.ledgerWriter,
            sources: inboxes.enumerated().map { i, inbox in
                LedgerWriter.Source(
                    shard: UInt16(i), logDirectory: LogFolders.path(ofShard: UInt16(i), in: options.logDirectory),
                    inbox: inbox)
            },
            retired: try start.retiredLogs(), ledger: ledger, clock: clock, trends: trends,
            retention: LogRetention(disk: disk, milliseconds: options.retention), logger: logger)
        lists = ReaderPool(name: "ledger-lists", readers: recovered.listReaders, bound: options.readerQueue)
        loader = ReaderPool(name: "ledger-loader", readers: [recovered.loaderReader], bound: 1024)
        let filterLoader = FilterLoader(pool: loader, inboxes: inboxes, seed: seed)
        var shards: [ShardThread] = []
        var threads: [EngineThread] = []
        for (i, opened) in recovered.shards.enumerated() {
            let shard = ShardThread(
                shard: UInt16(i), inbox: inboxes[i], batchLimit: options.batchLimit,
                evictsFilters: options.filters == .evict, writer: writer, clock: clock, logger: logger,
                requestFilters: { shard, requests in filterLoader.load(requests, shard: Int(shard)) },
                requestRoom: { [loader] shard, entries in
                    let inbox = inboxes[Int(shard)]
                    let taken = loader.submit { _ in _ = inbox.trySend(.room(IndexRoom(count: entries))) }
                    if !taken { _ = inbox.trySend(.room(nil)) }
                })
            shards.append(shard)
            let confined = Confined(opened)
            threads.append(
                EngineThread(name: "shard-\(i)", turns: .short) { shard.run(confined.value.core, confined.value.log) })
        }
        self.shards = shards
        threads.append(EngineThread(name: "ledger-writer", turns: .long) { [writer] in writer.run() })
        self.threads = Mutex(threads)
        if !recovered.ledgerIsEmpty && options.filters != .off { filterLoader.loadKnownContents() }
    }

    // MARK: Use

    package var strictContent: Bool { options.strictContent }
    package var queueDepth: Int { options.queueDepth }
    package var countsLag: Bool { false }
    package var shardCount: Int { shards.count }

    /// Hands `group` to a shard, which completes it. Where the shard cannot take it, the group is completed here, with
    /// nothing changed.
    package func submit(_ group: IntentGroup, to shard: Int) {
        switch shards[shard].inbox.submit(group) {
        case .taken: break
        case .full:
            group.fail(.overloaded)
            group.complete(group)
        case .closed:
            group.fail(.shuttingDown)
            group.complete(group)
        }
    }

    /// The counts of a content that is loaded; nil where its shard must be asked.
    package func published(_ content: UnsafeRawBufferPointer) -> PublishedContent? {
        directories[shard(of: content)].find(content, hash: Hash64.of(content, seed: seed))
    }

    /// Up to `limit` likes, newest first, behind `position`: what the ledger holds with what it does not hold yet, so
    /// that it is as new as the latest answer to a like.
    package func likes(
        of subject: ListSubject, behind position: LikePosition?, limit: Int,
        completion: @escaping @Sendable (Result<[LedgerLike], ListFailure>) -> Void
    ) {
        let collector = SnapshotCollector(count: shards.count) { [lists] generations in
            guard let generations else { return completion(.failure(.storage)) }
            let taken = lists.submit { reader in
                let list = LikeList(subject: subject, generations: generations)
                do throws(LedgerError) {
                    completion(.success(try list.page(reader, behind: position, limit: limit)))
                } catch {
                    completion(.failure(.ledger(error)))
                }
            }
            if !taken { completion(.failure(.overloaded)) }
        }
        for shard in shards where !shard.inbox.trySend(.snapshot { collector.add($0) }) {
            return completion(.failure(.shuttingDown))
        }
    }

    /// The contents that gained most in the window up to now, most first; what was answered before the call is in it.
    package func top(
        _ window: TrendWindow, limit: Int, completion: @escaping @Sendable ([TrendBucket.Entry]) -> Void
    ) {
        let counter = Countdown(shards.count) { [trends, clock] in
            completion(trends.top(window, limit: limit, at: clock.milliseconds()))
        }
        for shard in shards where !shard.inbox.trySend(.trends { counter.tick() }) { counter.tick() }
    }

    /// How each shard is doing.
    package var health: [ShardHealth] { shards.map(\.health) }

    // MARK: End

    /// Answers all that was accepted, brings the ledger up to it where the ledger can be written, and ends the threads.
    /// Blocks: not for the cooperative pool. What the ledger could not take is in the log, for the next start.
    package func stop() {
        let threads = self.threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        guard !threads.isEmpty else { return }
        for shard in shards { shard.inbox.send(.stop) }
        for thread in threads.dropLast() { thread.join() }
        writer.stop()
        threads.last?.join()
        lists.stop()
        loader.stop()
    }
}

/// Calls `finish` at the last of `count` ticks.
private final class Countdown: Sendable {
    private let left: Mutex<Int>
    private let finish: @Sendable () -> Void

    init(_ count: Int, finish: @escaping @Sendable () -> Void) {
        left = Mutex(count)
        self.finish = finish
    }

    func tick() {
        let isLast = left.withLock { left in
            left -= 1
            return left == 0
        }
        if isLast { finish() }
    }
}

/// Gathers the generations of all shards, then goes on once.
private final class SnapshotCollector: Sendable {
    private let state: Mutex<(missing: Int, generations: [Generation], failed: Bool)>
    private let finish: @Sendable ([Generation]?) -> Void

    init(count: Int, finish: @escaping @Sendable ([Generation]?) -> Void) {
        state = Mutex((count, [], false))
        self.finish = finish
    }

    func add(_ generations: [Generation]?) {
        let result = state.withLock { state -> [Generation]?? in
            state.missing -= 1
            if let generations { state.generations += generations } else { state.failed = true }
            guard state.missing == 0 else { return nil }
            return .some(state.failed ? nil : state.generations)
        }
        if case .some(let generations) = result { finish(generations) }
    }
}
