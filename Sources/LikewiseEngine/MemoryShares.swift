/// How a budget of memory, in bytes, is shared out among what grows with the number of likes.
///
/// Half is given to nobody: the program itself, a transaction on its way into the ledger (about 650 bytes a like of it),
/// batches and bodies, room of contents that were unloaded, and what the heap loses in gaps between blocks.
/// `likewise bench ledger` measures what all of it comes to.
package struct MemoryShares: Sendable {
    /// What the log holds and the ledger does not yet.
    package var overlay: Int
    /// Loaded contents and filters.
    package var contents: Int
    /// Pages or blocks of the ledger, with its indexes and filters.
    package var ledgerCache: Int

    package init(budget: Int) {
        overlay = budget / 8
        contents = budget / 32 * 7
        ledgerCache = budget / 32 * 5
    }
}
