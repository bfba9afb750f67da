// The loaded contents of a shard by id, and what readers may know of each: its tally as of the last sync.
//
// The shard's thread and all readers share it. Only the shard changes it, so it looks contents up without a lock. Every
// change is made under the lock of one of 64 stripes, given by the content's hash, and readers take that lock: for a
// lookup and a copy of 64 bytes. A stripe's index grows aside and is put in place whole, so no lock is held for longer than
// that. A content that is not here is asked of the shard: slower, and the same answer.
//
// A content costs one cell of a cache line with its id in it, and about 15 bytes of index. (As an object of its own, an
// array for the id and an entry of a dictionary it cost 170 bytes and five misses of the processor's cache a lookup.)

import CPlatform
package import LikewiseCore
import Synchronization

/// What readers may know of a loaded content.
package struct PublishedContent: Sendable {
    package var tally: Tally
    package var description: ContentDescription

    package init(tally: Tally = Tally(), description: ContentDescription = ContentDescription()) {
        self.tally = tally
        self.description = description
    }
}

/// The contents that one shard has loaded, each in a slot that the shard's `ContentTable` gives it.
///
/// `@unchecked Sendable`: cells and indexes change only in the shard's thread, under the lock of the content's stripe;
/// other threads look at them under that lock.
package final class CountDirectory: @unchecked Sendable {
    /// Readers of different contents seldom meet in one of so many locks.
    private static let stripes = 64

    /// On a cache line of its own: readers write to it, and should not slow down those of others.
    private struct Lock: ~Copyable {
        let mutex = Mutex(())
        private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)
    }

    /// A cache line.
    private struct Cell {
        /// First, so that it lies where the cell does.
        var id: ContentID
        var content: PublishedContent
    }

    /// Bytes that a content takes here beside a long id: a cell, and an index entry with the room around it.
    static let bytesEach = MemoryLayout<Cell>.stride + 15

    private let locks: UnsafeMutablePointer<Lock>
    private let indexes: UnsafeMutablePointer<ContentIndex>
    private var cells = SlotStore<Cell>()

    package init() {
        locks = .allocate(capacity: CountDirectory.stripes)
        indexes = .allocate(capacity: CountDirectory.stripes)
        for i in 0..<CountDirectory.stripes {
            (locks + i).initialize(to: Lock())
            (indexes + i).initialize(to: ContentIndex())
        }
    }

    deinit {
        for i in 0..<CountDirectory.stripes {
            indexes[i].forEach { slot in
                cells[slot].pointee.id.deallocate()
                cells[slot].deinitialize(count: 1)
            }
        }
        indexes.deinitialize(count: CountDirectory.stripes)
        locks.deinitialize(count: CountDirectory.stripes)
        indexes.deallocate()
        locks.deallocate()
    }

    @inline(__always)
    private func stripe(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (CountDirectory.stripes &- 1) }

    // MARK: For any thread

    /// The published state of the content, or nil where it is not loaded.
    package func find(_ id: UnsafeRawBufferPointer, hash: UInt64) -> PublishedContent? {
        let stripe = stripe(hash)
        return locks[stripe].mutex.withLock { _ in slot(id, hash, stripe).map { cells[$0].pointee.content } }
    }

    // MARK: For the shard's thread

    /// The slot of the content called `id`; nil where it is not loaded.
    @inline(__always)
    func slot(of id: UnsafeRawBufferPointer, hash: UInt64) -> UInt32? { slot(id, hash, stripe(hash)) }

    @inline(__always)
    private func slot(_ id: UnsafeRawBufferPointer, _ hash: UInt64, _ stripe: Int) -> UInt32? {
        indexes[stripe].find(hash) { sameBytes(self.id($0), id) }
    }

    /// The id of the content in `slot`; good until that is removed.
    @inline(__always)
    package func id(_ slot: UInt32) -> UnsafeRawBufferPointer {
        ContentID.bytes(at: UnsafeRawPointer(cells[slot]).assumingMemoryBound(to: ContentID.self))
    }

    /// Makes a content known that is not here, in a slot that is free; slots are taken in turn, or again.
    func insert(_ id: UnsafeRawBufferPointer, hash: UInt64, slot: UInt32, _ content: PublishedContent) {
        cells.makeRoom(for: slot)
        cells[slot].initialize(to: Cell(id: ContentID(id), content: content))
        let stripe = stripe(hash)
        if indexes[stripe].isFull {
            var larger = indexes[stripe].grown()
            locks[stripe].mutex.withLock { _ in swap(&indexes[stripe], &larger) }
        }
        locks[stripe].mutex.withLock { _ in indexes[stripe].link(hash, slot) }
    }

    /// Removes the content in `slot`.
    func remove(_ slot: UInt32, hash: UInt64) {
        let stripe = stripe(hash)
        locks[stripe].mutex.withLock { _ in indexes[stripe].unlink(hash, slot) }
        cells[slot].pointee.id.deallocate()
        cells[slot].deinitialize(count: 1)
    }

    /// Lets readers see what the content in `slot` has become.
    @inline(__always)
    func publish(_ slot: UInt32, hash: UInt64, _ tally: Tally, _ description: ContentDescription) {
        locks[stripe(hash)].mutex.withLock { _ in
            cells[slot].pointee.content.tally = tally
            cells[slot].pointee.content.description = description
        }
    }

    // MARK: Ahead of time

    /// Brings the index entry of a content near the processor.
    @inline(__always)
    func prefetchIndex(_ hash: UInt64) { indexes[stripe(hash)].prefetch(hash) }

    /// The slot that is probably the content's, by half its hash; nil where it is not loaded.
    @inline(__always)
    func probableSlot(_ hash: UInt64) -> UInt32? { indexes[stripe(hash)].find(hash) { _ in true } }

    /// Brings the cell in `slot` near the processor.
    @inline(__always)
    func prefetchCell(_ slot: UInt32) { likewise_prefetch(cells[slot]) }

    /// Brings a long id near the processor; the cell in `slot` should be near.
    @inline(__always)
    func prefetchLongID(_ slot: UInt32) {
        if let bytes = cells[slot].pointee.id.elsewhere { likewise_prefetch(bytes) }
    }
}
