import LikewiseCore
import LikewiseTestSupport
import Testing

@Suite("A PN-counter")
struct PNCounterTests {
    /// A counter that some regions have changed.
    private func counter(_ random: inout some RandomNumberGenerator, changes: Int) -> PNCounter {
        var counter = PNCounter()
        for _ in 0..<changes {
            let region = UInt16.random(in: 0..<4, using: &random)
            let count = UInt64.random(in: 0..<10, using: &random)
            if Bool.random(using: &random) {
                counter.add(count, in: region)
            } else {
                counter.subtract(count, in: region)
            }
        }
        return counter
    }

    @Test("Merge is commutative, associative and idempotent", arguments: 1...20)
    func laws(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let (a, b, c) = (
            counter(&random, changes: 10), counter(&random, changes: 10), counter(&random, changes: 10)
        )
        func merged(_ one: PNCounter, _ other: PNCounter) -> PNCounter {
            var one = one
            one.merge(other)
            return one
        }
        #expect(merged(a, b) == merged(b, a))
        #expect(merged(merged(a, b), c) == merged(a, merged(b, c)))
        #expect(merged(a, a) == a)
        #expect(merged(merged(a, b), b) == merged(a, b))
    }

    @Test("Regions that exchange states in any order, some again, show what all of them counted", arguments: 1...20)
    func convergence(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var regions = [PNCounter](repeating: PNCounter(), count: 4)
        var (gained, lost) = (UInt64(0), UInt64(0))
        for _ in 0..<200 {
            let region = Int.random(in: 0..<4, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let count = UInt64.random(in: 1...10, using: &random)
                regions[region].add(count, in: UInt16(region))
                gained += count
            case 2:
                regions[region].subtract(1, in: UInt16(region))
                lost += 1
            default:
                // An older state may come after a newer one, and does no harm.
                regions[region].merge(regions[Int.random(in: 0..<4, using: &random)])
            }
        }
        for one in 0..<4 { for other in 0..<4 { regions[one].merge(regions[other]) } }
        #expect(Set(regions).count == 1)
        #expect(regions[0].value == (gained > lost ? gained - lost : 0))
    }

    @Test("It is never negative and never wraps around")
    func bounds() {
        var counter = PNCounter()
        counter.subtract(3, in: 1)
        #expect(counter.value == 0)
        counter.add(5, in: 2)
        #expect(counter.value == 2)
        counter.add(.max, in: 2)
        counter.add(.max, in: 3)
        #expect(counter.value == UInt64.max - 3)
    }
}
