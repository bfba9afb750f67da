// What the engine measures, through swift-metrics. Names and labels are listed in docs/operations.md.

import LikewiseCore
import Metrics

/// Measures of one shard's log.
package struct LogMetrics: Sendable {
    private let syncs: Metrics.Timer?

    /// Measures nothing.
    package static let silent = LogMetrics(syncs: nil)

    private init(syncs: Metrics.Timer?) { self.syncs = syncs }

    package init(shard: UInt16) {
        syncs = Metrics.Timer(
            label: "likewise_log_sync", dimensions: [("shard", String(shard))], preferredDisplayUnit: .seconds)
    }

    func synced(nanoseconds: UInt64) { syncs?.recordNanoseconds(Int64(clamping: nanoseconds)) }
}

/// Measures of one shard.
package struct ShardMetrics: Sendable {
    private let intents: Metrics.Recorder
    private let records: Metrics.Counter
    private let storageErrors: Metrics.Counter
    private let ledgerErrors: Metrics.Counter
    private let overlay: Metrics.Gauge
    private let overlayBound: Metrics.Gauge
    private let contents: Metrics.Gauge
    private let contentBytes: Metrics.Gauge
    private let contentBound: Metrics.Gauge
    private let queue: Metrics.Gauge
    private let lagRecords: Metrics.Gauge
    private let lagSeconds: Metrics.Gauge

    package init(shard: UInt16) {
        let label = [("shard", String(shard))]
        intents = Metrics.Recorder(label: "likewise_batch_intents", dimensions: label, aggregate: true)
        records = Metrics.Counter(label: "likewise_log_records", dimensions: label)
        storageErrors = Metrics.Counter(label: "likewise_log_errors", dimensions: label)
        ledgerErrors = Metrics.Counter(label: "likewise_ledger_read_errors", dimensions: label)
        overlay = Metrics.Gauge(label: "likewise_overlay_bytes", dimensions: label)
        overlayBound = Metrics.Gauge(label: "likewise_overlay_bound_bytes", dimensions: label)
        contents = Metrics.Gauge(label: "likewise_loaded_contents", dimensions: label)
        contentBytes = Metrics.Gauge(label: "likewise_content_bytes", dimensions: label)
        contentBound = Metrics.Gauge(label: "likewise_content_bound_bytes", dimensions: label)
        queue = Metrics.Gauge(label: "likewise_shard_queue_intents", dimensions: label)
        lagRecords = Metrics.Gauge(label: "likewise_ledger_lag_records", dimensions: label)
        lagSeconds = Metrics.Gauge(label: "likewise_ledger_lag_seconds", dimensions: label)
    }

    func batch(intents count: Int, records written: Int) {
        intents.record(count)
        if written > 0 { records.increment(by: written) }
    }

    func storageError(_ error: EventLogError) { storageErrors.increment() }
    func ledgerError(_ error: LedgerError) { ledgerErrors.increment() }

    func levels(
        overlayBytes: Int, overlayBound bound: Int, contents count: Int, contentBytes bytes: Int,
        contentBound budget: Int, queued: Int, ledgerLag: (records: UInt64, milliseconds: UInt64)
    ) {
        lagRecords.record(Double(ledgerLag.records))
        lagSeconds.record(Double(ledgerLag.milliseconds) / 1000)
        overlay.record(overlayBytes)
        overlayBound.record(bound)
        contents.record(count)
        contentBytes.record(bytes)
        contentBound.record(budget)
        queue.record(queued)
    }
}

/// Measures of the ledger writer.
package struct LedgerMetrics: Sendable {
    private let transactions = Metrics.Timer(
        label: "likewise_ledger_transaction", preferredDisplayUnit: .seconds)
    private let rows = Metrics.Counter(label: "likewise_ledger_rows")
    private let errors = Metrics.Counter(label: "likewise_ledger_write_errors")
    private let removedSegments = Metrics.Counter(label: "likewise_log_segments_removed")

    package init() {}

    func committed(rows count: Int, nanoseconds: UInt64) {
        rows.increment(by: count)
        transactions.recordNanoseconds(Int64(clamping: nanoseconds))
    }

    func failed() { errors.increment() }
    func removed(segments: Int) { removedSegments.increment(by: segments) }
}
