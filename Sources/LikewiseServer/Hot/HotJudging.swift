// Likes that are judged on the event loop, before they are handed to their shard.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine

extension LoopSubmitter {
    /// The reaction to hand over, as the judge has it; nil where the like is refused.
    @inline(__always)
    func judged(_ change: HotCall.Change, by caller: Caller?) -> Reaction? {
        guard let judge else { return change.reaction }
        return judged(change, by: caller, judge)
    }

    @inline(never)
    private func judged(_ change: HotCall.Change, by caller: Caller?, _ judge: any LikeJudge) -> Reaction? {
        func judged(_ user: UnsafeRawBufferPointer) -> Reaction? {
            judge.judged(content: change.content, user: user, reaction: change.reaction, caller: caller)
        }
        if change.user.isEmpty, let own = caller?.user { return own.withUnsafeBytes(judged) }
        return judged(change.user)
    }

    /// Answers a like that was refused.
    func refuse(_ kind: HotKind, _ shard: Int, _ started: UInt64, _ answers: inout AnswerQueue) {
        let response = Answers.refusal.response
        answers.fill(answers.open(shard: shard)) { out in
            response.body.withUnsafeBytes { body in
                writeProblem(body, status: response.status, to: &out)
            }
        }
        timings.recordRefusal()
        timings.record(route: "like", status: response.status, nanoseconds: clock.nanoseconds() &- started)
    }
}
