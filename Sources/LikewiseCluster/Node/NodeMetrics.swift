// What an API node measures, through swift-metrics. Names and labels are listed in docs/operations.md.

import Metrics

/// Measures of a node's lanes.
struct NodeMetrics: Sendable {
    private let intents = Metrics.Recorder(label: "likewise_batch_intents", dimensions: [], aggregate: true)
    private let events = Metrics.Counter(label: "likewise_events_published")
    private let asked = Metrics.Counter(label: "likewise_registers_asked")
    private let missing = Metrics.Counter(label: "likewise_registers_missing")
    private let doubted = Metrics.Counter(label: "likewise_registers_doubted")
    private let ledgerErrors = Metrics.Counter(label: "likewise_ledger_read_errors")

    private let spreadContents = Metrics.Gauge(label: "likewise_spread_contents")
    private let largestSpread = Metrics.Gauge(label: "likewise_spread_largest")

    func spread(contents: Int, largest: Int) {
        spreadContents.record(contents)
        largestSpread.record(largest)
    }

    func batch(intents count: Int, events published: Int) {
        intents.record(count)
        if published > 0 { events.increment(by: published) }
    }

    func asked(registers: Int, missing count: Int) {
        asked.increment(by: registers)
        if count > 0 { missing.increment(by: count) }
    }

    func doubted(_ count: Int) { doubted.increment(by: count) }
    func ledgerFailed() { ledgerErrors.increment() }
}
