import Glibc

/// A generator that gives the same numbers for the same seed (Steele et al., "Fast Splittable Pseudorandom Number
/// Generators", 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Draws 1 ... count with probability proportional to 1/k to the power of `skew`, by a search in the cumulative sums.
package struct ZipfSampler: Sendable {
    private let sums: [Double]

    /// `count` ranks, at least one. With a skew of 0 all are alike.
    package init(count: Int, skew: Double = 1) {
        var sums: [Double] = []
        sums.reserveCapacity(count)
        var sum = 0.0
        for k in 1...count {
            sum += skew == 1 ? 1 / Double(k) : 1 / pow(Double(k), skew)
            sums.append(sum)
        }
        self.sums = sums
    }

    /// A rank, from 1.
    package func sample(_ random: inout some RandomNumberGenerator) -> Int {
        let wanted = Double.random(in: 0..<(sums.last ?? 1), using: &random)
        var low = 0
        var high = sums.count - 1
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] > wanted { high = middle } else { low = middle + 1 }
        }
        return low + 1
    }
}
