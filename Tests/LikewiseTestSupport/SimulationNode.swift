// The engine of a simulated history, wired as `Engine` wires it and stepped by the test: no threads, and every queue between
// the shards, the ledger writer and the filter loader moves only when a step says so.

import LikewiseCore
import LikewiseEngine
import Logging

/// A running engine; gone with the next crash.
final class SimulationNode {
    static let logDirectory = "/data/log"

    /// What a shard is told beside intents, in the order in which it was sent.
    enum Message {
        case committed(UInt32)
        case filter(ShardCore.FilterRequest, [UInt64], isLast: Bool)
        case filterFailed(ShardCore.FilterRequest)
        case known([UInt64], isLast: Bool)
    }

    final class Shard {
        let number: UInt16
        let core: ShardCore
        let log: SegmentLog
        let directory: CountDirectory
        var messages: [Message] = []
        /// The log failed: nothing is written any more.
        var hasFailed = false

        init(number: UInt16, core: ShardCore, log: SegmentLog, directory: CountDirectory) {
            self.number = number
            self.core = core
            self.log = log
            self.directory = directory
        }

        /// Takes all messages that wait.
        func takeMessages() {
            for message in messages {
                switch message {
                case .committed(let number): core.committed(through: number)
                case .filter(let request, let hashes, let isLast):
                    core.addToFilter(request, keyHashes: hashes, isLast: isLast)
                case .filterFailed(let request): core.dropFilterRequest(request)
                case .known(let hashes, let isLast): core.addKnownContents(hashes: hashes, isLast: isLast)
                }
            }
            messages.removeAll()
        }
    }

    private enum LoaderJob {
        case filter(shard: Int, ShardCore.FilterRequest, after: [UInt8])
        case known(after: Int64)
    }

    let run: SimulationRun
    let disk: SimulatedDisk
    let clock: SimulatedClock
    let ledger: UnreliableLedger
    let trends = TrendBoard()
    private(set) var shards: [Shard] = []
    private(set) var answers: [StoredAnswer] = []
    /// Whether the start brought the ledger up to all logs first.
    let hasDrained: Bool

    private var sealed: [UInt16: [Generation]] = [:]
    private var inFlight: (work: [UInt16: [Generation]], batches: [LedgerBatch])?
    private(set) var held: [UInt16: UInt64] = [:]
    private var loaderJobs: [LoaderJob] = []
    private let reader: any LedgerReader
    var summary = SimulationSummary()

    init(
        _ run: SimulationRun, _ traits: SimulationTraits, disk: SimulatedDisk, clock: SimulatedClock,
        ledger: UnreliableLedger, doubling: Int?
    ) throws {
        self.run = run
        self.disk = disk
        self.clock = clock
        self.ledger = ledger
        var options = EngineOptions(dataDirectory: "/data")
        options.shards = run.shards
        options.segmentBytes = run.segmentBytes
        let start = EngineStart(
            options: options, disk: disk, clock: clock, ledger: ledger, seed: run.hashSeed,
            logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() })
        let reactions = try start.settleReactions()
        hasDrained = try start.drainIfNeeded()
        reader = try ledger.makeReader()
        let positions = try reader.positions()
        let now = clock.milliseconds()
        answers = try reader.answers(unexpiredAt: now)
        let isEmpty = try reader.contents(after: 0, limit: 1) { _ in } == nil
        for number in 0..<run.shards {
            let shard = try open(
                UInt16(number), traits, held: positions[UInt16(number)] ?? 0, latest: try reader.latestReading(),
                isEmpty: isEmpty, reactions: reactions.names, doubling: doubling)
            answers += shard.core.unsavedAnswers.filter { $0.expires > now }
            summary.tornBytes += shard.log.recovery.tornBytes
            summary.recoveredRecords += shard.log.recovery.records
            sealed[shard.number] = shard.core.sealedGenerations
            if sealed[shard.number]?.isEmpty == true { sealed[shard.number] = nil }
            shards.append(shard)
        }
        if !isEmpty && run.filters { loaderJobs.append(.known(after: 0)) }
    }

    private func open(
        _ number: UInt16, _ traits: SimulationTraits, held: UInt64, latest: UInt64, isEmpty: Bool,
        reactions: [String], doubling: Int?
    ) throws -> Shard {
        let directory = CountDirectory()
        var options = ShardOptions(
            shard: number, shards: run.shards, seed: run.hashSeed, strictContent: traits.strictContent,
            overlayBytes: run.overlayBytes, contentBytes: run.contentBytes, generationBytes: run.generationBytes,
            filters: run.filters)
        options.readAheadFrom = run.readAheadFrom
        let core = ShardCore(
            options, reader: try ledger.makeReader(), clock: clock, directory: directory, trends: trends,
            committed: held,
            latestReading: latest, ledgerIsEmpty: isEmpty)
        var failure: LedgerError?
        var left = doubling ?? -1
        let log = try SegmentLog(
            SegmentLog.Options(
                directory: LogFolders.path(ofShard: number, in: Self.logDirectory), shard: number,
                shards: UInt16(run.shards), reactions: reactions, sync: traits.sync, segmentBytes: run.segmentBytes),
            disk: disk, clock: clock, from: held + 1
        ) { record in
            guard failure == nil else { return }
            do throws(LedgerError) {
                try core.recover(record)
                if record.kind == .transition && record.old == .none && record.new != .none {
                    if left == 0 { try core.recover(record) }
                    left -= 1
                }
            } catch { failure = error }
        }
        if let failure { throw failure }
        core.start(log)
        return Shard(number: number, core: core, log: log, directory: directory)
    }

    // MARK: The ledger writer

    /// Seals what the shard has and gives it to the ledger writer, as far as the log can be synced.
    func handOver(_ shard: Shard) {
        guard let generation = try? shard.core.seal() else { return }
        sealed[shard.number, default: []].append(generation)
    }

    var hasLedgerWork: Bool { inFlight != nil || !sealed.isEmpty }

    /// Writes one transaction, or tries the one that failed once more; how many generations of a shard it may take is
    /// up to `limit`.
    func writeLedger(limit: Int) {
        if inFlight == nil {
            guard !sealed.isEmpty else { return }
            var work: [UInt16: [Generation]] = [:]
            for (shard, waiting) in sealed {
                work[shard] = Array(waiting.prefix(limit))
                sealed[shard] = limit < waiting.count ? Array(waiting[limit...]) : nil
            }
            let now = clock.milliseconds()
            var batches = work.sorted { $0.key < $1.key }.map { shard, generations in
                LedgerBatchBuilder.build(generations, shard: shard, now: now)
            }
            batches[0].trends = trends.takeUnsaved()
            inFlight = (work, batches)
        }
        guard let (work, batches) = inFlight else { return }
        do throws(LedgerError) {
            try ledger.apply(batches)
        } catch {
            summary.ledgerFailures += 1
            return
        }
        summary.ledgerWrites += 1
        inFlight = nil
        for (shard, generations) in work {
            guard let last = generations.last else { continue }
            held[shard] = last.lastSequence
            shards[Int(shard)].messages.append(.committed(last.number))
        }
    }

    func applyRetention(milliseconds: UInt64) {
        let retention = LogRetention(disk: disk, milliseconds: milliseconds)
        for shard in shards {
            guard let sequence = held[shard.number] else { continue }
            let directory = LogFolders.path(ofShard: shard.number, in: Self.logDirectory)
            let removed = try? retention.apply(directory: directory, held: sequence, now: clock.milliseconds())
            summary.segmentsRemoved += removed ?? 0
        }
    }

    // MARK: The filter loader

    func requestFilters(_ requests: [ShardCore.FilterRequest], shard: Int) {
        for request in requests { loaderJobs.append(.filter(shard: shard, request, after: [])) }
    }

    /// Does one piece of one job.
    func load(limit: Int) {
        guard !loaderJobs.isEmpty else { return }
        switch loaderJobs.removeFirst() {
        case .filter(let shard, let request, let after): loadFilter(shard, request, after, limit)
        case .known(let after): loadKnown(after, limit)
        }
    }

    private func loadFilter(_ shard: Int, _ request: ShardCore.FilterRequest, _ after: [UInt8], _ limit: Int) {
        var hashes: [UInt64] = []
        do throws(LedgerError) {
            let next = try reader.users(ofContent: request.key, after: after, limit: limit) { user in
                hashes.append(Hash64.combine(request.contentHash, Hash64.of(user, seed: run.hashSeed)))
            }
            shards[shard].messages.append(.filter(request, hashes, isLast: next == nil))
            if let next {
                loaderJobs.insert(.filter(shard: shard, request, after: next), at: 0)
            } else {
                summary.filtersLoaded += 1
            }
        } catch { shards[shard].messages.append(.filterFailed(request)) }
    }

    private func loadKnown(_ after: Int64, _ limit: Int) {
        var hashes = [[UInt64]](repeating: [], count: shards.count)
        do throws(LedgerError) {
            let next = try reader.contents(after: after, limit: limit) { id in
                let shard = shards.count == 1 ? 0 : Hash64.jump(Hash64.of(id, seed: 0), shards: shards.count)
                hashes[shard].append(Hash64.of(id, seed: run.hashSeed))
            }
            for (shard, hashes) in zip(shards, hashes) { shard.messages.append(.known(hashes, isLast: next == nil)) }
            if let next { loaderJobs.insert(.known(after: next), at: 0) }
        } catch {
            // Not all contents are known then, and the shards go on asking the ledger.
        }
    }
}
