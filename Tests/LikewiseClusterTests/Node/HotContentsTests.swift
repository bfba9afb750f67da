import LikewiseCluster
import Testing

@Suite("Hot contents")
struct HotContentsTests {
    private let content = Array("c".utf8)

    @Test("the spread doubles with the rate up to its bound, and falls back when the content cools")
    func followsRate() {
        var hot = HotContents(HotContents.Options(rate: 100, maxSpread: 8))
        var now: UInt64 = 60_000 * 1_000
        #expect(hot.spread(of: content, adding: 50, at: now) == 1)
        #expect(hot.spread(of: content, adding: 100, at: now) == 2)
        #expect(hot.spread(of: content, adding: 100, at: now) == 4)
        #expect(hot.spread(of: content, adding: 10_000, at: now) == 8)
        now += 61_000
        #expect(
            hot.spread(of: content, adding: 0, at: now) == 8, "the minute before counts as far as the window reaches")
        now += 120_000
        #expect(hot.spread(of: content, adding: 1, at: now) == 1)
        let warm = hot.warm(at: now)
        #expect(warm.isEmpty)
    }

    @Test("a rate that wavers about a threshold does not make the spread waver")
    func hysteresis() {
        var hot = HotContents(HotContents.Options(rate: 100, maxSpread: 8))
        var now: UInt64 = 60_000 * 1_000
        _ = hot.spread(of: content, adding: 110, at: now)
        var seen: Set<Int> = []
        for minute in 1...20 {
            now += 60_000
            seen.insert(hot.spread(of: content, adding: minute % 2 == 0 ? 90 : 110, at: now))
        }
        #expect(seen.subtracting([2, 4]).isEmpty)
    }

    @Test(
        "what other nodes have counts with it, for contents that this one gets any likes on, until they say otherwise")
    func elsewhere() {
        var hot = HotContents(HotContents.Options(rate: 100, maxSpread: 8))
        let now: UInt64 = 60_000 * 1_000
        hot.note(elsewhere: [content: 390])
        #expect(hot.spread(of: content, adding: 5, at: now) == 4)
        #expect(hot.spread(of: content, adding: 6, at: now) == 8)
        let warm = hot.warm(at: now)
        #expect(warm.map(\.content) == [content] && warm.map(\.spread) == [8] && warm.map(\.perMinute) == [11])
        hot.note(elsewhere: [:])
        #expect(hot.spread(of: content, adding: 0, at: now) == 1)
        #expect(hot.spread(of: Array("d".utf8), adding: 1, at: now) == 1)
    }

    @Test("with a bound of 1 nothing is spread")
    func never() {
        var hot = HotContents(HotContents.Options(rate: 1, maxSpread: 1))
        #expect(hot.spread(of: content, adding: 1_000_000, at: 5) == 1)
    }
}
