#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// How long to rest before the next attempt: twice as long each time, up to a bound, and at random between half of that
/// and all of it, so that many who lost the same server do not come back at the same moment.
struct Backoff {
    private let first: Duration
    private let most: Duration
    private var attempts = 0

    init(first: Duration, most: Duration) {
        self.first = first
        self.most = most
    }

    /// The next rest.
    mutating func next(_ random: inout some RandomNumberGenerator) -> Duration {
        let longest = min(most, first * (1 << min(attempts, 20)))
        attempts += 1
        return longest * Double.random(in: 0.5...1, using: &random)
    }

    /// An attempt succeeded.
    mutating func reset() { attempts = 0 }

    /// Blocks the thread for the next rest.
    mutating func rest() {
        var random = SystemRandomNumberGenerator()
        usleep(UInt32(clamping: next(&random).timeoutMilliseconds * 1_000))
    }
}
