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

    package var isUnlike: Bool { reaction == .none }
}

/// Judges likes, one by one, on the way in. Called on event loops and tasks, by several at a time: must neither block nor
/// wait. Called once for each intent that is handed over, also for one that will change nothing.
///
/// What it found is its own to count and to log: a register has no room for a reason, and an answer tells none.
package protocol LikeJudge: Sendable {
    /// What becomes of the intent. For an unlike the answer means nothing: it is always taken.
    func verdict(on intent: JudgedIntent) -> LikeVerdict
}

extension LikeJudge {
    /// The reaction to hand to the shard, held back where it is to be; nil where the like is refused.
    @inline(__always)
    func judged(
        content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer, reaction: Reaction, caller: Caller?
    ) -> Reaction? {
        let verdict = verdict(
            on: JudgedIntent(content: content, user: user, reaction: reaction, caller: caller))
        if reaction == .none { return reaction }
        switch verdict {
        case .count: return reaction
        case .hold: return reaction.asHeld
        case .refuse: return nil
        }
    }
}

extension Answers {
    /// The problem of a like that was refused. It does not say why.
    static var refusal: APIProblem { APIProblem(.refused, "The like was not taken.") }
}
