// How many different things came, in 64 bytes: HyperLogLog (Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog: the Analysis
// of a Near-Optimal Cardinality Estimation Algorithm", AofA 2007) with 64 registers, and linear counting (Whang, Vander-Zanden
// and Taylor, ACM TODS 15, 1990) while registers are empty. The standard error is 1.04 / √64 = 13 %.

/// An estimate of how many different keys were added. Keys are hashes under a secret seed.
package struct HyperLogLog: Sendable {
    /// Registers; a power of two.
    package static let registerCount = 64
    /// The standard error, relative.
    package static let standardError = 0.13

    private var registers = InlineArray<64, UInt8>(repeating: 0)
    private var empty: Int32 = 64
    /// The sum of 2 to the power of minus each register, kept as they change.
    private var sum: Float = 64

    package init() {}

    /// Counts a key, unless it was counted before. Answers whether the estimate rose.
    @inline(__always)
    @discardableResult
    package mutating func add(_ key: UInt64) -> Bool {
        let place = Int(key & 63)
        // The bits above those that chose the register; the set bit ends the run where all are zero.
        let rank = UInt8(truncatingIfNeeded: ((key >> 6) | (1 << 58)).trailingZeroBitCount + 1)
        let before = registers[place]
        guard before < rank else { return false }
        registers[place] = rank
        if before == 0 { empty -= 1 }
        sum += HyperLogLog.inverse(rank) - HyperLogLog.inverse(before)
        return true
    }

    /// 2 to the power of minus `rank`.
    private static func inverse(_ rank: UInt8) -> Float { Float(bitPattern: UInt32(127 - Int32(rank)) << 23) }

    /// How many different keys were added, about.
    package var count: Double {
        let m = Double(HyperLogLog.registerCount)
        let estimate = 0.709 * m * m / Double(sum)
        return estimate <= 2.5 * m && empty > 0 ? m * naturalLogarithm(m / Double(empty)) : estimate
    }
}
