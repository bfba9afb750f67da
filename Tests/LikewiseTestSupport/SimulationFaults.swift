// Faults, crashes and starts of a simulated history.

import LikewiseCore
import LikewiseEngine

extension Simulation {
    // MARK: Faults that the engine lives through

    func armMildFault() {
        guard !isFaultArmed else { return }
        switch random.below(4) {
        case 0 where readFaultSteps == 0:
            disk.capacity = disk.used + random.below(6_000)
            diskFullSteps = random.within(3...25)
        case 1:
            ledger.writeFailure = random.chance(oneIn: 2) ? .full : .failed("the simulated ledger could not be written")
            ledgerFaultSteps = random.within(5...80)
        case 2 where diskFullSteps == 0:
            ledger.readFailuresOneIn = random.within(2...12)
            readFaultSteps = random.within(2...15)
        default: lagSteps = random.within(20...150)
        }
    }

    func endFaults() throws {
        if diskFullSteps > 0 {
            diskFullSteps -= 1
            if diskFullSteps == 0 { disk.capacity = nil }
        }
        if ledgerFaultSteps > 0 {
            ledgerFaultSteps -= 1
            if ledgerFaultSteps == 0 { ledger.writeFailure = nil }
        }
        if readFaultSteps > 0 {
            readFaultSteps -= 1
            if readFaultSteps == 0 { ledger.readFailuresOneIn = 0 }
        }
        lagSteps = max(0, lagSteps - 1)
    }

    func clearFaults() {
        disk.capacity = nil
        ledger.writeFailure = nil
        ledger.readFailuresOneIn = 0
        diskFullSteps = 0
        ledgerFaultSteps = 0
        readFaultSteps = 0
        lagSteps = 0
        isFaultArmed = false
    }

    // MARK: Crashes

    /// Ends the engine in one of the ways in which engines end, and starts it again.
    func crashSomehow() throws {
        readFaultSteps = 0
        ledger.readFailuresOneIn = 0
        switch random.below(5) {
        case 0: break
        case 1, 2:
            isFaultArmed = true
            disk.failAfter(operations: random.below(40))
            try runOn { self.disk.hasStopped }
        default:
            // Not with a full disk: bytes of a refused batch whose removal could not be synced stay on the disk below
            // what a reader sees, and no log without a mark of the run in each record could tell them from its own.
            disk.capacity = nil
            diskFullSteps = 0
            isFaultArmed = true
            if random.chance(oneIn: 3) { disk.failNextDirectorySync() } else { disk.failNextSync() }
            try runOn { self.node?.shards.contains { $0.hasFailed } == true }
        }
        crash()
        clearFaults()
        try start()
        try verify()
    }

    /// Goes on until the fault has struck, and a little further.
    private func runOn(until struck: () -> Bool) throws {
        var left = 150
        while !struck() && left > 0 {
            try step()
            left -= 1
        }
        for _ in 0..<random.below(6) { try step() }
    }

    private func crash() {
        leave()
        if random.chance(oneIn: 2) {
            disk.crash()
            mayLose = true
            summary.crashes += 1
        } else {
            disk.processKill()
            summary.kills += 1
        }
    }

    /// Forgets the engine, and keeps what it counted.
    func leave() {
        if let node { summary = summary + node.summary }
        node = nil
    }

    // MARK: Starts

    func start() throws {
        var attempts = random.chance(oneIn: 3) ? random.within(1...3) : 0
        while true {
            let isArmed = attempts > 0
            if isArmed { disk.failAfter(operations: random.below(25)) }
            attempts -= 1
            do {
                let doubling = plan.mutation == .doubledRecord ? random.below(4) : nil
                let node = try SimulationNode(
                    SimulationRun(traits, &random), traits, disk: disk, clock: clock, ledger: ledger,
                    doubling: doubling)
                if isArmed && disk.hasStopped {
                    throw SimulationMismatch("the engine started although the disk had stopped")
                }
                if isArmed {
                    // It came up before the disk stopped: one more crash, at once.
                    summary.crashesInRecovery += 1
                    try settle(node)
                    self.node = node
                    crash()
                    continue
                }
                try settle(node)
                self.node = node
                return
            } catch {
                guard isArmed, disk.hasStopped else { throw error }
                summary.crashesInRecovery += 1
                crash()
            }
        }
    }

    /// Brings the model to where the logs end.
    private func settle(_ node: SimulationNode) throws {
        let positions = try simulatedLedger.makeReader().positions()
        for i in 0..<SimulationIDs.maxShards {
            let found = i < node.shards.count ? node.shards[i].log.nextSequence : (positions[UInt16(i)] ?? 0) + 1
            try settle(i, found)
        }
        mayLose = false
        try checkAnswers(node)
        if node.hasDrained { summary.drains += 1 }
    }

    private func settle(_ shard: Int, _ found: UInt64) throws {
        if found < next[shard] {
            guard mayLose, case .interval = traits.sync, found >= durable[shard] else {
                throw SimulationMismatch(
                    "acknowledged changes are lost: the log of shard \(shard) ends before record \(found), and "
                        + "\(next[shard] - 1) were acknowledged, \(durable[shard] - 1) of them as durable")
            }
            for (_, change) in unsynced[shard].reversed().prefix(Int(next[shard] - found)) {
                model.undo(change)
                summary.lostUnsynced += 1
            }
        } else {
            let extra = Int(found - next[shard])
            guard extra <= inDoubt[shard].count else {
                throw SimulationMismatch(
                    "the log of shard \(shard) holds \(extra) records that nobody was told of, and "
                        + "\(inDoubt[shard].count) were in doubt")
            }
            for change in inDoubt[shard].prefix(extra) { model.make(change) }
            summary.adopted += extra
        }
        next[shard] = found
        durable[shard] = found
        unsynced[shard] = []
        inDoubt[shard] = []
    }
}
