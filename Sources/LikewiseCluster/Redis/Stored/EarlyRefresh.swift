#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Whether to fetch a cached value anew before it expires (XFetch: Vattani, Chierichetti and Lowenstein, "Optimal
/// Probabilistic Cache Stampede Prevention", 2015). Each reader draws for himself; the nearer the end, the dearer the value
/// and the more the readers, the likelier one of them goes ahead, so that it never expires under them all.
package enum EarlyRefresh {
    /// Whether whoever draws `random` is to fetch the value now.
    /// `now` and `expires` in milliseconds since 1970, `cost` of the last fetch in microseconds; `beta` above 1 is earlier,
    /// 1 is optimal where costs are exponentially distributed. `random` is in 0 ..< 1.
    package static func isDue(now: UInt64, expires: UInt64, cost: UInt64, beta: Double, random: Double) -> Bool {
        let ahead = Double(cost) / 1_000 * beta * -log(max(1 - random, 0x1p-53))
        return Double(now) + ahead >= Double(expires)
    }
}
