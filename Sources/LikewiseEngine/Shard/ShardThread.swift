// The thread around a `ShardCore`: takes what waits, hands it to the core, and brings what the core wants to those who
// may wait for disks.

import LikewiseCore
import Logging
import Synchronization

/// How a shard is doing, for readiness and the operator.
package enum ShardHealth: Hashable, Sendable {
    case good
    /// Writes are refused until there is room.
    case full
    /// Writes are refused until the server is restarted.
    case failed(reason: String)
}

final class ShardThread: Sendable {
    /// Nanoseconds between looks at trends, gauges and the ledger while nothing comes in.
    private static let tick: UInt64 = 250_000_000
    /// Intents of a batch from which on the next one may wait until it has half as many. Answers to a large batch bring the
    /// next requests one by one, and each would have a sync and three wake-ups of its own: a fifth of all batches had one
    /// intent. Measured with 256 callers: 1.15 to 1.48 times as many likes, with a shorter p99.
    private static let gatherFrom = 16
    /// Nanoseconds that it waits at most: a part of what callers wait for anyway under such a load.
    private static let gatherTime: UInt64 = 500_000

    let shard: UInt16
    let inbox: Inbox
    private let batchLimit: Int
    private let writer: LedgerWriter
    private let evictsFilters: Bool
    private let clock: any EngineClock
    private let logger: Logger
    private let metrics: ShardMetrics
    private let state = Mutex(ShardHealth.good)
    private let requestFilters: @Sendable (UInt16, [ShardCore.FilterRequest]) -> Void
    private let requestRoom: @Sendable (UInt16, Int) -> Void

    init(
        shard: UInt16, inbox: Inbox, batchLimit: Int, evictsFilters: Bool, writer: LedgerWriter,
        clock: any EngineClock, logger: Logger,
        requestFilters: @escaping @Sendable (UInt16, [ShardCore.FilterRequest]) -> Void,
        requestRoom: @escaping @Sendable (UInt16, Int) -> Void
    ) {
        self.shard = shard
        self.inbox = inbox
        self.batchLimit = batchLimit
        self.evictsFilters = evictsFilters
        self.writer = writer
        self.clock = clock
        self.logger = logger
        self.requestFilters = requestFilters
        self.requestRoom = requestRoom
        metrics = ShardMetrics(shard: shard)
    }

    var health: ShardHealth { state.withLock { $0 } }

    /// Runs until told to stop and all that was taken is answered. `core` and `log` belong to this thread from now on.
    func run(_ core: ShardCore, _ log: any EventLog) {
        writer.offer(core.sealedGenerations, shard: shard)
        var ticked = clock.nanoseconds()
        var isStopping = false
        var lastBatch = 0
        var (active, holdsMemory) = (ticked, true)
        while true {
            let now = clock.nanoseconds()
            var deadline = ticked &+ ShardThread.tick
            if let due = syncIfDue(log) { deadline = min(deadline, now &+ due) }
            if lastBatch >= ShardThread.gatherFrom {
                inbox.gather(min(lastBatch, batchLimit) / 2, until: now &+ ShardThread.gatherTime)
            }
            let taken = inbox.take(limit: batchLimit, until: deadline)
            for message in taken.messages {
                if case .stop = message { isStopping = true }
                handle(message, core)
            }
            if !taken.groups.isEmpty {
                lastBatch = taken.groups.reduce(0) { $0 + $1.count }
                (active, holdsMemory) = (now, true)
                core.process(taken.groups)
                note(core.storage)
                let wanted = core.takeFilterRequests()
                if !wanted.isEmpty { requestFilters(shard, wanted) }
                if let entries = core.takeRoomRequest() { requestRoom(shard, entries) }
            }
            let after = clock.nanoseconds()
            if after &- ticked >= ShardThread.tick {
                ticked = after
                if holdsMemory && after &- active >= LedgerWriterOptions.idleInterval {
                    core.releaseMemory()
                    holdsMemory = false
                }
                core.reportTrends()
                core.unloadIfOverBudget()
                if evictsFilters { core.dropFilters { Bool.random() } }
                metrics.levels(
                    overlayBytes: core.overlayBytes, overlayBound: core.overlayBound, contents: core.loadedContents,
                    contentBytes: core.contentBytes, contentBound: core.contentBound, queued: inbox.depth,
                    ledgerLag: core.ledgerLag)
            }
            let isWanted = writer.wantsWork(core.ledgerDemand, shard: shard, now: after)
            if isWanted || core.isGenerationLarge { handOver(core) }
            if isStopping && taken.groups.isEmpty && inbox.depth == 0 { break }
        }
        core.reportTrends()
        finish(core, log)
    }

    private func finish(_ core: ShardCore, _ log: any EventLog) {
        do throws(EventLogError) { try log.sync() } catch { note(error) }
        handOver(core)
    }

    private func syncIfDue(_ log: any EventLog) -> UInt64? {
        do throws(EventLogError) { return try log.syncIfDue() } catch {
            note(error)
            return nil
        }
    }

    /// Gives the ledger writer what there is; false where that cannot be made durable first.
    @discardableResult
    private func handOver(_ core: ShardCore) -> Bool {
        do throws(EventLogError) {
            if let sealed = try core.seal() { writer.offer([sealed], shard: shard) }
            return true
        } catch {
            note(error)
            return false
        }
    }

    private func handle(_ message: ShardMessage, _ core: ShardCore) {
        switch message {
        case .committed(let number): core.committed(through: number)
        case .snapshot(let answer):
            answer(handOver(core) ? core.sealedGenerations : nil)
        case .trends(let done):
            core.reportTrends()
            done()
        case .filter(let request, let keyHashes, let isLast, let taken):
            core.addToFilter(request, keyHashes: keyHashes, isLast: isLast)
            taken()
        case .filterFailed(let request): core.dropFilterRequest(request)
        case .knownContents(let hashes, let isLast, let taken):
            core.addKnownContents(hashes: hashes, isLast: isLast)
            taken()
        case .room(let room): core.give(room)
        case .stop: break
        }
    }

    /// Says once when storage fails, fills up, or is good again.
    private func note(_ problem: EventLogError?) {
        let next: ShardHealth =
            switch problem {
            case nil: .good
            case .full: .full
            case .failed(let reason): .failed(reason: reason)
            case .behind: .failed(reason: problem?.description ?? "")
            case .damaged(let file, let offset, let detail): .failed(reason: "\(file), offset \(offset): \(detail)")
            }
        let previous = state.withLock { state in
            defer { state = next }
            return state
        }
        guard previous != next else { return }
        switch next {
        case .good: logger.notice("the shard takes writes again", metadata: ["shard": "\(shard)"])
        case .full:
            logger.error("the disk is full: writes are refused until there is room", metadata: ["shard": "\(shard)"])
        case .failed(let reason):
            logger.critical(
                "the disk failed: writes are refused until a restart has read the log",
                metadata: ["shard": "\(shard)", "reason": "\(reason)"])
        }
    }
}
