// Latencies in an HDR histogram: three significant digits from a microsecond to a hundred seconds, in bounded memory.
// Why this package: docs/decisions/0008-hdrhistogram.md.

import Histogram

/// Latencies of one kind of request. Recording allocates nothing.
package struct Latencies: Sendable {
    private static let lowest: UInt64 = 1000
    private static let highest: UInt64 = 100_000_000_000
    private var histogram = Histogram<UInt64>(
        lowestDiscernibleValue: Latencies.lowest, highestTrackableValue: Latencies.highest,
        numberOfSignificantValueDigits: .three)

    package init() {}

    /// Takes a latency; one beyond a hundred seconds counts as a hundred.
    package mutating func record(nanoseconds: UInt64) { histogram.record(min(nanoseconds, Latencies.highest)) }

    /// Takes all of `other`.
    package mutating func add(_ other: Latencies) { histogram.add(other.histogram) }

    package var count: UInt64 { histogram.totalCount }

    package var summary: LatencySummary {
        func milliseconds(_ percentile: Double) -> Double { Double(histogram.valueAtPercentile(percentile)) / 1e6 }
        return LatencySummary(
            count: count, p50: milliseconds(50), p90: milliseconds(90), p99: milliseconds(99),
            p999: milliseconds(99.9), max: count == 0 ? 0 : Double(histogram.maxRecorded) / 1e6)
    }
}

/// Percentiles, in milliseconds.
package struct LatencySummary: Sendable, Hashable {
    package var count: UInt64
    package var p50: Double
    package var p90: Double
    package var p99: Double
    package var p999: Double
    package var max: Double

    var value: BenchValue {
        [
            "unit": "ms", "count": .count(count), "p50": .number(p50), "p90": .number(p90), "p99": .number(p99),
            "p99.9": .number(p999), "max": .number(max),
        ]
    }
}
