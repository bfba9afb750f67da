import Testing
import likewise

@Suite("What top makes of metrics")
struct TopTests {
    // MARK: Prometheus' text

    @Test("A page is read as its format has it")
    func page() throws {
        let page = try PrometheusPage(
            parsing: """
                # HELP a_total Some "words".
                # TYPE a_total counter
                a_total 12
                b{x="1",y="two words"} 3.5 1700000000000
                b{ y = "q\\"b\\\\s\\nn" , x="}" , } -1e3
                c_bucket{le="+Inf"} 7
                d NaN\r
                  e:f_1   +Inf

                """)
        #expect(page[.init("a_total")] == 12)
        #expect(page[.init("b", ["x": "1", "y": "two words"])] == 3.5)
        #expect(page[.init("b", ["x": "}", "y": "q\"b\\s\nn"])] == -1000)
        #expect(page[.init("c_bucket", ["le": "+Inf"])] == 7)
        #expect(page[.init("d")]?.isNaN == true)
        #expect(page[.init("e:f_1")] == .infinity)
        #expect(page[.init("b")] == nil)
        #expect(page.all("b").count == 2)
        #expect(page.values(of: "x", in: "b") == ["1", "}"])
        #expect(
            try PrometheusPage(parsing: "s{shard=\"10\"} 1\ns{shard=\"9\"} 1").values(of: "shard", in: "s") == [
                "9", "10",
            ])
    }

    @Test(
        "A line of another form is named",
        arguments: [
            "a", "a b", "a{x=1} 2", "a{x=\"1\" 2", "a{x=\"1\"} ", "a{x=\"1\\t\"} 2", "1a 2", "a 1 2 3", "a 0x10",
            "a 1 soon",
            "a{x=\"1\"y=\"2\"} 3", "{\"json\": true}", "<html>",
        ])
    func malformed(line: String) {
        #expect(throws: PrometheusPage.Problem(line: 3)) { try PrometheusPage(parsing: "ok 1\n\n\(line)\n") }
    }

    // MARK: Between two looks

    private static func delta(_ old: String, _ new: String, seconds: Double = 2) throws -> MetricsDelta {
        MetricsDelta(from: try PrometheusPage(parsing: old), to: try PrometheusPage(parsing: new), seconds: seconds)
    }

    @Test("A counter's growth is what came in between, and all of it where the counter began anew")
    func counters() throws {
        let delta = try Self.delta(
            "c{a=\"1\"} 10\nc{a=\"2\"} 100\n", "c{a=\"1\"} 16\nc{a=\"2\"} 4\nc{a=\"3\"} 2\ng{s=\"0\"} 5\ng{s=\"1\"} 7\n"
        )
        #expect(delta.increase("c", ["a": "1"]) == 6)
        #expect(delta.increase("c", ["a": "2"]) == 4)
        #expect(delta.increase("c", ["a": "3"]) == 2)
        #expect(delta.increase("c") == 12)
        #expect(delta.rate("c") == 6)
        #expect(delta.increase("none") == 0)
        #expect(delta.gauge("g") == 12)
        #expect(delta.gauge("g", ["s": "1"]) == 7)
        #expect(delta.gauge("none") == nil)
    }

    private static func histogram(_ labels: String, _ counts: [Int]) -> String {
        zip(["0.001", "0.01", "0.1", "+Inf"], counts).map { "h_bucket{\(labels),le=\"\($0)\"} \($1)\n" }.joined()
            + "h_sum{\(labels)} \(counts[3])\nh_count{\(labels)} \(counts[3])\n"
    }

    @Test("A histogram's quantiles are of what came in between, of all series together")
    func histograms() throws {
        let old = Self.histogram("r=\"a\"", [100, 100, 100, 100]) + Self.histogram("r=\"b\"", [0, 0, 0, 0])
        let new = Self.histogram("r=\"a\"", [100, 150, 150, 150]) + Self.histogram("r=\"b\"", [0, 40, 50, 50])
        let delta = try Self.delta(old, new)
        let all = delta.histogram("h")
        #expect(all.count == 100)
        #expect(all.mean == 1)
        // 90 of 100 lie between 1 ms and 10 ms.
        #expect(abs((all.quantile(0.45) ?? 0) - 0.0055) < 1e-9)
        #expect(abs((all.quantile(0.9) ?? 0) - 0.01) < 1e-9)
        #expect(abs((all.quantile(1) ?? 0) - 0.1) < 1e-9)
        #expect(delta.histogram("h", ["r": "a"]).count == 50)
        #expect(delta.histogram("none").quantile(0.5) == nil)
        #expect(delta.histogram("none").mean == nil)
    }

    @Test("A histogram that began anew counts from nothing, all buckets alike")
    func histogramReset() throws {
        // The first bucket has more than before already; the last shows that it began anew.
        let delta = try Self.delta(
            Self.histogram("r=\"a\"", [1, 1, 1, 900]), Self.histogram("r=\"a\"", [5, 5, 8, 10]))
        let all = delta.histogram("h", ["r": "a"])
        #expect(all.count == 10)
        #expect(all.quantile(0.5) == 0.001)
        #expect(all.quantile(0.99) == 0.1)
    }

    @Test("What lies above the last bound is told as that bound")
    func beyond() {
        let delta = HistogramDelta(
            buckets: [.init(bound: .infinity, count: 4), .init(bound: 1, count: 1)], sum: 9)
        #expect(delta.quantile(0.25) == 1)
        #expect(delta.quantile(0.5) == 1)
    }

    // MARK: Lines

    @Test(
        "Figures are short",
        arguments: [
            (Figure.number(0), "0"), (Figure.number(0.44), "0.4"), (Figure.number(9.94), "9.9"),
            (Figure.number(9.96), "10"),
            (Figure.number(1_234_567), "1,234,567"), (Figure.time(nil), "-"), (Figure.time(0.000_085), "85 us"),
            (Figure.time(0.001_24), "1.2 ms"), (Figure.time(0.013), "13 ms"), (Figure.time(2.5), "2.5 s"),
            (Figure.bytes(0), "0 B"), (Figure.bytes(1_536), "1.5 KiB"), (Figure.bytes(64 * 1_048_576), "64 MiB"),
        ])
    func figures(text: String, expected: String) { #expect(text == expected) }

    @Test("A line of bars is as long as there are looks, the highest at the top")
    func sparkline() {
        #expect(Sparkline.text([0, 1, 4, 8], width: 10) == "▁▂▅█")
        #expect(Sparkline.text([0, 1, 4, 8], width: 2) == "▅█")
        #expect(Sparkline.text([0, 0], width: 5) == "▁▁")
        #expect(Sparkline.text([], width: 5) == "")
    }

    @Test(
        "A text is cut to the columns it has, and nothing in it moves the cursor",
        arguments: [
            ("video", 5, "video"), ("video", 4, "vid…"), ("日本語", 6, "日本語"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"),
            ("a\u{1b}[2Jb", 10, "a?[2Jb"), ("a\u{202e}b", 5, "a?b"), ("", 3, ""), ("👍🏽x", 3, "👍🏽x"),
        ])
    func fitted(text: String, width: Int, expected: String) {
        #expect(TextWidth.fitted(text, to: width) == expected)
        #expect(TextWidth.columns(TextWidth.fitted(text, to: width)) <= width)
    }

    private static func figuresOfAServer() throws -> TopFigures {
        let old = """
            likewise_likes_total{outcome="liked"} 0
            likewise_likes_total{outcome="refused"} 0
            likewise_http_request_seconds_count{route="like",status="2xx"} 0
            likewise_http_request_seconds_count{route="like",status="5xx"} 0
            likewise_http_request_seconds_count{route="count",status="2xx"} 0
            likewise_http_request_seconds_count{route="top",status="2xx"} 5
            """
        let new = """
            likewise_likes_total{outcome="liked"} 2000
            likewise_likes_total{outcome="refused"} 20
            likewise_rate_limit_calls_total{limit="user",outcome="refused"} 6
            likewise_rate_limit_calls_total{limit="user",outcome="passed"} 600
            likewise_http_request_seconds_count{route="like",status="2xx"} 2000
            likewise_http_request_seconds_count{route="like",status="5xx"} 20
            likewise_http_request_seconds_bucket{route="like",status="2xx",le="0.001"} 2000
            likewise_http_request_seconds_bucket{route="like",status="2xx",le="+Inf"} 2000
            likewise_http_request_seconds_count{route="count",status="2xx"} 8000
            likewise_http_request_seconds_count{route="top",status="2xx"} 5
            likewise_batch_intents_count{shard="0"} 100
            likewise_batch_intents_sum{shard="0"} 2000
            likewise_batch_intents_bucket{shard="0",le="64"} 100
            likewise_batch_intents_bucket{shard="0",le="+Inf"} 100
            likewise_log_sync_seconds_bucket{shard="0",le="0.0005"} 100
            likewise_log_sync_seconds_bucket{shard="0",le="+Inf"} 100
            likewise_overlay_bytes{shard="0"} 1048576
            likewise_ledger_lag_records{shard="0"} 12
            likewise_ledger_lag_seconds{shard="0"} 1.5
            likewise_shard_queue_intents{shard="0"} 3
            likewise_live_streams 4
            likewise_live_contents 2
            """
        let hot = [
            TopFigures.Hot(id: "video_1", count: 1_500, gained: 600),
            TopFigures.Hot(id: String(repeating: "長", count: 80), count: 7, gained: 1),
        ]
        return TopFigures(try delta(old, new), hot: hot)
    }

    @Test("The figures of a server are what its metrics say")
    func serverFigures() throws {
        let figures = try Self.figuresOfAServer()
        #expect(figures.likes == 1000 && figures.reads == 4000 && figures.limited == 3 && figures.errors == 10)
        #expect(figures.routes.map(\.name) == ["count", "like"])
        #expect(figures.routes[1].rate == 1010 && figures.routes[1].p50 == 0.0005 && figures.routes[0].p50 == nil)
        let shard = try #require(figures.shards.first)
        #expect(shard.batches == 50 && shard.batchSize == 20 && shard.lagRecords == 12 && shard.queue == 3)
        #expect(figures.liveStreams == 4)
    }

    @Test("The table fits every window", arguments: [20, 40, 69, 70, 80, 120, 200], [5, 24, 100])
    func fits(width: Int, height: Int) throws {
        let figures = try Self.figuresOfAServer()
        var history = TopHistory()
        for _ in 0..<40 { history.add(figures) }
        let lines = TopTable(width: width, height: height).lines("http://127.0.0.1:8080", figures, history)
        #expect(lines.count <= height)
        for line in lines { #expect(TextWidth.columns(line) <= width, "\(line)") }
    }

    @Test("The table says what happened, and escapes nothing where it is plain")
    func table() throws {
        let figures = try Self.figuresOfAServer()
        var history = TopHistory()
        history.add(figures)
        let lines = TopTable(width: 120).lines("http://127.0.0.1:8080", figures, history)
        let text = lines.joined(separator: "\n")
        for part in [
            "likes/s 1,000 (liked 1,000, refused 10)", "reads/s 4,000", "limited/s 3", "live streams 4 on 2 contents",
            "video_1", "12, 1.5 s", "1 MiB",
        ] { #expect(text.contains(part), "\(text)") }
        #expect(!text.contains("\u{1b}"))
    }

    @Test("History keeps so many looks, and of each content how it grew")
    func history() throws {
        var figures = try Self.figuresOfAServer()
        var history = TopHistory()
        for count in [5, 9, 9, 3, 10] as [UInt64] {
            figures.hot = [TopFigures.Hot(id: "a", count: count, gained: 0)]
            history.add(figures)
        }
        #expect(history.gains(of: "a") == [4, 0, 0, 7])
        #expect(history.gains(of: "b") == [])
        for i in 0..<500 {
            figures.hot = [TopFigures.Hot(id: "c\(i)", count: 1, gained: 0)]
            history.add(figures)
        }
        #expect(history.likes.count == TopHistory.looks)
        #expect(history.gains(of: "a") == [])
    }
}
