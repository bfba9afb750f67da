// What a simulated history compares beside the outcomes: everything after a crash, lists, answers, the ledger at rest.

import LikewiseCore
import LikewiseEngine

extension Simulation {
    /// Asks the shards for every content, and for every register that was touched since the last look.
    func verify() throws {
        let node = try running()
        var reads = [[SimulatedIntent]](repeating: [], count: node.shards.count)
        let shard = SimulationIDs.shard[node.shards.count]
        for content in 1...SimulationIDs.contents {
            reads[shard[content]].append(SimulatedIntent(action: .read, content: content))
        }
        for cell in model.touched.sorted() {
            let content = cell / SimulationIDs.stride
            reads[shard[content]].append(
                SimulatedIntent(action: .read, content: content, user: cell % SimulationIDs.stride))
        }
        for _ in 0..<100 {
            let content = SimulationIDs.zipf[random.below(SimulationIDs.zipf.count)]
            reads[shard[content]].append(
                SimulatedIntent(action: .read, content: content, user: 1 + random.below(SimulationIDs.users)))
        }
        let before = summary.intents
        for (i, intents) in reads.enumerated() {
            var rest = intents[...]
            while !rest.isEmpty {
                try process([Array(rest.prefix(IntentGroup.limit))], on: node.shards[i])
                rest = rest.dropFirst(IntentGroup.limit)
            }
        }
        summary.registersChecked += summary.intents - before
        // Looks count for no intent of the history.
        summary.intents = before
        model.touched = []
    }

    /// Every stored answer that cannot have expired is there once and as it was given; there is none beside.
    func checkAnswers(_ node: SimulationNode) throws {
        var found: Set<[UInt8]> = []
        for answer in node.answers {
            guard let given = model.answers[answer.key] else {
                throw SimulationMismatch("an answer is stored that was never given: \(answer)")
            }
            guard found.insert(answer.key).inserted else {
                throw SimulationMismatch("an answer is stored twice: \(answer)")
            }
            let isSame = given.fingerprint == answer.fingerprint && given.expires == answer.expires
            guard isSame, given.payload.isEmpty || given.payload == answer.payload else {
                throw SimulationMismatch("an answer is stored as \(answer), and was given as \(given)")
            }
            if answer.payload.first == OutcomeCodec.tag, OutcomeCodec.decode(answer.payload) == nil {
                throw SimulationMismatch("a stored answer cannot be read: \(answer)")
            }
        }
        for (key, given) in model.answers where given.expires > latestMilliseconds && !found.contains(key) {
            throw SimulationMismatch("a stored answer is lost: \(given)")
        }
        summary.answersChecked += found.count
    }

    /// Pages through one user's and one content's likes, and through what is held back: all of it, or that of one of them.
    func checkLists() throws {
        let node = try running()
        guard !node.shards.contains(where: \.hasFailed) else { return }
        for shard in node.shards { node.handOver(shard) }
        let user = 1 + random.below(24)
        let content = SimulationIDs.zipf[random.below(SimulationIDs.zipf.count)]
        let ofUser = (1...SimulationIDs.contents).filter { model.cell($0, user).reaction > 0 }
        let ofContent = (1...SimulationIDs.users).filter { (1..<128).contains(model.cell(content, $0).reaction) }
        try check(
            .user(SimulationIDs.user[user]),
            expected: ofUser.map { (SimulationIDs.content[$0], model.cell($0, user)) }, node)
        try check(
            .content(SimulationIDs.content[content]),
            expected: ofContent.map { (SimulationIDs.user[$0], model.cell(content, $0)) }, node)
        let filter = [
            HeldFilter(), HeldFilter(content: SimulationIDs.content[content]),
            HeldFilter(user: SimulationIDs.user[user]),
            HeldFilter(content: SimulationIDs.content[content], user: SimulationIDs.user[user]),
        ][random.below(4)]
        var held: [(id: [UInt8], cell: SimulationModel.Cell)] = []
        for content in 1...SimulationIDs.contents
        where filter.content.map({ $0 == SimulationIDs.content[content] }) ?? true {
            for user in 1...SimulationIDs.users where filter.user.map({ $0 == SimulationIDs.user[user] }) ?? true {
                let cell = model.cell(content, user)
                guard cell.reaction >= 128 else { continue }
                held.append((SimulationIDs.content[content] + [0] + SimulationIDs.user[user], cell))
            }
        }
        try check(.held(filter), expected: held, node)
        summary.heldChecked += held.count
        summary.listsChecked += 3
    }

    private func check(
        _ subject: ListSubject, expected: [(id: [UInt8], cell: SimulationModel.Cell)], _ node: SimulationNode
    ) throws {
        let list = LikeList(subject: subject, generations: node.shards.flatMap(\.core.sealedGenerations))
        let reader = try simulatedLedger.makeReader()
        let limit = random.within(1...9)
        var left = Dictionary(expected.map { ($0.id, $0.cell) }) { a, _ in a }
        var position: LikePosition?
        while true {
            let page = try list.page(reader, behind: position, limit: limit)
            for like in page {
                let id =
                    switch subject {
                    case .user: like.content
                    case .content: like.user
                    case .held: like.heldPosition.id
                    }
                let place = LikePosition(version: like.register.version, id: id)
                if let position, !position.precedes(place) {
                    throw SimulationMismatch("a list is out of order at \(place), behind \(position)")
                }
                position = place
                guard let cell = left.removeValue(forKey: id), cell.reaction == like.register.reaction.rawValue,
                    cell.reading == nil || cell.reading == place.version.reading
                else { throw SimulationMismatch("a list holds \(like), which is not liked, or not so") }
            }
            if page.count < limit { break }
        }
        guard left.isEmpty else { throw SimulationMismatch("a list ends and lacks \(left)") }
    }

    // MARK: The end

    /// Lets the ledger catch up, compares it register by register, then stops in an orderly way and starts again.
    func finish() throws {
        clearFaults()
        if try running().shards.contains(where: \.hasFailed) {
            leave()
            disk.processKill()
            try start()
        }
        try verify()
        try catchUp()
        try checkLedger(simulatedLedger)
        try checkLists()
        if traits.retention == nil { try checkReplay() }
        leave()
        disk.processKill()
        try start()
        try verify()
        leave()
    }

    private func catchUp() throws {
        let node = try running()
        for shard in node.shards { node.handOver(shard) }
        var left = 10_000
        while node.hasLedgerWork && left > 0 {
            node.writeLedger(limit: 4)
            left -= 1
        }
        for shard in node.shards {
            shard.takeMessages()
            guard shard.core.sealedGenerations.isEmpty, shard.core.committedSequence + 1 == next[Int(shard.number)]
            else { throw SimulationMismatch("the ledger did not catch up with shard \(shard.number)") }
        }
    }

    private func checkLedger(_ ledger: SimulatedLedger) throws {
        guard ledger.drifts.isEmpty else { throw SimulationMismatch("tallies of the ledger drift: \(ledger.drifts)") }
        let reader = try ledger.makeReader()
        let registers = ledger.registers
        for content in 1...SimulationIDs.contents {
            let id = SimulationIDs.content[content]
            let held = try reader.content(id)
            try model.check(held?.tally ?? Tally(), of: content, "the ledger")
            guard (held?.description ?? ContentDescription()) == model.contents[content].description else {
                throw SimulationMismatch("the ledger describes content \(content) as \(String(describing: held))")
            }
            for user in 1...SimulationIDs.users {
                let register = registers[id]?[SimulationIDs.user[user]] ?? .untouched
                let cell = model.cell(content, user)
                guard register.reaction.rawValue == cell.reaction,
                    cell.reading == nil || cell.reading == register.version.reading
                else {
                    throw SimulationMismatch(
                        "the ledger holds \(register) for content \(content), user \(user); expected \(cell)")
                }
            }
        }
    }

    /// A ledger rebuilt from the logs alone is the same.
    private func checkReplay() throws {
        let fresh = SimulatedLedger()
        let replay = LogReplay(disk: disk, ledger: fresh, clock: clock)
        let summary = try replay.run(directory: SimulationNode.logDirectory)
        let written = next.reduce(0) { $0 + $1 - 1 }
        guard summary.records == written, summary.lost == 0, summary.tornBytes == 0 else {
            throw SimulationMismatch("a replay of \(next) gave \(summary)")
        }
        try checkLedger(fresh)
    }
}
