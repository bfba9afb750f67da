// How a shard loads contents, changes them and puts them back, publishes and unloads them.

import LikewiseCore

extension ShardCore {
    /// The place of the content in the newest generation.
    @inline(__always)
    func place(_ slot: UInt32) -> UInt32 {
        let state = table[slot]
        if state.pointee.generation != generationNumber {
            state.pointee.generationIndex = current.add(content: slot, id: table.id(slot))
            state.pointee.generation = generationNumber
        }
        return state.pointee.generationIndex
    }

    @inline(__always)
    func save(_ slot: UInt32) {
        let state = table[slot]
        guard !state.pointee.isChanged else { return }
        state.pointee.isChanged = true
        changed.append(
            Saved(
                slot: slot, tally: state.pointee.tally, description: state.pointee.description,
                deleted: state.pointee.deleted, deletedSequence: state.pointee.deletedSequence,
                lastSequence: state.pointee.lastSequence, gained: state.pointee.gained))
    }

    func takeBack(_ mark: Generation.Mark, _ clock: HybridClock) {
        for saved in changed {
            let state = table[saved.slot]
            state.pointee.tally = saved.tally
            state.pointee.description = saved.description
            state.pointee.deleted = saved.deleted
            state.pointee.deletedSequence = saved.deletedSequence
            state.pointee.lastSequence = saved.lastSequence
            state.pointee.gained = saved.gained
            state.pointee.isChanged = false
        }
        current.rollBack(to: mark)
        hybrid = clock
        changed.removeAll(keepingCapacity: true)
        buffer.removeAll()
    }

    func publish() {
        // States and cells lie at random in memory, and were touched up to a batch ago: asked for ahead, as in `Lookahead`.
        for i in 0..<changed.count {
            if i &+ 16 < changed.count { table.prefetchState(at: changed[i &+ 16].slot) }
            if i &+ 8 < changed.count { table.prefetchPublished(changed[i &+ 8].slot) }
            table[changed[i].slot].pointee.isChanged = false
            table.publish(changed[i].slot)
        }
    }

    /// The slot of a content, loaded where the table does not hold it; nil where there is none and `create` is false.
    @inline(__always)
    func find(_ id: UnsafeRawBufferPointer, hash: UInt64, create: Bool) throws(LedgerError) -> UInt32? {
        if let slot = table.find(hash, id) { return slot }
        return try load(id, hash: hash, create: create)
    }

    @inline(never)
    func load(_ id: UnsafeRawBufferPointer, hash: UInt64, create: Bool) throws(LedgerError) -> UInt32? {
        let known = mayBeKnown(hash) ? try reader.content(Array(id)) : nil
        guard known != nil || create else { return nil }
        return insert(id, hash: hash, known)
    }

    /// Whether the ledger may hold the content.
    func mayBeKnown(_ hash: UInt64) -> Bool {
        !knowsAllContents || knownContents.contains(FingerprintFilter.fingerprint(hash))
    }

    /// Takes a content in that is not loaded, as the ledger has it, or new.
    func insert(_ id: UnsafeRawBufferPointer, hash: UInt64, _ known: LedgerContent?) -> UInt32 {
        if options.filters { _ = knownContents.insert(FingerprintFilter.fingerprint(hash)) }
        loads += 1
        return table.insert(
            id,
            ContentState(
                hash: hash, tally: known?.tally ?? Tally(),
                description: types.shared(known?.description ?? ContentDescription()),
                ledgerKey: known?.key, filterIsComplete: known == nil && options.filters,
                deleted: known?.deleted ?? .zero))
    }

    /// The slot of a content that is loaded.
    package func slot(of content: UnsafeRawBufferPointer) -> UInt32? {
        table.find(Hash64.of(content, seed: options.seed), content)
    }

    /// Looks at up to `steps` contents, and unloads the least used while all take more than their share.
    func unloadIfOverBudget(steps: Int = ShardCore.sweepStepsAtRest) {
        guard contentBytes > options.contentBytes else { return }
        table.sweep(steps: steps) { if contentBytes > options.contentBytes { unload($0) } }
    }

    /// Unloads a content whose changes the ledger holds.
    package func unload(_ slot: UInt32) {
        let state = table[slot]
        guard state.pointee.lastSequence <= committedSequence, !state.pointee.isTrending else { return }
        filterBytes -= state.pointee.filter.memoryBytes
        table.remove(slot)
    }
}
