/// The numbers of contents that a writer has met, so that it need not ask for them. Right as long as no content was
/// deleted, which `state.deletions` tells; a transaction reads it under the lock that keeps deletions out until it
/// ends.
final class PostgresContentMemory {
    private var held: [[UInt8]: PostgresHeldContent] = [:]
    /// What the present transaction met, and may yet be rolled back.
    private var noted: [(id: [UInt8], content: PostgresHeldContent)] = []
    private var deletions: Int64 = -1
    private let bound: Int

    /// `bound`: how many contents are remembered; beyond it all of them are forgotten.
    init(bound: Int) { self.bound = bound }

    subscript(id: [UInt8]) -> PostgresHeldContent? { held[id] }

    /// A transaction has begun, and the ledger has seen so many deletions.
    func begin(deletions: Int64) {
        noted = []
        if deletions != self.deletions { held = [:] }
        self.deletions = deletions
    }

    func note(_ id: [UInt8], _ content: PostgresHeldContent) { noted.append((id, content)) }

    /// The transaction was committed.
    func commit() {
        if held.count + noted.count > bound { held.removeAll(keepingCapacity: noted.count <= bound) }
        for entry in noted.prefix(bound) { held[entry.id] = entry.content }
        noted = []
    }

    /// The present transaction changes numbers.
    func forget() {
        held = [:]
        noted = []
        deletions = -1
    }
}
