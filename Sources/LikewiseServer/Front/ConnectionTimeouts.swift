/// How long connections may be quiet, in nanoseconds.
struct ConnectionTimeouts: Sendable {
    /// Between requests.
    var idle: UInt64
    /// From a request's first byte to its last.
    var read: UInt64

    /// How often it is looked at. A connection may stay this much longer than it may.
    var lookInterval: UInt64 { max(1_000_000, min(idle, read) / 2) }
}
