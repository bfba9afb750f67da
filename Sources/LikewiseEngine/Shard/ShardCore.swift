// A shard: the single writer for a share of the contents. Logic only: no thread, no lock, no waiting but for the log.
//
// One call of `process` takes a batch through the four steps of the design: evaluate, append and sync, publish, answer.
// Evaluation changes the shard's state at once, so that the next intent of the batch sees it; what was there before is
// kept until the batch is durable, and put back where the log could not take it. Nothing of a batch is published,
// handed to the ledger or answered before that.

import LikewiseCore

package final class ShardCore {
    /// Lookups in the ledger for one content before its filter is loaded.
    static let missesBeforeFilterLoad: UInt8 = 16
    /// Contents looked at for unloading after a batch at least, and for each that was loaded since: some are in use.
    static let (sweepSteps, sweepStepsEach) = (512, 4)
    /// Contents looked at between batches, from time to time.
    static let sweepStepsAtRest = 8_192

    let options: ShardOptions
    let reader: any LedgerReader
    let clock: any EngineClock
    let trends: TrendBoard
    let metrics: ShardMetrics

    var log: (any EventLog)?
    let table: ContentTable
    var types = TypeNames()
    /// The generation that is being filled.
    var current: Generation { didSet { unretained = Unmanaged.passUnretained(current) } }
    /// `current`, for what every like does to it: counting its references up and down took a tenth of a shard's time.
    private var unretained: Unmanaged<Generation>
    @inline(__always)
    var generationNumber: UInt32 { unretained._withUnsafeGuaranteedRef { $0.number } }
    /// Those before it that the ledger does not hold, oldest first.
    package internal(set) var sealedGenerations: [Generation] = []
    var hybrid: HybridClock
    /// Log records up to this one are in the ledger.
    package var committedSequence: UInt64

    var isRoomRequested = false

    /// Contents that the ledger may hold; absence is proof once `knowsAllContents`.
    var knownContents = FingerprintFilter()
    package var knowsAllContents: Bool
    var filterBytes = 0
    /// Contents loaded since some were last unloaded.
    var loads = 0
    var nextFilterEpoch: UInt32 = 1
    var filterRequests: [FilterRequest] = []

    /// What kept the last batch from the log; nil if nothing did.
    package private(set) var storage: EventLogError?

    var buffer = LogBuffer(capacity: 1 << 20)
    private var lookahead = Lookahead()
    var ahead = ReadAhead()
    /// The sequence of this batch's first record, and of the first record that was not durable when it began.
    private var batchSequence: UInt64 = 0
    private var durable: UInt64 = 0
    var changed: [Saved] = []
    var trending: [UInt32] = []

    /// A content as it was before a batch, to be put back if the batch is not written.
    struct Saved {
        var slot: UInt32
        var tally: Tally
        var description: ContentDescription
        var deleted: Version
        var deletedSequence: UInt64
        var lastSequence: UInt64
        var gained: Int32
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
        table = ContentTable(directory)
        self.trends = trends
        self.metrics = metrics
        committedSequence = committed
        hybrid = HybridClock(region: options.region, last: latestReading)
        current = Generation(number: 1, firstSequence: committed + 1)
        unretained = Unmanaged.passUnretained(current)
        knowsAllContents = ledgerIsEmpty && options.filters
    }

    /// Begins to take intents, with a log whose records have all been given to `recover`.
    package func start(_ log: any EventLog) {
        self.log = log
        publish()
    }

    /// Keys the hashes of this process.
    package var seed: UInt64 { options.seed }

    /// Bytes of what the ledger does not hold yet.
    package var overlayBytes: Int {
        sealedGenerations.reduce(current.memoryBytes + (current.room?.bytes ?? 0)) { $0 + $1.memoryBytes }
    }
    /// What `overlayBytes` may come to. Contents that the ledger lacks changes of cannot be unloaded: what loaded contents
    /// take above their share is taken off, but for a quarter, so that the ledger always has something to take.
    package var overlayBound: Int {
        let excess = max(0, contentBytes - options.contentBytes)
        return options.overlayBytes - min(excess, options.overlayBytes / 4 * 3)
    }
    /// How far the ledger is behind the log: records, and the age of the oldest in milliseconds.
    package var ledgerLag: (records: UInt64, milliseconds: UInt64) {
        let first = sealedGenerations.first ?? current
        guard let log, log.nextSequence > committedSequence + 1, let oldest = first.firstReading else { return (0, 0) }
        let now = clock.milliseconds()
        return (log.nextSequence - 1 - committedSequence, now - min(now, oldest >> 16))
    }
    /// What the ledger writer paces itself by.
    package var ledgerDemand: LedgerDemand {
        let lag = ledgerLag
        var demand = LedgerDemand()
        demand.overlayFill = Double(overlayBytes) / Double(max(1, overlayBound))
        demand.records = lag.records
        demand.age = lag.milliseconds * 1_000_000
        demand.latest = (log?.nextSequence ?? 1) - 1
        return demand
    }
    package var loadedContents: Int { table.count }
    /// Registers that were read ahead and then asked for, since the start.
    package var registersReadAhead: Int { ahead.used }
    package var contentBytes: Int { table.memoryBytes + filterBytes + knownContents.memoryBytes }
    /// The share of memory that loaded contents and their filters have.
    package var contentBound: Int { options.contentBytes }

    /// Lets go of memory that is kept for the next batch only.
    func releaseMemory() {
        reader.releaseMemory()
        ahead.releaseMemory()
        current.room = nil
        changed = []
        buffer = LogBuffer()
    }

    // MARK: A batch

    /// Takes `groups` as one batch and completes each. What was answered with `done` and a change is as durable as the
    /// log's sync policy says.
    package func process(_ groups: [IntentGroup]) {
        guard let log else { preconditionFailure("a shard got intents before it was started") }
        buffer.removeAll()
        changed.removeAll(keepingCapacity: true)
        let refusal = admission(groups, log)
        batchSequence = log.nextSequence
        durable = log.durableSequence
        let mark = current.mark
        let clockBefore = hybrid
        let now = clock.milliseconds()
        readAhead(refusal == nil ? groups : [])
        for group in groups { evaluate(group, refusal: refusal, now: now) }
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
        unloadIfOverBudget(steps: max(ShardCore.sweepSteps, loads * ShardCore.sweepStepsEach))
        loads = 0
    }

    /// Why this batch may change nothing; nil if it may. Decided before anything is evaluated (invariant 6).
    private func admission(_ groups: [IntentGroup], _ log: any EventLog) -> Outcome.Status? {
        let bytes = groups.reduce(0) { $0 + $1.logBytes }
        storage = nil
        if overlayBytes + bytes > overlayBound { return .overloaded }
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

    private func evaluate(_ group: IntentGroup, refusal: Outcome.Status?, now: UInt64) {
        group.bytes.withUnsafeBytes { bytes in
            group.intents.withUnsafeBufferPointer { intents in
                if group.wantsTallies {
                    evaluateForTallies(intents, bytes, of: group, refusal: refusal, now: now)
                } else {
                    evaluateBriefly(intents, bytes, of: group, refusal: refusal, now: now)
                }
            }
        }
    }

    // What evaluates a like is one function for each of the two, with nothing rare in it: the compiler stops inlining
    // where a function becomes too large, also the smallest getters. A group that was refused and comes again has the
    // outcomes of then.

    @inline(never)
    private func evaluateForTallies(
        _ intents: UnsafeBufferPointer<Intent>, _ bytes: UnsafeRawBufferPointer, of group: IntentGroup,
        refusal: Outcome.Status?, now: UInt64
    ) {
        group.outcomes.removeAll(keepingCapacity: true)
        group.outcomes.reserveCapacity(intents.count)
        evaluate(intents, bytes, of: group, refusal: refusal, now: now) { brief, slot, intent in
            group.outcomes.append(outcome(brief, slot, intent))
        }
    }

    @inline(never)
    private func evaluateBriefly(
        _ intents: UnsafeBufferPointer<Intent>, _ bytes: UnsafeRawBufferPointer, of group: IntentGroup,
        refusal: Outcome.Status?, now: UInt64
    ) {
        group.briefOutcomes.removeAll(keepingCapacity: true)
        group.briefOutcomes.reserveCapacity(intents.count)
        evaluate(intents, bytes, of: group, refusal: refusal, now: now) { brief, _, _ in
            group.briefOutcomes.append(brief)
        }
    }

    @inline(__always)
    private func evaluate(
        _ intents: UnsafeBufferPointer<Intent>, _ bytes: UnsafeRawBufferPointer, of group: IntentGroup,
        refusal: Outcome.Status?, now: UInt64, _ take: (BriefOutcome, UInt32?, Intent) -> Void
    ) {
        let filling = current
        for i in 0..<intents.count {
            lookahead.advance(to: i, intents, bytes, table, filling)
            let intent = intents[i]
            let ids = IntentIDs(intent, bytes)
            var slot: UInt32?
            var brief = BriefOutcome(status: .done)
            if let refusal, intent.action != .read {
                brief.status = refusal
            } else {
                do throws(LedgerError) {
                    slot = try evaluate(intent, ids, now: now, &brief)
                } catch {
                    metrics.ledgerError(error)
                    brief = BriefOutcome(status: .ledgerFailed)
                }
                if intent.answer >= 0 {
                    let full = group.wantsTallies ? outcome(brief, slot, intent) : Outcome(brief)
                    store(group.answers[Int(intent.answer)], full, ids)
                }
            }
            take(brief, slot, intent)
            ahead.place &+= 1
        }
    }

    /// What became of an intent, with what is known of its content now.
    private func outcome(_ brief: BriefOutcome, _ slot: UInt32?, _ intent: Intent) -> Outcome {
        var outcome = Outcome(brief)
        guard let slot else { return outcome }
        outcome.tally = table[slot].pointee.tally
        if intent.userLength == 0 { outcome.description = table[slot].pointee.description }
        return outcome
    }

    /// Evaluates one intent; answers the content's slot where there is something to say of it.
    @inline(__always)
    private func evaluate(
        _ intent: Intent, _ ids: IntentIDs, now: UInt64, _ outcome: inout BriefOutcome
    ) throws(LedgerError) -> UInt32? {
        if intent.action == .remember { return nil }
        let mayCreate = intent.action == .putContent || (intent.action == .react && !options.strictContent)
        guard let slot = try find(ids.content, hash: intent.contentHash, create: mayCreate) else {
            if options.strictContent || intent.action == .deleteContent { outcome.status = .contentNotFound }
            return nil
        }
        let state = table[slot]
        state.pointee.isRecent = true
        if options.strictContent, !state.pointee.description.registered, intent.action != .putContent {
            outcome.status = .contentNotFound
            return nil
        }
        switch intent.action {
        case .putContent: put(slot, intent, ids, now: now)
        case .deleteContent:
            // By what the ledger keeps too, so that the answer is the same when the content was unloaded in between.
            guard state.pointee.description != ContentDescription() || state.pointee.tally.total > 0 else {
                outcome.status = .contentNotFound
                return nil
            }
            delete(slot, ids, now: now)
        case .read, .react, .clear, .release, .reject, .hold:
            guard intent.userLength > 0 else { break }
            try react(slot, intent, ids, now: now, &outcome)
        case .remember: break
        }
        return slot
    }

    @inline(__always)
    private func react(
        _ slot: UInt32, _ intent: Intent, _ ids: IntentIDs, now: UInt64, _ outcome: inout BriefOutcome
    ) throws(LedgerError) {
        let register = try register(slot, intent, ids)
        outcome.old = register.reaction
        outcome.new = register.reaction
        outcome.version = register.version
        guard intent.action != .read else { return }
        let wanted = intent.action.result(on: register.reaction, reaction: intent.reaction)
        guard let transition = register.evaluate(wanted, clock: &hybrid, milliseconds: now) else { return }
        outcome.new = transition.new
        outcome.version = transition.version
        save(slot)
        let state = table[slot]
        let sequence = nextSequence
        let tellsType = intent.typeLength > 0 && state.pointee.description.type.isEmpty
        let extra = tellsType ? ids.type : UnsafeRawBufferPointer(start: nil, count: 0)
        buffer.append(
            LogBuffer.Header(
                kind: .of(transition), sequence: sequence, unsynced: unsynced(sequence), old: transition.old,
                new: transition.new.rawValue, version: transition.version),
            content: ids.content, user: ids.user, extra: extra)
        if tellsType { state.pointee.description.type = types.shared(ids.type) }
        apply(
            transition, to: slot, user: ids.user, keyHash: intent.keyHash, sequence: sequence,
            description: tellsType ? state.pointee.description : nil,
            // What a deletion ended may still lie in the ledger.
            isNew: register == .untouched && state.pointee.deleted == .zero)
    }

    /// Brings a durable or about-to-be durable transition into tally, filter and overlay.
    @inline(__always)
    func apply(
        _ transition: Transition, to slot: UInt32, user: UnsafeRawBufferPointer, keyHash: UInt64, sequence: UInt64,
        description: ContentDescription?, isNew: Bool = false
    ) {
        let state = table[slot]
        state.pointee.tally.apply(old: transition.old, new: transition.new)
        state.pointee.lastSequence = sequence
        if !state.pointee.isTrending {
            state.pointee.isTrending = true
            trending.append(slot)
        }
        state.pointee.gained &+= (transition.new.counted == .none ? 0 : 1) - (transition.old.counted == .none ? 0 : 1)
        let index = place(slot)
        if let description {
            current.append(
                Generation.ContentEvent(content: index, sequence: sequence, description: description, deleted: nil))
        }
        unretained._withUnsafeGuaranteedRef {
            $0.append(
                content: index, keyHash: keyHash, user: user, transition: transition, sequence: sequence, isNew: isNew)
        }
    }

    @inline(never)
    private func put(_ slot: UInt32, _ intent: Intent, _ ids: IntentIDs, now: UInt64) {
        let description = ContentDescription(
            type: types.shared(ids.type), visibility: intent.visibility, registered: true)
        guard description != table[slot].pointee.description else { return }
        save(slot)
        let sequence = nextSequence
        let version = hybrid.next(milliseconds: now)
        buffer.append(
            LogBuffer.Header(
                kind: .contentPut, sequence: sequence, unsynced: unsynced(sequence),
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

    @inline(never)
    private func delete(_ slot: UInt32, _ ids: IntentIDs, now: UInt64) {
        save(slot)
        let sequence = nextSequence
        let version = hybrid.next(milliseconds: now)
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        buffer.append(
            LogBuffer.Header(
                kind: .contentDeleted, sequence: sequence, unsynced: unsynced(sequence), version: version),
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

    @inline(never)
    private func store(_ answer: StoredAnswer, _ outcome: Outcome, _ ids: IntentIDs) {
        guard outcome.status == .done || outcome.status == .contentNotFound else { return }
        var answer = answer
        if answer.payload.isEmpty { answer.payload = OutcomeCodec.encode(outcome) }
        let sequence = nextSequence
        let fingerprint = withUnsafeBytes(of: answer.fingerprint.littleEndian) { Array($0) }
        answer.key.withUnsafeBytes { key in
            (fingerprint + answer.payload).withUnsafeBytes { payload in
                buffer.append(
                    LogBuffer.Header(
                        kind: .answer, sequence: sequence, unsynced: unsynced(sequence),
                        version: Version(reading: answer.expires, region: options.region)),
                    content: UnsafeRawBufferPointer(start: nil, count: 0), user: key, extra: payload)
            }
        }
        current.append(answer, sequence: sequence)
    }

    @inline(__always)
    private func unsynced(_ sequence: UInt64) -> UInt32 { UInt32(clamping: sequence - durable) }

    /// The sequence of the next record of this batch.
    @inline(__always)
    private var nextSequence: UInt64 { batchSequence + UInt64(buffer.records) }
}
