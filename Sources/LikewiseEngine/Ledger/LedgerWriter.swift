// The thread that brings the ledger up to what the shards have sealed.
//
// It takes all that waits, up to a bound, in one sorted transaction: the further it is behind, the larger the
// transactions and the less each row costs. Under heavy intake it holds back or pauses (`LedgerPacing` says how much and
// why), and what waits gathers in the overlay; the fuller that is, the less it pauses. Where the ledger fails or is full
// it tries again, later each time, up to a bound; meanwhile the overlay grows up to its own bound, and then writes are
// refused.

import CPlatform
import LikewiseCore
import Logging

/// How often the ledger is written, and for how long log segments stay.
package struct LedgerWriterOptions: Sendable {
    /// Nanoseconds between the beginnings of transactions, unless a generation is large. The longer, the more rows of a
    /// page are written together: a row costs half as much in a transaction of 100,000 as in one of 20,000.
    package var interval: UInt64 = 2_000_000_000
    /// Entries of one transaction, the first generation of each shard aside. Each takes about 650 bytes until it is committed.
    package var transactionEntries = 250_000
    /// Nanoseconds before the first and the last retry of a failed transaction.
    package var retryFirst: UInt64 = 100_000_000
    package var retryLast: UInt64 = 5_000_000_000
    /// Nanoseconds between looks at the log's retention.
    package var retentionInterval: UInt64 = 60_000_000_000
    /// Nanoseconds between steps of removing registers of deleted contents.
    package var purgeInterval: UInt64 = 100_000_000
    /// Registers of deleted contents removed in a step.
    package var purgeRows = 5_000
    /// Whose idle time the writer takes.
    package var processors: any Processors = SystemProcessors()
    /// Nanoseconds without work after which a connection to the ledger lets go of its cache, and the heap of what was
    /// freed.
    package static let idleInterval: UInt64 = 2_000_000_000

    package init() {}
}

final class LedgerWriter: Sendable {
    struct Source: Sendable {
        let shard: UInt16
        let logDirectory: String
        let inbox: Inbox
    }

    /// The log of a shard that is no more.
    struct RetiredLog: Sendable {
        let directory: String
        /// The sequence of the last record that the ledger holds.
        let held: UInt64
    }

    private struct Queue {
        var sealed: [UInt16: [Generation]] = [:]
        var isBusy = false
        var isStopping = false
        /// Nanoseconds; when the last transaction began and ended.
        var lastBegin: UInt64 = 0
        var lastEnd: UInt64 = 0
        var gauge = LedgerPressureGauge()
        var spare = SpareProcessors()

        /// Whether a transaction may begin.
        func isDue(now: UInt64) -> Bool {
            var pressure = gauge.pressure
            pressure.spare = spare.count
            let share = LedgerPacing.share(pressure)
            guard let pause = LedgerPacing.pause(after: lastEnd &- lastBegin, share: share) else { return false }
            return now >= lastEnd &+ pause
        }
    }

    private let options: LedgerWriterOptions
    private let sources: [Source]
    private let retired: [RetiredLog]
    private let ledger: any Ledger
    private let clock: any EngineClock
    private let trends: TrendBoard
    private let retention: LogRetention
    private let logger: Logger
    private let metrics = LedgerMetrics()
    private let queue = Monitor(Queue())

    init(
        _ options: LedgerWriterOptions, sources: [Source], retired: [RetiredLog], ledger: any Ledger,
        clock: any EngineClock,
        trends: TrendBoard, retention: LogRetention, logger: Logger
    ) {
        self.options = options
        self.sources = sources
        self.retired = retired
        self.ledger = ledger
        self.clock = clock
        self.trends = trends
        self.retention = retention
        self.logger = logger
    }

    // MARK: For the shards

    /// Whether a shard, which does as `demand` says, should seal what it has: nothing waits here, the last transaction
    /// is long enough ago, and another one is due.
    func wantsWork(_ demand: LedgerDemand, shard: UInt16, now: UInt64) -> Bool {
        queue.withLock { queue in
            queue.gauge.note(demand, shard: shard, now: now)
            if !queue.isBusy { queue.spare.note(now: now, options.processors) }
            return queue.sealed.isEmpty && !queue.isBusy && now &- queue.lastBegin >= options.interval
                && queue.isDue(now: now)
        }
    }

    func offer(_ generations: [Generation], shard: UInt16) {
        queue.withLockAndSignal { queue in
            queue.sealed[shard, default: []] += generations
            return ((), true)
        }
    }

    /// Ends the thread once all that was offered is in the ledger, or cannot be put there.
    func stop() {
        queue.withLockAndSignal { queue in
            queue.isStopping = true
            return ((), true)
        }
    }

    // MARK: The thread

    func run() {
        var held: [UInt16: UInt64] = [:]
        var lookedAtRetention = clock.nanoseconds()
        var hasGarbage = true
        var holdsMemory = true
        while true {
            let now = clock.nanoseconds()
            let pause =
                hasGarbage
                ? options.purgeInterval : holdsMemory ? LedgerWriterOptions.idleInterval : options.retentionInterval
            let wake = now + pause
            waitUntilDue()
            let work = takeWork(until: wake)
            if let work, work.isEmpty { return saveOpenTrends() }
            if let work {
                guard write(work) else { return }
                for (shard, generations) in work {
                    guard let last = generations.last else { continue }
                    held[shard] = last.lastSequence
                    sources.first { $0.shard == shard }?.inbox.send(.committed(last.number))
                }
                let ended = clock.nanoseconds()
                queue.withLock { queue in
                    queue.isBusy = false
                    queue.lastEnd = ended
                    queue.spare.restart(now: ended, options.processors)
                }
                (hasGarbage, holdsMemory) = (true, true)
            } else if hasGarbage {
                hasGarbage = purge()
            } else if holdsMemory, queue.withLock({ $0.gauge.pressure.records == 0 }) {
                // Not while it only holds back: all threads wait for the heap while it is gone through.
                ledger.releaseMemory()
                BucketPool.shared.releaseMemory()
                likewise_trim_heap()
                holdsMemory = false
            }
            if clock.nanoseconds() &- lookedAtRetention >= options.retentionInterval {
                lookedAtRetention = clock.nanoseconds()
                applyRetention(held)
            }
        }
    }

    /// While something waits that is not due, waits.
    private func waitUntilDue() {
        while true {
            let now = clock.nanoseconds()
            let isHeld = queue.withLock { !$0.sealed.isEmpty && !$0.isStopping && !$0.isDue(now: now) }
            guard isHeld else { return }
            let _: Bool? = queue.wait(until: now + LedgerPacing.look) { $0.isStopping ? true : nil }
        }
    }

    /// What waits, of each shard the oldest; empty to stop; nil if nothing came until `deadline`.
    private func takeWork(until deadline: UInt64) -> [UInt16: [Generation]]? {
        queue.wait(until: deadline) { [options] queue in
            if queue.sealed.isEmpty { return queue.isStopping ? [:] : nil }
            var work: [UInt16: [Generation]] = [:]
            let share = options.transactionEntries / queue.sealed.count
            for (shard, waiting) in queue.sealed {
                var entries = 0
                let taken = waiting.prefix { generation in
                    defer { entries += generation.entryCount }
                    return entries == 0 || entries + generation.entryCount <= share
                }
                work[shard] = Array(taken)
                queue.sealed[shard] = taken.count < waiting.count ? Array(waiting[taken.count...]) : nil
            }
            queue.isBusy = true
            return work
        }
    }

    /// Writes until it succeeds; false if it was told to stop while it could not.
    private func write(_ work: [UInt16: [Generation]]) -> Bool {
        let started = clock.nanoseconds()
        queue.withLock { $0.lastBegin = started }
        let now = clock.milliseconds()
        var batches = work.sorted { $0.key < $1.key }.map { shard, generations in
            LedgerBatchBuilder.build(generations, shard: shard, now: now)
        }
        if !batches.isEmpty { batches[0].trends = trends.takeUnsaved() }
        var delay = options.retryFirst
        var hasFailed = false
        while true {
            do throws(LedgerError) {
                try ledger.apply(batches)
                metrics.committed(
                    rows: batches.reduce(0) { $0 + $1.contents.reduce(0) { $0 + $1.rows.count } },
                    nanoseconds: clock.nanoseconds() &- started)
                if hasFailed { logger.notice("the ledger takes transactions again") }
                return true
            } catch {
                // Some of it may be there after all.
                for place in batches.indices { batches[place].forgetProofs() }
                metrics.failed()
                if !hasFailed {
                    logger.error(
                        "the ledger does not take a transaction; likes go on into the log, and it is tried again",
                        metadata: ["reason": "\(error)"])
                }
                hasFailed = true
            }
            let deadline = clock.nanoseconds() + delay
            delay = min(delay * 2, options.retryLast)
            let stopping: Bool? = queue.wait(until: deadline) { $0.isStopping ? true : nil }
            if stopping == true {
                logger.warning("stopped before the ledger could take all; the log keeps it for the next start")
                return false
            }
        }
    }

    /// At an orderly end the buckets that are still open are kept too.
    private func saveOpenTrends() {
        do throws(LedgerError) {
            try ledger.save(trends.takeUnsaved() + trends.openBuckets())
        } catch {
            logger.warning("the latest trends were not kept", metadata: ["reason": "\(error)"])
        }
    }

    private func purge() -> Bool {
        do throws(LedgerError) {
            return try ledger.purge(limit: options.purgeRows)
        } catch {
            logger.warning("could not remove registers of deleted contents", metadata: ["reason": "\(error)"])
            return false
        }
    }

    private func applyRetention(_ held: [UInt16: UInt64]) {
        let present = sources.compactMap { source in
            held[source.shard].map { RetiredLog(directory: source.logDirectory, held: $0) }
        }
        for log in present + retired {
            do throws(EventLogError) {
                let removed = try retention.apply(directory: log.directory, held: log.held, now: clock.milliseconds())
                metrics.removed(segments: removed)
            } catch {
                logger.warning("could not remove old log segments", metadata: ["reason": "\(error)"])
            }
        }
    }
}
