#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The machine's clocks.
package struct SystemClock: EngineClock {
    package init() {}

    package func milliseconds() -> UInt64 {
        let now = Self.read(CLOCK_REALTIME)
        return UInt64(max(0, now.tv_sec)) * 1_000 + UInt64(now.tv_nsec) / 1_000_000
    }

    package func nanoseconds() -> UInt64 {
        let now = Self.read(CLOCK_MONOTONIC)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var now = timespec()
        let result = clock_gettime(clock, &now)
        precondition(result == 0, "clock_gettime does not know clock \(clock)")
        return now
    }
}
