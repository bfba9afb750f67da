/// Waits between attempts: drawn between 0 and a bound that doubles up to a limit ("full jitter": Brooker, "Exponential
/// Backoff and Jitter", 2015), so that those who failed together do not come back together.
package struct RedisBackoff: Sendable {
    /// The bound of the first wait: nanoseconds.
    let base: UInt64
    /// The bound of every wait: nanoseconds.
    let limit: UInt64
    private(set) var attempts = 0

    /// Waits below `base` nanoseconds at first, and never above `limit`, or `base` where that is longer.
    package init(base: UInt64, limit: UInt64) {
        self.base = base
        self.limit = max(base, limit)
    }

    /// The wait before the next attempt, nanoseconds. `random` is in 0 ..< 1.
    package mutating func next(random: Double) -> UInt64 {
        let doublings = min(attempts, 32)
        attempts += 1
        let (raised, overflowed) = base.multipliedReportingOverflow(by: 1 << UInt64(doublings))
        return UInt64(Double(overflowed ? limit : min(limit, raised)) * random)
    }

    /// An attempt succeeded.
    package mutating func reset() { attempts = 0 }
}
