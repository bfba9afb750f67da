// Which failures are tried again, and when.
//
// Every call may be repeated: reads change nothing, and each write carries an Idempotency-Key, one for all attempts of
// the call, with which the server gives its first answer again. What decides is whether a repetition can come to
// anything else. Waits grow by doubling, and each is drawn evenly from zero to its bound ("full jitter": Brooker,
// "Exponential Backoff And Jitter", 2015), so that clients that failed together do not come back together.

import LikewiseAPI

/// How often, for how long and how fast a call is tried again.
public struct RetryPolicy: Sendable, Equatable {
    /// Attempts of one call, the first among them; 1: nothing is tried again.
    public var attempts = 4
    /// The time of one call with all its attempts and the waits between them.
    public var time = Duration.seconds(30)
    /// The bound of the first wait; each one after it is twice as long.
    public var firstWait = Duration.milliseconds(100)
    /// The bound of every wait that the server does not ask for.
    public var longestWait = Duration.seconds(5)

    /// Four attempts within 30 s, with waits of up to 0.1, 0.2 and 0.4 s.
    public init() {}

    /// Nothing is tried again.
    public static var never: RetryPolicy {
        var policy = RetryPolicy()
        policy.attempts = 1
        return policy
    }
}

/// The attempts of one call: a state machine without clock and network.
package struct RetryPlan: Sendable {
    private let policy: RetryPolicy
    /// Attempts that have failed.
    package private(set) var failures = 0

    /// A call that has not been sent.
    package init(_ policy: RetryPolicy) { self.policy = policy }

    /// How long to wait before the next attempt; nil where there is none. `elapsed`: since the call began. `random`: 64
    /// bits.
    package mutating func wait(after error: LikewiseError, elapsed: Duration, random: UInt64) -> Duration? {
        failures += 1
        guard failures < policy.attempts, error.isWorthRepeating else { return nil }
        let jitter = Backoff.wait(failures, first: policy.firstWait, longest: policy.longestWait, random: random)
        // Behind what the server asks for, so that those who were refused together are spread as well.
        let wait = (error.retryAfter ?? .zero) + jitter
        return elapsed + wait < policy.time ? wait : nil
    }
}

/// Waits that grow by doubling, with full jitter.
package enum Backoff {
    /// A wait after `failures` failures in a row (from 1), between zero and `first` · 2^(failures − 1), at most
    /// `longest`.
    package static func wait(_ failures: Int, first: Duration, longest: Duration, random: UInt64) -> Duration {
        let doublings = min(failures - 1, 30)
        let bound = min(first * (1 << doublings), longest)
        // The highest 53 bits, as a fraction from 0 to below 1.
        return bound * (Double(random >> 11) / 0x1p53)
    }
}

extension LikewiseError {
    /// Whether the same request may be answered otherwise a little later.
    package var isWorthRepeating: Bool {
        switch kind {
        case .connection, .timeout: return true
        case .argument, .token, .answer: return false
        case .problem:
            switch code {
            // The first attempt is still at work; or there was no room; or the server is on its way out, and another
            // takes over.
            case .idempotencyKeyInUse, .rateLimited, .overloaded, .storageFull, .shuttingDown, .internal: return true
            // It lasts until a restart, or is so because of the request.
            case .some: return false
            // Of a proxy in front.
            case nil: return [429, 500, 502, 503, 504].contains(status)
            }
        }
    }
}
