// Which users a content has seen, as 32-bit fingerprints: "never seen" is certain, "maybe seen" is asked elsewhere.
//
// Fingerprints lie in buckets of sixteen, 64 bytes each, probed with one vector comparison. Tables are kept small:
// one that holds more than `splitAt` splits in two by the next bit of the fingerprint, so that no insertion stalls for
// long, and between splits a table grows by an eighth, so that little room stands empty. Nothing is ever removed, hence
// no false negatives; at ten million users about one unseen user in 430 is a false "maybe". Every content has a filter and
// nearly all have few users, so one that has not split is no more than a pointer and two numbers.

/// The users that a content has seen, or some other set of hashes: exact where it says no.
package struct FingerprintFilter: ~Copyable {
    /// Users of one table before it splits.
    private static let splitAt: UInt32 = 24_576
    /// Tables of one filter at most: 2^15, for about 500 million users; beyond that tables only grow.
    private static let maxDepth: UInt32 = 15

    /// A table of those that the filter has split into.
    private struct Part {
        var table: FingerprintTable
        /// The leading `depth` bits that all fingerprints here share.
        var prefix: UInt32
        var depth: UInt32
    }

    /// The parts of a filter that has split, by the leading bits of a fingerprint.
    private struct Parts: ~Copyable {
        private var parts: UnsafeMutablePointer<Part>
        private var capacity = 4
        private(set) var count = 1
        /// Indices into `parts` by the leading `depth` bits of a fingerprint.
        private var directory: UnsafeMutablePointer<UInt32>
        private var depth: UInt32 = 0
        /// Fingerprints of all parts, and their tables' bytes.
        var used = 0
        var bytes = 0

        init(_ first: FingerprintTable) {
            parts = .allocate(capacity: capacity)
            parts.initialize(to: Part(table: first, prefix: 0, depth: 0))
            directory = .allocate(capacity: 1)
            directory.initialize(to: 0)
            used = Int(first.used)
            bytes = first.bytes
        }

        deinit {
            for i in 0..<count { parts[i].table.deallocate() }
            parts.deallocate()
            directory.deallocate()
        }

        @inline(__always)
        subscript(fingerprint: UInt32) -> UnsafeMutablePointer<Part> {
            // Shifted as 64 bits: before the first split there are no leading bits to go by.
            parts + Int(directory[Int(UInt64(fingerprint) &>> UInt64(32 &- depth))])
        }

        /// Makes the fingerprint's table larger, or two.
        mutating func makeRoom(_ fingerprint: UInt32) {
            let part = self[fingerprint]
            let (depth, before) = (part.pointee.depth, part.pointee.table.bytes)
            guard part.pointee.table.used >= splitAt, depth < maxDepth else {
                part.pointee.table = part.pointee.table.grown(depth: depth)
                bytes += part.pointee.table.bytes - before
                return
            }
            let prefix = part.pointee.prefix << 1
            let (low, high) = part.pointee.table.halves(depth: depth)
            bytes += low.bytes + high.bytes - before
            put(
                Part(table: low, prefix: prefix, depth: depth + 1),
                Part(table: high, prefix: prefix | 1, depth: depth + 1))
        }

        private mutating func widenDirectory() {
            let width = 1 << Int(depth)
            let wider = UnsafeMutablePointer<UInt32>.allocate(capacity: width * 2)
            for i in 0..<width * 2 { (wider + i).initialize(to: directory[i / 2]) }
            directory.deallocate()
            directory = wider
            depth += 1
        }

        /// Puts the two halves in place of the part that they come from.
        private mutating func put(_ low: Part, _ high: Part) {
            if low.depth > depth { widenDirectory() }
            if count == capacity {
                capacity *= 2
                let larger = UnsafeMutablePointer<Part>.allocate(capacity: capacity)
                larger.moveInitialize(from: parts, count: count)
                parts.deallocate()
                parts = larger
            }
            let width = 1 << Int(depth - low.depth)
            let start = Int(low.prefix) * width
            parts[Int(directory[start])] = low
            (parts + count).initialize(to: high)
            for i in (start + width)..<(start + 2 * width) { directory[i] = UInt32(count) }
            count += 1
        }
    }

    /// The only table, until it splits; most contents never have another.
    private var only = FingerprintTable()
    /// What it has split into; nil until then.
    private var parts: UnsafeMutablePointer<Parts>?

    package init() {}

    deinit {
        only.deallocate()
        if let parts {
            parts.deinitialize(count: 1)
            parts.deallocate()
        }
    }

    /// Fingerprints held.
    package var count: Int { parts?.pointee.used ?? Int(only.used) }
    /// Bytes of the tables.
    @inline(__always)
    package var memoryBytes: Int { parts?.pointee.bytes ?? only.bytes }

    /// The fingerprint of a register's key hash. 0 marks an empty place.
    @inline(__always)
    package static func fingerprint(_ keyHash: UInt64) -> UInt32 {
        let f = UInt32(truncatingIfNeeded: keyHash >> 32)
        return f == 0 ? 1 : f
    }

    /// Brings the bucket of `fingerprint` near the processor.
    @inline(__always)
    func prefetch(_ fingerprint: UInt32) {
        guard let parts else { return only.prefetch(fingerprint, depth: 0) }
        let part = parts.pointee[fingerprint]
        part.pointee.table.prefetch(fingerprint, depth: part.pointee.depth)
    }

    /// Whether `fingerprint` was inserted.
    package func contains(_ fingerprint: UInt32) -> Bool {
        guard let parts else { return only.contains(fingerprint, depth: 0) }
        let part = parts.pointee[fingerprint]
        return part.pointee.table.contains(fingerprint, depth: part.pointee.depth)
    }

    /// Adds `fingerprint`; whether it was not there before.
    @inline(__always)
    package mutating func insert(_ fingerprint: UInt32) -> Bool {
        let result: FingerprintTable.Insertion
        if let parts {
            let part = parts.pointee[fingerprint]
            result = part.pointee.table.insert(fingerprint, depth: part.pointee.depth)
            if result != .held { parts.pointee.used &+= 1 }
        } else {
            if !only.isAllocated { only = FingerprintTable(bucketCount: 1) }
            result = only.insert(fingerprint, depth: 0)
        }
        if result == .held { return false }
        if result == .addedLast { makeRoom(fingerprint) }
        return true
    }

    /// Makes the fingerprint's table larger, or two.
    @inline(never)
    private mutating func makeRoom(_ fingerprint: UInt32) {
        if let parts { return parts.pointee.makeRoom(fingerprint) }
        guard only.used >= FingerprintFilter.splitAt else {
            only = only.grown(depth: 0)
            return
        }
        let made = UnsafeMutablePointer<Parts>.allocate(capacity: 1)
        made.initialize(to: Parts(only))
        made.pointee.makeRoom(fingerprint)
        (only, parts) = (FingerprintTable(), made)
    }
}
