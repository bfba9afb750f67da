// What the ledger holds of a batch's registers and contents, asked for together before the batch is evaluated.
//
// While filters and contents do not all fit into their share of memory, many likes ask the ledger, most of them in vain.
// One by one each of them looks into every run of the store by itself; in the order of the keys they share the way
// there. Nothing is decided here: what was read is what a question in the middle of the batch would be answered, as the
// overlay, which is asked first, keeps all that the ledger may get to hold meanwhile.

import LikewiseCore

/// The ledger's answers for the intents of one batch, by their places.
struct ReadAhead {
    private struct Answer {
        /// The ledger's number of the content that was asked for.
        var key: Int64
        var register: Register
    }

    /// Questions to the ledger while this batch was evaluated, also those that were answered ahead.
    var asked = 0
    /// The place of the intent that is evaluated.
    var place = 0
    /// Answers that were needed, since the start.
    private(set) var used = 0

    private var answers: [Answer?] = []
    private var questions = RegisterQuestions()
    /// Of the intents that they are for.
    private var places: [Int] = []

    /// Begins a batch; answers how much the one before asked.
    mutating func begin() -> Int {
        defer {
            asked = 0
            place = 0
            answers.removeAll(keepingCapacity: true)
        }
        return asked
    }

    /// Notes what the intent at `place` will ask for.
    mutating func add(content key: Int64, user: UnsafeRawBufferPointer, at place: Int) {
        questions.add(content: key, user: user)
        places.append(place)
    }

    /// Asks what was noted; there are `count` intents.
    mutating func ask(_ reader: any LedgerReader, count: Int) throws(LedgerError) {
        defer {
            questions.removeAll()
            places.removeAll(keepingCapacity: true)
        }
        let found = try reader.registers(questions)
        answers = Array(repeating: nil, count: count)
        for (i, register) in found.enumerated() {
            answers[places[i]] = Answer(key: questions.content(of: i), register: register)
        }
    }

    /// What was read for the intent that is evaluated, whose content has this number; nil where it was not asked for.
    mutating func register(ofContent key: Int64) -> Register? {
        guard place < answers.count, let answer = answers[place], answer.key == key else { return nil }
        used += 1
        return answer.register
    }

    mutating func releaseMemory() {
        answers = []
        questions = RegisterQuestions()
        places = []
    }
}

extension ShardCore {
    /// Reads what `groups` will ask the ledger for, where the last batch asked for much. What cannot be read is asked for
    /// again, one by one, and fails there.
    func readAhead(_ groups: [IntentGroup]) {
        guard ahead.begin() >= options.readAheadFrom, !groups.isEmpty else { return }
        do throws(LedgerError) {
            try loadAhead(groups)
            forEachIntent(groups) { place, intent, ids in
                if let key = question(intent, ids) { ahead.add(content: key, user: ids.user, at: place) }
            }
            try ahead.ask(reader, count: groups.reduce(0) { $0 + $1.count })
        } catch {}
    }

    /// Loads contents that the ledger holds and the table does not.
    private func loadAhead(_ groups: [IntentGroup]) throws(LedgerError) {
        var missing: [(id: [UInt8], hash: UInt64)] = []
        var seen: Set<UInt64> = []
        forEachIntent(groups) { _, intent, ids in
            let hash = intent.contentHash
            guard intent.action != .remember, table.find(hash, ids.content) == nil, mayBeKnown(hash),
                seen.insert(hash).inserted
            else { return }
            missing.append((Array(ids.content), hash))
        }
        guard !missing.isEmpty else { return }
        for (content, known) in zip(missing, try reader.contents(missing.map(\.id))) {
            guard let known else { continue }
            _ = content.id.withUnsafeBytes { insert($0, hash: content.hash, known) }
        }
    }

    /// The ledger's number of the content whose register it will be asked for; nil where it will not.
    private func question(_ intent: Intent, _ ids: IntentIDs) -> Int64? {
        guard intent.asksForRegister, let slot = table.find(intent.contentHash, ids.content) else { return nil }
        let state = table[slot]
        if options.filters, state.pointee.filterIsComplete,
            !state.pointee.filter.contains(FingerprintFilter.fingerprint(intent.keyHash))
        {
            return nil
        }
        guard state.pointee.deletedSequence <= committedSequence, let key = state.pointee.ledgerKey else { return nil }
        if state.pointee.lastSequence > committedSequence, unsavedRegister(slot, intent, ids) != nil { return nil }
        return key
    }

    private func forEachIntent(_ groups: [IntentGroup], _ body: (Int, Intent, IntentIDs) -> Void) {
        var place = 0
        for group in groups {
            group.bytes.withUnsafeBytes { bytes in
                for (i, intent) in group.intents.enumerated() {
                    if i &+ 12 < group.count { table.prefetchIndex(group.intents[i &+ 12].contentHash) }
                    if i &+ 6 < group.count { table.prefetchState(group.intents[i &+ 6].contentHash) }
                    body(place, intent, IntentIDs(intent, bytes))
                    place += 1
                }
            }
        }
    }
}

extension Intent {
    /// Whether what its user holds has to be known.
    fileprivate var asksForRegister: Bool {
        switch action {
        case .read, .react, .clear, .release, .reject, .hold: userLength > 0
        case .putContent, .deleteContent, .remember: false
        }
    }
}
