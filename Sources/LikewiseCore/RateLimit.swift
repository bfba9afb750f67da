// How often somebody may do something: the generic cell rate algorithm (ITU-T I.371, annex A, "virtual scheduling").
//
// All that is kept of a caller is one time, at which he would arrive next if he came at exactly the allowed rate. Who comes
// a whole period before that time has used up what he may. Unlike a window that begins anew each minute it never lets
// twice the number pass around the turn of one, and unlike a log of requests it takes eight bytes.

/// So many in a period: all at once if need be, and from then on one each `interval`.
public struct RateLimit: Hashable, Sendable {
    /// How many: 1 to `countLimit`.
    public let count: UInt64
    /// Nanoseconds until one more is allowed; rounded up, so that never more than `count` are.
    public let interval: UInt64

    /// The most that may be allowed in a period.
    public static let countLimit: UInt64 = 1_000_000_000
    /// The longest period: 30 days, in nanoseconds.
    public static let periodLimit: UInt64 = 30 * 86_400 * 1_000_000_000

    /// `count` in `period` nanoseconds; nil where either is out of bounds, or an interval would be no nanosecond.
    public init?(_ count: UInt64, in period: UInt64) {
        guard count > 0, count <= RateLimit.countLimit, period >= count, period <= RateLimit.periodLimit else {
            return nil
        }
        self.count = count
        interval = (period + count - 1) / count
    }

    /// Nanoseconds of the period.
    public var period: UInt64 { interval * count }

    /// What became of a request.
    public enum Answer: Hashable, Sendable {
        /// It passes; `left` more would pass now.
        case passes(left: UInt64)
        /// It does not; in so many nanoseconds one would.
        case refused(wait: UInt64)
    }

    /// Lets one request pass at `now` if it may. `arrival` is what is kept: the nanosecond of the next one at the allowed
    /// rate, 0 for one who was never seen. At or before `now` it says as little as 0, and may be forgotten.
    ///
    /// Where `now` is before an earlier one nobody waits for longer than he who has used up all that he may.
    @inlinable
    public func take(_ arrival: inout UInt64, now: UInt64) -> Answer {
        let latest = now + period
        arrival = min(arrival, latest)
        let next = max(arrival, now) + interval
        guard next <= latest else { return .refused(wait: next - latest) }
        arrival = next
        return .passes(left: (latest - next) / interval)
    }

    /// Gives back one that passed, since something else refused it.
    @inlinable
    public func giveBack(_ arrival: inout UInt64) { arrival -= min(arrival, interval) }
}
