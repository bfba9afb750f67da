// The port that the HTTP interface stands on: one machine's `Engine`, or a node of a cluster. Both take intents in groups
// and answer them with outcomes, so that every route, the hot ones and bulk intake included, is the same code for both.

package import LikewiseCore

/// What evaluates intents and makes them durable.
package protocol LikeEngine: AnyObject, Sendable {
    var reactions: ReactionSet { get }
    /// Keys the hashes of this process; intents are made with it.
    var seed: UInt64 { get }
    /// Whether only registered contents can be liked.
    var strictContent: Bool { get }
    /// Whether counts may lag behind what was acknowledged; answers then say `approx`.
    var countsLag: Bool { get }
    /// Intents that may wait for each shard.
    var queueDepth: Int { get }
    /// Parts that keep the order in which intents on a content come.
    var shardCount: Int { get }

    /// Hands `group` to a shard, which completes it. Where the shard cannot take it, the group is completed here, with
    /// nothing changed.
    func submit(_ group: IntentGroup, to shard: Int)
    /// The counts of a content that are at hand; nil where its shard must be asked.
    func published(_ content: UnsafeRawBufferPointer) -> PublishedContent?
    /// Up to `limit` likes, newest first, behind `position`, as new as the latest answer to a like.
    func likes(
        of subject: ListSubject, behind position: LikePosition?, limit: Int,
        completion: @escaping @Sendable (Result<[LedgerLike], ListFailure>) -> Void)
    /// The contents that gained most in the window up to now, most first.
    func top(_ window: TrendWindow, limit: Int, completion: @escaping @Sendable ([TrendBucket.Entry]) -> Void)
    /// How each shard is doing.
    var health: [ShardHealth] { get }
    /// The first answers to writes with an idempotency key that several nodes share; nil where this node has them all.
    var sharedAnswers: (any SharedAnswers)? { get }
    /// Whether intents take from rate limits that several nodes share (`IntentGroup.sharedLimits`).
    var sharesLimits: Bool { get }
    /// Keys that a content's events are spread over, as of the last second; nil where there is no such thing.
    func spread(of content: [UInt8]) -> Int?
}

extension LikeEngine {
    package var sharedAnswers: (any SharedAnswers)? { nil }
    package var sharesLimits: Bool { false }
    package func spread(of content: [UInt8]) -> Int? { nil }

    /// The shard of a content.
    package func shard(of content: UnsafeRawBufferPointer) -> Int {
        let count = shardCount
        return count == 1 ? 0 : Hash64.jump(Hash64.of(content, seed: 0), shards: count)
    }
}

/// First answers to writes with an idempotency key, where any of several nodes may be asked again.
package protocol SharedAnswers: Sendable {
    /// The answer that was stored under `key` by any node; nil where there is none, or none can be had now.
    func find(_ key: [UInt8]) async -> StoredAnswer?
    /// Stores an answer for all nodes, unless there is one. Returns when others find it, or when that is given up.
    func store(_ answer: StoredAnswer) async
}

/// What a list is of.
package enum ListSubject: Sendable {
    /// What a user likes, held back or not.
    case user([UInt8])
    /// Who likes a content, as everyone may know.
    case content([UInt8])
    /// What is held back.
    case held(HeldFilter)
}

/// Why a list could not be had.
package enum ListFailure: Error, Sendable {
    case overloaded
    case shuttingDown
    /// What was acknowledged last cannot be read back.
    case storage
    case ledger(LedgerError)
}
