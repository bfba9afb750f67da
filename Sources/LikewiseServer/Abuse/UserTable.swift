// What is known of users, in fixed memory: buckets of four, found by hash; who comes into a full one takes the place of the
// one who was not seen for longest, those whose likes are held last of all.

import CPlatform

/// What is known of one user.
struct UserState: Sendable {
    /// Counts are begun afresh after that.
    static let windowSeconds: UInt32 = 172_800
    /// Who moves takes longer to do it often.
    private static let hopSeconds: UInt32 = 900

    /// Blocks he came from, and addresses, as bitmaps for linear counting.
    var blocks: UInt64 = 0
    var addresses: UInt64 = 0
    /// Where he was last.
    var lastAddress: UInt64 = 0
    /// Seconds of the detector's clock.
    var lastSeen: UInt32 = 0
    /// When the counts were begun.
    var since: UInt32 = 0
    /// Until when all that he likes is held.
    var heldUntil: UInt32 = 0
    /// Likes in the window.
    var likes: UInt32 = 0
    /// Of them, those after an unlike of the same content.
    var toggles: UInt32 = 0
    /// Of them, those from another address than the one before, within minutes.
    var hops: UInt32 = 0
    /// Likes a minute, about, with a half-life of 42 s.
    var rate: Float = 0
    /// Evidence against him.
    var strikes: Float = 0
    var rhythm = Rhythm()

    /// How many blocks and addresses he came from, about (Whang, Vander-Zanden and Taylor, "A Linear-Time Probabilistic Counting
    /// Algorithm for Database Applications", ACM TODS 15, 1990).
    var blockCount: Double { UserState.estimates[blocks.nonzeroBitCount] }
    var addressCount: Double { UserState.estimates[addresses.nonzeroBitCount] }
    private static let estimates: [Double] = (0...64).map { set in
        -64 * naturalLogarithm((64 - Double(min(set, 63))) / 64)
    }

    /// Whether he was seen in at least two other blocks, and nothing is held against him.
    func isKnownElsewhere(than block: UInt64) -> Bool {
        strikes == 0 && (blocks & ~UserState.bit(block)).nonzeroBitCount >= 2
    }

    private static func bit(_ source: UInt64) -> UInt64 { 1 << (source >> 58) }

    /// Takes a like of his.
    mutating func add(address: UInt64, block: UInt64, milliseconds: Int64) {
        let second = UInt32(truncatingIfNeeded: milliseconds / 1000)
        let gap = second &- lastSeen
        if second &- since > UserState.windowSeconds {
            (blocks, addresses, since, likes, toggles, hops) = (0, 0, second, 0, 0, 0)
        }
        if lastAddress != 0, address != lastAddress, gap < UserState.hopSeconds { hops += 1 }
        rate = rate * power(0.5, Float(gap) / 42) + 1
        blocks |= UserState.bit(block)
        addresses |= UserState.bit(address)
        likes += 1
        (lastSeen, lastAddress) = (second, address)
        rhythm.beat(milliseconds: milliseconds)
    }
}

/// A bounded table of users.
struct UserTable: Sendable {
    private static let ways = 4
    /// Apart from the states, so that a look for a user is one at a line of memory. 0: nobody.
    private var keys: [UInt64]
    private var states: [UserState]
    private let mask: UInt64
    /// Users who were forgotten for others.
    private(set) var forgotten = 0

    init(capacity: Int) {
        let buckets = max(1, capacity / UserTable.ways)
        let rounded = 1 << (Int.bitWidth - max(1, buckets - 1).leadingZeroBitCount)
        keys = Array(probed: 0, count: rounded * UserTable.ways)
        states = Array(probed: UserState(), count: keys.count)
        mask = UInt64(rounded - 1)
    }

    var bytes: Int { keys.count * (MemoryLayout<UInt64>.stride + MemoryLayout<UserState>.stride) }

    subscript(place: Int) -> UserState {
        get { states[place] }
        _modify { yield &states[place] }
    }

    @inline(__always)
    func prefetch(_ key: UInt64) {
        keys.withUnsafeBufferPointer { keys in
            guard let base = keys.baseAddress else { return }
            likewise_prefetch(base + Int(key & mask) * UserTable.ways)
        }
    }

    /// The place of a user; a fresh one if he is not known. Holds until the next call.
    mutating func place(of key: UInt64, second: UInt32) -> Int {
        let key = max(key, 1)
        let bucket = Int(key & mask) * UserTable.ways..<(Int(key & mask) + 1) * UserTable.ways
        for place in bucket where keys[place] == key { return place }
        let oldest = bucket.max { age($0, second) < age($1, second) } ?? bucket.lowerBound
        if keys[oldest] != 0 { forgotten += 1 }
        keys[oldest] = key
        states[oldest] = UserState(lastSeen: second, since: second)
        return oldest
    }

    private func age(_ place: Int, _ second: UInt32) -> UInt32 {
        if keys[place] == 0 { return .max }
        if states[place].heldUntil > second { return 0 }
        return second &- min(second, states[place].lastSeen)
    }
}
