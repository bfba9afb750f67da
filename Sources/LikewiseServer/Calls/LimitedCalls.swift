// Rate limits on the full stack: the same calls, counted at the same point, and told of in the same words as hot ones.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine

extension API {
    /// What limits said of a change that passes.
    struct LimitPass {
        /// To be sent with the answer.
        var fields: [(name: String, value: String)] = []
        var shared: [SharedLimit] = []
    }

    /// Counts a call that is no change by a user; throws where a limit refuses it.
    func limit(_ request: APIRequest) throws(APIProblem) {
        guard let rateLimits else { return }
        let decision = rateLimits.limiter.take(limited(request), now: service.clock.nanoseconds())
        if case .refused(let refusal) = decision { throw rateLimits.texts.problem(refusal) }
    }

    /// Counts a change of what a user holds; throws where a limit refuses it.
    func limit(_ request: APIRequest, _ call: LikeService.Call) throws(APIProblem) -> LimitPass {
        guard let rateLimits else { return LimitPass() }
        var limited = limited(request)
        var pass = LimitPass()
        let decision = call.user.withUnsafeBytes { user in
            call.content.withUnsafeBytes { content in
                (limited.user, limited.content) = (user, content)
                pass.shared = rateLimits.limiter.shared(limited, intent: 0)
                return rateLimits.limiter.take(limited, now: service.clock.nanoseconds())
            }
        }
        switch decision {
        case .unlimited: break
        case .passes(let standing): pass.fields = rateLimits.texts.fields(standing)
        case .refused(let refusal):
            timings.record(Outcome(status: .rateLimited))
            throw rateLimits.texts.problem(refusal)
        }
        return pass
    }

    /// The answer to an intent that was not done; nil where it was.
    func problem(_ outcome: Outcome, of intent: Int = 0, in group: IntentGroup) -> APIProblem? {
        if outcome.status == .rateLimited, let rateLimits,
            let refusal = rateLimits.limiter.refusal(of: intent, in: group)
        {
            return rateLimits.texts.problem(refusal)
        }
        return Answers.problem(outcome.status)
    }

    private func limited(_ request: APIRequest) -> LimitedCaller {
        var limited = LimitedCaller()
        limited.address = request.address
        limited.key = request.caller.key
        return limited
    }
}
