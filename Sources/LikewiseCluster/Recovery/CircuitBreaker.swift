/// Keeps callers from waiting for a server that is away: after some failures in a row nobody is let through for a
/// while, then one, to see; his success closes the breaker, his failure opens it for longer.
///
/// A pure state machine; times are nanoseconds of a clock that does not go back.
package struct CircuitBreaker: Sendable {
    /// When it opens, and for how long.
    package struct Settings: Sendable {
        /// Failures in a row at which it opens.
        package var failures = 5
        /// How long it stays open at first; each failed trial doubles that, and chance takes up to half of it away.
        package var rest: Duration = .milliseconds(100)
        /// The longest that it stays open.
        package var longestRest: Duration = .seconds(5)

        package init() {}
    }

    /// What the breaker lets through.
    package enum State: Hashable, Sendable {
        case closed
        /// Nobody, until the time comes.
        case open(until: UInt64)
        /// One caller, who is on his way.
        case halfOpen
    }

    /// What a caller is told.
    package enum Admission: Hashable, Sendable {
        case refused
        case admitted
        /// Admitted to see whether the server is back: others wait for what he reports.
        case trial
    }

    package private(set) var state = State.closed
    /// Failures since the last success.
    package private(set) var failures = 0
    private let settings: Settings
    private var backoff: Backoff

    package init(_ settings: Settings = Settings()) {
        self.settings = settings
        backoff = Backoff(first: settings.rest, most: settings.longestRest)
    }

    /// Whether a caller may try now. Whoever is admitted reports what came of it.
    package mutating func admit(now: UInt64) -> Admission {
        switch state {
        case .closed: return .admitted
        case .halfOpen: return .refused
        case .open(let until):
            guard now >= until else { return .refused }
            state = .halfOpen
            return .trial
        }
    }

    /// A caller was answered.
    package mutating func succeeded() {
        state = .closed
        failures = 0
        backoff.reset()
    }

    /// A caller was not answered.
    package mutating func failed(now: UInt64, random: inout some RandomNumberGenerator) {
        failures += 1
        if case .open = state { return }
        guard state == .halfOpen || failures >= settings.failures else { return }
        state = .open(until: now + UInt64(backoff.next(&random).timeoutMilliseconds) * 1_000_000)
    }
}
