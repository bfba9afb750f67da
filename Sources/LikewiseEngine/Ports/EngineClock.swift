/// Where the engine reads the time. Handed in, so that a test can run the engine under a clock that stands still or
/// jumps.
package protocol EngineClock: Sendable {
    /// The wall clock: milliseconds since 1970. May go back.
    func milliseconds() -> UInt64
    /// Nanoseconds since some fixed moment. Never goes back.
    func nanoseconds() -> UInt64
}
