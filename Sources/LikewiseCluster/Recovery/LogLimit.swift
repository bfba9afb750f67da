/// Tells of what happens again and again at most once in a while, with how often it happened. Pure; times are
/// nanoseconds of a clock that does not go back.
package struct LogLimit: Sendable {
    private let interval: UInt64
    private var count: UInt64 = 0
    private var told: UInt64?

    /// At most once in `interval` nanoseconds.
    package init(interval: UInt64 = 10_000_000_000) { self.interval = interval }

    /// It happened `times` times more: how often in all since it was last told, where it is to be told now, else nil.
    package mutating func note(_ times: Int = 1, at now: UInt64) -> UInt64? {
        count += UInt64(times)
        if let told, now < told + interval { return nil }
        told = now
        defer { count = 0 }
        return count
    }
}
