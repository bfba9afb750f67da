/// Whose like of what: the ids that a like is found by.
package struct LikeName: Hashable, Sendable {
    package var user: [UInt8]
    package var content: [UInt8]
}

/// The ids of the last likes by ticket, in a ring of bytes. An entry is gone when either ring, that of entries or that of
/// bytes, has come round.
struct RecentNames: Sendable {
    private struct Entry: Sendable {
        var ticket: UInt64 = 0
        /// Where its bytes begin, counted since the start.
        var start: UInt64 = 0
        var userCount: UInt16 = 0
        var contentCount: UInt16 = 0
    }

    private var entries: [Entry]
    private var ring: [UInt8]
    private let mask: UInt64
    /// Bytes written since the start.
    private var written: UInt64 = 0

    /// - Parameters:
    ///   - capacity: likes; rounded up to a power of two.
    ///   - bytes: of their ids, all together.
    init(capacity: Int, bytes: Int) {
        let count = 1 << (Int.bitWidth - max(1, capacity - 1).leadingZeroBitCount)
        entries = Array(probed: Entry(), count: count)
        ring = Array(probed: 0, count: max(1024, bytes))
        mask = UInt64(count - 1)
    }

    var bytes: Int { entries.count * MemoryLayout<Entry>.stride + ring.count }

    mutating func append(ticket: UInt64, user: UnsafeRawBufferPointer, content: UnsafeRawBufferPointer) {
        guard user.count + content.count <= ring.count, user.count <= .max >> 48, content.count <= .max >> 48 else {
            return
        }
        entries[Int(ticket & mask)] = Entry(
            ticket: ticket, start: written, userCount: UInt16(user.count), contentCount: UInt16(content.count))
        write(user)
        write(content)
    }

    /// The ids of a like; nil if they are gone.
    func name(of ticket: UInt64) -> LikeName? {
        let entry = entries[Int(ticket & mask)]
        guard entry.ticket == ticket, ticket != 0, written - entry.start <= UInt64(ring.count) else { return nil }
        let middle = entry.start + UInt64(entry.userCount)
        return LikeName(
            user: read(entry.start, Int(entry.userCount)), content: read(middle, Int(entry.contentCount)))
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) {
        let at = Int(written % UInt64(ring.count))
        let untilEnd = min(bytes.count, ring.count - at)
        ring.withUnsafeMutableBytes { ring in
            UnsafeMutableRawBufferPointer(rebasing: ring[at...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[..<untilEnd]))
            ring.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[untilEnd...]))
        }
        written += UInt64(bytes.count)
    }

    private func read(_ start: UInt64, _ count: Int) -> [UInt8] {
        (0..<UInt64(count)).map { ring[Int((start + $0) % UInt64(ring.count))] }
    }
}
