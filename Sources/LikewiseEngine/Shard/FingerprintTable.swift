// One table of a fingerprint filter: buckets of sixteen lanes, 64 bytes each, probed with one vector comparison.
//
// The bucket is given by the bits behind the `depth` that all fingerprints of a table share, which only its filter knows.

import CPlatform

/// A set of 32-bit fingerprints other than 0, which marks an empty lane. Each bucket is filled from its first lane. Its
/// filter gives the memory back.
struct FingerprintTable {
    static let lanes = 16
    private static let bucketBytes = 64
    /// Buckets of a table that counts as small.
    private static let smallBuckets = 16
    /// Users of a bucket, on average, from which on a table grows. Small ones are nearly all of the tables that there
    /// are, and are searched as fast when they are fuller. One lane at least is always empty, or a search would not end.
    private static let smallLoad: UInt32 = 15
    private static let usualLoad: UInt32 = 14

    enum Insertion {
        /// It was there.
        case held
        case added
        /// It was added, and the table needs more room before the next one.
        case addedLast
    }

    /// Nil before the first fingerprint.
    private var buckets: UnsafeMutablePointer<UInt32>?
    private var bucketCount: UInt32 = 0
    /// Fingerprints held.
    private(set) var used: UInt32 = 0

    init() {}

    /// An empty one with room for some fingerprints.
    @inline(never)
    init(bucketCount: Int) {
        self.bucketCount = UInt32(bucketCount)
        let lanes = bucketCount * FingerprintTable.lanes
        if bucketCount <= BucketPool.maxBuckets {
            let memory = BucketPool.shared.allocate(buckets: bucketCount)
            buckets = memory.bindMemory(to: UInt32.self, capacity: lanes)
        } else {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: FingerprintTable.bucketBytes)
            buckets = memory.initializeMemory(as: UInt32.self, repeating: 0, count: lanes)
        }
    }

    func deallocate() {
        guard let buckets else { return }
        if bucketCount <= UInt32(BucketPool.maxBuckets) {
            BucketPool.shared.deallocate(UnsafeMutableRawPointer(buckets))
        } else {
            buckets.deallocate()
        }
    }

    var isAllocated: Bool { buckets != nil }
    var bytes: Int { Int(bucketCount) &* FingerprintTable.bucketBytes }

    @inline(__always)
    private func home(_ fingerprint: UInt32, _ depth: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(fingerprint &<< depth) &* UInt64(bucketCount)) &>> 32)
    }

    /// Brings the bucket of `fingerprint` near the processor.
    @inline(__always)
    func prefetch(_ fingerprint: UInt32, depth: UInt32) {
        if let buckets { likewise_prefetch(buckets + home(fingerprint, depth) &* FingerprintTable.lanes) }
    }

    /// Where the fingerprint is, or else where it belongs.
    @inline(__always)
    private func find(_ fingerprint: UInt32, _ depth: UInt32) -> (found: Bool, lane: Int)? {
        guard let buckets else { return nil }
        var at = home(fingerprint, depth)
        while true {
            let bucket = buckets + at &* FingerprintTable.lanes
            let same = likewise_equal_lanes(bucket, fingerprint)
            if same != 0 { return (true, at &* FingerprintTable.lanes &+ same.trailingZeroBitCount) }
            let empty = likewise_equal_lanes(bucket, 0)
            if empty != 0 { return (false, at &* FingerprintTable.lanes &+ empty.trailingZeroBitCount) }
            at &+= 1
            if at == Int(bucketCount) { at = 0 }
        }
    }

    @inline(__always)
    func contains(_ fingerprint: UInt32, depth: UInt32) -> Bool { find(fingerprint, depth)?.found ?? false }

    /// Adds `fingerprint` to a table that has room.
    @inline(__always)
    mutating func insert(_ fingerprint: UInt32, depth: UInt32) -> Insertion {
        guard let place = find(fingerprint, depth), !place.found else { return .held }
        buckets?[place.lane] = fingerprint
        used &+= 1
        let isSmall = bucketCount <= FingerprintTable.smallBuckets
        let load = isSmall ? FingerprintTable.smallLoad : FingerprintTable.usualLoad
        return used > bucketCount &* load ? .addedLast : .added
    }

    @inline(__always)
    private func forEach(_ body: (UInt32) -> Void) {
        guard let buckets else { return }
        for lane in 0..<(Int(bucketCount) * FingerprintTable.lanes) where buckets[lane] != 0 { body(buckets[lane]) }
    }

    // MARK: Growing

    /// A larger one with all that this one holds, which is given back.
    func grown(depth: UInt32) -> FingerprintTable {
        var larger = FingerprintTable(bucketCount: FingerprintTable.grown(Int(bucketCount)))
        larger.fill(from: self, depth) { _ in true }
        deallocate()
        return larger
    }

    /// By an eighth where there are many or few, to save room; by half in between, so that they are not moved too often.
    private static func grown(_ bucketCount: Int) -> Int {
        let isInBetween = bucketCount >= smallBuckets && bucketCount < 256
        return max(bucketCount + 1, isInBetween ? bucketCount * 3 / 2 : bucketCount * 9 / 8)
    }

    /// Two with all that this one holds, which is given back: by the bit behind the first `depth`.
    func halves(depth: UInt32) -> (low: FingerprintTable, high: FingerprintTable) {
        let bit = UInt32(1) << (31 - depth)
        var ones = 0
        forEach { ones += $0 & bit == 0 ? 0 : 1 }
        // Half each, but for chance.
        let half = Int(bucketCount) / 2 + Int(bucketCount) / 16 + 1
        var low = FingerprintTable(bucketCount: max(half, (Int(used) - ones) / 14 + 2))
        var high = FingerprintTable(bucketCount: max(half, ones / 14 + 2))
        low.fill(from: self, depth + 1) { $0 & bit == 0 }
        high.fill(from: self, depth + 1) { $0 & bit != 0 }
        deallocate()
        return (low, high)
    }

    /// Moves what `chosen` names into this empty table, without the search of an insertion.
    @inline(__always)
    private mutating func fill(from other: FingerprintTable, _ depth: UInt32, where chosen: (UInt32) -> Bool) {
        guard let buckets else { return }
        var taken: UInt32 = 0
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(bucketCount)) { filled in
            filled.initialize(repeating: 0)
            other.forEach { fingerprint in
                guard chosen(fingerprint) else { return }
                var at = home(fingerprint, depth)
                while Int(filled[at]) == FingerprintTable.lanes {
                    at &+= 1
                    if at == Int(bucketCount) { at = 0 }
                }
                buckets[at &* FingerprintTable.lanes &+ Int(filled[at])] = fingerprint
                filled[at] &+= 1
                taken &+= 1
            }
        }
        used = taken
    }
}
