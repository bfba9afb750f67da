// What is known of addresses and blocks: how many users come from there, and of how many of them likes are held. Where that
// is most of them, it is the source that is at fault, and what else comes from there is held too, such as the likes of
// popular contents by which a farm's accounts pass for people.
//
// Only the sources that come most have a place, by Space-Saving.

/// What is known of an address or a block.
struct SourceState: Sendable {
    fileprivate var users = HyperLogLog()
    fileprivate var heldUsers = HyperLogLog()
    /// What the two estimate, kept as they change.
    fileprivate var userCount: Float = 0
    fileprivate var heldCount: Float = 0
    /// The client of most of what is held, by majority vote (Boyer and Moore, "MJRTY", 1991), and its votes.
    fileprivate var client: UInt64 = 0
    fileprivate var votes: Int32 = 0
    /// Users to a block of the contents that are liked from there, on average.
    fileprivate var usersPerBlock: Float = 1.5
    fileprivate var rhythm = Rhythm()
    /// Until when what comes from there is held.
    fileprivate var heldUntil: UInt32 = 0
}

/// The addresses and blocks that come most.
struct SourceTable: Sendable {
    /// Users of whom likes must be held.
    private static let leastHeldUsers: Float = 5
    /// The share of the source's users that they must be, for all that comes from there, and for what comes with the client
    /// that most of the held likes came with.
    private static let share: Float = 0.85
    private static let shareOfClient: Float = 0.7
    /// How long a source is held; what is held there meanwhile makes it longer.
    private static let heldSeconds: UInt32 = 172_800

    private var sources: SpaceSaving<SourceState>

    init(capacity: Int) { sources = SpaceSaving(capacity: capacity, note: SourceState()) }

    var bytes: Int { sources.bytes }

    @inline(__always)
    func prefetch(_ key: UInt64) { sources.prefetch(key) }

    @inline(__always)
    func prefetchNote(_ key: UInt64) { sources.prefetchNote(key) }

    /// Counts a like from a source. Answers whether it is to be held for where it comes from, whether anything
    /// from there was held, and how much the times between the source's likes vary, if there were `leastBeats`.
    mutating func add(
        _ source: UInt64, _ like: JudgedLike, milliseconds: Int64, leastBeats: Float
    ) -> (isHeld: Bool, hasHeld: Bool, variation: Float?) {
        let place = sources.add(source)
        if sources[place].users.add(like.user) { sources[place].userCount = Float(sources[place].users.count) }
        sources[place].rhythm.beat(milliseconds: milliseconds)
        let isHeld =
            sources[place].heldUntil > UInt32(truncatingIfNeeded: milliseconds / 1000)
            && isMostlyHeld(place, client: like.client)
        return (isHeld, sources[place].heldCount > 0, sources[place].rhythm.variation(least: leastBeats))
    }

    /// Notes that a like from there is held for what it is, not for where it came from. Answers whether all that comes from
    /// the source with this client is held.
    mutating func hold(_ source: UInt64, _ like: JudgedLike, second: UInt32) -> Bool {
        guard let place = sources.place(of: source) else { return false }
        if sources[place].heldUsers.add(like.user) {
            sources[place].heldCount = Float(sources[place].heldUsers.count)
        }
        if sources[place].votes == 0 { sources[place].client = like.client }
        sources[place].votes += sources[place].client == like.client ? 1 : -1
        guard isMostlyHeld(place, client: like.client) else { return false }
        sources[place].heldUntil = second + SourceTable.heldSeconds
        return true
    }

    /// What a content with so many users to a block must have from there before it is held, and the share that it must be of
    /// the source's likes; nil where that is not narrow.
    mutating func narrow(
        _ source: UInt64, usersPerBlock: Double, _ thresholds: AbuseThresholds
    ) -> (threshold: SourceThreshold, least: Double)? {
        let place = sources.place(of: source)
        let usual = place.map { sources[$0].usersPerBlock } ?? SourceState().usersPerBlock
        if let place {
            sources[place].usersPerBlock += (Float(min(usersPerBlock, 20)) - usual) / 32
        }
        if usersPerBlock >= max(thresholds.usersPerBlockTight, thresholds.timesUsual * Double(usual)) {
            return (thresholds.tight, 0)
        }
        return usersPerBlock >= thresholds.usersPerBlock ? (thresholds.narrow, thresholds.narrowShare) : nil
    }

    private func isMostlyHeld(_ place: Int, client: UInt64) -> Bool {
        let held = sources[place].heldCount
        let isTheirs = sources[place].votes > 0 && sources[place].client == client
        let share = isTheirs ? SourceTable.shareOfClient : SourceTable.share
        return held >= SourceTable.leastHeldUsers && held >= share * sources[place].userCount
    }

    mutating func halve() { sources.halve() }
}
