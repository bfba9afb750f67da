// Counts for reading: published by the shard, read by any thread without touching the shard.
//
// The shard looks a content's cell up once, when it loads the content, and from then on publishes into it. Readers find
// it by one striped lookup. A content that is not here is asked of the shard: slower, and the same answer.

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

/// The published state of one content.
package final class PublishedCell: Sendable {
    /// The content's id.
    package let id: [UInt8]
    private let state: Mutex<PublishedContent>

    package init(id: [UInt8], _ content: PublishedContent) {
        self.id = id
        state = Mutex(content)
    }

    func publish(_ tally: Tally, _ description: ContentDescription?) {
        state.withLock { state in
            state.tally = tally
            if let description { state.description = description }
        }
    }

    var content: PublishedContent { state.withLock { $0 } }
}

/// The cells of one shard's loaded contents.
package final class CountDirectory: Sendable {
    /// Readers of different contents seldom meet in one of so many locks.
    private static let stripes = 64

    private struct Stripe: ~Copyable {
        let cells = Mutex<[UInt64: PublishedCell]>([:])
    }

    private final class StripeBox: Sendable {
        let stripe = Stripe()
    }

    private let boxes: [StripeBox]

    package init() {
        boxes = (0..<CountDirectory.stripes).map { _ in StripeBox() }
    }

    private func stripe(_ hash: UInt64) -> StripeBox {
        boxes[Int(truncatingIfNeeded: hash) & (CountDirectory.stripes - 1)]
    }

    /// The published state of the content, or nil where it is not loaded.
    package func find(_ id: UnsafeRawBufferPointer, hash: UInt64) -> PublishedContent? {
        let cell = stripe(hash).stripe.cells.withLock { $0[hash] }
        guard let cell, sameBytes(cell.id, id) else { return nil }
        return cell.content
    }

    /// Of two contents whose hashes collide, only the first is published; the other is always asked of the shard.
    func insert(_ cell: PublishedCell, hash: UInt64) {
        stripe(hash).stripe.cells.withLock { cells in
            if cells[hash] == nil { cells[hash] = cell }
        }
    }

    func remove(_ cell: PublishedCell, hash: UInt64) {
        stripe(hash).stripe.cells.withLock { cells in
            if cells[hash] === cell { cells[hash] = nil }
        }
    }
}
