/// A hybrid logical clock reading, then the number of the region that took it: a total order over all events.
///
/// The upper 48 bits of `reading` are milliseconds since 1970 (enough until the year 10,889), the lower 16 a counter
/// (Kulkarni et al., "Logical Physical Clocks", 2014). No two events of one region on one register share a version.
public struct Version: Comparable, Hashable, Sendable {
    /// Milliseconds since 1970 and a counter.
    public var reading: UInt64
    /// The number of the region whose clock was read.
    public var region: UInt16

    /// The version that `region` gives at `reading`.
    @inlinable
    public init(reading: UInt64, region: UInt16) {
        self.reading = reading
        self.region = region
    }

    /// Older than every event: the version of a register that nobody has touched.
    @inlinable
    public static var zero: Version { Version(reading: 0, region: 0) }

    /// Milliseconds since 1970.
    @inlinable
    public var milliseconds: UInt64 { reading >> 16 }

    /// By the reading, then by the region.
    @inlinable
    public static func < (a: Version, b: Version) -> Bool {
        a.reading != b.reading ? a.reading < b.reading : a.region < b.region
    }
}

/// The hybrid logical clock of one writer: it never goes back, also when the wall clock does.
public struct HybridClock: Sendable {
    /// The region whose number goes into every version that this clock gives.
    public let region: UInt16
    /// The latest reading given or observed.
    public var last: UInt64

    /// A clock whose readings come after `last`.
    public init(region: UInt16, last: UInt64 = 0) {
        self.region = region
        self.last = last
    }

    /// A version later than every one before. `milliseconds` is the wall clock; where it lags behind (it was set back,
    /// or more than 65,536 events fell into one millisecond) the counter runs on into the next millisecond.
    @inlinable
    public mutating func next(milliseconds: UInt64) -> Version {
        last = max(last &+ 1, (milliseconds & 0xffff_ffff_ffff) << 16)
        return Version(reading: last, region: region)
    }

    /// Takes note of a version that this clock did not give: from the log after a restart, or from another region.
    @inlinable
    public mutating func observe(_ version: Version) {
        last = max(last, version.reading)
    }
}
