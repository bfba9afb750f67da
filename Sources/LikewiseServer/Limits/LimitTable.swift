// Who asked how much lately, in bounded memory.
//
// A set of buckets of four places, each bucket a cache line; who comes is in one of two (Azar, Broder, Karlin and Upfal,
// "Balanced Allocations", 1994), so that the table fills to nine tenths and more before both are full. A place whose time has
// passed is as good as empty, so nothing is ever removed. Where both buckets are full the table doubles, up to its bound;
// at the bound the one of the eight who is nearest to a clean slate is forgotten, which lets him have a little more than
// his due and is counted.

package import LikewiseCore

/// The times that rate limits keep, by the hash of whom they are for. For one thread at a time.
package struct LimitTable: Sendable {
    /// Bytes that one who is kept takes up when the table is full.
    package static let placeBytes = MemoryLayout<Place>.stride
    private static let bucketPlaces = 4

    private struct Place {
        /// 0: nobody.
        var key: UInt64 = 0
        var arrival: UInt64 = 0
    }

    private var places: [Place]
    private var mask: Int
    private let mostBuckets: Int
    /// How many were forgotten before their time.
    package private(set) var forgotten = 0

    /// A table of at most `bound` bytes, rounded down to a power of two, and up to one bucket.
    package init(bound: Int) {
        let wanted = bound / (LimitTable.bucketPlaces * LimitTable.placeBytes)
        mostBuckets = wanted < 1 ? 1 : 1 << (Int.bitWidth - 1 - wanted.leadingZeroBitCount)
        let buckets = min(16, mostBuckets)
        places = Array(repeating: Place(), count: buckets * LimitTable.bucketPlaces)
        mask = buckets - 1
    }

    /// Bytes that it takes up.
    package var bytes: Int { places.count * LimitTable.placeBytes }

    /// Lets one request of `key` pass if `limit` has it so. `now`: nanoseconds of a clock that never goes back.
    package mutating func take(_ key: UInt64, _ limit: RateLimit, now: UInt64) -> RateLimit.Answer {
        let key = max(key, 1)
        if let place = find(key) { return limit.take(&places[place].arrival, now: now) }
        let place = place(for: key, now: now)
        places[place] = Place(key: key)
        return limit.take(&places[place].arrival, now: now)
    }

    /// Gives back one that passed.
    package mutating func giveBack(_ key: UInt64, _ limit: RateLimit) {
        if let place = find(max(key, 1)) { limit.giveBack(&places[place].arrival) }
    }

    /// How many are kept whose time has not passed.
    package func count(now: UInt64) -> Int { places.count { $0.arrival > now } }

    // MARK: Places

    private func buckets(_ key: UInt64) -> (first: Int, second: Int) {
        let first = Int(truncatingIfNeeded: key) & mask
        let second = Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 20) & mask
        return (first * LimitTable.bucketPlaces, second * LimitTable.bucketPlaces)
    }

    private func find(_ key: UInt64) -> Int? {
        let (first, second) = buckets(key)
        for place in first..<(first + LimitTable.bucketPlaces) where places[place].key == key { return place }
        for place in second..<(second + LimitTable.bucketPlaces) where places[place].key == key { return place }
        return nil
    }

    /// A place for one who has none.
    private mutating func place(for key: UInt64, now: UInt64) -> Int {
        while true {
            let (first, second) = buckets(key)
            let a = free(first, now: now)
            let b = free(second, now: now)
            if let place = a.count >= b.count ? a.place : b.place { return place }
            guard mask + 1 < mostBuckets else {
                forgotten += 1
                return earliest(first, second)
            }
            grow(now: now)
        }
    }

    private func free(_ bucket: Int, now: UInt64) -> (count: Int, place: Int?) {
        var found: (count: Int, place: Int?) = (0, nil)
        for place in bucket..<(bucket + LimitTable.bucketPlaces) where places[place].arrival <= now {
            found = (found.count + 1, place)
        }
        return found
    }

    private func earliest(_ first: Int, _ second: Int) -> Int {
        var found = first
        for bucket in [first, second] {
            for place in bucket..<(bucket + LimitTable.bucketPlaces) where places[place].arrival < places[found].arrival
            {
                found = place
            }
        }
        return found
    }

    private mutating func grow(now: UInt64) {
        let old = places
        mask = mask * 2 + 1
        places = Array(repeating: Place(), count: (mask + 1) * LimitTable.bucketPlaces)
        for place in old where place.arrival > now {
            let to = self.place(for: place.key, now: now)
            places[to] = place
        }
    }
}
