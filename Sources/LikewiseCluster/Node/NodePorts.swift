// What an API node needs of the others: a cache of registers, contents with their counts, the ledger, and a place where
// events become durable. Redis, PostgreSQL, Kafka and the spool stand behind these; a test can put anything there.

package import LikewiseCore
package import LikewiseEngine

/// What a node knows of a content. Counts lag by up to a second or two.
package struct ClusterContent: Hashable, Sendable {
    package var tally: Tally
    package var description: ContentDescription
    /// The version of the latest deletion: registers before it are void.
    package var deleted: Version

    package init(
        tally: Tally = Tally(), description: ContentDescription = ContentDescription(), deleted: Version = .zero
    ) {
        self.tally = tally
        self.description = description
        self.deleted = deleted
    }
}

/// Registers at hand for every node. Advisory: it may lack any of them at any moment, and never holds one that is newer
/// than what was acknowledged.
package protocol RegisterCache: Sendable {
    /// The registers, in the order asked; nil where the cache does not hold one, or cannot be asked.
    func find(_ keys: [RegisterKey]) async -> [Register?]
    /// False while it may hold registers that are older than what was acknowledged: some of it was away just now, and what
    /// was missed meanwhile is being written. To be asked after `find`.
    var isSettled: Bool { get }
    /// Puts registers where what is held is older. Returns when other nodes see them, or when it is given up.
    func put(_ registers: [(key: RegisterKey, register: Register)]) async
}

/// Rate limits that all nodes count together.
package protocol SharedLimits: Sendable {
    /// Takes one from each, in their order. For each: 0 where it passed, nanoseconds until one would where it did not, nil
    /// where nobody could be asked in time.
    func take(_ limits: [SharedLimit]) async -> [UInt64?]
    /// Gives back what was taken for an intent that another limit refused. Does not wait.
    func giveBack(_ limits: [SharedLimit])
}

/// Contents with their counts.
package protocol ContentCache: Sendable {
    /// What this node has at hand, at most a second old; nil where `contents` must be asked.
    func published(_ content: UnsafeRawBufferPointer) -> ClusterContent?
    /// What is known of each content, in the order asked; nil where that cannot be had.
    func contents(_ ids: [[UInt8]]) async -> [ClusterContent?]
    /// Notes what this node has just made of a content, until it is read anew.
    func note(_ content: ClusterContent, of id: [UInt8])
}

/// The ledger as nodes read it.
package protocol LedgerView: Sendable {
    /// The registers as the ledger holds them, in the order asked.
    func registers(_ keys: [RegisterKey]) async throws(LedgerError) -> [Register]
    /// Returns when the ledger holds every event on these registers that was acknowledged by Kafka before the call.
    /// False where that cannot be had in time.
    func catchUp(_ keys: [RegisterKey]) async -> Bool
    /// Returns when the ledger holds every event that was acknowledged by Kafka before the call; false where not in time.
    func catchUp() async -> Bool
    /// Up to `limit` likes, newest first, behind `position`, as the ledger holds them.
    func likes(
        of subject: ListSubject, behind position: LikePosition?, limit: Int
    ) async throws(LedgerError) -> [LedgerLike]
}

/// What became of an event that was to be published.
package enum Publication: Sendable {
    /// Acknowledged by all in-sync replicas, or synced into this node's spool.
    case durable
    /// A queue is at its bound. Nothing was sent.
    case overloaded
    /// Kafka is down and the spool's disk is full. Nothing was sent.
    case full
    /// It was sent, and it is not known whether it is kept.
    case failed
}

/// Makes events durable.
package protocol EventPublisher: Sendable {
    /// Publishes all, each under its key; the results are in the order given.
    func publish(_ events: [KeyedEvent]) async -> [Publication]
}

/// An event with the key that decides its partition.
package struct KeyedEvent: Hashable, Sendable {
    package var key: [UInt8]
    package var event: LikeEvent

    package init(key: [UInt8], event: LikeEvent) {
        self.key = key
        self.event = event
    }
}
