// Which users a content has seen, as 32-bit fingerprints: "never seen" is certain, "maybe seen" is asked elsewhere.
//
// Fingerprints lie in buckets of sixteen, 64 bytes each, probed with one vector comparison. Tables are kept small:
// one that holds more than `splitAt` splits in two by the next bit of the fingerprint, so that no insertion stalls for
// long, and between splits a table grows by an eighth, so that little room stands empty. Nothing is ever removed, hence
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

    private enum Insertion {
        /// It was there.
        case held
        case added
        /// It was added, and the table needs more room before the next one.
        case addedLast
    }

    private struct Table {
        /// Sixteen lanes a bucket, filled from the first; nil before the first fingerprint.
        var buckets: UnsafeMutablePointer<UInt32>?
        var bucketCount = 0
        var used = 0
        var depth = 0
        /// The leading `depth` bits that all fingerprints here share.
        var prefix: UInt32 = 0

        /// The bits behind the shared prefix choose the bucket; the whole fingerprint is compared.
        @inline(__always)
        func home(_ fingerprint: UInt32) -> Int {
            let spread = UInt64(fingerprint &<< UInt32(truncatingIfNeeded: depth))
            return Int(truncatingIfNeeded: (spread &* UInt64(truncatingIfNeeded: bucketCount)) &>> 32)
        }

        /// Where the fingerprint is, or else where it belongs.
        @inline(__always)
        func find(_ fingerprint: UInt32) -> (found: Bool, lane: Int)? {
            guard let buckets else { return nil }
            var at = home(fingerprint)
            while true {
                let bucket = buckets + at &* lanes
                let same = likewise_equal_lanes(bucket, fingerprint)
                if same != 0 { return (true, at &* lanes &+ same.trailingZeroBitCount) }
                let empty = likewise_equal_lanes(bucket, 0)
                if empty != 0 { return (false, at &* lanes &+ empty.trailingZeroBitCount) }
                at &+= 1
                if at == bucketCount { at = 0 }
            }
        }

        @inline(__always)
        mutating func insert(_ fingerprint: UInt32) -> Insertion {
            guard let place = find(fingerprint), !place.found else { return .held }
            buckets?[place.lane] = fingerprint
            used &+= 1
            return used &* 8 > bucketCount &* lanes &* 7 ? .addedLast : .added
        }

        @inline(__always)
        func forEach(_ body: (UInt32) -> Void) {
            guard let buckets else { return }
            for lane in 0..<(bucketCount * lanes) where buckets[lane] != 0 { body(buckets[lane]) }
        }

        /// Takes in what `other` holds and `chosen` names, none of which is here. `filled` has a zero for each bucket.
        @inline(__always)
        mutating func take(
            _ other: Table, _ filled: UnsafeMutableBufferPointer<UInt8>, where chosen: (UInt32) -> Bool
        ) {
            guard let buckets else { return }
            other.forEach { fingerprint in
                guard chosen(fingerprint) else { return }
                var at = home(fingerprint)
                while filled[at] == lanes {
                    at &+= 1
                    if at == bucketCount { at = 0 }
                }
                buckets[at &* lanes &+ Int(filled[at])] = fingerprint
                filled[at] &+= 1
                used &+= 1
            }
        }

        func usersWithBit(_ bit: Int) -> Int {
            var count = 0
            forEach { count += Int($0 &>> UInt32(bit) & 1) }
            return count
        }
    }

    /// The only table, until it splits; most contents never have another.
    private var only = Table()
    /// The tables from then on.
    private var tables: UnsafeMutablePointer<Table>?
    private var tableCount = 0
    private var tableCapacity = 0
    /// Indices into `tables` by the leading `depth` bits of a fingerprint.
    private var directory: UnsafeMutablePointer<UInt32>?
    private var depth = 0

    /// Fingerprints held.
    package private(set) var count = 0
    /// Bytes held.
    package private(set) var memoryBytes = 0

    package init() {}

    deinit {
        only.buckets?.deallocate()
        if let tables {
            for i in 0..<tableCount { tables[i].buckets?.deallocate() }
            tables.deallocate()
        }
        directory?.deallocate()
    }

    /// The fingerprint of a register's key hash. 0 marks an empty place.
    @inline(__always)
    package static func fingerprint(_ keyHash: UInt64) -> UInt32 {
        let f = UInt32(truncatingIfNeeded: keyHash >> 32)
        return f == 0 ? 1 : f
    }

    /// The table of a fingerprint, where there are several.
    @inline(__always)
    private func place(_ fingerprint: UInt32) -> UnsafeMutablePointer<Table>? {
        guard let tables, let directory else { return nil }
        return tables + Int(directory[Int(fingerprint &>> UInt32(truncatingIfNeeded: 32 &- depth))])
    }

    /// Brings the bucket of `fingerprint` near the processor.
    @inline(__always)
    func prefetch(_ fingerprint: UInt32) {
        let table = place(fingerprint)?.pointee ?? only
        if let buckets = table.buckets {
            likewise_prefetch(buckets + table.home(fingerprint) &* FingerprintFilter.lanes)
        }
    }

    /// Whether `fingerprint` was inserted.
    package func contains(_ fingerprint: UInt32) -> Bool {
        (place(fingerprint)?.pointee ?? only).find(fingerprint)?.found ?? false
    }

    /// Adds `fingerprint`; whether it was not there before.
    @inline(__always)
    package mutating func insert(_ fingerprint: UInt32) -> Bool {
        let result: Insertion
        if let table = place(fingerprint) {
            result = table.pointee.insert(fingerprint)
        } else {
            if only.buckets == nil { only = newTable(bucketCount: 1, depth: 0, prefix: 0) }
            result = only.insert(fingerprint)
        }
        if result == .held { return false }
        count &+= 1
        if result == .addedLast { makeRoom(fingerprint) }
        return true
    }

    @inline(never)
    private mutating func newTable(bucketCount: Int, depth: Int, prefix: UInt32) -> Table {
        let bytes = bucketCount * FingerprintFilter.bucketBytes
        // The heap leaves gaps between blocks on cache lines' boundaries: half as much again for a hundred users.
        let alignment = bucketCount < 64 ? 16 : FingerprintFilter.bucketBytes
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: alignment)
        let buckets = memory.initializeMemory(
            as: UInt32.self, repeating: 0, count: bucketCount * FingerprintFilter.lanes)
        memoryBytes += bytes
        return Table(buckets: buckets, bucketCount: bucketCount, used: 0, depth: depth, prefix: prefix)
    }

    /// Makes the fingerprint's table larger, or two.
    @inline(never)
    private mutating func makeRoom(_ fingerprint: UInt32) {
        let table = place(fingerprint)
        let full = table?.pointee ?? only
        guard full.used < FingerprintFilter.splitAt || full.depth == FingerprintFilter.maxDepth else {
            return split(full)
        }
        var larger = newTable(
            bucketCount: FingerprintFilter.grown(full.bucketCount), depth: full.depth, prefix: full.prefix)
        fill(&larger, from: full) { _ in true }
        if let table { table.pointee = larger } else { only = larger }
        release(full)
    }

    /// Moves what `chosen` names into an empty table, without the search of an insertion.
    @inline(__always)
    private func fill(_ table: inout Table, from full: Table, where chosen: (UInt32) -> Bool) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: table.bucketCount) { filled in
            filled.initialize(repeating: 0)
            table.take(full, filled, where: chosen)
        }
    }

    /// By an eighth where there are many or few, to save room; by half in between, so that they are not moved too often.
    private static func grown(_ bucketCount: Int) -> Int {
        max(bucketCount + 1, bucketCount < 16 || bucketCount >= 256 ? bucketCount * 9 / 8 : bucketCount * 3 / 2)
    }

    private mutating func split(_ full: Table) {
        let depth = full.depth + 1
        if depth > self.depth { widenDirectory() }
        // Half each, but for chance; a table must never be full, or a search in it would not end.
        let ones = full.usersWithBit(31 - full.depth)
        let half = full.bucketCount / 2 + full.bucketCount / 16 + 1
        var low = newTable(
            bucketCount: max(half, (full.used - ones) / 14 + 2), depth: depth, prefix: full.prefix << 1)
        var high = newTable(bucketCount: max(half, ones / 14 + 2), depth: depth, prefix: full.prefix << 1 | 1)
        let bit = UInt32(1) << UInt32(31 - full.depth)
        fill(&low, from: full) { $0 & bit == 0 }
        fill(&high, from: full) { $0 & bit != 0 }
        add(low, high)
        release(full)
    }

    private mutating func widenDirectory() {
        let width = 1 << depth
        let wider = UnsafeMutablePointer<UInt32>.allocate(capacity: width * 2)
        for i in 0..<width * 2 { wider[i] = directory?[i / 2] ?? 0 }
        directory?.deallocate()
        directory = wider
        depth += 1
    }

    /// Puts the two halves in place of the table that they come from.
    private mutating func add(_ low: Table, _ high: Table) {
        if tableCount + 2 > tableCapacity {
            tableCapacity = max(4, tableCapacity * 2)
            let larger = UnsafeMutablePointer<Table>.allocate(capacity: tableCapacity)
            if let tables {
                larger.update(from: tables, count: tableCount)
                tables.deallocate()
            }
            tables = larger
        }
        guard let tables, let directory else { preconditionFailure("a filter split without a directory") }
        let width = 1 << (depth - low.depth)
        let start = Int(low.prefix) * width
        let index = tableCount == 0 ? 0 : Int(directory[start])
        if tableCount == 0 {
            only = Table()
            tableCount = 1
        }
        tables[index] = low
        tables[tableCount] = high
        for i in (start + width)..<(start + 2 * width) { directory[i] = UInt32(tableCount) }
        tableCount += 1
    }

    private mutating func release(_ table: Table) {
        table.buckets?.deallocate()
        memoryBytes -= table.bucketCount * FingerprintFilter.bucketBytes
    }
}
