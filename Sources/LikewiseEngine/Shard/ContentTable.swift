// What a shard knows of its loaded contents: states that stay where they are, in the slots that the directory names.
//
// A state whose changes the ledger holds can be unloaded at any time and is loaded again when it is next asked for. The
// table unloads by the clock algorithm: a hand goes round and takes what was not touched since it last came by.

import CPlatform
package import LikewiseCore

/// All that a shard knows of a loaded content: two cache lines. Only its shard's thread touches it.
package struct ContentState: ~Copyable {
    let hash: UInt64
    /// With all changes, also those that are not published yet.
    package var tally: Tally
    package var description: ContentDescription
    private var flags: Flags = .recent
    /// Lookups in the ledger because the filter was not complete, since it was last asked for.
    var filterMisses: UInt8 = 0
    /// The filter load under way; 0 if none.
    var filterEpoch: UInt32 = 0
    private var ledgerNumber: Int64
    /// Users that have a register here; see `filterIsComplete`.
    var filter = FingerprintFilter()
    /// The log sequence up to which changes may be missing from the filter until the ledger has delivered them.
    var filterDroppedAt: UInt64 = 0
    /// The version and the log sequence of the latest deletion.
    var deleted: Version
    /// Likes gained since the last look by the trends.
    var gained: Int32 = 0
    var deletedSequence: UInt64 = 0
    /// The log sequence of its latest change.
    var lastSequence: UInt64 = 0
    /// Its place in the newest generation, where it has one.
    var generation: UInt32 = .max
    var generationIndex: UInt32 = 0

    private struct Flags: OptionSet {
        var rawValue: UInt8
        static var filterIsComplete: Flags { Flags(rawValue: 1) }
        static var recent: Flags { Flags(rawValue: 2) }
        static var changed: Flags { Flags(rawValue: 4) }
        static var trending: Flags { Flags(rawValue: 8) }

        @inline(__always)
        mutating func set(_ flag: Flags, _ isOn: Bool) {
            if isOn { formUnion(flag) } else { subtract(flag) }
        }
    }

    /// Whether every register's user is in `filter`: then absence is proof.
    @inline(__always)
    var filterIsComplete: Bool {
        get { flags.contains(.filterIsComplete) }
        set { flags.set(.filterIsComplete, newValue) }
    }
    /// Touched since the unloading hand last came by.
    @inline(__always)
    var isRecent: Bool {
        get { flags.contains(.recent) }
        set { flags.set(.recent, newValue) }
    }
    /// Changed in this batch, so that it is published once.
    @inline(__always)
    var isChanged: Bool {
        get { flags.contains(.changed) }
        set { flags.set(.changed, newValue) }
    }
    /// Named in the shard's list of contents that gained.
    @inline(__always)
    var isTrending: Bool {
        get { flags.contains(.trending) }
        set { flags.set(.trending, newValue) }
    }

    /// The ledger's number for the content, once it was asked for and there.
    var ledgerKey: Int64? {
        get { ledgerNumber == ContentState.noNumber ? nil : ledgerNumber }
        set { ledgerNumber = newValue ?? ContentState.noNumber }
    }
    /// No ledger gives it out.
    private static let noNumber = Int64.min

    package init(
        hash: UInt64, tally: Tally = Tally(),
        description: ContentDescription = ContentDescription(), ledgerKey: Int64? = nil, filterIsComplete: Bool = false,
        deleted: Version = .zero
    ) {
        self.hash = hash
        self.tally = tally
        self.description = description
        ledgerNumber = ledgerKey ?? ContentState.noNumber
        self.deleted = deleted
        self.filterIsComplete = filterIsComplete
    }
}

/// The contents that a shard has loaded. Used by one thread, which alone changes the directory.
package final class ContentTable {
    /// Bytes that a loaded content takes beside a long id and its filter's tables.
    static let overheadBytes = MemoryLayout<ContentState>.stride + CountDirectory.bytesEach + 1

    private let directory: CountDirectory
    private var states = SlotStore<ContentState>()
    private var isLive: [Bool] = []
    private var freeSlots: [UInt32] = []
    private var hand = 0

    /// Contents loaded.
    package private(set) var count = 0
    /// Bytes of ids and overhead; filters count for themselves.
    package private(set) var memoryBytes = 0

    /// An empty one, whose contents readers find in `directory`.
    package init(_ directory: CountDirectory) { self.directory = directory }

    deinit {
        for slot in 0..<isLive.count where isLive[slot] { self[UInt32(slot)].deinitialize(count: 1) }
    }

    /// The state in `slot`, which stays where it is until it is removed.
    @inline(__always)
    package subscript(slot: UInt32) -> UnsafeMutablePointer<ContentState> { states[slot] }

    /// Whether there is a state in `slot`.
    package func isLoaded(_ slot: UInt32) -> Bool { Int(slot) < isLive.count && isLive[Int(slot)] }

    // MARK: Ahead of time

    /// Brings the index entry of a content near the processor.
    @inline(__always)
    func prefetchIndex(_ hash: UInt64) { directory.prefetchIndex(hash) }

    /// Brings the content's state near the processor.
    @inline(__always)
    func prefetchState(_ hash: UInt64) {
        if let slot = directory.probableSlot(hash) { prefetchState(at: slot) }
    }

    /// Brings the state in `slot` near the processor.
    @inline(__always)
    func prefetchState(at slot: UInt32) {
        let state = UnsafeRawPointer(states[slot])
        for line in 0..<(MemoryLayout<ContentState>.stride + 63) / 64 { likewise_prefetch(state + line * 64) }
    }

    /// Brings the place of a fingerprint in the content's filter near the processor, and the content's cell.
    @inline(__always)
    func prefetchFilter(_ hash: UInt64, _ fingerprint: UInt32) {
        guard let slot = directory.probableSlot(hash) else { return }
        states[slot].pointee.filter.prefetch(fingerprint)
        directory.prefetchCell(slot)
    }

    /// Brings the content's id near the processor.
    @inline(__always)
    func prefetchID(_ hash: UInt64) {
        if let slot = directory.probableSlot(hash) { directory.prefetchLongID(slot) }
    }

    // MARK: Contents

    /// The slot of the content called `id`, whose hash is `hash`; nil where it is not loaded.
    @inline(__always)
    package func find(_ hash: UInt64, _ id: UnsafeRawBufferPointer) -> UInt32? { directory.slot(of: id, hash: hash) }

    /// The id of the content in `slot`; good until that is removed.
    @inline(__always)
    package func id(_ slot: UInt32) -> UnsafeRawBufferPointer { directory.id(slot) }

    /// Takes a content in, which must not be there, and answers its slot. Readers see its tally and description.
    package func insert(_ id: UnsafeRawBufferPointer, _ state: consuming ContentState) -> UInt32 {
        memoryBytes += ContentTable.overheadBytes + ContentID.heapBytes(id.count)
        let slot: UInt32
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = UInt32(isLive.count)
            states.makeRoom(for: slot)
            isLive.append(false)
        }
        let (hash, content) = (state.hash, PublishedContent(tally: state.tally, description: state.description))
        self[slot].initialize(to: state)
        isLive[Int(slot)] = true
        count += 1
        directory.insert(id, hash: hash, slot: slot, content)
        return slot
    }

    /// Lets readers see the tally and the description of the content in `slot`.
    @inline(__always)
    package func publish(_ slot: UInt32) {
        let state = self[slot]
        directory.publish(slot, hash: state.pointee.hash, state.pointee.tally, state.pointee.description)
    }

    /// Brings near the processor what `publish` writes to; the state should be near.
    @inline(__always)
    func prefetchPublished(_ slot: UInt32) { directory.prefetchCell(slot) }

    /// Removes the content in `slot`, which may be given to another one then.
    package func remove(_ slot: UInt32) {
        let state = self[slot]
        memoryBytes -= ContentTable.overheadBytes + ContentID.heapBytes(directory.id(slot).count)
        directory.remove(slot, hash: state.pointee.hash)
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
