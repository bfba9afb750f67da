// The steps of a start, in their order: settle what reaction codes mean, bring the ledger up where contents have moved
// between shards, then open each shard's log and take in what the ledger does not hold.

package import LikewiseCore
package import Logging

package struct EngineStart {
    let options: EngineOptions
    let disk: any Disk
    let clock: any EngineClock
    let ledger: any Ledger
    let seed: UInt64
    let logger: Logger

    package init(
        options: EngineOptions, disk: any Disk, clock: any EngineClock, ledger: any Ledger, seed: UInt64, logger: Logger
    ) {
        self.options = options
        self.disk = disk
        self.clock = clock
        self.ledger = ledger
        self.seed = seed
        self.logger = logger
    }

    struct OpenedShard {
        let core: ShardCore
        let log: SegmentLog
        let directory: CountDirectory
    }

    struct Recovered {
        var shards: [OpenedShard] = []
        var answers: [StoredAnswer] = []
        var ledgerIsEmpty: Bool
        var listReaders: [any LedgerReader] = []
        var loaderReader: any LedgerReader
    }

    private func inLedger<T>(_ body: () throws(LedgerError) -> T) throws(EngineStartError) -> T {
        do throws(LedgerError) { return try body() } catch { throw .ledger(error) }
    }

    private func inLog<T>(_ body: () throws(EventLogError) -> T) throws(EngineStartError) -> T {
        do throws(EventLogError) { return try body() } catch {
            throw .log(error, dataDirectory: options.dataDirectory)
        }
    }

    /// The reactions, each with the code that it has had from its first use on.
    package func settleReactions() throws(EngineStartError) -> ReactionSet {
        let known = try inLedger { () throws(LedgerError) in try ledger.makeReader().reactions() }
        let set: ReactionSet
        do throws(ReactionSet.Problem) {
            set = try ReactionSet(options.reactions, known: known)
        } catch { throw .reactions(error) }
        if set.names != known { try inLedger { () throws(LedgerError) in try ledger.setReactions(set.names) } }
        return set
    }

    /// Brings the ledger up to the end of the logs before any shard starts, where shards cannot do it themselves: when
    /// their number has changed (a content's latest records may lie with a shard that no longer owns it), or when the
    /// ledger is further behind than the overlay has room for (it was lost, and is rebuilt).
    /// - Returns: whether that was needed.
    @discardableResult
    package func drainIfNeeded() throws(EngineStartError) -> Bool {
        let positions = try inLedger { () throws(LedgerError) in try ledger.makeReader().positions() }
        let reason = try inLog { () throws(EventLogError) in try drainReason(positions) }
        guard let reason else { return false }
        logger.notice("bringing the ledger up to the log first", metadata: ["reason": "\(reason)"])
        try settleLogs()
        do throws(LogReplay.Failure) {
            let summary = try LogReplay(disk: disk, ledger: ledger, clock: clock).run(directory: options.logDirectory)
            logger.notice("the ledger holds all", metadata: ["records": "\(summary.records)"])
            return true
        } catch {
            switch error {
            case .log(let error): throw .log(error, dataDirectory: options.dataDirectory)
            case .ledger(let error): throw .ledger(error)
            }
        }
    }

    private func drainReason(_ positions: [UInt16: UInt64]) throws(EventLogError) -> String? {
        var behind = 0
        for (shard, path) in try LogFolders.shards(in: options.logDirectory, disk: disk) {
            var scan = SegmentScan(disk: disk, directory: path)
            let next = (positions[shard] ?? 0) + 1
            let isRetired = Int(shard) >= options.shards
            if isRetired {
                guard try scan.segments().first != nil else { continue }
                var hasMore = false
                _ = try scan.records(from: next) { _ in
                    hasMore = true
                    return false
                }
                if hasMore { return "shard \(shard) is no more" }
            } else if let count = try LogFolders.shardCount(path, disk: disk), count != options.shards {
                return "there were \(count) shards, and are \(options.shards)"
            } else {
                behind += try scan.segments().count { $0.firstSequence > next } * options.segmentBytes
            }
        }
        return behind > options.overlayBytes / 2 ? "the ledger is far behind" : nil
    }

    /// Logs of shards that are no more, and what the ledger holds of them.
    func retiredLogs() throws(EngineStartError) -> [LedgerWriter.RetiredLog] {
        let positions = try inLedger { () throws(LedgerError) in try ledger.makeReader().positions() }
        return try inLog { () throws(EventLogError) in
            try LogFolders.shards(in: options.logDirectory, disk: disk).filter { Int($0.shard) >= options.shards }
        }.map { LedgerWriter.RetiredLog(directory: $0.path, held: positions[$0.shard] ?? 0) }
    }

    /// Makes all that the logs hold durable, also those of shards that are no more: the ledger must never hold what a
    /// log could lose.
    private func settleLogs() throws(EngineStartError) {
        let positions = try inLedger { () throws(LedgerError) in try ledger.makeReader().positions() }
        let folders = try inLog { () throws(EventLogError) in
            try LogFolders.shards(in: options.logDirectory, disk: disk)
        }
        for (shard, path) in folders {
            let log = SegmentLog.Options(directory: path, shard: shard, segmentBytes: options.segmentBytes)
            _ = try inLog { () throws(EventLogError) in
                try SegmentLog(log, disk: disk, clock: clock, from: (positions[shard] ?? 0) + 1) { _ in }
            }
        }
    }

    func recoverShards(reactions: ReactionSet, trends: TrendBoard) throws(EngineStartError) -> Recovered {
        let now = clock.milliseconds()
        let reader = try inLedger { () throws(LedgerError) in try ledger.makeReader() }
        let positions = try inLedger { () throws(LedgerError) in try reader.positions() }
        let latest = try inLedger { () throws(LedgerError) in try reader.latestReading() }
        let isEmpty = try inLedger { () throws(LedgerError) in
            try reader.contents(after: 0, limit: 1) { _ in } == nil
        }
        trends.restore(
            try inLedger { () throws(LedgerError) in try reader.trends(since: now &- min(now, 90_000_000)) }, at: now)
        var recovered = Recovered(
            answers: try inLedger { () throws(LedgerError) in try reader.answers(unexpiredAt: now) },
            ledgerIsEmpty: isEmpty, loaderReader: reader)
        for shard in 0..<options.shards {
            let opened = try open(
                UInt16(shard), held: positions[UInt16(shard)] ?? 0, latest: latest, ledgerIsEmpty: isEmpty,
                reactions: reactions, trends: trends)
            recovered.answers += opened.core.unsavedAnswers.filter { $0.expires > now }
            recovered.shards.append(opened)
        }
        for _ in 0..<max(1, options.readers) {
            recovered.listReaders.append(try inLedger { () throws(LedgerError) in try ledger.makeReader() })
        }
        return recovered
    }

    private func open(
        _ shard: UInt16, held: UInt64, latest: UInt64, ledgerIsEmpty: Bool, reactions: ReactionSet, trends: TrendBoard
    ) throws(EngineStartError) -> OpenedShard {
        let directory = CountDirectory()
        let core = ShardCore(
            ShardOptions(
                shard: shard, shards: options.shards, region: options.region, seed: seed,
                strictContent: options.strictContent, overlayBytes: options.overlayBytes / options.shards,
                contentBytes: options.contentBytes / options.shards,
                generationBytes: min(64 << 20, max(1 << 20, options.overlayBytes / options.shards / 8)),
                filters: options.filters != .off),
            reader: try inLedger { () throws(LedgerError) in try ledger.makeReader() }, clock: clock,
            directory: directory, trends: trends, metrics: ShardMetrics(shard: shard), committed: held,
            latestReading: latest, ledgerIsEmpty: ledgerIsEmpty)
        var failure: LedgerError?
        let log = try inLog { () throws(EventLogError) in
            try SegmentLog(
                SegmentLog.Options(
                    directory: LogFolders.path(ofShard: shard, in: options.logDirectory), shard: shard,
                    region: options.region, shards: UInt16(options.shards), reactions: reactions.names,
                    sync: options.sync, segmentBytes: options.segmentBytes),
                disk: disk, clock: clock, from: held + 1, metrics: LogMetrics(shard: shard)
            ) { record in
                guard failure == nil else { return }
                do throws(LedgerError) { try core.recover(record) } catch { failure = error }
            }
        }
        if let failure { throw .ledger(failure) }
        core.start(log)
        if log.recovery.tornBytes > 0 {
            logger.warning(
                "cut off bytes at the end of the log that are no whole record: a write that the last run did not finish",
                metadata: ["shard": "\(shard)", "bytes": "\(log.recovery.tornBytes)"])
        }
        return OpenedShard(core: core, log: log, directory: directory)
    }
}
