import CPlatform

/// Room for a generation's index, in memory already.
///
/// A like lands anywhere in an index, so the first likes of a large one would touch all of its pages, and wait while the
/// system clears them: 16 MiB took up to 60 ms, once a generation, in the middle of a batch. So a large table is touched by a
/// thread that may wait, while the one before still has room. Where that comes too late, a shard does without.
///
/// `@unchecked Sendable`: it has one owner at a time, who hands it over by a message.
package final class IndexRoom: @unchecked Sendable {
    /// Entries from which on a table is worth preparing; a smaller one is cleared in about a millisecond.
    package static let minEntries = 1 << 18

    /// Entries that the table has.
    package let count: Int
    private var table: UnsafeMutablePointer<UInt64>?

    /// Nil where there is no memory for so many entries.
    package init?(count: Int) {
        precondition(count > 0 && count & (count - 1) == 0, "an index has a power of two of entries, not \(count)")
        guard let start = likewise_allocate_table(count * 8) else { return nil }
        likewise_bring_in(start, count * 8)
        self.count = count
        table = start.bindMemory(to: UInt64.self, capacity: count)
    }

    deinit {
        if let table { likewise_free_table(table, count * 8) }
    }

    package var bytes: Int { table == nil ? 0 : count * 8 }

    /// The table, zeroed, which is the caller's from now on.
    func take() -> UnsafeMutablePointer<UInt64>? {
        defer { table = nil }
        return table
    }
}
