// A history: the engine's own parts under a seeded storm of faults, compared with a model at every answer.
//
// One thread steps everything, so the same seed gives the same history. A step may be a batch of intents, a transaction of
// the ledger, a piece of a filter, time that goes by, or a fault; crashes are spread over the whole of it. What
// was acknowledged must be there after each; what was not is there from its first change up to some change, and the model
// goes on from where the log ends.

import LikewiseCore
import LikewiseEngine
import Synchronization

package final class Simulation {
    let plan: SimulationPlan
    let traits: SimulationTraits
    var random: SeededRandom
    let disk: SimulatedDisk
    let clock = SimulatedClock()
    let ledger: UnreliableLedger
    let simulatedLedger = SimulatedLedger()
    var workload: SimulationWorkload
    var model: SimulationModel
    var summary = SimulationSummary()
    var node: SimulationNode?

    /// Per shard: the sequence of the next record, as the acknowledged changes count it.
    var next = [UInt64](repeating: 1, count: SimulationIDs.maxShards)
    /// Per shard: records below this must survive everything.
    var durable = [UInt64](repeating: 1, count: SimulationIDs.maxShards)
    /// Per shard: acknowledged changes that a power loss may take, where the sync policy lets it.
    var unsynced = [[(sequence: UInt64, change: SimulationModel.Change)]](
        repeating: [], count: SimulationIDs.maxShards)
    /// Per shard: changes of a batch that failed, of which the first so many may be there after a crash.
    var inDoubt = [[SimulationModel.Change]](repeating: [], count: SimulationIDs.maxShards)
    /// Whether a power loss or a failed sync since the last start may have taken what was not synced.
    var mayLose = false
    /// The highest the wall clock ever was: what expired then may be gone.
    var latestMilliseconds: UInt64 = 0
    private let completions = Completions()
    private var submitted = 0

    // Faults under way, by steps left.
    var isFaultArmed = false
    var diskFullSteps = 0
    var ledgerFaultSteps = 0
    var readFaultSteps = 0
    var lagSteps = 0

    /// How often groups were completed.
    private final class Completions: Sendable {
        private let count = Mutex(0)
        func add() { count.withLock { $0 += 1 } }
        var value: Int { count.withLock { $0 } }
    }

    package init(_ plan: SimulationPlan) {
        self.plan = plan
        random = SeededRandom(seed: plan.seed)
        traits = SimulationTraits(plan, &random)
        disk = SimulatedDisk(seed: random.next())
        ledger = UnreliableLedger(simulatedLedger, seed: random.next())
        workload = SimulationWorkload(random: random.split(), strict: traits.strictContent)
        model = SimulationModel(strict: traits.strictContent)
    }

    /// Lives the history through.
    package func run() throws(SimulationFailure) -> SimulationSummary {
        do {
            try start()
            var crashesLeft = plan.crashes
            while summary.intents < plan.intents || crashesLeft > 0 {
                if summary.intents >= (plan.crashes - crashesLeft + 1) * plan.intents / (plan.crashes + 1) {
                    crashesLeft -= 1
                    try crashSomehow()
                } else {
                    try step()
                }
            }
            try finish()
            return summary
        } catch let mismatch as SimulationMismatch {
            throw SimulationFailure(seed: plan.seed, intent: summary.intents, message: mismatch.message)
        } catch {
            throw SimulationFailure(seed: plan.seed, intent: summary.intents, message: "unexpected error: \(error)")
        }
    }

    func running() throws -> SimulationNode {
        guard let node else { throw SimulationMismatch("the simulation has no engine running") }
        return node
    }

    // MARK: Steps

    func step() throws {
        let node = try running()
        passTime()
        try endFaults()
        if random.chance(oneIn: 60) { armMildFault() }
        for shard in node.shards {
            if case .interval = traits.sync { _ = try? shard.log.syncIfDue() }
            if random.chance(oneIn: 2) { shard.takeMessages() }
        }
        switch random.below(100) {
        case 0..<50: try batch()
        case 50..<68: if lagSteps == 0 { node.writeLedger(limit: random.within(1...3)) }
        case 68..<82: node.load(limit: random.within(1...60))
        case 82..<92: for shard in node.shards where random.chance(oneIn: 2) { node.handOver(shard) }
        case 92..<94: node.shards[random.below(node.shards.count)].core.reportTrends()
        case 94..<96: disturbCaches(node)
        case 96: if let retention = traits.retention { node.applyRetention(milliseconds: retention) }
        case 97: _ = try? ledger.purge(limit: 100)
        case 98: if random.chance(oneIn: 3), !isFaultArmed, readFaultSteps == 0 { try checkLists() }
        default: if random.chance(oneIn: 3) { jumpClock() }
        }
        noteDurability()
    }

    private func passTime() {
        clock.advance(nanoseconds: UInt64(random.below(3_000_000)))
        latestMilliseconds = max(latestMilliseconds, clock.milliseconds())
    }

    private func jumpClock() {
        summary.clockJumps += 1
        let far = random.chance(oneIn: 4) ? 90_000_000 : 400_000
        clock.jump(milliseconds: Int64(random.within(-far...far)))
        latestMilliseconds = max(latestMilliseconds, clock.milliseconds())
    }

    private func disturbCaches(_ node: SimulationNode) {
        let shard = node.shards[random.below(node.shards.count)]
        for _ in 0..<random.within(1...8) {
            let content = SimulationIDs.zipf[random.below(SimulationIDs.zipf.count)]
            let slot = SimulationIDs.content[content].withUnsafeBytes { shard.core.slot(of: $0) }
            guard let slot else { continue }
            if random.chance(oneIn: 2) {
                shard.core.dropFilter(slot)
                summary.filtersDropped += 1
            } else {
                let loaded = shard.core.loadedContents
                shard.core.reportTrends()
                shard.core.unload(slot)
                summary.unloads += loaded - shard.core.loadedContents
            }
        }
    }

    // MARK: Batches

    private func batch() throws {
        let node = try running()
        var byShard = [[[SimulatedIntent]]](repeating: [], count: node.shards.count)
        let now = clock.milliseconds()
        for _ in 0..<random.within(1...5) {
            let size = random.chance(oneIn: 3) ? random.within(1...64) : random.within(1...12)
            var groups = [[SimulatedIntent]](repeating: [], count: node.shards.count)
            for _ in 0..<size {
                let intent = workload.next(milliseconds: now)
                groups[SimulationIDs.shard[node.shards.count][intent.content]].append(intent)
            }
            for (i, group) in groups.enumerated() where !group.isEmpty { byShard[i].append(group) }
        }
        for (i, groups) in byShard.enumerated() where !groups.isEmpty {
            try process(groups, on: node.shards[i], wantsTallies: !random.chance(oneIn: 6))
        }
    }

    /// Hands intents to a shard as one batch and compares all outcomes with the model.
    func process(_ groups: [[SimulatedIntent]], on shard: SimulationNode.Shard, wantsTallies: Bool = true) throws {
        let node = try running()
        let completions = completions
        let made = groups.map { intents in
            let group = IntentGroup(wantsTallies: wantsTallies) { _ in completions.add() }
            for intent in intents { group.append(intent, seed: node.run.hashSeed) }
            return group
        }
        let skips = plan.mutation == .skippedSync && random.chance(oneIn: 8)
        if skips { disk.ignoredSyncs = .all }
        let readAhead = shard.core.registersReadAhead
        shard.core.process(made)
        summary.readAhead += shard.core.registersReadAhead - readAhead
        if skips { disk.ignoredSyncs = .none }
        submitted += groups.count
        guard completions.value == submitted else {
            throw SimulationMismatch("\(submitted) groups were submitted and \(completions.value) completed")
        }
        summary.batches += 1
        let all = groups.flatMap { $0 }
        let outcomes = made.flatMap { wantsTallies ? $0.outcomes : $0.briefOutcomes.map(Outcome.init) }
        guard outcomes.count == all.count else {
            throw SimulationMismatch("\(all.count) intents got \(outcomes.count) outcomes")
        }
        summary.intents += all.count
        try noteFailure(all, shard)
        for (intent, outcome) in zip(all, outcomes) {
            try take(outcome, of: intent, shard, wantsTally: wantsTallies)
        }
        try checkSequence(shard)
        let requests = shard.core.takeFilterRequests()
        if !requests.isEmpty { node.requestFilters(requests, shard: Int(shard.number)) }
        if shard.core.isGenerationLarge { node.handOver(shard) }
        try checkPublished(all, shard)
    }

    /// Where this batch is the one at which the log failed, what it would have done is in doubt.
    private func noteFailure(_ intents: [SimulatedIntent], _ shard: SimulationNode.Shard) throws {
        guard case .failed(let reason) = shard.core.storage, !shard.hasFailed else { return }
        guard isFaultArmed else { throw SimulationMismatch("the log failed without a fault: \(reason)") }
        shard.hasFailed = true
        mayLose = true
        summary.failedLogs += 1
        inDoubt[Int(shard.number)] = model.foresee(intents)
        summary.inDoubt += inDoubt[Int(shard.number)].count
    }

    private func take(
        _ outcome: Outcome, of intent: SimulatedIntent, _ shard: SimulationNode.Shard, wantsTally: Bool
    ) throws {
        switch outcome.status {
        case .done, .contentNotFound: break
        case .overloaded:
            guard intent.action != .read else { throw SimulationMismatch("a read was refused as overloaded") }
            summary.overloaded += 1
            return
        case .storageFull:
            guard diskFullSteps > 0, case .full = shard.core.storage else {
                throw SimulationMismatch("the disk was called full and was not")
            }
            summary.diskFull += 1
            return
        case .storageFailed:
            guard case .failed = shard.core.storage else {
                throw SimulationMismatch("the storage was called failed and was not")
            }
            return
        case .ledgerFailed:
            guard readFaultSteps > 0 else { throw SimulationMismatch("an intent failed without a fault") }
            summary.ledgerReadFailures += 1
            return
        case .shuttingDown: throw SimulationMismatch("an intent was answered with shutting down")
        case .rateLimited: throw SimulationMismatch("an intent was refused by a limit that nobody set")
        }
        let expected = model.expect(intent)
        try model.check(outcome, of: intent, against: expected)
        if let change = expected.change {
            guard !shard.hasFailed else { throw SimulationMismatch("a change was acknowledged by a failed log") }
            acknowledge(change, shard)
        }
        if intent.user > 0, outcome.status == .done {
            model.learn(intent.content * SimulationIDs.stride + intent.user, reading: outcome.version.reading)
        }
        if var answer = intent.answer {
            if answer.payload.isEmpty { answer.payload = OutcomeCodec.encode(outcome) }
            acknowledge(.answer(answer), shard)
        }
        guard outcome.status == .done, intent.action != .remember else { return }
        guard wantsTally else { return }
        try model.check(outcome.tally, of: intent.content, "\(intent.action)")
        if intent.user == 0, (outcome.description ?? ContentDescription()) != model.contents[intent.content].description
        {
            throw SimulationMismatch("\(intent.action) described content \(intent.content) wrongly: \(outcome)")
        }
    }

    private func acknowledge(_ change: SimulationModel.Change, _ shard: SimulationNode.Shard) {
        let i = Int(shard.number)
        model.make(change)
        if case .interval = traits.sync { unsynced[i].append((next[i], change)) }
        next[i] += 1
        summary.changes += 1
    }

    private func checkSequence(_ shard: SimulationNode.Shard) throws {
        let i = Int(shard.number)
        // A failed log counts what it could not sync.
        guard !shard.hasFailed else { return }
        guard shard.log.nextSequence == next[i] else {
            throw SimulationMismatch(
                "\(next[i] - 1) records were acknowledged, and the log of shard \(i) has \(shard.log.nextSequence - 1)")
        }
        if traits.sync == .always { durable[i] = next[i] }
    }

    /// What readers see without asking the shard.
    private func checkPublished(_ intents: [SimulatedIntent], _ shard: SimulationNode.Shard) throws {
        guard let content = intents.last?.content else { return }
        let id = SimulationIDs.content[content]
        let published = id.withUnsafeBytes {
            shard.directory.find($0, hash: Hash64.of(id, seed: shard.core.seed))
        }
        guard let published else { return }
        try model.check(published.tally, of: content, "published")
        guard published.description == model.contents[content].description else {
            throw SimulationMismatch("content \(content) is published as \(published.description)")
        }
    }

    /// Notes what the logs call durable: it must survive from now on.
    func noteDurability() {
        guard case .interval = traits.sync, let node else { return }
        for shard in node.shards {
            let i = Int(shard.number)
            durable[i] = max(durable[i], shard.log.durableSequence)
            if unsynced[i].count > 2_000 || shard.log.durableSequence == next[i] {
                unsynced[i].removeAll { $0.sequence < durable[i] }
            }
        }
    }
}
