// What a like button shows while its call is under way, and what becomes of it then.
//
// Three things are told apart: what the server has confirmed, what the user wants, and what is on its way. At most one
// change is on its way; taps meanwhile only change what is wanted, and when the answer comes, one more change goes out
// if it is still something else. So a user who taps ten times sends two changes, and the last one is what he wanted.
//
// A live count does not say whether it has the user's own change in it: one that comes while a change is on its way, or
// right behind its answer, may be of before. So these are held back, for as long as the server takes to tell of the
// change itself (`grace`); the newest of them holds then. This shows neither a like twice nor a count that falls and
// rises again, and in the end what the server counts.

/// The state of one user's like of one content, as it is shown: tapped at once, made good by answers and live counts. A
/// value without clock and network; `LikeControl` does what it asks for.
public struct OptimisticLike: Sendable, Equatable {
    /// What is shown.
    public struct Shown: Sendable, Hashable {
        /// The reaction that the user holds, or will when his last tap has been answered; nil for none.
        public internal(set) var reaction: String?
        /// Users who hold any reaction, this one as shown. At least 1 where he holds one.
        public internal(set) var count: UInt64
        /// Of them those who hold each reaction that somebody holds.
        public internal(set) var reactions: [String: UInt64]
        /// Whether an answer is still to come.
        public internal(set) var isPending: Bool

        /// Whether the user holds a reaction.
        public var isLiked: Bool { reaction != nil }
    }

    /// What has to be done.
    public enum Effect: Sendable, Hashable {
        /// Ask the server that the user holds this reaction (nil: none), and give what comes of it to `answered` or
        /// `failed`.
        case send(reaction: String?)
        /// Ask for the count with the user's reaction, and give it to `refreshed`.
        case refresh
        /// Call `graceIsOver` with this number when `grace` has passed.
        case waitGrace(UInt64)
    }

    /// How long live counts are held back after an answer: two looks of the server and their way here.
    public static let grace = Duration.seconds(1)

    /// What the server has last said of the counts, and the user's reaction that is in it.
    private var count: UInt64 = 0
    private var reactions: [String: UInt64] = [:]
    private var confirmed: String?
    private var wanted: String?
    /// What was asked for and is not answered; the outer nil: nothing.
    private var sent: String??
    /// The newest live count that is held back.
    private var held: Count?
    private var graceNumber: UInt64 = 0
    private var isInGrace = false

    /// Nothing is known yet: no like, a count of 0. Give it a `Count` by `refreshed` when one is here.
    public init() {}

    /// What to show now.
    public var shown: Shown {
        var (count, reactions) = (count, reactions)
        if confirmed != wanted {
            // Where the counts lag, it is not in them.
            if let confirmed, let held = reactions[confirmed], held > 0, count > 0 {
                count -= 1
                reactions[confirmed] = held > 1 ? held - 1 : nil
            }
            if let wanted {
                count += 1
                reactions[wanted, default: 0] += 1
            }
        }
        // Counts that lag may not have the user's own like in them, which is there all the same.
        if let wanted {
            reactions[wanted] = max(1, reactions[wanted] ?? 0)
            count = max(count, reactions.values.reduce(0, +))
        }
        return Shown(reaction: wanted, count: count, reactions: reactions, isPending: sent != nil)
    }

    /// The user taps: he wants to hold `reaction`, or none where it is nil.
    public mutating func tapped(_ reaction: String?) -> [Effect] {
        wanted = reaction
        return sendIfDue()
    }

    /// The change on its way was answered.
    public mutating func answered(_ result: LikeResult) -> [Effect] {
        guard sent != nil else { return [] }
        sent = nil
        take(result.count, result.reactions, result.reaction)
        let effects = sendIfDue()
        return effects.isEmpty ? beginGrace() : effects
    }

    /// The change on its way failed for good. What is shown goes back to what the server has confirmed; what was tapped
    /// since is given up with it. Where the change may have taken effect, the server is asked.
    public mutating func failed(mayHaveTakenEffect: Bool) -> [Effect] {
        guard sent != nil else { return [] }
        sent = nil
        wanted = confirmed
        return beginGrace() + (mayHaveTakenEffect ? [.refresh] : [])
    }

    /// A count with the user's reaction was read. While a change is on its way or wanted, only the answer to that
    /// counts.
    public mutating func refreshed(_ count: Count) -> [Effect] {
        guard sent == nil else { return [] }
        take(count.count, count.reactions, count.reaction)
        wanted = confirmed
        return []
    }

    /// A count came by a live stream.
    public mutating func live(_ count: Count) -> [Effect] {
        held = count
        if sent == nil, !isInGrace { takeHeld() }
        return []
    }

    /// The time of `waitGrace` with this number has passed.
    public mutating func graceIsOver(_ number: UInt64) -> [Effect] {
        guard number == graceNumber, isInGrace, sent == nil else { return [] }
        isInGrace = false
        takeHeld()
        return []
    }

    private mutating func takeHeld() {
        if let held { take(held.count, held.reactions, confirmed) }
        held = nil
    }

    private mutating func take(_ count: UInt64, _ reactions: [String: UInt64], _ own: String?) {
        self.count = count
        self.reactions = reactions
        confirmed = own
    }

    private mutating func sendIfDue() -> [Effect] {
        guard sent == nil, wanted != confirmed else { return [] }
        sent = .some(wanted)
        return [.send(reaction: wanted)]
    }

    private mutating func beginGrace() -> [Effect] {
        graceNumber += 1
        isInGrace = true
        return [.waitGrace(graceNumber)]
    }
}
