import LikewiseEngine
import Synchronization

/// The real clock, whose wall time a test can put forward. The monotonic time goes on as it does.
final class ShiftedClock: EngineClock {
    private let shift = Atomic<UInt64>(0)
    private let real = SystemClock()

    func nanoseconds() -> UInt64 { real.nanoseconds() }
    func milliseconds() -> UInt64 { real.milliseconds() + shift.load(ordering: .relaxed) }
    func advance(seconds: UInt64) { shift.wrappingAdd(seconds * 1_000, ordering: .relaxed) }
}
