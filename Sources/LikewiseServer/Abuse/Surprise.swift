#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// How far a count is above what was expected.
enum Surprise {
    /// The log-likelihood ratio of `seen` against a Poisson count of mean `expected`, 0 where it is not above it: the
    /// statistic of Kulldorff, "A Spatial Scan Statistic", Communications in Statistics 26 (1997). The chance of as much
    /// is below e to the power of minus this.
    @inline(__always)
    static func ratio(seen: Double, expected: Double) -> Double {
        seen > expected ? seen * log(seen / expected) - (seen - expected) : 0
    }
}

/// Of the C library, which only this file imports.
func naturalLogarithm(_ x: Double) -> Double { log(x) }
func power(_ x: Float, _ y: Float) -> Float { pow(x, y) }
