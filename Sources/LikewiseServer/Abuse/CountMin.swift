// How often each of very many things came, in fixed memory: a count-min sketch (Cormode and Muthukrishnan, "An Improved Data
// Stream Summary: the Count-Min Sketch and its Applications", J. Algorithms 55, 2005) with conservative update (Estan and
// Varghese, "New Directions in Traffic Measurement and Accounting", SIGCOMM 2002): of a key's four counters only the lowest
// rise. An answer is never too low. How much it is too high is a matter of the width: with w counters a row and N additions,
// e·N/w is exceeded by one key in e^4; conservative update keeps far below.
//
// The four counters of a key are next to each other, in a line of 64 bytes that its hash chooses, as in a blocked Bloom
// filter (Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", WEA 2007): a step waits for
// memory once, not four times. It forgets by halving all counters, so that old things fade without a second copy.

import CPlatform

/// Counts by key. Keys are hashes under a secret seed: who knows the code alone cannot aim at somebody's counters.
package struct CountMin<Counter: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    /// Counters of a key, so that it is counted wrongly only where it meets others in each of them.
    package static var depth: Int { 4 }
    private static var lineBytes: Int { 64 }

    private var counters: [Counter]
    private let lineMask: UInt64
    /// Counters of a line, and of one row in it, as powers of two.
    private let lineBits: Int
    private let rowBits: Int
    private let rowMask: UInt64
    /// All that is counted, in all rows.
    private var sum = 0

    /// - Parameter width: counters of a row; rounded up to a power of two.
    package init(width: Int) {
        lineBits = (CountMin.lineBytes / MemoryLayout<Counter>.stride).trailingZeroBitCount
        rowBits = lineBits - 2
        rowMask = 1 << UInt64(rowBits) - 1
        let widthBits = max(rowBits, Int.bitWidth - max(1, width - 1).leadingZeroBitCount)
        lineMask = 1 << UInt64(widthBits - rowBits) - 1
        counters = Array(probed: 0, count: CountMin.depth << widthBits)
    }

    /// Counters of a row.
    package var width: Int { counters.count / CountMin.depth }
    /// Bytes that it takes up.
    package var bytes: Int { counters.count * MemoryLayout<Counter>.stride }

    /// What a counter holds in the mean: about what a key that never came would be told to have. Whoever compares small
    /// counts takes it off, so that a sketch that is too small for its stream goes blind, and does not see ghosts.
    package var noise: Int { sum / counters.count }

    @inline(__always)
    private func places(_ key: UInt64) -> (Int, Int, Int, Int) {
        let line = Int(key & lineMask) << lineBits
        var bits = key >> 40
        func next(_ row: Int) -> Int {
            defer { bits >>= UInt64(rowBits) }
            return line + row << rowBits + Int(bits & rowMask)
        }
        return (next(0), next(1), next(2), next(3))
    }

    /// Asks for the memory of `key`, so that it is near when it is counted.
    @inline(__always)
    package func prefetch(_ key: UInt64) {
        counters.withUnsafeBufferPointer { counters in
            guard let base = counters.baseAddress else { return }
            likewise_prefetch(base + Int(key & lineMask) << lineBits)
        }
    }

    /// How often `key` came; never too low.
    @inline(__always)
    package func count(_ key: UInt64) -> Int {
        let (a, b, c, d) = places(key)
        return Int(min(min(counters[a], counters[b]), min(counters[c], counters[d])))
    }

    /// Counts `key` once more, and answers how often it has come now. A counter stays at its highest value.
    @inline(__always)
    @discardableResult
    package mutating func add(_ key: UInt64) -> Int {
        let (a, b, c, d) = places(key)
        let lowest = min(min(counters[a], counters[b]), min(counters[c], counters[d]))
        guard lowest < .max else { return Int(lowest) }
        let next = lowest + 1
        raise(a, to: next)
        raise(b, to: next)
        raise(c, to: next)
        raise(d, to: next)
        return Int(next)
    }

    @inline(__always)
    private mutating func raise(_ place: Int, to count: Counter) {
        if counters[place] < count {
            counters[place] = count
            sum += 1
        }
    }

    /// Halves all counts.
    package mutating func halve() {
        sum = 0
        for place in counters.indices {
            counters[place] >>= 1
            sum += Int(counters[place])
        }
    }
}
