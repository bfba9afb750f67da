import LikewiseCore
import LikewiseTestSupport
import Testing

@Suite("Version and hybrid clock")
struct VersionTests {
    @Test("Versions are ordered by reading, then by region")
    func order() {
        let ascending = [
            Version.zero, Version(reading: 0, region: 1), Version(reading: 0, region: .max),
            Version(reading: 1, region: 0), Version(reading: 1, region: 2), Version(reading: 1 << 16, region: 0),
            Version(reading: .max, region: 0), Version(reading: .max, region: .max),
        ]
        for (i, a) in ascending.enumerated() {
            for (j, b) in ascending.enumerated() {
                #expect((a < b) == (i < j), "\(a) and \(b)")
                #expect((a == b) == (i == j), "\(a) and \(b)")
            }
        }
    }

    @Test("The upper 48 bits of a reading are milliseconds")
    func milliseconds() {
        #expect(Version(reading: 1_750_000_000_123 << 16 | 0xffff, region: 1).milliseconds == 1_750_000_000_123)
        #expect(Version(reading: .max, region: 0).milliseconds == 0xffff_ffff_ffff)
    }

    @Test("A version carries the wall clock's milliseconds, a counter of 0 and the region")
    func fresh() {
        var clock = HybridClock(region: 9)
        #expect(clock.next(milliseconds: 1_234) == Version(reading: 1_234 << 16, region: 9))
    }

    @Test("Within one millisecond the counter runs")
    func counter() {
        var clock = HybridClock(region: 0)
        for count in 0..<1_000 as Range<UInt64> {
            #expect(clock.next(milliseconds: 50).reading == 50 << 16 | count)
        }
    }

    @Test("The event after 65,536 in one millisecond goes into the next one, and time catches up with it")
    func counterOverflow() {
        var clock = HybridClock(region: 0)
        var last = clock.next(milliseconds: 50)
        for _ in 1..<65_536 { last = clock.next(milliseconds: 50) }
        #expect(last.reading == 50 << 16 | 0xffff)
        let over = clock.next(milliseconds: 50)
        #expect(over.reading == 51 << 16)
        #expect(clock.next(milliseconds: 51).reading == 51 << 16 | 1)
        #expect(clock.next(milliseconds: 52).reading == 52 << 16)
    }

    @Test("The clock goes on when the wall clock is set back, and follows when it jumps forward")
    func jumps() {
        var clock = HybridClock(region: 0)
        let first = clock.next(milliseconds: 9_000)
        let back = clock.next(milliseconds: 10)
        #expect(back > first && back.milliseconds == 9_000)
        let zero = clock.next(milliseconds: 0)
        #expect(zero > back)
        let forward = clock.next(milliseconds: 90_000)
        #expect(forward.reading == 90_000 << 16)
    }

    @Test("Every version is later than the one before, however the wall clock jumps", arguments: SeededRandom.seeds(8))
    func monotonic(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var clock = HybridClock(region: 1)
        var wall: UInt64 = 1_750_000_000_000
        var last = Version.zero
        for step in 0..<50_000 {
            switch random.below(100) {
            case 0: wall += UInt64(random.below(1_000_000))
            case 1: wall -= UInt64(random.below(1_000_000))
            case 2: wall = 1_750_000_000_000
            case 3: clock.observe(Version(reading: last.reading + UInt64(random.below(1 << 20)), region: 2))
            case 4: clock.observe(Version(reading: last.reading - UInt64(random.below(1 << 20)), region: 2))
            case 5..<60: wall += 1
            default: break
            }
            let observed = clock.last
            let next = clock.next(milliseconds: wall)
            let holds = next > last && next.reading > observed && next.milliseconds >= wall && next.region == 1
            if !holds {
                Issue.record("seed \(seed), step \(step): \(last), then \(next) at \(wall)")
                return
            }
            last = next
        }
    }

    @Test("After a version from elsewhere was observed, the next one is later")
    func observe() {
        var clock = HybridClock(region: 0)
        clock.observe(Version(reading: 70 << 16 | 5, region: 3))
        #expect(clock.next(milliseconds: 60) == Version(reading: 70 << 16 | 6, region: 0))
        clock.observe(Version(reading: 1, region: 3))
        #expect(clock.next(milliseconds: 60).reading == 70 << 16 | 7)
    }

    @Test("A clock that starts from the last version of the log continues behind it")
    func restart() {
        var before = HybridClock(region: 0)
        let last = before.next(milliseconds: 5_000)
        var after = HybridClock(region: 0, last: last.reading)
        #expect(after.next(milliseconds: 4_000) > last)
    }

    @Test("A wall clock beyond 48 bits does not spill into other bits")
    func masked() {
        var clock = HybridClock(region: 0)
        #expect(clock.next(milliseconds: 1 << 48 | 7).reading == 7 << 16)
    }
}
