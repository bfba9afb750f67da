/// How much the detector remembers. All of it is taken at the start.
package struct AbuseBounds: Hashable, Sendable {
    /// Users of whom something is known; of more, those who were not seen for longest are forgotten.
    package var users = 1 << 18
    /// Likes that can be held afterwards.
    package var recentLikes = 1 << 18
    /// Addresses, and as many blocks, that are watched one by one.
    package var sources = 1 << 14
    /// Contents of which it is known from how many blocks they are liked.
    package var contents = 1 << 15
    /// Counters of a row for pairs: content and address, content and block, content and client, content and user.
    package var pairs = 1 << 20
    /// Counters of a row for contents, addresses, blocks and clients alone.
    package var totals = 1 << 18

    /// Counters for pairs to one for unlikes, which are few.
    static let pairsPerUnlike = 8
    /// Bytes of a user's and a content's id together, on average; of longer ones fewer can be held afterwards.
    package static let usualIDBytes = 48
    /// Likes that one judgement holds afterwards.
    package static let mostHeldAtOnce = 256

    package init() {}
}

/// What a content's likes from one kind of source must be before they are held.
package struct SourceThreshold: Hashable, Sendable {
    /// The surprise, a log-likelihood ratio.
    package var surprise: Double
    /// How many times the expected number.
    package var excess: Double
    /// Users.
    package var users: Double
}

/// From where on something is evidence. They are no secret: an attacker who keeps below them all is slow, or spread thin.
package struct AbuseThresholds: Hashable, Sendable {
    package var address = SourceThreshold(surprise: 80, excess: 60, users: 16)
    package var block = SourceThreshold(surprise: 100, excess: 60, users: 20)
    package var client = SourceThreshold(surprise: 100, excess: 60, users: 12)
    /// A content that is liked from few blocks: so many users a block, of at least so many users. Where a country shares
    /// few addresses its own contents come from few blocks too, up to about four users a block in the traces.
    package var usersPerBlock = 5.0
    package var leastSpreadUsers: Float = 25
    /// What its likes from one source must then be, and the share of the source's likes.
    package var narrow = SourceThreshold(surprise: 15, excess: 8, users: 4)
    package var narrowShare = 0.02
    /// So much above what is usual for the contents that are liked from that block, less excess is needed.
    package var tight = SourceThreshold(surprise: 15, excess: 2, users: 4)
    package var usersPerBlockTight = 8.0
    package var timesUsual = 3.0
    /// Likes of one pair after an unlike of it.
    package var pairToggles = 6
    /// Likes of one user after an unlike, and the share of his likes that they must be.
    package var userToggles: UInt32 = 3
    package var userToggleShare: Float = 0.6
    /// A content's likes by users who had taken theirs back.
    package var toggling = SourceThreshold(surprise: 30, excess: 10, users: 6)
    /// Addresses that one user came from in two days, and how often he changed within minutes.
    package var addresses = 12.0
    package var hops = 12.0
    /// Blocks in two days that are too many at any pace.
    package var blocksAtAnyPace = 25.0
    /// Likes a minute of one user that are held, and that are refused.
    package var likesPerMinute: Float = 40
    package var refusedPerMinute: Float = 120
    /// The variation of the times between likes, of a user and of an address, that no people keep below.
    package var variation: Float = 0.2
    package var leastBeats: Float = 24
    /// Strikes from which on all that a user likes is held.
    package var strikes: Float = 2
    /// Likes, in all, before a content's likes from one source are compared with what is expected, and before that alone
    /// suffices: the shares of the sources are not known before.
    package var warmUp = 200.0
    package var sharesWarmUp = 3000.0

    package init() {}
}
