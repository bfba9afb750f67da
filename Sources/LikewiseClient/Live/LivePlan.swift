/// When a live stream that was lost is connected again: a state machine without clock and network.
package struct LivePlan: Sendable {
    /// The bound of what grows by doubling.
    package static let longestWait = Duration.seconds(30)
    /// Before connecting again, where the server has not said how long.
    package static let usualWait = Duration.seconds(2)

    private let policy: RetryPolicy
    /// What the server has said to wait.
    package var serverWait: Duration?
    /// Connections that came to nothing since something was heard.
    package private(set) var failures = 0
    /// Whether the server was there once: from then on it is not given up.
    package private(set) var wasConnected = false

    /// A stream that was never connected.
    package init(_ policy: RetryPolicy) { self.policy = policy }

    /// Events have come.
    package mutating func heard() {
        failures = 0
        wasConnected = true
    }

    /// How long to wait before the next connection: what the server asked for, and a share of as much again that
    /// doubles with every failure; nil where `error` says that another would not come to more, and where the first ones
    /// came to nothing.
    package mutating func wait(after error: LikewiseError?, random: UInt64) -> Duration? {
        failures += 1
        if let error, !error.isWorthRepeating { return nil }
        if !wasConnected, failures >= policy.attempts { return nil }
        let asked = serverWait ?? LivePlan.usualWait
        let jitter = Backoff.wait(failures, first: asked, longest: max(asked, LivePlan.longestWait), random: random)
        return max(asked, error?.retryAfter ?? .zero) + jitter
    }
}
