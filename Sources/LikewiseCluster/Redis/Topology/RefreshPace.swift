/// When the topology is asked for: one question at a time, and not more often than once in an interval, however many
/// commands find out at once that something has changed. What is asked for meanwhile is done once, afterwards.
package struct RefreshPace: Sendable {
    /// What whoever asks is to do.
    package enum Step: Hashable {
        /// Ask now, and report `finished`.
        case start
        /// Ask at this moment (`due`): nanoseconds on the monotonic clock.
        case wait(until: UInt64)
        /// Somebody sees to it already.
        case none
    }

    private enum State {
        case idle
        case waiting
        case running(again: Bool)
    }

    /// Nanoseconds between the end of one question and the start of the next.
    let interval: UInt64
    private var state = State.idle
    private var lastEnd: UInt64?

    /// Nobody has asked yet; `interval` is in nanoseconds.
    package init(interval: UInt64) { self.interval = interval }

    /// Somebody wants to know.
    package mutating func request(at now: UInt64) -> Step {
        switch state {
        case .waiting: return .none
        case .running:
            state = .running(again: true)
            return .none
        case .idle:
            if let lastEnd, now < lastEnd + interval {
                state = .waiting
                return .wait(until: lastEnd + interval)
            }
            state = .running(again: false)
            return .start
        }
    }

    /// The moment of a `wait` has come.
    package mutating func due() -> Step {
        guard case .waiting = state else { return .none }
        state = .running(again: false)
        return .start
    }

    /// The question was answered, or nobody answered it.
    package mutating func finished(at now: UInt64) -> Step {
        lastEnd = now
        guard case .running(again: true) = state else {
            state = .idle
            return .none
        }
        state = .waiting
        return .wait(until: now + interval)
    }

    /// Whether a question is on its way.
    var isRunning: Bool {
        if case .running = state { true } else { false }
    }
}
