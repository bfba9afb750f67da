// What may stand between a caller's like and its shard: somebody who judges whether it counts.

import LikewiseAPI
package import LikewiseCore

/// What becomes of a like.
package enum LikeVerdict: Sendable {
    /// It counts.
    case count
    /// It is taken as any other, and held back: it counts only once an operator releases it.
    case hold
    /// It is not taken, and its sender is told so.
    case refuse
}

/// A like, a change of reaction or an unlike that is about to be handed to its shard. Ids are checked, and valid until
/// the judge returns.
package struct JudgedIntent {
    package let content: UnsafeRawBufferPointer
    package let user: UnsafeRawBufferPointer
    /// The reaction asked for; `none`: an unlike.
    package let reaction: Reaction
    /// Who asks; nil on an event loop whose callers are believed.
    package let caller: Caller?
    /// Where it came from; nil where that is not known of the person who likes: a backend speaks for him, in a call of its
    /// own or in bulk, and does not say.
    package let origin: Origin?

    package struct Origin {
        package let address: NetworkAddress
        /// What tells programs apart, the field User-Agent; may be empty. Valid until the judge returns.
        package let client: UnsafeRawBufferPointer
    }

    package var isUnlike: Bool { reaction == .none }
}

/// Judges likes, one by one, on the way in. Called on event loops and tasks, by several at a time: must neither block nor
/// wait. Called once for each intent that is handed over, also for one that will change nothing.
///
/// What it found is its own to count and to log: a register has no room for a reason, and an answer tells none.
package protocol LikeJudge: Sendable {
    /// What becomes of the intent. For an unlike the answer means nothing: it is always taken.
    func verdict(on intent: JudgedIntent) -> LikeVerdict

    /// Brings its metrics up to date.
    func report()
}

extension LikeJudge {
    package func report() {}

    /// The reaction to hand to the shard, held back where it is to be; nil where the like is refused.
    @inline(__always)
    func judged(_ intent: JudgedIntent) -> Reaction? {
        let verdict = verdict(on: intent)
        if intent.isUnlike { return intent.reaction }
        switch verdict {
        case .count: return intent.reaction
        case .hold: return intent.reaction.asHeld
        case .refuse: return nil
        }
    }
}

extension RequestOrigins {
    /// Where a like from `address` came from, as far as that says something of the person who likes.
    func origin(
        _ address: NetworkAddress, peer: NetworkAddress, client: UnsafeRawBufferPointer, caller: Caller?
    ) -> JudgedIntent.Origin? {
        // A backend's own address and program say nothing of its users.
        if let caller, caller.key != nil, address == peer { return nil }
        return isPersons(address) ? JudgedIntent.Origin(address: address, client: client) : nil
    }
}

extension Answers {
    /// The problem of a like that was refused. It does not say why.
    static var refusal: APIProblem { APIProblem(.refused, "The like was not taken.") }
}
