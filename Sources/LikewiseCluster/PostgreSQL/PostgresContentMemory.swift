// The numbers of contents that the writers of a ledger have met, so that they need not ask for them. Right as long as no
// content was deleted, which `state.deletions` tells; a transaction reads it under the lock that keeps deletions out until
// it ends.
//
// What a writer learns goes in when its transaction was committed, and only if nothing was forgotten since that
// transaction began: a writer whose connection was lost may have found another server, one to which the last transactions
// never came, while another writer still holds numbers of the old one.

import Synchronization

/// What the writers of one ledger remember of contents; for any thread.
final class PostgresContentMemory: Sendable {
    /// What one transaction may use and add to.
    struct View: Sendable {
        fileprivate let generation: UInt64
    }

    private struct State {
        var held: [[UInt8]: PostgresHeldContent] = [:]
        var deletions: Int64 = -1
        /// Rises whenever all is forgotten because it may be wrong.
        var generation: UInt64 = 0

        mutating func forget() {
            held = [:]
            deletions = -1
            generation += 1
        }
    }

    private let state = Mutex(State())
    private let bound: Int

    /// `bound`: how many contents are remembered; beyond it all of them are forgotten.
    init(bound: Int) { self.bound = bound }

    /// What may be used as of now; for whoever is about to begin a transaction.
    func view() -> View { state.withLock { View(generation: $0.generation) } }

    /// A transaction has begun, and the ledger has seen so many deletions. Gives what it may use, which is nothing where
    /// something was forgotten since `view`.
    func begin(_ view: View, deletions: Int64) -> View {
        state.withLock { state in
            guard state.generation == view.generation else { return view }
            if deletions != state.deletions {
                state.forget()
                state.deletions = deletions
            }
            return View(generation: state.generation)
        }
    }

    /// Whether the contents are remembered, in their order. Right only as a guess.
    func areKnown(_ ids: [[UInt8]]) -> [Bool] {
        state.withLock { state in ids.map { state.held[$0] != nil } }
    }

    /// Fills in what is remembered of the contents; answers the indices of the others.
    func find(_ contents: inout [PostgresFoldedContent], _ view: View) -> [Int] {
        state.withLock { state in
            guard state.generation == view.generation else { return Array(contents.indices) }
            var missing: [Int] = []
            for i in contents.indices {
                if let held = state.held[contents[i].id] { contents[i].held = held } else { missing.append(i) }
            }
            return missing
        }
    }

    /// Remembers what a transaction found or made, which was committed.
    func note(_ contents: [(id: [UInt8], held: PostgresHeldContent)], _ view: View) {
        state.withLock { state in
            guard state.generation == view.generation else { return }
            if state.held.count + contents.count > bound {
                state.held.removeAll(keepingCapacity: contents.count <= bound)
            }
            for content in contents.prefix(bound) { state.held[content.id] = content.held }
        }
    }

    /// Numbers change, or the server may be another one.
    func forget() { state.withLock { $0.forget() } }
}
