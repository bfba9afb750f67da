// What happened between two pages of metrics. Counters only grow, so one that has fallen began anew with its process;
// what it shows then has all happened since.

/// What happened between two looks at a server.
package struct MetricsDelta: Sendable {
    private let old: PrometheusPage
    private let new: PrometheusPage
    /// Between the two.
    package let seconds: Double

    package init(from old: PrometheusPage, to new: PrometheusPage, seconds: Double) {
        precondition(seconds > 0, "two looks at the same moment")
        (self.old, self.new, self.seconds) = (old, new, seconds)
    }

    /// Whether the labels have all of `wanted`.
    private static func matches(_ labels: [String: String], _ wanted: [String: String]) -> Bool {
        wanted.allSatisfy { labels[$0.key] == $0.value }
    }

    /// By how much a counter has grown: all its series that have these labels.
    package func increase(_ name: String, _ wanted: [String: String] = [:]) -> Double {
        var sum = 0.0
        for (labels, value) in new.all(name) where MetricsDelta.matches(labels, wanted) {
            let before = old[PrometheusPage.Series(name, labels)] ?? 0
            sum += value >= before ? value - before : value
        }
        return sum
    }

    /// The same a second.
    package func rate(_ name: String, _ wanted: [String: String] = [:]) -> Double { increase(name, wanted) / seconds }

    /// The newest value of a gauge: the sum of its series with these labels; nil where there are none.
    package func gauge(_ name: String, _ wanted: [String: String] = [:]) -> Double? {
        let found = new.all(name).filter { MetricsDelta.matches($0.key, wanted) }.values
        return found.isEmpty ? nil : found.reduce(0, +)
    }

    /// The largest of its series; nil where there are none.
    package func largest(_ name: String) -> Double? { new.all(name).values.max() }

    /// The values that a label has.
    package func values(of label: String, in name: String) -> [String] { new.values(of: label, in: name) }

    /// What was recorded to a histogram: all its series that have these labels, put together.
    package func histogram(_ name: String, _ wanted: [String: String] = [:]) -> HistogramDelta {
        var counts: [Double: Double] = [:]
        var bySeries: [[String: String]: [(bound: Double, before: Double, now: Double)]] = [:]
        for (labels, now) in new.all(name + "_bucket") where MetricsDelta.matches(labels, wanted) {
            guard let text = labels["le"], let bound = text == "+Inf" ? .infinity : Double(text) else { continue }
            let before = old[PrometheusPage.Series(name + "_bucket", labels)] ?? 0
            var series = labels
            series["le"] = nil
            bySeries[series, default: []].append((bound, before, now))
        }
        for buckets in bySeries.values {
            // All buckets of a series begin anew together.
            let isNew = buckets.contains { $0.now < $0.before }
            for bucket in buckets {
                counts[bucket.bound, default: 0] += isNew ? bucket.now : bucket.now - bucket.before
            }
        }
        return HistogramDelta(
            buckets: counts.map { HistogramDelta.Bucket(bound: $0.key, count: $0.value) },
            sum: increase(name + "_sum", wanted))
    }
}

/// What was recorded to a histogram for a while.
package struct HistogramDelta: Sendable {
    /// How many records are not above a bound, those of smaller bounds included.
    package struct Bucket: Sendable, Hashable {
        package var bound: Double
        package var count: Double

        package init(bound: Double, count: Double) { (self.bound, self.count) = (bound, count) }
    }

    private let buckets: [Bucket]
    private let sum: Double

    /// Buckets as Prometheus has them, in any order; the one without bound (infinity) has all.
    package init(buckets: [Bucket], sum: Double) {
        self.buckets = buckets.sorted { $0.bound < $1.bound }
        self.sum = sum
    }

    /// Records.
    package var count: Double { buckets.last?.count ?? 0 }
    /// Their mean; nil where there are none.
    package var mean: Double? { count > 0 ? sum / count : nil }

    /// An estimate of the value below which `share` (0 to 1) of the records lie, as Prometheus' `histogram_quantile`
    /// has it: even within a bucket, and the highest finite bound for what lies above it. nil where there are no
    /// records.
    package func quantile(_ share: Double) -> Double? {
        guard count > 0, let place = buckets.firstIndex(where: { $0.count >= share * count }) else { return nil }
        let bucket = buckets[place]
        let below = place > 0 ? buckets[place - 1] : Bucket(bound: 0, count: 0)
        guard bucket.bound.isFinite else { return below.bound }
        let inBucket = bucket.count - below.count
        guard inBucket > 0 else { return bucket.bound }
        return below.bound + (bucket.bound - below.bound) * (share * count - below.count) / inBucket
    }
}
