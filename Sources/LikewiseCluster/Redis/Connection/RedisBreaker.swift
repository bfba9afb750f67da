/// Leaves a node alone that failed several times in a row, so that nobody waits for timeouts. After a while one call may
/// try; its success lets all others in again (a circuit breaker: Nygard, "Release It!").
package struct RedisBreaker: Hashable, Sendable {
    /// Whether calls are let through.
    package enum State: Hashable, Sendable {
        /// They are; so many failed in a row.
        case closed(failures: Int)
        /// They are not before this moment: nanoseconds on the monotonic clock.
        case open(until: UInt64)
        /// One is, and has not come back; at this moment another one may, should the first have been dropped unsent.
        case trial(until: UInt64)
    }

    let threshold: Int
    /// Nanoseconds.
    let openTime: UInt64
    /// Whether calls are let through at present.
    package private(set) var state = State.closed(failures: 0)

    /// A closed breaker, which opens after `threshold` failures in a row for `openTime` nanoseconds.
    package init(threshold: Int, openTime: UInt64) {
        precondition(threshold > 0, "a breaker opens after at least one failure, not after \(threshold)")
        self.threshold = threshold
        self.openTime = openTime
    }

    /// Whether a call may go to the node. Who gets a yes reports `succeeded` or `failed`.
    package mutating func admits(at now: UInt64) -> Bool {
        switch state {
        case .closed: return true
        case .open(let until), .trial(let until):
            guard now >= until else { return false }
            state = .trial(until: now + openTime)
            return true
        }
    }

    /// The node answered. What was sent before the breaker opened does not close it; the trial does.
    package mutating func succeeded() {
        if case .open = state { return }
        state = .closed(failures: 0)
    }

    /// The node did not answer.
    package mutating func failed(at now: UInt64) {
        switch state {
        case .closed(let failures) where failures + 1 < threshold: state = .closed(failures: failures + 1)
        case .closed, .trial: state = .open(until: now + openTime)
        case .open: break
        }
    }
}
