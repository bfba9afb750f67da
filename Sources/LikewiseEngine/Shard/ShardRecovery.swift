// What a shard does with the log's records that the ledger does not hold, before it takes intents.

import LikewiseCore

extension ShardCore {
    /// Takes in a record that the log held at the start. Records come in the order of the log.
    package func recover(_ record: LogRecord) throws(LedgerError) {
        guard let kind = record.kind else {
            throw .unusable(
                "the log holds records of a kind that this version does not know: run the version that wrote them")
        }
        let sequence = record.sequence
        if kind == .answer {
            if let answer = StoredAnswer(record) { current.append(answer, sequence: sequence) }
        } else {
            hybrid.observe(record.version)
            let hash = Hash64.of(record.content, seed: options.seed)
            guard let slot = try find(record.content, hash: hash, create: true) else { return }
            save(slot)
            take(record, kind, slot, hash)
        }
        if isGenerationLarge { sealCurrent() }
    }

    private func take(_ record: LogRecord, _ kind: LogRecordKind, _ slot: UInt32, _ hash: UInt64) {
        let state = table[slot]
        switch kind {
        case .transition, .heldTransition:
            let keyHash = Hash64.combine(hash, Hash64.of(record.user, seed: options.seed))
            if options.filters {
                let before = state.pointee.filter.memoryBytes
                _ = state.pointee.filter.insert(FingerprintFilter.fingerprint(keyHash))
                filterBytes += state.pointee.filter.memoryBytes - before
            }
            if !record.extra.isEmpty { state.pointee.description.type = types.shared(record.extra) }
            apply(
                Transition(old: record.old, new: record.new, version: record.version), to: slot, user: record.user,
                keyHash: keyHash, sequence: record.sequence,
                description: record.extra.isEmpty ? nil : state.pointee.description)
        case .contentPut:
            describe(
                slot,
                ContentDescription(type: types.shared(record.extra), visibility: record.visibility, registered: true),
                sequence: record.sequence)
        case .contentDeleted:
            markDeleted(slot, record.version, sequence: record.sequence)
        case .answer: break
        }
    }
}

extension StoredAnswer {
    /// The answer in a log record; nil where the record holds none.
    init?(_ record: LogRecord) {
        guard record.kind == .answer, record.extra.count >= 8 else { return nil }
        let extra = record.extra
        self.init(
            key: Array(record.user),
            fingerprint: UInt64(littleEndian: extra.loadUnaligned(as: UInt64.self)),
            expires: record.version.reading, payload: Array(extra[8...]))
    }
}
