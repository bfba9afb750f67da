// A lane: the part of an API node that owns a share of the contents, and carries out the intents on them in order.
//
// While one batch is on its way to Kafka the next one gathers, so the batch grows with the load, as with the shard of one
// machine. What other nodes do meanwhile is not waited for: the merge in the ledger settles it.

import LikewiseCore
import LikewiseEngine
import Logging

/// What a lane needs, handed in.
struct LanePorts: Sendable {
    let registers: any RegisterCache
    let contents: any ContentCache
    let ledger: any LedgerView
    let publisher: any EventPublisher
    /// Nil where there are none, or each node counts alone.
    let limits: (any SharedLimits)?
    let clock: any EngineClock
    let metrics: NodeMetrics
    let logger: Logger
}

/// The state of one lane. `process` is called for one batch at a time.
actor LaneCore {
    private let ports: LanePorts
    private let strictContent: Bool
    private var hybrid: HybridClock
    private var recent: RecentRegisters
    private var hot: HotContents

    init(_ ports: LanePorts, region: UInt16, strictContent: Bool, recentRegisters: Int, hot: HotContents.Options) {
        self.ports = ports
        self.strictContent = strictContent
        hybrid = HybridClock(region: region)
        recent = RecentRegisters(bound: recentRegisters)
        self.hot = HotContents(hot)
    }

    /// The contents that are spread now, or may soon.
    var warm: [ContentRate] { hot.warm(at: ports.clock.milliseconds()) }

    /// The other nodes have these likes a minute.
    func note(elsewhere: [[UInt8]: Int]) { hot.note(elsewhere: elsewhere) }

    /// Carries out a batch and completes its groups; answers what became of its events, for health.
    func process(_ groups: [IntentGroup]) async -> ShardHealth {
        var batch = LaneBatch(groups)
        let (keys, ids, taken, ports) = (batch.keys, batch.contents, batch.limits, ports)
        async let found = ports.registers.find(keys)
        async let known = ports.contents.contents(ids)
        async let refused = LaneCore.refusals(taken, ports.limits)
        let (cached, contents) = await (found, known)
        batch.refuse(await refused)
        let states = contents.map { $0 ?? ClusterContent() }
        var knowledge = await knowledge(keys, cached)
        await settleDoubts(batch.doubtedNoOps(knowledge, states), keys, &knowledge)
        let now = ports.clock.milliseconds()
        batch.evaluate(
            knowledge, states, unknown: Set(contents.indices.filter { contents[$0] == nil }),
            strictContent: strictContent, clock: &hybrid, milliseconds: now)
        let publications = await ports.publisher.publish(keyed(batch.events.map(\.event), at: now))
        batch.settle(publications)
        let fresh = batch.keys.indices.compactMap { index in
            // What Redis lacked is put there too, so that the next intent need not ask the ledger.
            batch.changed[index].map { (key: batch.keys[index], register: $0) }
        }
        if !fresh.isEmpty {
            for (key, register) in fresh { recent.put(key, register) }
            await ports.registers.put(fresh)
        }
        for index in batch.touched { ports.contents.note(batch.states[index], of: batch.contents[index]) }
        ports.metrics.batch(intents: batch.items.count, events: batch.events.count)
        finish(batch)
        return LaneCore.health(publications)
    }

    private func keyed(_ events: [LikeEvent], at milliseconds: UInt64) -> [KeyedEvent] {
        var count: [[UInt8]: Int] = [:]
        for event in events where event.kind == .register { count[event.content, default: 0] += 1 }
        let spread = Dictionary(
            uniqueKeysWithValues: count.map { ($0.key, hot.spread(of: $0.key, adding: $0.value, at: milliseconds)) })
        return events.map { event in
            KeyedEvent(
                key: EventKey.of(event.content, user: event.user, spread: spread[event.content] ?? 1), event: event)
        }
    }

    // MARK: Limits

    /// By item: the first shared limit that refuses it. What others let pass of it is given back.
    private static func refusals(
        _ taken: [(item: Int, limit: SharedLimit)], _ limits: (any SharedLimits)?
    ) async -> [Int: SharedRefusal] {
        guard let limits, !taken.isEmpty else { return [:] }
        var refused: [Int: SharedRefusal] = [:]
        let waits = await limits.take(taken.map(\.limit))
        for ((item, limit), wait) in zip(taken, waits) where refused[item] == nil {
            guard let wait, wait > 0 else { continue }
            refused[item] = SharedRefusal(intent: limit.intent, kind: limit.kind, wait: wait)
        }
        limits.giveBack(zip(taken, waits).compactMap { refused[$0.item] != nil && $1 == 0 ? $0.limit : nil })
        return refused
    }

    // MARK: What is known

    private func knowledge(_ keys: [RegisterKey], _ cached: [Register?]) async -> [LaneBatch.Knowledge] {
        let isSettled = ports.registers.isSettled
        let missing = keys.indices.filter { cached[$0] == nil || !isSettled }
        ports.metrics.asked(registers: keys.count, missing: missing.count)
        let held = missing.isEmpty ? [] : await ledgerRegisters(missing.map { keys[$0] })
        var knowledge = keys.indices.map { index -> LaneBatch.Knowledge in
            var register = cached[index] ?? .untouched
            if let own = recent[keys[index]] { register.merge(own) }
            return cached[index] == nil || !isSettled ? .doubtful(register) : .certain(register)
        }
        for (index, register) in zip(missing, held) {
            var known = knowledge[index].register
            known.merge(register)
            knowledge[index] = .doubtful(known)
        }
        return knowledge
    }

    /// Empty where the ledger cannot be asked.
    private func ledgerRegisters(_ keys: [RegisterKey]) async -> [Register] {
        do throws(LedgerError) {
            return try await ports.ledger.registers(keys)
        } catch {
            ports.metrics.ledgerFailed()
            return []
        }
    }

    /// Asks the ledger once more about what the intents hang on, when it has caught up.
    private func settleDoubts(
        _ doubted: [Int], _ keys: [RegisterKey], _ knowledge: inout [LaneBatch.Knowledge]
    ) async {
        guard !doubted.isEmpty else { return }
        ports.metrics.doubted(doubted.count)
        let wanted = doubted.map { keys[$0] }
        guard await ports.ledger.catchUp(wanted) else { return }
        let held = await ledgerRegisters(wanted)
        var settled: [(key: RegisterKey, register: Register)] = []
        for (index, register) in zip(doubted, held) {
            var known = knowledge[index].register
            known.merge(register)
            knowledge[index] = .certain(known)
            settled.append((keys[index], known))
        }
        await ports.registers.put(settled)
    }

    // MARK: Answers

    /// Completes the groups; those with reads that the ledger has to catch up for, when it has. The lane goes on meanwhile.
    private func finish(_ batch: LaneBatch) {
        let waiting = Set(batch.deferred.map { batch.items[$0.item].group })
        batch.complete(Set(batch.groups.indices).subtracting(waiting))
        guard !waiting.isEmpty else { return }
        let ports = ports
        Task {
            var batch = batch
            let keys = batch.deferred.map { batch.keys[$0.key] }
            ports.metrics.doubted(keys.count)
            let isCaughtUp = await ports.ledger.catchUp(keys)
            do throws(LedgerError) {
                let held = try await ports.ledger.registers(keys)
                for (deferred, register) in zip(batch.deferred, held) { batch.settle(deferred, register) }
                if isCaughtUp { await ports.registers.put(Array(zip(keys, held).map { (key: $0, register: $1) })) }
            } catch {
                // Nobody knows: what this node knows itself is the best there is, unless it knows nothing.
                ports.metrics.ledgerFailed()
                batch.fail(batch.deferred.filter { $0.known == .untouched }, .ledgerFailed)
            }
            batch.complete(waiting)
        }
    }

    private static func health(_ publications: [Publication]) -> ShardHealth {
        for publication in publications {
            switch publication {
            case .durable, .overloaded: continue
            case .full: return .full
            case .failed: return .failed(reason: "events could not be made durable")
            }
        }
        return .good
    }
}
