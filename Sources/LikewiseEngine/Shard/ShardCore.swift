// A shard: the single writer for a share of the contents. Logic only: no thread, no lock, no waiting but for the log.
//
// One call of `process` takes a batch through the four steps of the design: evaluate, append and sync, publish, answer.
// Evaluation changes the shard's state at once, so that the next intent of the batch sees it; what was there before is
// kept until the batch is durable, and put back where the log could not take it. Nothing of a batch is published,
// handed to the ledger or answered before that.

import LikewiseCore

package struct ShardOptions: Sendable {
    package var shard: UInt16
    package var shards: Int
    package var region: UInt16
    /// Keys the hashes of this process; intents must be made with the same.
    package var seed: UInt64
    /// Whether likes of contents that nobody registered are refused (`--content strict`).
    package var strictContent: Bool
    /// Bytes that the overlay may take before writes are refused.
    package var overlayBytes: Int
    /// Bytes that loaded contents and their filters may take before the least used are unloaded.
    package var contentBytes: Int
    /// Bytes at which a generation is handed to the ledger even while the ledger is busy.
    package var generationBytes: Int
    /// Whether filters are used at all; without them every answer is the same, only slower.
    package var filters: Bool

    package init(
        shard: UInt16 = 0, shards: Int = 1, region: UInt16 = 0, seed: UInt64, strictContent: Bool = false,
        overlayBytes: Int = 256 << 20, contentBytes: Int = 256 << 20, generationBytes: Int = 32 << 20,
        filters: Bool = true
    ) {
        self.shard = shard
        self.shards = shards
        self.region = region
        self.seed = seed
        self.strictContent = strictContent
        self.overlayBytes = overlayBytes
        self.contentBytes = contentBytes
        self.generationBytes = generationBytes
        self.filters = filters
    }
}

package final class ShardCore {
    /// Lookups in the ledger for one content before its filter is loaded.
    private static let missesBeforeFilterLoad: UInt32 = 16
    /// Contents looked at for unloading after a batch.
    private static let sweepSteps = 512

    let options: ShardOptions
    let reader: any LedgerReader
    let clock: any EngineClock
    let directory: CountDirectory
    let trends: TrendBoard
    private let metrics: ShardMetrics

    var log: (any EventLog)?
    let table = ContentTable()
    /// Oldest first; the last one is being filled.
    var generations: [Generation]
    var hybrid: HybridClock
    /// Log records up to this one are in the ledger.
    package var committedSequence: UInt64

    /// Contents that the ledger may hold; absence is proof once `knowsAllContents`.
    var knownContents = FingerprintFilter()
    package var knowsAllContents: Bool
    var filterBytes = 0
    private var nextFilterEpoch: UInt32 = 1
    private var filterRequests: [FilterRequest] = []

    /// What kept the last batch from the log; nil if nothing did.
    package private(set) var storage: EventLogError?

    private var buffer = LogBuffer(capacity: 1 << 20)
    private var batch: UInt64 = 1
    private var changed: [Saved] = []
    private var trending: [UInt32] = []

    /// A content as it was before a batch, to be put back if the batch is not written.
    private struct Saved {
        var slot: UInt32
        var tally: Tally
        var description: ContentDescription
        var deleted: Version
        var deletedSequence: UInt64
        var lastSequence: UInt64
        var gained: Int64
    }

    /// - Parameter ledgerIsEmpty: whether the ledger knows no content, so that nothing need be asked of it.
    package init(
        _ options: ShardOptions, reader: any LedgerReader, clock: any EngineClock, directory: CountDirectory,
        trends: TrendBoard, metrics: ShardMetrics = ShardMetrics(shard: 0), committed: UInt64, latestReading: UInt64,
        ledgerIsEmpty: Bool
    ) {
        self.options = options
        self.reader = reader
        self.clock = clock
        self.directory = directory
        self.trends = trends
        self.metrics = metrics
        committedSequence = committed
        hybrid = HybridClock(region: options.region, last: latestReading)
        generations = [Generation(number: 1, firstSequence: committed + 1)]
        knowsAllContents = ledgerIsEmpty && options.filters
    }

    /// Begins to take intents, with a log whose records have all been given to `recover`.
    package func start(_ log: any EventLog) {
        self.log = log
        publish()
    }

    var current: Generation { generations[generations.count - 1] }

    /// Keys the hashes of this process.
    package var seed: UInt64 { options.seed }

    /// Bytes of what the ledger does not hold yet.
    package var overlayBytes: Int { generations.reduce(0) { $0 + $1.memoryBytes } }
    /// How far the ledger is behind the log: records, and the age of the oldest in milliseconds.
    package var ledgerLag: (records: UInt64, milliseconds: UInt64) {
        guard let log, log.nextSequence > committedSequence + 1, let oldest = generations.first?.firstReading else {
            return (0, 0)
        }
        let now = clock.milliseconds()
        return (log.nextSequence - 1 - committedSequence, now - min(now, oldest >> 16))
    }
    package var loadedContents: Int { table.count }
    package var contentBytes: Int { table.memoryBytes + filterBytes + knownContents.memoryBytes }

    // MARK: A batch

    /// Takes `groups` as one batch and completes each. What was answered with `done` and a change is as durable as the
    /// log's sync policy says.
    package func process(_ groups: [IntentGroup]) {
        guard let log else { preconditionFailure("a shard got intents before it was started") }
        batch += 1
        buffer.removeAll()
        changed.removeAll(keepingCapacity: true)
        let refusal = admission(groups, log)
        let mark = current.mark
        let clockBefore = hybrid
        let now = clock.milliseconds()
        for group in groups { evaluate(group, refusal: refusal, now: now, log) }
        if buffer.records > 0 {
            do throws(EventLogError) {
                try log.append(buffer)
            } catch {
                takeBack(mark, clockBefore)
                let status = status(of: error)
                for group in groups { group.fail(status) }
            }
        }
        publish()
        metrics.batch(intents: groups.reduce(0) { $0 + $1.count }, records: buffer.records)
        for group in groups { group.complete(group) }
        unloadIfOverBudget()
    }

    /// Why this batch may change nothing; nil if it may. Decided before anything is evaluated (invariant 6).
    private func admission(_ groups: [IntentGroup], _ log: any EventLog) -> Outcome.Status? {
        let bytes = groups.reduce(0) { $0 + $1.logBytes }
        storage = nil
        if overlayBytes + bytes > options.overlayBytes { return .overloaded }
        do throws(EventLogError) {
            try log.prepare(bytes: bytes)
        } catch { return status(of: error) }
        return nil
    }

    private func status(of error: EventLogError) -> Outcome.Status {
        metrics.storageError(error)
        storage = error
        if case .full = error { return .storageFull }
        return .storageFailed
    }

    private func evaluate(_ group: IntentGroup, refusal: Outcome.Status?, now: UInt64, _ log: any EventLog) {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(group.count)
        let wantsTallies = group.wantsTallies
        group.bytes.withUnsafeBytes { bytes in
            group.intents.withUnsafeBufferPointer { intents in
                for intent in intents {
                    let ids = IntentIDs(intent, bytes)
                    var outcome: Outcome
                    if let refusal, intent.action != .read {
                        outcome = Outcome(status: refusal)
                    } else {
                        do throws(LedgerError) {
                            outcome = try evaluate(intent, ids, now: now, wantsTally: wantsTallies, log)
                        } catch {
                            metrics.ledgerError(error)
                            outcome = Outcome(status: .ledgerFailed)
                        }
                        if intent.answer >= 0 { store(group.answers[Int(intent.answer)], outcome, ids, log) }
                    }
                    outcomes.append(outcome)
                }
            }
        }
        group.outcomes = outcomes
    }

    private func evaluate(
        _ intent: Intent, _ ids: IntentIDs, now: UInt64, wantsTally: Bool, _ log: any EventLog
    ) throws(LedgerError) -> Outcome {
        var outcome = Outcome(status: .done)
        if intent.action == .remember { return outcome }
        let mayCreate = intent.action == .putContent || (intent.action == .react && !options.strictContent)
        guard let slot = try find(ids.content, hash: intent.contentHash, create: mayCreate) else {
            if options.strictContent || intent.action == .deleteContent { outcome.status = .contentNotFound }
            return outcome
        }
        let state = table[slot]
        state.pointee.isRecent = true
        if options.strictContent, !state.pointee.description.registered, intent.action != .putContent {
            outcome.status = .contentNotFound
            return outcome
        }
        switch intent.action {
        case .putContent: put(slot, intent, ids, now: now, log)
        case .deleteContent:
            // By what the ledger keeps too, so that the answer is the same when the content was unloaded in between.
            guard state.pointee.description != ContentDescription() || state.pointee.tally.total > 0 else {
                outcome.status = .contentNotFound
                return outcome
            }
            delete(slot, ids, now: now, log)
        case .read, .react, .clear:
            guard intent.userLength > 0 else { break }
            try react(slot, intent, ids, now: now, &outcome, log)
        case .remember: break
        }
        if wantsTally { outcome.tally = state.pointee.tally }
        if intent.userLength == 0 { outcome.description = state.pointee.description }
        return outcome
    }

    @inline(__always)
    private func react(
        _ slot: UInt32, _ intent: Intent, _ ids: IntentIDs, now: UInt64, _ outcome: inout Outcome, _ log: any EventLog
    ) throws(LedgerError) {
        let register = try register(slot, intent, ids)
        outcome.old = register.reaction
        outcome.new = register.reaction
        outcome.version = register.version
        guard intent.action != .read else { return }
        let wanted = intent.action == .react ? intent.reaction : .none
        guard let transition = register.evaluate(wanted, clock: &hybrid, milliseconds: now) else { return }
        outcome.new = transition.new
        outcome.version = transition.version
        save(slot)
        let state = table[slot]
        let sequence = log.nextSequence + UInt64(buffer.records)
        let tellsType = intent.typeLength > 0 && state.pointee.description.type.isEmpty
        let extra = tellsType ? ids.type : UnsafeRawBufferPointer(start: nil, count: 0)
        buffer.append(
            LogBuffer.Header(
                kind: .transition, sequence: sequence, unsynced: unsynced(sequence, log), old: transition.old,
                new: transition.new.rawValue, version: transition.version),
            content: ids.content, user: ids.user, extra: extra)
        if tellsType { state.pointee.description.type = Array(ids.type) }
        apply(
            transition, to: slot, user: ids.user, keyHash: intent.keyHash, sequence: sequence,
            description: tellsType ? state.pointee.description : nil)
    }

    /// Brings a durable or about-to-be durable transition into tally, filter and overlay.
    @inline(__always)
    func apply(
        _ transition: Transition, to slot: UInt32, user: UnsafeRawBufferPointer, keyHash: UInt64, sequence: UInt64,
        description: ContentDescription?
    ) {
        let state = table[slot]
        state.pointee.tally.apply(old: transition.old, new: transition.new)
        state.pointee.lastSequence = sequence
        if !state.pointee.isTrending {
            state.pointee.isTrending = true
            trending.append(slot)
        }
        state.pointee.gained += (transition.new == .none ? 0 : 1) - (transition.old == .none ? 0 : 1)
        let index = place(slot)
        if let description {
            current.append(
                Generation.ContentEvent(content: index, sequence: sequence, description: description, deleted: nil))
        }
        current.append(content: index, keyHash: keyHash, user: user, transition: transition, sequence: sequence)
    }

    private func put(_ slot: UInt32, _ intent: Intent, _ ids: IntentIDs, now: UInt64, _ log: any EventLog) {
        let description = ContentDescription(type: Array(ids.type), visibility: intent.visibility, registered: true)
        guard description != table[slot].pointee.description else { return }
        save(slot)
        let sequence = log.nextSequence + UInt64(buffer.records)
        let version = hybrid.next(milliseconds: now)
        buffer.append(
            LogBuffer.Header(
                kind: .contentPut, sequence: sequence, unsynced: unsynced(sequence, log),
                new: intent.visibility.rawValue, version: version),
            content: ids.content, user: UnsafeRawBufferPointer(start: nil, count: 0), extra: ids.type)
        describe(slot, description, sequence: sequence)
    }

    func describe(_ slot: UInt32, _ description: ContentDescription, sequence: UInt64) {
        let state = table[slot]
        state.pointee.description = description
        state.pointee.lastSequence = sequence
        current.append(
            Generation.ContentEvent(content: place(slot), sequence: sequence, description: description, deleted: nil))
    }

    private func delete(_ slot: UInt32, _ ids: IntentIDs, now: UInt64, _ log: any EventLog) {
        save(slot)
        let sequence = log.nextSequence + UInt64(buffer.records)
        let version = hybrid.next(milliseconds: now)
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        buffer.append(
            LogBuffer.Header(
                kind: .contentDeleted, sequence: sequence, unsynced: unsynced(sequence, log), version: version),
            content: ids.content, user: nothing, extra: nothing)
        markDeleted(slot, version, sequence: sequence)
    }

    func markDeleted(_ slot: UInt32, _ version: Version, sequence: UInt64) {
        let state = table[slot]
        state.pointee.tally = Tally()
        state.pointee.description = ContentDescription()
        state.pointee.deleted = version
        state.pointee.deletedSequence = sequence
        state.pointee.lastSequence = sequence
        state.pointee.ledgerKey = nil
        dropFilter(slot)
        current.append(
            Generation.ContentEvent(content: place(slot), sequence: sequence, description: nil, deleted: version))
    }

    private func store(_ answer: StoredAnswer, _ outcome: Outcome, _ ids: IntentIDs, _ log: any EventLog) {
        guard outcome.status == .done || outcome.status == .contentNotFound else { return }
        var answer = answer
        if answer.payload.isEmpty { answer.payload = OutcomeCodec.encode(outcome) }
        let sequence = log.nextSequence + UInt64(buffer.records)
        let fingerprint = withUnsafeBytes(of: answer.fingerprint.littleEndian) { Array($0) }
        answer.key.withUnsafeBytes { key in
            (fingerprint + answer.payload).withUnsafeBytes { payload in
                buffer.append(
                    LogBuffer.Header(
                        kind: .answer, sequence: sequence, unsynced: unsynced(sequence, log),
                        version: Version(reading: answer.expires, region: options.region)),
                    content: UnsafeRawBufferPointer(start: nil, count: 0), user: key, extra: payload)
            }
        }
        current.append(answer, sequence: sequence)
    }

    @inline(__always)
    private func unsynced(_ sequence: UInt64, _ log: any EventLog) -> UInt32 {
        UInt32(clamping: sequence - log.durableSequence)
    }

    // MARK: State of a content

    /// The place of the content in the newest generation.
    @inline(__always)
    private func place(_ slot: UInt32) -> UInt32 {
        let state = table[slot]
        let current = current
        if state.pointee.generation != current.number {
            state.pointee.generationIndex = current.add(content: slot, id: state.pointee.cell.id)
            state.pointee.generation = current.number
        }
        return state.pointee.generationIndex
    }

    @inline(__always)
    func save(_ slot: UInt32) {
        let state = table[slot]
        guard state.pointee.changedInBatch != batch else { return }
        state.pointee.changedInBatch = batch
        changed.append(
            Saved(
                slot: slot, tally: state.pointee.tally, description: state.pointee.description,
                deleted: state.pointee.deleted, deletedSequence: state.pointee.deletedSequence,
                lastSequence: state.pointee.lastSequence, gained: state.pointee.gained))
    }

    private func takeBack(_ mark: Generation.Mark, _ clock: HybridClock) {
        for saved in changed {
            let state = table[saved.slot]
            state.pointee.tally = saved.tally
            state.pointee.description = saved.description
            state.pointee.deleted = saved.deleted
            state.pointee.deletedSequence = saved.deletedSequence
            state.pointee.lastSequence = saved.lastSequence
            state.pointee.gained = saved.gained
        }
        current.rollBack(to: mark)
        hybrid = clock
        changed.removeAll(keepingCapacity: true)
        buffer.removeAll()
    }

    func publish() {
        for saved in changed {
            let state = table[saved.slot]
            state.pointee.cell.publish(state.pointee.tally, state.pointee.description)
        }
    }

    /// The slot of a content, loaded where the table does not hold it; nil where there is none and `create` is false.
    @inline(__always)
    func find(_ id: UnsafeRawBufferPointer, hash: UInt64, create: Bool) throws(LedgerError) -> UInt32? {
        if let slot = table.find(hash, id) { return slot }
        return try load(id, hash: hash, create: create)
    }

    private func load(_ id: UnsafeRawBufferPointer, hash: UInt64, create: Bool) throws(LedgerError) -> UInt32? {
        let fingerprint = FingerprintFilter.fingerprint(hash)
        var known: LedgerContent?
        let bytes = Array(id)
        if !knowsAllContents || knownContents.contains(fingerprint) { known = try reader.content(bytes) }
        guard known != nil || create else { return nil }
        if options.filters { _ = knownContents.insert(fingerprint) }
        let tally = known?.tally ?? Tally()
        let description = known?.description ?? ContentDescription()
        let cell = PublishedCell(id: bytes, PublishedContent(tally: tally, description: description))
        directory.insert(cell, hash: hash)
        return table.insert(
            ContentState(
                cell: cell, hash: hash, tally: tally, description: description, ledgerKey: known?.key,
                filterIsComplete: known == nil && options.filters, deleted: known?.deleted ?? .zero))
    }

    // MARK: Registers

    /// The register as all that came before leaves it: filter, then overlay, then ledger.
    @inline(__always)
    private func register(_ slot: UInt32, _ intent: Intent, _ ids: IntentIDs) throws(LedgerError) -> Register {
        let state = table[slot]
        if options.filters {
            let fingerprint = FingerprintFilter.fingerprint(intent.keyHash)
            if intent.action == .react {
                let before = state.pointee.filter.memoryBytes
                let isNew = state.pointee.filter.insert(fingerprint)
                filterBytes += state.pointee.filter.memoryBytes - before
                if isNew && state.pointee.filterIsComplete { return .untouched }
            } else if state.pointee.filterIsComplete, !state.pointee.filter.contains(fingerprint) {
                return .untouched
            }
        }
        return try heldRegister(slot, intent, ids)
    }

    private func heldRegister(_ slot: UInt32, _ intent: Intent, _ ids: IntentIDs) throws(LedgerError) -> Register {
        let state = table[slot]
        if state.pointee.lastSequence > committedSequence {
            for generation in generations.reversed() {
                guard let entry = generation.find(slot: slot, keyHash: intent.keyHash, user: ids.user) else { continue }
                let isDeleted = generation.sequence(of: entry) < state.pointee.deletedSequence
                return isDeleted ? .untouched : entry.register
            }
        }
        // The ledger may still hold what a deletion has ended.
        if state.pointee.deletedSequence > committedSequence { return .untouched }
        if state.pointee.ledgerKey == nil { state.pointee.ledgerKey = try reader.content(Array(ids.content))?.key }
        guard let key = state.pointee.ledgerKey else { return .untouched }
        wantFilter(slot, key)
        return try reader.register(content: key, user: ids.user)
    }

    // MARK: Filters

    /// A content's filter, to be filled from the ledger by somebody who may wait.
    package struct FilterRequest: Sendable {
        package var slot: UInt32
        package var key: Int64
        package var contentHash: UInt64
        package var epoch: UInt32
    }

    private func wantFilter(_ slot: UInt32, _ key: Int64) {
        let state = table[slot]
        guard options.filters, !state.pointee.filterIsComplete, state.pointee.filterEpoch == 0,
            state.pointee.filterDroppedAt <= committedSequence
        else { return }
        state.pointee.filterMisses += 1
        guard state.pointee.filterMisses >= ShardCore.missesBeforeFilterLoad else { return }
        state.pointee.filterMisses = 0
        state.pointee.filterEpoch = nextFilterEpoch
        filterRequests.append(
            FilterRequest(slot: slot, key: key, contentHash: state.pointee.hash, epoch: nextFilterEpoch))
        nextFilterEpoch = nextFilterEpoch == .max ? 1 : nextFilterEpoch + 1
    }

    /// Filters that are worth loading, each named once.
    package func takeFilterRequests() -> [FilterRequest] {
        defer { filterRequests.removeAll() }
        return filterRequests
    }

    /// Adds users that the ledger holds to the filter that asked for them; with `isLast`, the filter is complete. What
    /// the filter of an unloaded or deleted content asked for is passed over.
    package func addToFilter(_ request: FilterRequest, keyHashes: [UInt64], isLast: Bool) {
        guard table.isLoaded(request.slot) else { return }
        let state = table[request.slot]
        guard state.pointee.filterEpoch == request.epoch else { return }
        let before = state.pointee.filter.memoryBytes
        for hash in keyHashes { _ = state.pointee.filter.insert(FingerprintFilter.fingerprint(hash)) }
        filterBytes += state.pointee.filter.memoryBytes - before
        if isLast {
            state.pointee.filterIsComplete = true
            state.pointee.filterEpoch = 0
        }
    }

    /// Forgets a request that could not be served, so that it can be made again.
    package func dropFilterRequest(_ request: FilterRequest) {
        guard table.isLoaded(request.slot), table[request.slot].pointee.filterEpoch == request.epoch else { return }
        table[request.slot].pointee.filterEpoch = 0
    }

    /// Adds contents of the ledger to what is known of it; with `isLast`, all are known.
    package func addKnownContents(hashes: [UInt64], isLast: Bool) {
        guard options.filters else { return }
        for hash in hashes { _ = knownContents.insert(FingerprintFilter.fingerprint(hash)) }
        if isLast { knowsAllContents = true }
    }

    /// Empties a content's filter. It is loaded again only when the ledger holds all that the overlay holds now.
    package func dropFilter(_ slot: UInt32) {
        let state = table[slot]
        filterBytes -= state.pointee.filter.memoryBytes
        state.pointee.filter = FingerprintFilter()
        state.pointee.filterIsComplete = false
        state.pointee.filterEpoch = 0
        state.pointee.filterMisses = 0
        state.pointee.filterDroppedAt = state.pointee.lastSequence
    }

    // MARK: Ledger and memory

    /// Ends the newest generation and answers it, for the ledger to take; nil if there is nothing in it. All of it is
    /// on stable storage then.
    package func seal() throws(EventLogError) -> Generation? {
        guard !current.isEmpty else { return nil }
        try log?.sync()
        let sealed = current
        sealed.seal()
        generations.append(Generation(number: sealed.number &+ 1, firstSequence: sealed.lastSequence + 1))
        return sealed
    }

    /// Whether the newest generation should be sealed even while the ledger is busy.
    package var isGenerationLarge: Bool { current.memoryBytes >= options.generationBytes }

    /// The sealed generations that the ledger does not hold yet, oldest first.
    package var sealedGenerations: [Generation] { Array(generations.dropLast()) }

    /// Answers that the ledger does not hold yet.
    package var unsavedAnswers: [StoredAnswer] { generations.flatMap(\.answers) }

    /// The ledger holds all up to the generation `number`.
    package func committed(through number: UInt32) {
        while let first = generations.first, first.isSealed, first.number <= number {
            committedSequence = first.lastSequence
            generations.removeFirst()
        }
    }

    /// The slot of a content that is loaded.
    package func slot(of content: UnsafeRawBufferPointer) -> UInt32? {
        table.find(Hash64.of(content, seed: options.seed), content)
    }

    private func unloadIfOverBudget() {
        guard contentBytes > options.contentBytes else { return }
        table.sweep(steps: ShardCore.sweepSteps) { unload($0) }
    }

    /// Unloads a content whose changes the ledger holds.
    package func unload(_ slot: UInt32) {
        let state = table[slot]
        guard state.pointee.lastSequence <= committedSequence, !state.pointee.isTrending else { return }
        filterBytes -= state.pointee.filter.memoryBytes
        directory.remove(state.pointee.cell, hash: state.pointee.hash)
        table.remove(slot)
    }

    /// Tells the trends what was gained since the last call.
    package func reportTrends() {
        guard !trending.isEmpty else { return }
        var gains: [TrendBucket.Entry] = []
        gains.reserveCapacity(trending.count)
        for slot in trending {
            let state = table[slot]
            state.pointee.isTrending = false
            guard state.pointee.gained != 0 else { continue }
            gains.append(TrendBucket.Entry(content: state.pointee.cell.id, gained: state.pointee.gained))
            state.pointee.gained = 0
        }
        trending.removeAll(keepingCapacity: true)
        trends.add(gains, at: clock.milliseconds())
    }
}

/// An intent's ids, in the group's bytes.
struct IntentIDs {
    let content: UnsafeRawBufferPointer
    let user: UnsafeRawBufferPointer
    let type: UnsafeRawBufferPointer

    @inline(__always)
    init(_ intent: Intent, _ bytes: UnsafeRawBufferPointer) {
        let start = Int(intent.offset)
        let userStart = start + Int(intent.contentLength)
        let typeStart = userStart + Int(intent.userLength)
        content = UnsafeRawBufferPointer(rebasing: bytes[start..<userStart])
        user = UnsafeRawBufferPointer(rebasing: bytes[userStart..<typeStart])
        type = UnsafeRawBufferPointer(rebasing: bytes[typeStart..<(typeStart + Int(intent.typeLength))])
    }
}
