// Memory for the small tables of filters, of which every loaded content has one.
//
// A table grows by a bucket at a time, and its old memory goes back each time. The C library's heap puts 16 bytes before
// each block, begins buckets in the middle of a cache line, and was left with a third of it in gaps. Here blocks of one
// size lie in slabs of 64 KiB (Bonwick, "The Slab Allocator", 1994), which are cut out of huge pages where the system has
// them; a slab that is empty serves any size.

import CPlatform
import Synchronization

/// Blocks of 1 to 63 buckets of 64 bytes, each on a cache line's boundary. For any thread.
package final class BucketPool: Sendable {
    /// What all filters of the process use: its bytes are bounded by theirs, and by their most so far.
    package static let shared = BucketPool()

    /// Buckets of a block at most.
    package static let maxBuckets = 63
    private static let bucketBytes = 64
    private static let slabBytes = 1 << 16
    private static let regionBytes = 2 << 20

    /// The beginning of a slab; blocks follow from the first bucket behind it.
    private struct Slab {
        /// Others of the same size with room.
        var next: UnsafeMutablePointer<Slab>?
        var previous: UnsafeMutablePointer<Slab>?
        /// The first of the blocks that were given back; each begins with where the next one is.
        var returned: UnsafeMutableRawPointer?
        var used: UInt32 = 0
        /// Blocks that were in use at some time.
        var touched: UInt32 = 0
        let blockBytes: Int

        var capacity: Int { (BucketPool.slabBytes - BucketPool.bucketBytes) / blockBytes }
        var isFull: Bool { Int(used) == capacity }
    }

    private struct State: ~Copyable {
        /// By the buckets of a block: a slab with room, the first of a list.
        var withRoom = [UnsafeMutablePointer<Slab>?](repeating: nil, count: BucketPool.maxBuckets + 1)
        var regions: [UnsafeMutableRawPointer] = []
        /// Slabs without a block; of those from the first on, `released` have no memory.
        var empty: [UnsafeMutableRawPointer] = []
        var released = 0

        deinit { for region in regions { likewise_free_table(region, BucketPool.regionBytes) } }
    }

    private let state = Mutex(State())

    package init() {}

    /// Bytes of all slabs that have a block, for tests.
    package var slabBytes: Int {
        state.withLock { ($0.regions.count * (Self.regionBytes / Self.slabBytes) - $0.empty.count) * Self.slabBytes }
    }

    /// Zeroed memory for so many buckets. Traps where there is no memory.
    package func allocate(buckets: Int) -> UnsafeMutableRawPointer {
        precondition(buckets > 0 && buckets <= Self.maxBuckets, "no block has \(buckets) buckets")
        let place = state.withLock { UInt(bitPattern: Self.take(buckets, &$0)) }
        guard let block = UnsafeMutableRawPointer(bitPattern: place) else {
            preconditionFailure("no memory for \(buckets) buckets")
        }
        block.initializeMemory(as: UInt8.self, repeating: 0, count: buckets * Self.bucketBytes)
        return block
    }

    /// Gives back what `allocate` gave.
    package func deallocate(_ block: UnsafeMutableRawPointer) {
        let place = UInt(bitPattern: block)
        state.withLock { Self.giveBack(place, &$0) }
    }

    /// Gives the memory of empty slabs back to the system.
    package func releaseMemory() {
        // A slab at a time, so that nobody waits for long.
        while state.withLock({ Self.releaseOne(&$0) }) {}
    }

    // MARK: Under the lock

    private static func take(_ buckets: Int, _ state: inout State) -> UnsafeMutableRawPointer? {
        guard let slab = state.withRoom[buckets] ?? newSlab(buckets, &state) else { return nil }
        let block: UnsafeMutableRawPointer
        if let returned = slab.pointee.returned {
            block = returned
            slab.pointee.returned = returned.load(as: UnsafeMutableRawPointer?.self)
        } else {
            let offset = bucketBytes + Int(slab.pointee.touched) * slab.pointee.blockBytes
            block = UnsafeMutableRawPointer(slab) + offset
            slab.pointee.touched += 1
        }
        slab.pointee.used += 1
        if slab.pointee.isFull { unlink(slab, &state) }
        return block
    }

    private static func giveBack(_ place: UInt, _ state: inout State) {
        guard let block = UnsafeMutableRawPointer(bitPattern: place),
            let start = UnsafeMutableRawPointer(bitPattern: place & ~UInt(slabBytes - 1))
        else { return }
        let slab = start.assumingMemoryBound(to: Slab.self)
        let wasFull = slab.pointee.isFull
        block.storeBytes(of: slab.pointee.returned, as: UnsafeMutableRawPointer?.self)
        slab.pointee.returned = block
        slab.pointee.used -= 1
        if slab.pointee.used == 0 {
            if !wasFull { unlink(slab, &state) }
            state.empty.append(start)
        } else if wasFull {
            link(slab, &state)
        }
    }

    private static func newSlab(_ buckets: Int, _ state: inout State) -> UnsafeMutablePointer<Slab>? {
        if state.empty.isEmpty {
            guard let region = likewise_allocate_table(regionBytes) else { return nil }
            state.regions.append(region)
            // Taken from the end, so from the region's beginning.
            for slab in (0..<regionBytes / slabBytes).reversed() { state.empty.append(region + slab * slabBytes) }
        }
        guard let start = state.empty.popLast() else { return nil }
        state.released = min(state.released, state.empty.count)
        let slab = start.bindMemory(to: Slab.self, capacity: 1)
        slab.initialize(to: Slab(blockBytes: buckets * bucketBytes))
        link(slab, &state)
        return slab
    }

    private static func link(_ slab: UnsafeMutablePointer<Slab>, _ state: inout State) {
        let buckets = slab.pointee.blockBytes / bucketBytes
        slab.pointee.previous = nil
        slab.pointee.next = state.withRoom[buckets]
        state.withRoom[buckets]?.pointee.previous = slab
        state.withRoom[buckets] = slab
    }

    private static func unlink(_ slab: UnsafeMutablePointer<Slab>, _ state: inout State) {
        let (next, previous) = (slab.pointee.next, slab.pointee.previous)
        next?.pointee.previous = previous
        if let previous {
            previous.pointee.next = next
        } else {
            state.withRoom[slab.pointee.blockBytes / bucketBytes] = next
        }
    }

    private static func releaseOne(_ state: inout State) -> Bool {
        guard state.released < state.empty.count else { return false }
        likewise_release_pages(state.empty[state.released], slabBytes)
        state.released += 1
        return true
    }
}
