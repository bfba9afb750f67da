import LikewiseEngine
import Synchronization

/// A clock that moves only when told to.
package final class SimulatedClock: EngineClock {
    private struct Reading {
        var milliseconds: UInt64
        var nanoseconds: UInt64
    }

    private let reading: Mutex<Reading>

    /// Starts at `milliseconds` since 1970; by default on 14 March 2026.
    package init(milliseconds: UInt64 = 1_773_478_000_000, nanoseconds: UInt64 = 0) {
        reading = Mutex(Reading(milliseconds: milliseconds, nanoseconds: nanoseconds))
    }

    package func milliseconds() -> UInt64 { reading.withLock { $0.milliseconds } }

    package func nanoseconds() -> UInt64 { reading.withLock { $0.nanoseconds } }

    /// Time goes by: both clocks move.
    package func advance(milliseconds: UInt64) {
        reading.withLock {
            $0.milliseconds += milliseconds
            $0.nanoseconds += milliseconds * 1_000_000
        }
    }

    /// Time goes by on the monotonic clock, and on the wall clock as far as whole milliseconds show.
    package func advance(nanoseconds: UInt64) {
        reading.withLock {
            let before = $0.nanoseconds / 1_000_000
            $0.nanoseconds += nanoseconds
            $0.milliseconds += $0.nanoseconds / 1_000_000 - before
        }
    }

    /// Somebody sets the wall clock, forwards or back, by so many milliseconds (not below 1970). The monotonic clock
    /// does not notice.
    package func jump(milliseconds: Int64) {
        reading.withLock {
            let distance = milliseconds.magnitude
            if milliseconds < 0 {
                $0.milliseconds -= min($0.milliseconds, distance)
            } else {
                $0.milliseconds += distance
            }
        }
    }

    /// Somebody sets the wall clock to `milliseconds` since 1970. The monotonic clock does not notice.
    package func set(milliseconds: UInt64) {
        reading.withLock { $0.milliseconds = milliseconds }
    }
}
