// The contents that a shard has loaded: an open-addressing index over states that stay where they are.
//
// A state whose changes the ledger holds can be unloaded at any time and is loaded again when it is next asked for. The
// table unloads by the clock algorithm: a hand goes round and takes what was not touched since it last came by.

import CPlatform
package import LikewiseCore

/// All that a shard knows of a loaded content. Only its shard's thread touches it.
package struct ContentState: ~Copyable {
    package let cell: PublishedCell
    let hash: UInt64
    var tally: Tally
    var description: ContentDescription
    /// The ledger's number for the content, once it was asked for and there.
    var ledgerKey: Int64?
    /// Users that have a register here; see `filterIsComplete`.
    var filter = FingerprintFilter()
    /// Whether every register's user is in `filter`: then absence is proof.
    var filterIsComplete: Bool
    /// Lookups in the ledger because the filter was not complete.
    var filterMisses: UInt32 = 0
    /// The filter load under way; 0 if none.
    var filterEpoch: UInt32 = 0
    /// The log sequence up to which changes may be missing from the filter until the ledger has delivered them.
    var filterDroppedAt: UInt64 = 0
    /// The version and the log sequence of the latest deletion.
    var deleted: Version
    var deletedSequence: UInt64 = 0
    /// The log sequence of its latest change.
    var lastSequence: UInt64 = 0
    /// Its place in the newest generation, where it has one.
    var generation: UInt32 = .max
    var generationIndex: UInt32 = 0
    /// The batch that last changed it, so that it is published once a batch.
    var changedInBatch: UInt64 = 0
    /// Likes gained since the last look by the trends.
    var gained: Int64 = 0
    /// Named in the shard's list of contents that gained.
    var isTrending = false
    /// Touched since the unloading hand last came by.
    var isRecent = true

    @inline(__always)
    func prefetchCell() {
        likewise_prefetch(Unmanaged.passUnretained(cell).toOpaque())
    }

    /// The bytes that a lookup compares; the cell should be near.
    @inline(__always)
    func prefetchID() {
        cell.id.withUnsafeBytes { if let start = $0.baseAddress { likewise_prefetch(start) } }
    }

    package init(
        cell: PublishedCell, hash: UInt64, tally: Tally = Tally(),
        description: ContentDescription = ContentDescription(), ledgerKey: Int64? = nil, filterIsComplete: Bool = false,
        deleted: Version = .zero
    ) {
        self.cell = cell
        self.hash = hash
        self.tally = tally
        self.description = description
        self.ledgerKey = ledgerKey
        self.filterIsComplete = filterIsComplete
        self.deleted = deleted
    }
}

/// The contents that a shard has loaded, by id. Used by one thread.
package final class ContentTable {
    package init() {}

    /// Bytes that a loaded content takes beside its id and filter: state, cell, directory and index entries.
    static let overheadBytes = MemoryLayout<ContentState>.stride + 208
    private static let chunk = 1024

    private var chunks: [UnsafeMutablePointer<ContentState>] = []
    private var isLive: [Bool] = []
    private var freeSlots: [UInt32] = []
    private var index = ContentTable.emptyIndex(1024)
    private var indexCount = 1024
    private var indexUsed = 0
    private var hand = 0

    /// Contents loaded.
    package private(set) var count = 0
    /// Bytes of ids and overhead; filters count for themselves.
    package private(set) var memoryBytes = 0

    deinit {
        for slot in 0..<isLive.count where isLive[slot] { self[UInt32(slot)].deinitialize(count: 1) }
        for chunk in chunks { chunk.deallocate() }
        likewise_free_table(index, indexCount * 8)
    }

    private static func emptyIndex(_ count: Int) -> UnsafeMutablePointer<UInt64> {
        guard let table = likewise_allocate_table(count * 8) else {
            preconditionFailure("no memory for an index of \(count) contents")
        }
        return table.bindMemory(to: UInt64.self, capacity: count)
    }

    /// The state in `slot`, which stays where it is until it is removed.
    @inline(__always)
    package subscript(slot: UInt32) -> UnsafeMutablePointer<ContentState> {
        chunks[Int(slot) / ContentTable.chunk] + Int(slot) % ContentTable.chunk
    }

    /// Whether there is a state in `slot`.
    package func isLoaded(_ slot: UInt32) -> Bool { Int(slot) < isLive.count && isLive[Int(slot)] }

    // An index entry is the upper half of the hash and slot + 1; the home place comes from the lower half.

    // MARK: Ahead of time

    /// Brings the index entry of a content near the processor.
    @inline(__always)
    func prefetchIndex(_ hash: UInt64) {
        likewise_prefetch(index + Int(truncatingIfNeeded: hash) & (indexCount &- 1))
    }

    /// The state that is probably the content's; nil where it is not loaded.
    @inline(__always)
    private func probable(_ hash: UInt64) -> UnsafeMutablePointer<ContentState>? {
        let mask = indexCount &- 1
        var at = Int(truncatingIfNeeded: hash) & mask
        while index[at] != 0 {
            if (index[at] ^ hash) >> 32 == 0 { return self[UInt32(truncatingIfNeeded: index[at]) &- 1] }
            at = (at &+ 1) & mask
        }
        return nil
    }

    /// Brings the content's state near the processor.
    @inline(__always)
    func prefetchState(_ hash: UInt64) {
        guard let state = probable(hash) else { return }
        prefetch(state)
    }

    /// Brings the state in `slot` near the processor.
    @inline(__always)
    func prefetchState(at slot: UInt32) { prefetch(self[slot]) }

    @inline(__always)
    private func prefetch(_ state: UnsafeMutablePointer<ContentState>) {
        for line in 0..<(MemoryLayout<ContentState>.stride + 63) / 64 {
            likewise_prefetch(UnsafeRawPointer(state) + line * 64)
        }
    }

    /// Brings the place of a fingerprint in the content's filter near the processor.
    @inline(__always)
    func prefetchFilter(_ hash: UInt64, _ fingerprint: UInt32) {
        guard let state = probable(hash) else { return }
        state.pointee.filter.prefetch(fingerprint)
        state.pointee.prefetchCell()
    }

    /// Brings the content's id near the processor.
    @inline(__always)
    func prefetchID(_ hash: UInt64) {
        guard let state = probable(hash) else { return }
        state.pointee.prefetchID()
    }

    // MARK: Contents

    /// The slot of the content called `id`, whose hash is `hash`; nil where it is not loaded.
    package func find(_ hash: UInt64, _ id: UnsafeRawBufferPointer) -> UInt32? {
        let mask = indexCount - 1
        var at = Int(truncatingIfNeeded: hash) & mask
        while index[at] != 0 {
            if (index[at] ^ hash) >> 32 == 0 {
                let slot = UInt32(truncatingIfNeeded: index[at]) - 1
                let state = self[slot]
                if state.pointee.hash == hash, sameBytes(state.pointee.cell.id, id) {
                    return slot
                }
            }
            at = (at + 1) & mask
        }
        return nil
    }

    /// Takes a state in, which must not be there, and answers its slot.
    package func insert(_ state: consuming ContentState) -> UInt32 {
        let hash = state.hash
        memoryBytes += ContentTable.overheadBytes + state.cell.id.count
        let slot: UInt32
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = UInt32(isLive.count)
            if isLive.count % ContentTable.chunk == 0 { chunks.append(.allocate(capacity: ContentTable.chunk)) }
            isLive.append(false)
        }
        self[slot].initialize(to: state)
        isLive[Int(slot)] = true
        count += 1
        if (indexUsed + 1) * 3 > indexCount * 2 { growIndex() }
        link(hash, slot)
        return slot
    }

    private func link(_ hash: UInt64, _ slot: UInt32) {
        let mask = indexCount - 1
        var at = Int(truncatingIfNeeded: hash) & mask
        while index[at] != 0 { at = (at + 1) & mask }
        index[at] = hash & 0xffff_ffff_0000_0000 | UInt64(slot + 1)
        indexUsed += 1
    }

    private func growIndex() {
        likewise_free_table(index, indexCount * 8)
        indexCount *= 2
        index = ContentTable.emptyIndex(indexCount)
        indexUsed = 0
        for slot in 0..<isLive.count where isLive[slot] { link(self[UInt32(slot)].pointee.hash, UInt32(slot)) }
    }

    private func unlink(_ hash: UInt64, _ slot: UInt32) {
        let mask = indexCount - 1
        var at = Int(truncatingIfNeeded: hash) & mask
        while UInt32(truncatingIfNeeded: index[at]) != slot + 1 { at = (at + 1) & mask }
        // Closes the gap, so that lookups never meet an empty place on their way (Knuth, vol. 3, 6.4, algorithm R).
        var gap = at
        index[gap] = 0
        indexUsed -= 1
        while true {
            at = (at + 1) & mask
            if index[at] == 0 { return }
            let home =
                Int(truncatingIfNeeded: self[UInt32(truncatingIfNeeded: index[at]) - 1].pointee.hash) & mask
            if (at &- home) & mask >= (at &- gap) & mask {
                index[gap] = index[at]
                index[at] = 0
                gap = at
            }
        }
    }

    /// Removes the state in `slot`, which may be given to another content then.
    package func remove(_ slot: UInt32) {
        let state = self[slot]
        unlink(state.pointee.hash, slot)
        memoryBytes -= ContentTable.overheadBytes + state.pointee.cell.id.count
        state.deinitialize(count: 1)
        isLive[Int(slot)] = false
        freeSlots.append(slot)
        count -= 1
    }

    /// Moves the hand over up to `steps` slots and calls `body` for those that were not touched since it last came by.
    package func sweep(steps: Int, _ body: (UInt32) -> Void) {
        guard !isLive.isEmpty else { return }
        for _ in 0..<min(steps, isLive.count) {
            hand = hand + 1 < isLive.count ? hand + 1 : 0
            guard isLive[hand] else { continue }
            let state = self[UInt32(hand)]
            if state.pointee.isRecent { state.pointee.isRecent = false } else { body(UInt32(hand)) }
        }
    }
}
