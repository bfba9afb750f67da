// What a server's rate limits need at the edges: who a request is from, what is told of them, what is measured.

import Metrics
import Synchronization

/// The rate limits of a server, and how calls are told of them.
package final class CallLimits: Sendable {
    let limiter: RateLimiter
    let texts: RateLimitTexts
    /// Nil in a copy.
    private let metrics: RateLimitMetrics?

    /// The limits of `policy`; nil where there are none. `isShared`: whether other nodes count too.
    package init?(_ policy: RateLimitPolicy, isShared: Bool) {
        guard !policy.isEmpty else { return nil }
        limiter = RateLimiter(policy, isShared: isShared)
        texts = RateLimitTexts(policy)
        metrics = RateLimitMetrics()
    }

    private init(_ other: CallLimits) {
        limiter = other.limiter.copy()
        texts = RateLimitTexts(limiter.policy)
        metrics = nil
    }

    /// The same limits, for one event loop: no two cores then count references to one object.
    func copy() -> CallLimits { CallLimits(self) }

    /// Whether one goes by the address that a call came from.
    var goByAddress: Bool { limiter.policy[.address] != nil }

    /// Brings the metrics up to date.
    func report(now: UInt64) { metrics?.report(limiter, now: now) }
}

/// What is measured of rate limits. They are counted by the limiter, where it holds a lock anyway, and told when asked for.
private final class RateLimitMetrics: Sendable {
    private let passed: [Metrics.Counter]
    private let refused: [Metrics.Counter]
    private let tracked = Metrics.Gauge(label: "likewise_rate_limit_tracked")
    private let forgotten = Metrics.Counter(label: "likewise_rate_limit_forgotten")
    /// What the counters were told before.
    private let told = Mutex<[UInt64]>(Array(repeating: 0, count: 2 * RateLimitKind.count + 1))

    init() {
        func counters(_ outcome: String) -> [Metrics.Counter] {
            RateLimitKind.allCases.map {
                Metrics.Counter(
                    label: "likewise_rate_limit_calls", dimensions: [("limit", $0.name), ("outcome", outcome)])
            }
        }
        passed = counters("passed")
        refused = counters("refused")
    }

    func report(_ limiter: RateLimiter, now: UInt64) {
        tracked.record(limiter.tracked(now: now))
        told.withLock { told in
            func tell(_ place: Int, _ total: UInt64, _ counter: Metrics.Counter) {
                // What was given back since may make it less for a moment.
                guard total > told[place] else { return }
                counter.increment(by: total - told[place])
                told[place] = total
            }
            for kind in RateLimitKind.allCases {
                let counts = limiter.counts(kind)
                tell(Int(kind.rawValue), counts.passed, passed[Int(kind.rawValue)])
                tell(RateLimitKind.count + Int(kind.rawValue), counts.refused, refused[Int(kind.rawValue)])
            }
            tell(2 * RateLimitKind.count, UInt64(limiter.forgotten), forgotten)
        }
    }
}
