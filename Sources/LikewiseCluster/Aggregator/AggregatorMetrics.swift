// What an aggregator measures, through swift-metrics. Names are listed in docs/operations.md.

import Metrics

/// Measures of an aggregator.
struct AggregatorMetrics: Sendable {
    private let events = Metrics.Counter(label: "likewise_aggregator_events")
    private let transactions = Metrics.Timer(
        label: "likewise_aggregator_transaction", preferredDisplayUnit: .seconds)
    private let skippedRecords = Metrics.Counter(label: "likewise_aggregator_skipped_records")
    private let waits = Metrics.Counter(label: "likewise_aggregator_waits")
    private let lag = Metrics.Gauge(label: "likewise_aggregator_lag_events")
    private let rebalances = Metrics.Gauge(label: "likewise_kafka_rebalances")
    private let errors = Metrics.Gauge(label: "likewise_kafka_errors")
    private let missing = Metrics.Gauge(label: "likewise_kafka_missing_records")

    func applied(events count: Int, nanoseconds: UInt64) {
        events.increment(by: count)
        transactions.recordNanoseconds(Int64(clamping: nanoseconds))
    }

    func consumer(_ statistics: KafkaConsumerStatistics, lag records: Int64) {
        lag.record(Double(records))
        rebalances.record(Double(statistics.rebalances))
        errors.record(Double(statistics.errors))
        missing.record(Double(statistics.missingRecords))
    }

    func skipped() { skippedRecords.increment() }
    func waited() { waits.increment() }
}
