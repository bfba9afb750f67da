/// When the requests of an open loop are meant to be sent: at a steady rate, whether or not earlier ones are answered.
///
/// A latency is counted from that time, not from the time of the actual sending. Otherwise a server that stalls would also
/// stop the requests that would have met the stall, and they would be missing in the percentiles (coordinated omission;
/// Tene, "How NOT to Measure Latency", 2013).
package struct OpenLoopSchedule: Sendable {
    /// Requests a second.
    package let rate: Double
    /// When the first is due, in nanoseconds of the clock that the caller reads.
    package let start: UInt64
    /// How many there are.
    package let count: Int

    /// `rate` requests a second for `seconds`, from `start` on. Both are above 0.
    package init(rate: Double, seconds: Double, start: UInt64) {
        precondition(rate > 0 && seconds > 0, "an open loop of \(rate) a second for \(seconds) s")
        self.rate = rate
        self.start = start
        count = max(1, Int((rate * seconds).rounded()))
    }

    /// When request `i` (from 0) is due. Computed from the start, so that roundings do not add up.
    package func due(_ i: Int) -> UInt64 { start + UInt64(Double(i) * 1e9 / rate) }

    /// How many requests are due at `now`: those before that index.
    package func dueCount(at now: UInt64) -> Int {
        guard now >= start else { return 0 }
        var due = min(count, Int(Double(now - start) * rate / 1e9) + 1)
        // The two roundings may be off by one.
        while due > 0 && self.due(due - 1) > now { due -= 1 }
        while due < count && self.due(due) <= now { due += 1 }
        return due
    }

    /// When the last one is due.
    package var end: UInt64 { due(count - 1) }
}
