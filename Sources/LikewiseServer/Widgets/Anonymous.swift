// Reactions of visitors whom nobody knows, for buttons that speak other protocols: OpenHeart and applause. There is no user, so a
// second tap is another reaction, and what holds one visitor back is a limit per address. The address is known to the limit alone,
// for as long as it holds: nothing stores it, and no answer has it.

import LikewiseAPI
package import LikewiseCore
package import LikewiseEngine

/// What counts anonymous reactions, and how many of one address it takes.
package final class Anonymous: Sendable {
    let store: any CounterStore
    private let limiter: RateLimiter?
    private let texts: RateLimitTexts

    /// - Parameter limit: reactions from one address (of IPv6 its first 64 bits); nil: as many as come.
    package init(store: any CounterStore, limit: RateLimit?) {
        self.store = store
        var policy = RateLimitPolicy()
        policy[.address] = limit
        limiter = limit == nil ? nil : RateLimiter(policy, bound: 4 << 20)
        texts = RateLimitTexts(policy)
    }

    /// Whether it goes by addresses of callers.
    var goesByAddress: Bool { limiter != nil }

    /// Counts a reaction from `address` against its limit, and answers the fields that tell of it. Throws where it may not pass.
    func limit(
        _ address: NetworkAddress, now: UInt64
    ) throws(APIProblem) -> [(name: String, value: String)] {
        guard let limiter else { return [] }
        var caller = LimitedCaller()
        caller.address = address
        switch limiter.take(caller, now: now) {
        case .unlimited: return []
        case .passes(let standing): return texts.fields(standing)
        case .refused(let refusal): throw texts.problem(refusal)
        }
    }

    /// What a failure is told as.
    static func problem(_ failure: CounterFailure) -> APIProblem {
        switch failure {
        case .overloaded: APIProblem(.overloaded, "Too many reactions wait. Nothing was changed; try again.")
        case .tooMany:
            APIProblem(.storageFull, "There are as many counters as there may be; reactions to known pages go on.")
        case .full: APIProblem(.storageFull)
        case .failed: APIProblem(.storageFailed)
        case .shuttingDown: APIProblem(.shuttingDown)
        }
    }
}

extension API {
    /// What counts anonymous reactions. Throws where this server counts none.
    func anonymousCounters() throws(APIProblem) -> Anonymous {
        guard let anonymous else {
            throw APIProblem(
                .notFound, "This server counts no anonymous reactions: `widgets` is off, or it is a node of a cluster.")
        }
        return anonymous
    }

    /// `response` as pages of every origin may read it.
    func open(_ response: APIResponse) -> APIResponse {
        var response = response
        response.headers.append(("Access-Control-Allow-Origin", "*"))
        return response
    }
}
