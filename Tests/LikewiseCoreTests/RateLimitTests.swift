import LikewiseCore
import LikewiseTestSupport
import Testing

@Suite("A rate limit")
struct RateLimitTests {
    private static let second: UInt64 = 1_000_000_000

    private func tenAMinute() throws -> RateLimit { try #require(RateLimit(10, in: 60 * Self.second)) }

    @Test("lets the whole number pass at once, and then one each interval")
    func burst() throws {
        let limit = try tenAMinute()
        var arrival: UInt64 = 0
        let start = 1_000 * Self.second
        for left in (0..<10).reversed() { #expect(limit.take(&arrival, now: start) == .passes(left: UInt64(left))) }
        #expect(limit.take(&arrival, now: start) == .refused(wait: 6 * Self.second))
        #expect(limit.take(&arrival, now: start + 6 * Self.second - 1) == .refused(wait: 1))
        #expect(limit.take(&arrival, now: start + 6 * Self.second) == .passes(left: 0))
        #expect(limit.take(&arrival, now: start + 6 * Self.second) == .refused(wait: 6 * Self.second))
    }

    @Test("after a period of rest the whole number passes again, and no more however long the rest was")
    func rest() throws {
        let limit = try tenAMinute()
        var arrival: UInt64 = 0
        for start in [100, 160, 10_000].map({ $0 * Self.second }) {
            for _ in 0..<10 {
                if case .refused = limit.take(&arrival, now: start) { Issue.record("refused at \(start)") }
            }
            #expect(limit.take(&arrival, now: start) == .refused(wait: 6 * Self.second))
        }
    }

    @Test(
        "never lets more pass in any stretch of time than the number and one for each interval",
        arguments: UInt64(1)...5)
    func neverMore(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let count = 1 + random.next() % 20
        let period = count + random.next() % 100_000
        let limit = try #require(RateLimit(count, in: period))
        var (arrival, now): (UInt64, UInt64) = (0, 1_000_000)
        var passed: [UInt64] = []
        for _ in 0..<3_000 {
            now += random.next() % max(1, 2 * limit.interval)
            if case .passes = limit.take(&arrival, now: now) { passed.append(now) }
        }
        for (index, first) in passed.enumerated() {
            for (more, last) in passed[index...].prefix(200).enumerated() {
                #expect(UInt64(more) + 1 <= count + (last - first) / limit.interval, "seed \(seed)")
            }
        }
    }

    @Test("where the clock goes back nobody gets more for it, or waits longer than he who has used up all")
    func clockBack() throws {
        let limit = try tenAMinute()
        var arrival: UInt64 = 0
        for _ in 0..<10 { _ = limit.take(&arrival, now: 10_000 * Self.second) }
        // An hour back: the whole number is used up there too, and comes back one by one.
        let start = 6_400 * Self.second
        #expect(limit.take(&arrival, now: start) == .refused(wait: 6 * Self.second))
        #expect(limit.take(&arrival, now: start + 6 * Self.second) == .passes(left: 0))
        #expect(limit.take(&arrival, now: start + 6 * Self.second) == .refused(wait: 6 * Self.second))
        #expect(limit.take(&arrival, now: start + 66 * Self.second) == .passes(left: 9))
    }

    @Test("what is given back passes again")
    func givenBack() throws {
        let limit = try #require(RateLimit(1, in: 60 * Self.second))
        var arrival: UInt64 = 0
        let now = 100 * Self.second
        #expect(limit.take(&arrival, now: now) == .passes(left: 0))
        limit.giveBack(&arrival)
        #expect(limit.take(&arrival, now: now) == .passes(left: 0))
        #expect(limit.take(&arrival, now: now) == .refused(wait: 60 * Self.second))
    }

    @Test(
        "numbers out of bounds are none",
        arguments: [(0, 1), (2, 1), (1, 0), (1_000_000_001, 2_000_000_000), (1, 31 * 86_400_000_000_000)]
            as [(UInt64, UInt64)])
    func bounds(count: UInt64, period: UInt64) {
        #expect(RateLimit(count, in: period) == nil)
    }

    @Test("an interval that does not go into the period is rounded up")
    func rounding() throws {
        #expect(try #require(RateLimit(3, in: 10)).interval == 4)
    }
}
