/// Finds places in an array by a hash of what they hold: open addressing with linear probing, 8 bytes a slot, at most
/// three quarters full. It compares nothing itself; whoever asks says whether a place is the one.
struct PlaceIndex: Sendable {
    /// 0 for none; else the upper half of the hash, and the place + 1.
    private var slots: [UInt64] = []
    private var count = 0

    /// The place of this hash for which `matches` says so.
    @inline(__always)
    func find(_ hash: UInt64, _ matches: (Int) -> Bool) -> Int? {
        guard !slots.isEmpty else { return nil }
        let mask = slots.count &- 1
        var at = Int(truncatingIfNeeded: hash >> 32) & mask
        while slots[at] != 0 {
            if slots[at] >> 32 == hash >> 32 {
                let place = Int(truncatingIfNeeded: slots[at] & 0xffff_ffff) &- 1
                if matches(place) { return place }
            }
            at = (at &+ 1) & mask
        }
        return nil
    }

    /// Adds a place that `find` did not find. Places are below 2^32 - 1.
    mutating func insert(_ hash: UInt64, _ place: Int) {
        if (count + 1) * 4 > slots.count * 3 { grow() }
        put(hash & 0xffff_ffff_0000_0000 | UInt64(UInt32(place)) + 1)
        count += 1
    }

    private mutating func put(_ slot: UInt64) {
        let mask = slots.count - 1
        var at = Int(truncatingIfNeeded: slot >> 32) & mask
        while slots[at] != 0 { at = (at + 1) & mask }
        slots[at] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = [UInt64](repeating: 0, count: max(16, old.count * 2))
        for slot in old where slot != 0 { put(slot) }
    }
}
