// What rate limits say of a hot call, before it starts: it is counted only when nothing else can hold it up any more, since a
// request that must wait is looked at again.

import LikewiseAPI
import LikewiseEngine

/// Who asks, as far as rules and limits go by it.
struct Asker {
    /// Nil where callers are believed.
    var caller: Caller?
    /// Where the request came from; nil where nothing goes by it.
    var address: NetworkAddress?
    /// The program that sent it, valid as long as the request's bytes are; nil where nothing goes by it.
    var client: UnsafeRawBufferPointer?

    /// Whom a read is counted for.
    var limited: LimitedCaller {
        var limited = LimitedCaller()
        limited.address = address
        limited.key = caller?.key
        return limited
    }
}

extension LoopSubmitter {
    /// Where the request that `head` and `bytes` are came from; nil where nothing goes by it.
    func address(_ head: ScannedHead, _ bytes: UnsafeRawBufferPointer, of connection: Connection) -> NetworkAddress? {
        guard origins.isAsked else { return nil }
        guard let field = head.forwardedFor else { return connection.peer }
        return origins.address(peer: connection.peer, forwardedFor: UnsafeRawBufferPointer(rebasing: bytes[field]))
    }

    /// Whether a limit refuses a read, which then is answered. Called when `answers` accept a call for `shard`.
    func refuses(
        _ kind: HotKind, by asker: Asker, _ shard: Int, _ started: UInt64, _ answers: inout AnswerQueue
    ) -> Bool {
        guard let rateLimits, case .refused(let refusal) = rateLimits.limiter.take(asker.limited, now: started) else {
            return false
        }
        refuse(refusal, kind, shard, started, &answers)
        return true
    }

    /// Answers a call that a limit refuses.
    func refuse(
        _ refusal: RateLimitRefusal, _ kind: HotKind, _ shard: Int, _ started: UInt64, _ answers: inout AnswerQueue
    ) {
        answers.fill(answers.open(shard: shard)) { writeRefusal(refusal, to: &$0) }
        timings.record(kind, Outcome(status: .rateLimited), nanoseconds: clock.nanoseconds() &- started)
    }
}
