// Which users a content has seen, as 32-bit fingerprints: "never seen" is certain, "maybe seen" is asked elsewhere.
//
// Fingerprints lie in buckets of sixteen, one cache line each, probed with one vector comparison. Tables are kept small:
// one that holds more than `splitAt` splits in two by the next bit of the fingerprint, so that no insertion stalls for
// long, and between splits a table grows by a quarter, so that little room stands empty. Nothing is ever removed, hence
// no false negatives; at ten million users about one unseen user in 430 is a false "maybe".

struct FingerprintFilter: ~Copyable {
    private typealias Bucket = SIMD16<UInt32>

    /// Users of one table before it splits.
    private static let splitAt = 24_576
    /// Tables of one filter at most: 2^15, for about 500 million users; beyond that tables only grow.
    private static let maxDepth = 15

    private struct Table {
        var buckets: UnsafeMutablePointer<Bucket>
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
    private(set) var count = 0
    /// Bytes held.
    private(set) var memoryBytes = 0

    init() {}

    deinit {
        for table in tables { table.buckets.deallocate() }
    }

    /// The fingerprint of a register's key hash. 0 marks an empty place.
    static func fingerprint(_ keyHash: UInt64) -> UInt32 {
        let f = UInt32(truncatingIfNeeded: keyHash >> 32)
        return f == 0 ? 1 : f
    }

    private func tableIndex(_ fingerprint: UInt32) -> Int {
        depth == 0 ? 0 : Int(directory[Int(fingerprint >> UInt32(32 - depth))])
    }

    func contains(_ fingerprint: UInt32) -> Bool {
        guard !tables.isEmpty else { return false }
        return FingerprintFilter.find(tables[tableIndex(fingerprint)], fingerprint).found
    }

    /// Adds `fingerprint`; whether it was not there before.
    mutating func insert(_ fingerprint: UInt32) -> Bool {
        if tables.isEmpty { addFirstTable() }
        let index = tableIndex(fingerprint)
        let place = FingerprintFilter.find(tables[index], fingerprint)
        if place.found { return false }
        tables[index].buckets[place.bucket][place.lane] = fingerprint
        tables[index].used += 1
        count += 1
        if tables[index].used * 8 > tables[index].bucketCount * 16 * 7 { makeRoom(index) }
        return true
    }

    private static func find(_ table: Table, _ fingerprint: UInt32) -> (found: Bool, bucket: Int, lane: Int) {
        // The bits behind the shared prefix choose the bucket; the whole fingerprint is compared.
        let spread = UInt64(fingerprint << UInt32(table.depth))
        var at = Int((spread &* UInt64(table.bucketCount)) >> 32)
        while true {
            let bucket = table.buckets[at]
            if any(bucket .== fingerprint) { return (true, at, 0) }
            let empty = bucket .== 0
            if any(empty) {
                var lane = 0
                while !empty[lane] { lane += 1 }
                return (false, at, lane)
            }
            at += 1
            if at == table.bucketCount { at = 0 }
        }
    }

    private mutating func addFirstTable() {
        tables.append(newTable(bucketCount: 1, depth: 0, prefix: 0))
        directory = [0]
    }

    private mutating func newTable(bucketCount: Int, depth: Int, prefix: UInt32) -> Table {
        let buckets = UnsafeMutablePointer<Bucket>.allocate(capacity: bucketCount)
        buckets.initialize(repeating: Bucket(repeating: 0), count: bucketCount)
        memoryBytes += bucketCount * MemoryLayout<Bucket>.stride
        return Table(buckets: buckets, bucketCount: bucketCount, used: 0, depth: depth, prefix: prefix)
    }

    private mutating func makeRoom(_ index: Int) {
        let full = tables[index]
        if full.used < FingerprintFilter.splitAt || full.depth == FingerprintFilter.maxDepth {
            let larger = newTable(
                bucketCount: max(full.bucketCount + 1, full.bucketCount * 5 / 4), depth: full.depth,
                prefix: full.prefix)
            tables[index] = larger
            move(full)
        } else {
            split(index)
        }
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
        let each = full.bucketCount / 2 + full.bucketCount / 16 + 1
        tables[index] = newTable(bucketCount: each, depth: depth, prefix: full.prefix << 1)
        tables.append(newTable(bucketCount: each, depth: depth, prefix: full.prefix << 1 | 1))
        let width = 1 << (self.depth - depth)
        let start = Int(full.prefix << 1 | 1) * width
        for i in start..<(start + width) { directory[i] = UInt32(tables.count - 1) }
        move(full)
    }

    /// Puts a replaced table's fingerprints where they belong now.
    private mutating func move(_ old: Table) {
        for b in 0..<old.bucketCount {
            let bucket = old.buckets[b]
            for lane in 0..<16 where bucket[lane] != 0 {
                let index = tableIndex(bucket[lane])
                let place = FingerprintFilter.find(tables[index], bucket[lane])
                tables[index].buckets[place.bucket][place.lane] = bucket[lane]
                tables[index].used += 1
            }
        }
        old.buckets.deallocate()
        memoryBytes -= old.bucketCount * MemoryLayout<Bucket>.stride
    }
}
