// Likes that are judged on the event loop, before they are handed to their shard.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine

extension LoopSubmitter {
    /// The reaction to hand over, as the judge has it; nil where the like is refused.
    @inline(__always)
    func judged(
        _ change: HotCall.Change, of user: UnsafeRawBufferPointer, by asker: Asker, on connection: Connection
    ) -> Reaction? {
        guard let judge else { return change.reaction }
        return judged(change, of: user, by: asker, on: connection, judge)
    }

    @inline(never)
    private func judged(
        _ change: HotCall.Change, of user: UnsafeRawBufferPointer, by asker: Asker, on connection: Connection,
        _ judge: any LikeJudge
    ) -> Reaction? {
        let address = asker.address ?? connection.peer
        let client = asker.client ?? UnsafeRawBufferPointer(start: nil, count: 0)
        return judge.judged(
            JudgedIntent(
                content: change.content, user: user, reaction: change.reaction, caller: asker.caller,
                origin: origins.origin(address, peer: connection.peer, client: client, caller: asker.caller)))
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
