import Glibc

/// The clock of the load generators: one call without allocation.
enum BenchClock {
    /// Nanoseconds since some time in the past; never goes back.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Lets the thread rest.
    static func rest(nanoseconds: UInt64) {
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        nanosleep(&time, nil)
    }

    /// Asks `condition` every 5 ms until it answers something; nil where that takes longer than `seconds`.
    static func wait<Found>(seconds: Double, for condition: () throws -> Found?) rethrows -> Found? {
        let end = now() + UInt64(seconds * 1e9)
        while true {
            if let found = try condition() { return found }
            if now() >= end { return nil }
            rest(nanoseconds: 5_000_000)
        }
    }
}

extension Duration {
    /// Seconds, as a fraction.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
