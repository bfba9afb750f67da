// A swift-metrics backend that Prometheus can scrape (text format 0.0.4). Why it is our own:
// docs/decisions/0004-metrics.md.
//
// Making a metric takes a lock; recording to one is an atomic addition or two and takes none, so handlers are made once
// and kept. What is exposed is bounded: each label set costs as many samples as it adds to the page, and when the budget
// is spent a new one is not kept. What is recorded to it is counted in `likewise_metrics_overflow_total`, so that the loss
// shows. A request's path or id must never be a label all the same; the bound is for the day it happens.

package import CoreMetrics
import Synchronization

/// Keeps the process's metrics and renders them for `GET /metrics`.
package final class PrometheusMetrics: MetricsFactory, Sendable {
    /// The content type of what `render` returns.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"
    /// The samples that a page has at most, unless said otherwise. About 1 MiB of text.
    package static let defaultSampleLimit = 10_000
    /// Counts what was recorded to metrics that are not exposed: those beyond the limit, and those whose name already
    /// stands for a metric of another type.
    package static let overflowName = "likewise_metrics_overflow_total"

    private let state: Mutex<MetricsState>
    private let overflow = OverflowMetric()
    private let sampleLimit: Int
    private let help: [String: String]

    /// - Parameters:
    ///   - help: what a metric means, by its label as the code spells it; others are described by their label.
    ///   - sampleLimit: the samples (lines that are not comments) that a page has at most.
    package init(help: [String: String] = [:], sampleLimit: Int = PrometheusMetrics.defaultSampleLimit) {
        self.help = help
        self.sampleLimit = sampleLimit
        state = Mutex(MetricsState())
    }

    /// The page: families by name, their series by labels. Counters are read one after the other while others write, so
    /// two of them may be apart by what happened in between; a histogram's count is always the sum of its buckets.
    package func render() -> [UInt8] {
        let (families, samples) = state.withLock { ($0.families, $0.samples) }
        var page = PrometheusText(capacity: 256 + samples * 96)
        let ours = (name: Self.overflowName, family: MetricFamily.overflow(overflow))
        let all = families.map { (name: $0.key, family: $0.value) } + [ours]
        for (name, family) in all.sorted(by: { $0.name < $1.name }) {
            page.family(name, help: family.help, type: family.type)
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.write(name, labels, to: &page)
            }
        }
        return page.bytes
    }

    // MARK: MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, ending: "_total", dimensions, .counter) { CounterMetric() } ?? overflow
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, ending: "_total", dimensions, .counter) { FloatingCounterMetric() } ?? overflow
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, ending: "", dimensions, .gauge) { GaugeMetric() } ?? overflow
    }

    /// With `aggregate` a histogram over powers of two, for sizes and lengths; without it a gauge.
    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return series(label, ending: "", dimensions, .gauge) { GaugeMetric() } ?? overflow }
        return series(label, ending: "", dimensions, .histogram) { SizeHistogram() } ?? overflow
    }

    /// A histogram in seconds, from 10 µs to 10 s.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, ending: "_seconds", dimensions, .histogram) { TimeHistogram() } ?? overflow
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    /// The series of a label and dimensions, made when it is new; nil where it cannot be kept.
    private func series<Metric: ExposedMetric>(
        _ label: String, ending: String, _ dimensions: [(String, String)], _ type: MetricType, make: () -> Metric
    ) -> Metric? {
        var name = PrometheusName.metric(label)
        if !name.hasSuffix(ending) { name += ending }
        guard name != Self.overflowName else { return nil }
        let labels = PrometheusName.labels(dimensions)
        return state.withLock { state in
            let family = state.families[name]
            if let family, family.type != type { return nil }
            if let known = family?.series[labels] { return known as? Metric }
            guard state.samples + Metric.samples <= sampleLimit else { return nil }
            let metric = make()
            state.samples += Metric.samples
            state.families[name, default: MetricFamily(type: type, help: help[label] ?? label)].series[labels] = metric
            return metric
        }
    }

    private func remove(_ handler: AnyObject) {
        state.withLock { state in
            for (name, family) in state.families {
                guard let labels = family.series.first(where: { $0.value === handler })?.key else { continue }
                state.families[name]?.series[labels] = nil
                if family.series.count == 1 { state.families[name] = nil }
                state.samples -= (handler as? any ExposedMetric).map { Swift.type(of: $0).samples } ?? 0
                return
            }
        }
    }
}

/// What the lock guards.
private struct MetricsState {
    var families: [String: MetricFamily] = [:]
    /// The samples that all series together add to the page.
    var samples = 0
}

/// The series of one name.
private struct MetricFamily {
    let type: MetricType
    let help: String
    /// By the labels as they are rendered.
    var series: [String: any ExposedMetric] = [:]

    static func overflow(_ metric: OverflowMetric) -> MetricFamily {
        let help = "Recordings to metrics that are not exposed: beyond the limit of samples, or of two types"
        return MetricFamily(type: .counter, help: help, series: ["": metric])
    }
}
