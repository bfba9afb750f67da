#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A random source that gives the same numbers for the same seed, everywhere and for ever: SplitMix64 (Steele, Lea and
/// Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
///
/// The standard library may change how it turns random bits into a number in a range, so what is to be repeated from a
/// printed seed uses `below`, `within` and `chance`.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    /// A number in 0 ..< `bound`. Biased by less than `bound` in 2^64.
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "there is no number below \(bound)")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A number in `range`, both ends included.
    package mutating func within(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.count)
    }

    /// True once in `times`, on average.
    package mutating func chance(oneIn times: Int) -> Bool {
        below(times) == 0
    }

    /// True with this probability, 0 to 1.
    package mutating func chance(_ probability: Double) -> Bool {
        Double(next() >> 11) * 0x1p-53 < probability
    }

    /// One of `elements`, which must not be empty.
    package mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }

    /// `count` random bytes.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            var word: UInt64 = 0
            for index in 0..<count {
                if index & 7 == 0 { word = next() }
                buffer.initializeElement(at: index, to: UInt8(truncatingIfNeeded: word))
                word >>= 8
            }
            initialized = count
        }
    }

    /// A source of its own for a part of the test, so that what one part draws does not shift the others.
    package mutating func split() -> SeededRandom {
        SeededRandom(seed: next())
    }

    /// The seeds that a test runs under: always the same ones, or the one in `LIKEWISE_SEED`, to repeat a failure.
    package static func seeds(_ count: Int) -> [UInt64] {
        if let text = getenv("LIKEWISE_SEED"), let seed = UInt64(String(cString: text)) { return [seed] }
        var random = SeededRandom(seed: 0x11ce_5eed)
        return (0..<count).map { _ in random.next() }
    }
}
