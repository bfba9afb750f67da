import Synchronization

/// What a client of Redis has sent since it was made.
package struct RedisStatistics: Hashable, Sendable {
    /// Commands of callers.
    package var commands: UInt64 = 0
    /// Commands sent on to where a node of a cluster pointed (MOVED, ASK).
    package var redirects: UInt64 = 0
    /// Commands sent again: refused for the moment, without an owner, or with a script's text.
    package var retries: UInt64 = 0
}

/// Counts for `RedisStatistics`. Relaxed: no reader concludes from one of them about another.
final class RedisTraffic: Sendable {
    private let commands = Atomic<UInt64>(0)
    private let redirects = Atomic<UInt64>(0)
    private let retries = Atomic<UInt64>(0)

    func sent(_ count: Int) { commands.add(UInt64(count), ordering: .relaxed) }
    func redirected() { redirects.add(1, ordering: .relaxed) }
    func repeated(_ count: Int) { retries.add(UInt64(count), ordering: .relaxed) }

    var statistics: RedisStatistics {
        RedisStatistics(
            commands: commands.load(ordering: .relaxed), redirects: redirects.load(ordering: .relaxed),
            retries: retries.load(ordering: .relaxed))
    }
}
