import LikewiseCore
import Synchronization

/// The counts that this process has seen within the last moment, read without waiting. Bounded: each of the parts, which
/// have a lock each, drops what came first when it is full.
package final class NodeCountCache: Sendable {
    /// How many parts there are: a power of two.
    package static let parts = 16

    private struct Entry {
        var count: CachedCount
        /// Nanoseconds on the monotonic clock.
        var until: UInt64
    }

    private struct Part {
        /// By the content's hash: a lookup needs no array of its bytes. Of two contents with one hash the later stays.
        var entries: [UInt64: Entry] = [:]
        /// The hashes in the order in which they came, as a ring once it is full.
        var order: [UInt64] = []
        var oldest = 0
    }

    private final class Locked: Sendable {
        let part = Mutex(Part())
    }

    private let locked: [Locked]
    private let entriesPerPart: Int
    private let life: UInt64
    private let seed = UInt64.random(in: .min ... .max)

    /// Keeps up to `entries` counts for `life` nanoseconds.
    package init(entries: Int, life: UInt64) {
        locked = (0..<Self.parts).map { _ in Locked() }
        entriesPerPart = max(1, entries / Self.parts)
        self.life = life
    }

    /// The count, where it came within the time of life.
    package func get(_ content: UnsafeRawBufferPointer, now: UInt64) -> CachedCount? {
        let hash = Hash64.of(content, seed: seed)
        return locked[part(of: hash)].part.withLock { part in
            guard let entry = part.entries[hash], entry.until > now, entry.count.content.elementsEqual(content) else {
                return nil
            }
            return entry.count
        }
    }

    /// The count, however long ago it came.
    func stale(_ content: UnsafeRawBufferPointer) -> CachedCount? { get(content, now: 0) }

    /// Changes what is held of a content, for as long as it would have been held anyway.
    func adjust(_ content: [UInt8], _ change: (inout CachedCount) -> Void) {
        let hash = Hash64.of(content, seed: seed)
        locked[part(of: hash)].part.withLock { part in
            guard var entry = part.entries[hash], entry.count.content == content else { return }
            change(&entry.count)
            part.entries[hash] = entry
        }
    }

    /// Keeps a count, unless a later one is there.
    package func put(_ count: CachedCount, now: UInt64) {
        let hash = Hash64.of(count.content, seed: seed)
        locked[part(of: hash)].part.withLock { part in
            if let held = part.entries[hash] {
                if held.count.content == count.content, held.until > now, held.count.asOf > count.asOf { return }
            } else if part.order.count < entriesPerPart {
                part.order.append(hash)
            } else {
                part.entries[part.order[part.oldest]] = nil
                part.order[part.oldest] = hash
                part.oldest = (part.oldest + 1) % entriesPerPart
            }
            part.entries[hash] = Entry(count: count, until: now + life)
        }
    }

    private func part(of hash: UInt64) -> Int {
        Int(hash >> 60) & (Self.parts - 1)
    }
}
