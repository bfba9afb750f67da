// Where the contents of a stripe are: an open-addressing table from hashes to slots.
//
// An entry is the upper half of the hash and slot + 1. The home place comes from the upper half too, so that entries can
// be moved, and gaps closed, without a look at the contents, which lie at random in memory. Two contents may share an
// upper half: who looks one up compares its id as well.

import CPlatform

/// A table of slots by hash.
struct ContentIndex: ~Copyable {
    private let entries: UnsafeMutablePointer<UInt64>
    private let capacity: Int
    private var used = 0

    /// The least room that a table has.
    private static let minCapacity = 16

    /// An empty one.
    init() { self.init(capacity: ContentIndex.minCapacity) }

    private init(capacity: Int) {
        guard let table = likewise_allocate_table(capacity * 8) else {
            preconditionFailure("no memory for an index of \(capacity) contents")
        }
        entries = table.bindMemory(to: UInt64.self, capacity: capacity)
        self.capacity = capacity
    }

    deinit { likewise_free_table(entries, capacity * 8) }

    private static let tag: UInt64 = 0xffff_ffff_0000_0000

    /// Of a hash, and of an entry.
    @inline(__always)
    private func home(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: ((hash &>> 32) &* UInt64(capacity)) &>> 32)
    }

    @inline(__always)
    private func next(_ at: Int) -> Int { at &+ 1 == capacity ? 0 : at &+ 1 }

    @inline(__always)
    private static func slot(_ entry: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: entry) &- 1 }

    /// Brings the place of a hash near the processor.
    @inline(__always)
    func prefetch(_ hash: UInt64) { likewise_prefetch(entries + home(hash)) }

    /// The first slot whose hash has the same upper half and that `isIt` says yes to; nil if there is none.
    @inline(__always)
    func find(_ hash: UInt64, where isIt: (UInt32) -> Bool) -> UInt32? {
        var at = home(hash)
        while entries[at] != 0 {
            if (entries[at] ^ hash) >> 32 == 0 {
                let slot = ContentIndex.slot(entries[at])
                if isIt(slot) { return slot }
            }
            at = next(at)
        }
        return nil
    }

    /// Whether `grown` should take its place before the next entry comes.
    var isFull: Bool { (used + 1) * 3 > capacity * 2 }

    /// One with the same entries and half as much room again.
    func grown() -> ContentIndex {
        var larger = ContentIndex(capacity: capacity * 3 / 2)
        for at in 0..<capacity where entries[at] != 0 { larger.put(entries[at]) }
        return larger
    }

    /// Adds a slot, which is not here, where there is room.
    mutating func link(_ hash: UInt64, _ slot: UInt32) {
        put(hash & ContentIndex.tag | UInt64(slot) + 1)
    }

    private mutating func put(_ entry: UInt64) {
        var at = home(entry)
        while entries[at] != 0 { at = next(at) }
        entries[at] = entry
        used += 1
    }

    /// Removes a slot, which is here.
    mutating func unlink(_ hash: UInt64, _ slot: UInt32) {
        let wanted = hash & ContentIndex.tag | UInt64(slot) + 1
        var at = home(hash)
        while entries[at] != wanted {
            precondition(entries[at] != 0, "slot \(slot) is not in the index")
            at = next(at)
        }
        // Closes the gap, so that lookups never meet an empty place on their way (Knuth, vol. 3, 6.4, algorithm R).
        var gap = at
        entries[gap] = 0
        used -= 1
        while true {
            at = next(at)
            if entries[at] == 0 { return }
            if distance(home(entries[at]), at) >= distance(gap, at) {
                entries[gap] = entries[at]
                entries[at] = 0
                gap = at
            }
        }
    }

    private func distance(_ from: Int, _ to: Int) -> Int { to >= from ? to - from : to - from + capacity }

    /// Calls `body` for each slot.
    func forEach(_ body: (UInt32) -> Void) {
        for at in 0..<capacity where entries[at] != 0 { body(ContentIndex.slot(entries[at])) }
    }
}
