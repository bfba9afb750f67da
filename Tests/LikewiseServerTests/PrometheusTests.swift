import CoreMetrics
import Dispatch
import LikewiseServer
import Testing

@Suite("Prometheus metrics")
struct PrometheusTests {
    private func page(_ metrics: PrometheusMetrics) -> [String] {
        String(decoding: metrics.render(), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test("An empty registry renders the overflow counter alone, and ends with a line feed")
    func empty() {
        let text = String(decoding: PrometheusMetrics().render(), as: UTF8.self)
        #expect(text.hasPrefix("# HELP likewise_metrics_overflow_total "))
        #expect(text.hasSuffix("# TYPE likewise_metrics_overflow_total counter\nlikewise_metrics_overflow_total 0\n"))
    }

    @Test("A counter has help, a type, sorted labels and a name that ends in _total")
    func counter() {
        let metrics = PrometheusMetrics(help: ["likewise_likes": "Likes that changed a register"])
        let loved = Counter(
            label: "likewise_likes", dimensions: [("reaction", "love"), ("by", "http")], factory: metrics)
        loved.increment()
        loved.increment(by: 41)
        Counter(label: "likewise_likes", dimensions: [("by", "bulk")], factory: metrics).increment()
        let expected = [
            "# HELP likewise_likes_total Likes that changed a register",
            "# TYPE likewise_likes_total counter",
            #"likewise_likes_total{by="bulk"} 1"#,
            #"likewise_likes_total{by="http",reaction="love"} 42"#,
        ]
        #expect(Array(page(metrics).prefix(4)) == expected)
    }

    @Test("The same label and dimensions in another order are the same series")
    func sameSeries() {
        let metrics = PrometheusMetrics()
        Counter(label: "c", dimensions: [("a", "1"), ("b", "2")], factory: metrics).increment()
        Counter(label: "c", dimensions: [("b", "2"), ("a", "1")], factory: metrics).increment()
        #expect(page(metrics).contains(#"c_total{a="1",b="2"} 2"#))
    }

    @Test(
        "Names that the format does not allow are made to fit",
        arguments: [
            ("http.server.requests", "http_server_requests_total"), ("9lives", "_9lives_total"), ("", "__total"),
            ("a:b", "a:b_total"), ("é", "__total"), ("x_total", "x_total"),
        ])
    func names(label: String, name: String) {
        let metrics = PrometheusMetrics()
        Counter(label: label, factory: metrics).increment()
        #expect(page(metrics).contains("\(name) 1"))
    }

    @Test("Label values and help are escaped, so that nothing can add a line")
    func escaping() {
        let metrics = PrometheusMetrics(help: ["c": "one\ntwo \\ \"three\""])
        Counter(label: "c", dimensions: [("p", "a\"b\\c\nd"), ("le", "x"), ("p", "second")], factory: metrics)
            .increment()
        let lines = page(metrics)
        #expect(lines.contains(#"# HELP c_total one\ntwo \\ "three""#))
        #expect(lines.contains(#"c_total{le_="x",p="a\"b\\c\nd"} 1"#))
    }

    @Test("A gauge is set and changed, and shows whole numbers without a fraction")
    func gauges() {
        let metrics = PrometheusMetrics()
        let meter = Meter(label: "depth", factory: metrics)
        meter.set(10)
        meter.increment(by: 2.5)
        meter.decrement(by: 0.5)
        let gauge = Gauge(label: "lag", factory: metrics)
        gauge.record(0.25)
        #expect(page(metrics).contains("depth 12"))
        #expect(page(metrics).contains("lag 0.25"))
        #expect(page(metrics).contains("# TYPE lag gauge"))
    }

    @Test(
        "Numbers are written as Prometheus reads them",
        arguments: [
            (Double.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (0.1, "0.1"), (-3, "-3"), (1e300, "1e+300"),
        ])
    func numbers(value: Double, text: String) {
        let metrics = PrometheusMetrics()
        Gauge(label: "g", factory: metrics).record(value)
        #expect(page(metrics).contains("g \(text)"))
    }

    @Test(
        "A time falls in the first bucket that is not below it",
        arguments: [
            (0, "1e-05"), (10_000, "1e-05"), (10_001, "2.5e-05"), (1_000_000, "0.001"), (999_999_999, "1"),
            (10_000_000_000, "10"), (10_000_000_001, "+Inf"), (-5, "1e-05"),
        ] as [(Int64, String)])
    func timers(nanoseconds: Int64, first: String) {
        let metrics = PrometheusMetrics()
        Timer(label: "sync", factory: metrics).recordNanoseconds(nanoseconds)
        let lines = page(metrics).filter { $0.hasPrefix("sync_seconds_bucket") }
        #expect(lines.count == 20)
        #expect(lines.first { $0.hasSuffix(" 1") } == #"sync_seconds_bucket{le="\#(first)"} 1"#)
        #expect(lines.last == #"sync_seconds_bucket{le="+Inf"} 1"#)
    }

    @Test(
        "A size falls in the first power of two that is not below it",
        arguments: [
            (0, "1"), (1, "1"), (2, "2"), (3, "4"), (4096, "4096"), (4097, "8192"), (1 << 26, "67108864"),
            ((1 << 26) + 1, "+Inf"), (.max, "+Inf"), (-7, "1"),
        ] as [(Int64, String)])
    func sizes(size: Int64, first: String) {
        let metrics = PrometheusMetrics()
        Recorder(label: "batch", factory: metrics).record(size)
        let lines = page(metrics).filter { $0.hasPrefix("batch_bucket") }
        #expect(lines.count == 28)
        #expect(lines.first { $0.hasSuffix(" 1") } == #"batch_bucket{le="\#(first)"} 1"#)
    }

    @Test("Buckets add up, and count and sum agree with what was recorded")
    func histogram() {
        let metrics = PrometheusMetrics()
        let recorder = Recorder(label: "batch", dimensions: [("shard", "0")], factory: metrics)
        for size in [1, 3, 3, 5000] { recorder.record(size) }
        recorder.record(2.5)
        recorder.record(Double.nan)
        recorder.record(Double.infinity)
        let lines = page(metrics)
        #expect(lines.contains("# TYPE batch histogram"))
        #expect(lines.contains(#"batch_bucket{shard="0",le="1"} 1"#))
        #expect(lines.contains(#"batch_bucket{shard="0",le="4"} 4"#))
        #expect(lines.contains(#"batch_bucket{shard="0",le="+Inf"} 5"#))
        #expect(lines.contains(#"batch_sum{shard="0"} 5009.5"#))
        #expect(lines.contains(#"batch_count{shard="0"} 5"#))
    }

    @Test("Beyond the limit a new series is not kept, its recordings are counted, and the old ones go on")
    func limit() {
        let metrics = PrometheusMetrics(sampleLimit: 3)
        let kept = (0..<3).map { Counter(label: "c", dimensions: [("n", "\($0)")], factory: metrics) }
        let lost = Counter(label: "c", dimensions: [("n", "3")], factory: metrics)
        lost.increment(by: 100)
        Timer(label: "t", factory: metrics).recordNanoseconds(1)
        Recorder(label: "r", factory: metrics).record(1)
        Meter(label: "m", factory: metrics).set(1)
        FloatingPointCounter(label: "f", factory: metrics).increment(by: 1)
        kept[2].increment()
        let lines = page(metrics)
        #expect(lines.contains(#"c_total{n="2"} 1"#))
        #expect(lines.contains("likewise_metrics_overflow_total 5"))
        #expect(lines.filter { !$0.hasPrefix("#") }.count == 4)
    }

    @Test("A destroyed series leaves the page and makes room for another")
    func destroy() {
        let metrics = PrometheusMetrics(sampleLimit: 1)
        let first = Counter(label: "a", factory: metrics)
        first.increment()
        first.destroy()
        #expect(!page(metrics).contains { $0.contains("a_total") && !$0.contains("overflow") })
        Counter(label: "b", factory: metrics).increment()
        #expect(page(metrics).contains("b_total 1"))
    }

    @Test("A name that already stands for another type is not mixed with it")
    func typeClash() {
        let metrics = PrometheusMetrics()
        Meter(label: "x", factory: metrics).set(1)
        Recorder(label: "x", factory: metrics).record(2)
        FloatingPointCounter(label: "y", factory: metrics).increment(by: 0.5)
        Counter(label: "y", factory: metrics).increment()
        Counter(label: "likewise_metrics_overflow", factory: metrics).increment()
        let lines = page(metrics)
        #expect(lines.contains("x 1"))
        #expect(lines.contains("y_total 0.5"))
        #expect(lines.contains("likewise_metrics_overflow_total 3"))
    }

    @Test("Increments from many threads are all counted")
    func concurrent() {
        let metrics = PrometheusMetrics()
        let counter = Counter(label: "c", factory: metrics)
        let sum = FloatingPointCounter(label: "f", factory: metrics)
        let sizes = Recorder(label: "s", factory: metrics)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<10_000 {
                counter.increment()
                sum.increment(by: 0.5)
                sizes.record(2)
            }
        }
        let lines = page(metrics)
        #expect(lines.contains("c_total 80000"))
        #expect(lines.contains("f_total 40000"))
        #expect(lines.contains("s_sum 160000"))
        #expect(lines.contains("s_count 80000"))
    }
}
