import LikewiseServer
import Testing

/// The same numbers for the same seed.
struct TestRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A key that comes the more often the lower its rank, about by Zipf's law; keys are spread over all bits.
    mutating func skewedKey(of count: Double) -> UInt64 {
        var rank = TestRandom(state: UInt64(count.squareRoot()))
        let uniform = Double(next() >> 11) / Double(1 << 53)
        var exponent = 1.0
        // count to the power of a uniform number, by halving.
        var (power, share) = (count, uniform)
        while power > 1.0001 {
            if share >= 0.5 { exponent *= power.squareRoot() }
            share = share >= 0.5 ? share * 2 - 1 : share * 2
            power = power.squareRoot()
        }
        rank.state = UInt64(exponent)
        return rank.next()
    }
}

@Suite("Sketches of what is liked from where")
struct SketchTests {
    // MARK: Count-min

    @Test(
        "a count-min sketch never answers too little, and too much by more than e·N/w for one key in e^4 at most",
        arguments: [1, 2, 3])
    func countMin(seed: UInt64) {
        var random = TestRandom(state: seed)
        var sketch = CountMin<UInt32>(width: 2048)
        var exact: [UInt64: Int] = [:]
        let additions = 200_000
        for _ in 0..<additions {
            let key = random.skewedKey(of: 50_000)
            exact[key, default: 0] += 1
            sketch.add(key)
        }
        let bound = 2.718 * Double(additions) / Double(sketch.width)
        var beyond = 0
        for (key, count) in exact {
            #expect(sketch.count(key) >= count)
            if Double(sketch.count(key) - count) > bound { beyond += 1 }
        }
        #expect(Double(beyond) <= Double(exact.count) * 0.0183, "\(beyond) of \(exact.count) keys, seed \(seed)")
    }

    @Test("a sketch that is wide enough for its stream is nearly always exact")
    func wideCountMin() {
        var random = TestRandom(state: 7)
        var sketch = CountMin<UInt16>(width: 1 << 18)
        var exact: [UInt64: Int] = [:]
        for _ in 0..<100_000 {
            let key = random.skewedKey(of: 50_000)
            exact[key, default: 0] += 1
            sketch.add(key)
        }
        #expect(exact.count { sketch.count($0.key) == min($0.value, 65_535) } >= exact.count * 99 / 100)
    }

    @Test("halving halves every count, and what is never counted fades to nothing")
    func halving() {
        var sketch = CountMin<UInt16>(width: 1024)
        for _ in 0..<100 { sketch.add(42) }
        sketch.halve()
        #expect(sketch.count(42) == 50)
        for _ in 0..<6 { sketch.halve() }
        #expect(sketch.count(42) == 0)
    }

    @Test("a counter stays at its highest value")
    func saturation() {
        var sketch = CountMin<UInt8>(width: 64)
        for _ in 0..<1000 { sketch.add(1) }
        #expect(sketch.count(1) == 255)
    }

    @Test("what a key that never came is told to have is about the noise of the sketch")
    func noise() {
        var random = TestRandom(state: 3)
        var sketch = CountMin<UInt16>(width: 1024)
        for _ in 0..<50_000 { sketch.add(random.next()) }
        let strangers = (0..<1000).map { _ in sketch.count(random.next()) }.sorted()
        #expect(sketch.noise > 5)
        #expect(abs(strangers[500] - sketch.noise) <= sketch.noise / 2 + 1)
    }

    // MARK: HyperLogLog

    @Test(
        "HyperLogLog is within three standard errors of the exact number, in nearly all of fifty draws",
        arguments: [3, 20, 100, 1000, 50_000])
    func hyperLogLog(count: Int) {
        var random = TestRandom(state: UInt64(count))
        var within = 0
        for _ in 0..<50 {
            var sketch = HyperLogLog()
            for _ in 0..<count {
                let key = random.next()
                sketch.add(key)
                sketch.add(key)
            }
            let error = abs(sketch.count - Double(count)) / Double(count)
            if error <= 3 * HyperLogLog.standardError { within += 1 }
        }
        #expect(within >= 48)
    }

    @Test("what was added before changes nothing")
    func hyperLogLogAgain() {
        var sketch = HyperLogLog()
        #expect(sketch.count == 0)
        var random = TestRandom(state: 9)
        let keys = (0..<500).map { _ in random.next() }
        for key in keys { sketch.add(key) }
        let count = sketch.count
        for key in keys {
            let rose = sketch.add(key)
            #expect(!rose)
        }
        #expect(sketch.count == count)
    }

    // MARK: Space-Saving

    @Test(
        "Space-Saving keeps those who come most, and its counts are too high by at most the error that it tells",
        arguments: [1, 2, 3])
    func spaceSaving(seed: UInt64) {
        var random = TestRandom(state: seed)
        var top = SpaceSaving<Int>(capacity: 1024, note: 0)
        var exact: [UInt64: Int] = [:]
        let additions = 200_000
        for _ in 0..<additions {
            let key = random.skewedKey(of: 50_000)
            exact[key, default: 0] += 1
            let place = top.add(key)
            top[place] += 1
        }
        for (key, count) in exact {
            guard let place = top.place(of: key) else { continue }
            let told = top.count(at: place)
            #expect(told.count >= count)
            #expect(told.count - told.error <= count)
            #expect(top[place] <= count, "the note begins afresh with each place")
        }
        // Of a stream of so many, on average a set has this much to spread over its places.
        let least = 4 * additions / 1024
        for (key, count) in exact where count >= least {
            #expect(top.place(of: key) != nil, "\(count) times, seed \(seed)")
        }
    }

    @Test("the one with the lowest count gives way, and the next goes on from its count")
    func givesWay() {
        var top = SpaceSaving<Int>(capacity: 8, note: 0)
        for key in 1...8 as ClosedRange<UInt64> { for _ in 0..<(key + 1) { _ = top.add(key) } }
        let place = top.add(99)
        #expect(top.place(of: 1) == nil)
        #expect(top.count(at: place) == (3, 2))
    }
}
