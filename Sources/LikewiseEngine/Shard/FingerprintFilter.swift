// Which users a content has seen, as 32-bit fingerprints: "never seen" is certain, "maybe seen" is asked elsewhere.
//
// Fingerprints lie in buckets of sixteen, one cache line each, probed with one vector comparison. Tables are kept small:
// one that holds more than `splitAt` splits in two by the next bit of the fingerprint, so that no insertion stalls for
// long, and between splits a table grows by a quarter, so that little room stands empty. Nothing is ever removed, hence
// no false negatives; at ten million users about one unseen user in 430 is a false "maybe".

import CPlatform

/// The users that a content has seen, or some other set of hashes: exact where it says no.
package struct FingerprintFilter: ~Copyable {
    private static let lanes = 16
    private static let bucketBytes = 64

    /// Users of one table before it splits.
    private static let splitAt = 24_576
    /// Tables of one filter at most: 2^15, for about 500 million users; beyond that tables only grow.
    private static let maxDepth = 15

    private struct Table {
        /// Sixteen lanes a bucket, filled from the first.
        var buckets: UnsafeMutablePointer<UInt32>
        var bucketCount: Int
        var used: Int
        var depth: Int
        /// The leading `depth` bits that all fingerprints here share.
        var prefix: UInt32
    }

    private var tables: [Table] = []
    /// Indices into `tables` by the leading `depth` bits of a fingerprint.
    private var directory: [UInt32] = []
    private var depth = 0

    /// Fingerprints held.
    package private(set) var count = 0
    /// Bytes held.
    package private(set) var memoryBytes = 0

    package init() {}

    deinit {
        for table in tables { table.buckets.deallocate() }
    }

    /// The fingerprint of a register's key hash. 0 marks an empty place.
    package static func fingerprint(_ keyHash: UInt64) -> UInt32 {
        let f = UInt32(truncatingIfNeeded: keyHash >> 32)
        return f == 0 ? 1 : f
    }

    @inline(__always)
    private func tableIndex(_ fingerprint: UInt32) -> Int {
        depth == 0 ? 0 : Int(directory[Int(fingerprint >> UInt32(32 - depth))])
    }

    /// Whether `fingerprint` was inserted.
    package func contains(_ fingerprint: UInt32) -> Bool {
        guard !tables.isEmpty else { return false }
        return FingerprintFilter.find(tables[tableIndex(fingerprint)], fingerprint).found
    }

    /// Adds `fingerprint`; whether it was not there before.
    package mutating func insert(_ fingerprint: UInt32) -> Bool {
        if tables.isEmpty { addFirstTable() }
        let index = tableIndex(fingerprint)
        let place = FingerprintFilter.find(tables[index], fingerprint)
        if place.found { return false }
        tables[index].buckets[place.lane] = fingerprint
        tables[index].used += 1
        count += 1
        if tables[index].used * 8 > tables[index].bucketCount * FingerprintFilter.lanes * 7 { makeRoom(index) }
        return true
    }

    /// Where the fingerprint is, or else where it belongs.
    @inline(__always)
    private static func find(_ table: Table, _ fingerprint: UInt32) -> (found: Bool, lane: Int) {
        // The bits behind the shared prefix choose the bucket; the whole fingerprint is compared.
        let spread = UInt64(fingerprint &<< UInt32(truncatingIfNeeded: table.depth))
        var at = Int(truncatingIfNeeded: (spread &* UInt64(truncatingIfNeeded: table.bucketCount)) &>> 32)
        while true {
            let bucket = table.buckets + at &* lanes
            let same = likewise_equal_lanes(bucket, fingerprint)
            if same != 0 { return (true, at &* lanes &+ same.trailingZeroBitCount) }
            let empty = likewise_equal_lanes(bucket, 0)
            if empty != 0 { return (false, at &* lanes &+ empty.trailingZeroBitCount) }
            at &+= 1
            if at == table.bucketCount { at = 0 }
        }
    }

    private mutating func addFirstTable() {
        tables.append(newTable(bucketCount: 1, depth: 0, prefix: 0))
        directory = [0]
    }

    private mutating func newTable(bucketCount: Int, depth: Int, prefix: UInt32) -> Table {
        let bytes = bucketCount * FingerprintFilter.bucketBytes
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: FingerprintFilter.bucketBytes)
        let buckets = memory.initializeMemory(
            as: UInt32.self, repeating: 0, count: bucketCount * FingerprintFilter.lanes)
        memoryBytes += bytes
        return Table(buckets: buckets, bucketCount: bucketCount, used: 0, depth: depth, prefix: prefix)
    }

    private mutating func makeRoom(_ index: Int) {
        let full = tables[index]
        if full.used < FingerprintFilter.splitAt || full.depth == FingerprintFilter.maxDepth {
            let larger = newTable(
                bucketCount: FingerprintFilter.grown(full.bucketCount), depth: full.depth,
                prefix: full.prefix)
            tables[index] = larger
            move(full)
        } else {
            split(index)
        }
    }

    /// Small tables grow by half, so that they are not moved too often; large ones by a quarter, to save room.
    private static func grown(_ bucketCount: Int) -> Int {
        max(bucketCount + 1, bucketCount < 256 ? bucketCount * 3 / 2 : bucketCount * 5 / 4)
    }

    private mutating func split(_ index: Int) {
        let full = tables[index]
        let depth = full.depth + 1
        if depth > self.depth {
            var wider: [UInt32] = []
            wider.reserveCapacity(directory.count * 2)
            for entry in directory { wider += [entry, entry] }
            directory = wider
            self.depth = depth
        }
        // Half each, but for chance; a table must never be full, or a search in it would not end.
        let ones = usersWithBit(full, 31 - full.depth)
        let half = full.bucketCount / 2 + full.bucketCount / 16 + 1
        let zeros = newTable(
            bucketCount: max(half, (full.used - ones) / 14 + 2), depth: depth, prefix: full.prefix << 1)
        tables[index] = zeros
        tables.append(newTable(bucketCount: max(half, ones / 14 + 2), depth: depth, prefix: full.prefix << 1 | 1))
        let width = 1 << (self.depth - depth)
        let start = Int(full.prefix << 1 | 1) * width
        for i in start..<(start + width) { directory[i] = UInt32(tables.count - 1) }
        move(full)
    }

    private func usersWithBit(_ table: Table, _ bit: Int) -> Int {
        var count = 0
        for lane in 0..<(table.bucketCount * FingerprintFilter.lanes) {
            count += Int(table.buckets[lane] &>> UInt32(bit) & 1)
        }
        return count
    }

    /// Puts a replaced table's fingerprints where they belong now.
    private mutating func move(_ old: Table) {
        for lane in 0..<(old.bucketCount * FingerprintFilter.lanes) where old.buckets[lane] != 0 {
            let fingerprint = old.buckets[lane]
            let index = tableIndex(fingerprint)
            let place = FingerprintFilter.find(tables[index], fingerprint)
            tables[index].buckets[place.lane] = fingerprint
            tables[index].used += 1
        }
        old.buckets.deallocate()
        memoryBytes -= old.bucketCount * FingerprintFilter.bucketBytes
    }
}
