// The detector as several threads use it.
//
// One detector for all, behind one lock: what gives a farm away is that its likes come together, and a detector a loop, or
// a stripe a content, would see a part of them each. The ids are hashed before the lock is taken. `likewise bench
// abuse` measures what a like costs, alone and with two threads.

import Synchronization

/// A judgement, with the ids of what else is to be held.
package struct AbuseJudgement: Sendable {
    package var verdict: Verdict
    /// The strongest evidence against the like, in units of what suffices to hold it.
    package var score: Double
    /// The like's ticket; 0 where it has none.
    package var ticket: UInt64
    /// Likes that were counted and are to be held now. Those of which the ids are gone are left out.
    package var alsoHold: [LikeName] = []
}

/// Judges likes. Thread-safe.
package final class AbuseGuard: Sendable {
    private struct State {
        var detector: AbuseDetector
        var names: RecentNames
        var counts = AbuseCounts()
    }

    package let mode: AbuseMode
    private let keys: AbuseKeys
    private let state: Mutex<State>

    /// Bytes that it takes up.
    package let bytes: Int

    /// - Parameters:
    ///   - mode: `off` is for who asks nobody; a guard that is asked judges.
    ///   - seed: of all hashes; drawn at the start, so that nobody can prepare ids that fall together.
    package init(
        mode: AbuseMode = .enforce,
        bounds: AbuseBounds = AbuseBounds(), thresholds: AbuseThresholds = AbuseThresholds(),
        seed: UInt64 = .random(in: .min ... .max)
    ) {
        self.mode = mode
        keys = AbuseKeys(seed: seed)
        let detector = AbuseDetector(bounds: bounds, thresholds: thresholds)
        let names = RecentNames(capacity: bounds.recentLikes, bytes: bounds.recentLikes * AbuseBounds.usualIDBytes)
        bytes = detector.bytes + names.bytes
        state = Mutex(State(detector: detector, names: names))
    }

    /// The verdicts so far, those that were not enforced included.
    package var counts: AbuseCounts { state.withLock { $0.counts } }

    /// Judges a like before it is evaluated; an unlike is only noted. Unless the mode is `enforce`, the answer is to count
    /// it, whatever was found.
    ///
    /// - Parameters:
    ///   - client: what tells programs apart, such as the field `User-Agent`; may be empty.
    ///   - milliseconds: of a clock that never goes back; a smaller time than before counts as the same.
    package func judge(
        user: UnsafeRawBufferPointer, content: UnsafeRawBufferPointer, address: NetworkAddress,
        client: UnsafeRawBufferPointer, isUnlike: Bool = false, milliseconds: Int64
    ) -> AbuseJudgement {
        let like = keys.like(user: user, content: content, address: address, client: client, isUnlike: isUnlike)
        return state.withLock { state in
            let judgement = state.detector.judge(like, milliseconds: milliseconds)
            if !isUnlike { state.counts.take(judgement) }
            guard mode == .enforce else {
                return AbuseJudgement(verdict: .count, score: judgement.score, ticket: judgement.ticket)
            }
            if judgement.ticket != 0 { state.names.append(ticket: judgement.ticket, user: user, content: content) }
            var answer = AbuseJudgement(
                verdict: judgement.verdict, score: judgement.score, ticket: judgement.ticket)
            if !judgement.alsoHold.isEmpty {
                answer.alsoHold = judgement.alsoHold.compactMap { state.names.name(of: $0) }
            }
            return answer
        }
    }
}
