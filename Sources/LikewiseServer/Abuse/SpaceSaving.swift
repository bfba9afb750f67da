// Who comes most, with a note on each, in fixed memory: Space-Saving (Metwally, Agrawal and El Abbadi, "Efficient Computation
// of Frequent and Top-k Elements in Data Streams", ICDT 2005). Who comes and has no place takes that of the one with the
// lowest count, and goes on from its count. Here the places are in sets of eight, found by hash, and the lowest of a set
// gives way, so that a step looks at one set and keeps no order. A count is too high by at most the additions to its set,
// divided by eight; who has more than that is in.

import CPlatform

/// The keys that come most, each with a note of the owner's that begins afresh when the key gets its place.
package struct SpaceSaving<Note: Sendable>: Sendable {
    /// Places of a set.
    package static var ways: Int { 8 }

    private struct Place {
        var key: UInt64 = 0
        /// 0: empty.
        var count: UInt32 = 0
        /// What the count was taken over from the one before; it may be too high by this much.
        var error: UInt32 = 0
    }

    private var places: [Place]
    private var notes: [Note]
    private let fresh: Note
    private let mask: UInt64

    /// - Parameters:
    ///   - capacity: how many keys have a place; rounded up to a power of two, at least one set.
    ///   - note: what a key's note is at first.
    package init(capacity: Int, note: Note) {
        let sets = max(1, (capacity + SpaceSaving.ways - 1) / SpaceSaving.ways)
        let rounded = sets == 1 ? 1 : 1 << (Int.bitWidth - (sets - 1).leadingZeroBitCount)
        places = Array(probed: Place(), count: rounded * SpaceSaving.ways)
        notes = Array(probed: note, count: places.count)
        fresh = note
        mask = UInt64(rounded - 1)
    }

    /// Bytes that it takes up.
    package var bytes: Int { places.count * (MemoryLayout<Place>.stride + MemoryLayout<Note>.stride) }

    private func set(_ key: UInt64) -> Range<Int> {
        let first = Int((key >> 20) & mask) * SpaceSaving.ways
        return first..<(first + SpaceSaving.ways)
    }

    /// Asks for the memory of `key`, so that it is near when it is counted.
    @inline(__always)
    package func prefetch(_ key: UInt64) {
        let first = Int((key >> 20) & mask) * SpaceSaving.ways
        places.withUnsafeBufferPointer { places in
            guard let base = places.baseAddress else { return }
            likewise_prefetch(base + first)
            likewise_prefetch(base + first + SpaceSaving.ways / 2)
        }
    }

    /// Asks for the note of `key`, once its place is near.
    @inline(__always)
    package func prefetchNote(_ key: UInt64) {
        guard let place = place(of: key) else { return }
        notes.withUnsafeBufferPointer { notes in
            guard let base = notes.baseAddress else { return }
            let note = UnsafeRawPointer(base + place)
            for line in stride(from: 0, to: MemoryLayout<Note>.stride, by: 64) { likewise_prefetch(note + line) }
        }
    }

    /// Counts `key` once more and answers its place, which holds until the next call.
    package mutating func add(_ key: UInt64) -> Int {
        var lowest = 0
        var count = UInt32.max
        for place in set(key) {
            if places[place].key == key, places[place].count > 0 {
                if places[place].count < .max { places[place].count += 1 }
                return place
            }
            if places[place].count < count { (lowest, count) = (place, places[place].count) }
        }
        places[lowest] = Place(key: key, count: count == .max ? count : count + 1, error: count)
        notes[lowest] = fresh
        return lowest
    }

    /// The place of a key that has one.
    package func place(of key: UInt64) -> Int? {
        set(key).first { places[$0].key == key && places[$0].count > 0 }
    }

    /// The note at a place.
    package subscript(place: Int) -> Note {
        get { notes[place] }
        _modify { yield &notes[place] }
    }

    /// How often the key at `place` came: at most this, and at least this less the error.
    package func count(at place: Int) -> (count: Int, error: Int) {
        (Int(places[place].count), Int(places[place].error))
    }

    /// Halves all counts, so that who came most long ago gives way. Who had one keeps it.
    package mutating func halve() {
        for place in places.indices where places[place].count > 1 {
            places[place].count >>= 1
            places[place].error >>= 1
        }
    }
}
