// How a shard finds the register of a user: by the filter, which proves absence; by the overlay, for what the ledger does
// not hold yet; by the ledger. And how filters come to be complete.

import LikewiseCore

extension ShardCore {
    /// The register as all that came before leaves it: filter, then overlay, then ledger.
    @inline(__always)
    func register(_ slot: UInt32, _ intent: Intent, _ ids: IntentIDs) throws(LedgerError) -> Register {
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

    @inline(never)
    func heldRegister(_ slot: UInt32, _ intent: Intent, _ ids: IntentIDs) throws(LedgerError) -> Register {
        let state = table[slot]
        if state.pointee.lastSequence > committedSequence {
            if let register = unsavedRegister(slot, intent, ids) { return register }
        }
        // The ledger may still hold what a deletion has ended.
        if state.pointee.deletedSequence > committedSequence { return .untouched }
        if state.pointee.ledgerKey == nil { state.pointee.ledgerKey = try reader.content(Array(ids.content))?.key }
        guard let key = state.pointee.ledgerKey else { return .untouched }
        wantFilter(slot, key)
        ahead.asked += 1
        if let register = ahead.register(ofContent: key) { return register }
        return try reader.register(content: key, user: ids.user)
    }

    /// The register as the overlay has it; nil where it is not there.
    func unsavedRegister(_ slot: UInt32, _ intent: Intent, _ ids: IntentIDs) -> Register? {
        var generation = current
        var older = sealedGenerations.count
        while true {
            if let entry = generation.find(slot: slot, keyHash: intent.keyHash, user: ids.user) {
                let isDeleted = generation.sequence(of: entry) < table[slot].pointee.deletedSequence
                return isDeleted ? .untouched : entry.register
            }
            guard older > 0 else { return nil }
            older -= 1
            generation = sealedGenerations[older]
        }
    }

    // MARK: Filters

    /// A content's filter, to be filled from the ledger by somebody who may wait.
    package struct FilterRequest: Sendable {
        package var slot: UInt32
        package var key: Int64
        package var contentHash: UInt64
        package var epoch: UInt32
    }

    func wantFilter(_ slot: UInt32, _ key: Int64) {
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

    /// Empties the filters of loaded contents for which `chosen` says so.
    package func dropFilters(where chosen: () -> Bool) {
        table.sweep(steps: table.count) { slot in if chosen() { dropFilter(slot) } }
    }
}
