// How the ledger holds its rate as it grows: the engine is fed as fast as the ledger takes, and the time of every ten
// million rows that are committed is told. Then a server is started on what was built.
//
// The overlay is bounded, so the engine refuses what the ledger cannot take yet; the feeder then waits for room. Rows are
// counted where the ledger writer reports them, after the commit, so what only waits in the overlay is no progress.

import LikewiseEngine
import LikewiseServer
import Logging
import Metrics
import Synchronization

struct LedgerBench: BenchSuite {
    static let name = "ledger"
    /// Without a commit for this time the run is given up.
    private static let stallSeconds = 600.0

    func run(_ bench: BenchContext) async throws {
        let metrics = PrometheusMetrics()
        MetricsSystem.bootstrap(metrics)
        try await bench.onOwnThread { try measure(bench, metrics) }
    }

    private func measure(_ bench: BenchContext, _ metrics: PrometheusMetrics) throws {
        let likes = bench.settings.ledgerLikes
        let budget = bench.settings.memory ?? 1 << 30
        let progress = BenchProgress(Self.name, steps: 1)
        defer { progress.end() }
        progress.step("to \(likes) likes")
        let folder = try bench.resources.folder("ledger")
        defer { bench.resources.remove(folder) }
        try fill(bench, folder, likes: likes, budget: budget, metrics, progress)
        report(bench, "disk bytes, log and ledger", Double(DiskUse.bytes(below: folder)) / Double(likes), "bytes/like")
        try measureRestart(bench, folder, flags: ["--memory", ByteSize.text(budget)])
    }

    // MARK: Filling

    private func fill(
        _ bench: BenchContext, _ folder: String, likes: Int, budget: Int, _ metrics: PrometheusMetrics,
        _ progress: BenchProgress
    ) throws {
        var options = EngineOptions(dataDirectory: folder)
        let shares = MemoryShares(budget: budget)
        options.overlayBytes = shares.overlay
        options.contentBytes = shares.contents
        let before = LedgerBench.residentBytes()
        let ledger = try Ledgers.open(in: folder, otherwise: bench.settings.ledger, cacheBytes: shares.ledgerCache)
        let engine = try Engine(
            options, disk: PosixDisk(), clock: SystemClock(), ledger: ledger, seed: 1, logger: Logger(label: "bench"))
        defer { engine.stop() }
        let feeder = LedgerFeeder(engine: engine, likes: likes)
        var spans = LedgerSpans(likes: likes)
        var (peak, rows) = (Peak(), 0)
        let begin = BenchClock.now()
        var moved = begin
        while rows < likes {
            try feeder.feed()
            let page = String(decoding: metrics.render(), as: UTF8.self)
            let found = LedgerBench.value("likewise_ledger_rows_total", page)
            let now = BenchClock.now()
            if found > rows {
                (rows, moved) = (found, now)
                if let span = spans.committed(rows, seconds: Double(now - begin) / 1e9) { report(bench, span, likes) }
            }
            guard Double(now - moved) / 1e9 < Self.stallSeconds else {
                throw BenchError("the ledger has committed nothing for \(Int(Self.stallSeconds)) s, at \(rows) likes")
            }
            peak.note(page)
            progress.within(Double(rows) / Double(likes))
        }
        if let ratio = spans.ratio {
            report(bench, "last rate over first rate", ratio, "ratio", bar: .atLeast(0.7))
        }
        reportMemory(bench, peak: peak, before: before, budget: budget)
    }

    private static func residentBytes() -> Int {
        ProcText.bytes(of: "VmRSS", in: ProcText.read("/proc/self/status")) ?? 0
    }

    /// The sum of a metric's series in a page of metrics.
    private static func value(_ name: String, _ page: String) -> Int {
        page.split(separator: "\n").lazy.filter { $0.hasPrefix(name) }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0) { $0 + Int($1) }
    }

    /// The most memory that was resident, and what the engine said then of what it keeps.
    private struct Peak {
        var resident = 0
        var overlay = 0
        var contents = 0

        mutating func note(_ page: String) {
            let now = LedgerBench.residentBytes()
            guard now > resident else { return }
            resident = now
            overlay = LedgerBench.value("likewise_overlay_bytes", page)
            contents = LedgerBench.value("likewise_content_bytes", page)
        }
    }

    // MARK: Reports

    private func report(
        _ bench: BenchContext, _ name: String, _ figure: Double, _ unit: String, bar: BenchReport.Bar? = nil,
        details: [BenchField] = []
    ) {
        var report = BenchReport(Self.name, name, figure: figure, unit: unit)
        report.bar = bar
        report.details = details
        report.settings = [
            BenchField("likes", .count(bench.settings.ledgerLikes)), BenchField("mix", .text(LedgerFeeder.mix)),
            BenchField("memory", .count(bench.settings.memory ?? 1 << 30)), BenchField("sync", "always"),
            BenchField("ledger", .text(bench.settings.ledger.rawValue)),
        ]
        bench.print(report)
    }

    private func report(_ bench: BenchContext, _ span: LedgerSpans.Span, _ likes: Int) {
        report(
            bench, "rate from \(span.rows.lowerBound) to \(span.rows.upperBound) likes", span.rate, "likes/s",
            bar: span.rows.upperBound >= likes ? .atLeast(100_000) : nil)
    }

    private func reportMemory(_ bench: BenchContext, peak: Peak, before: Int, budget: Int) {
        report(
            bench, "peak of resident memory over the budget", Double(peak.resident) / Double(budget), "ratio",
            bar: .atMost(1),
            details: [
                BenchField("peak_resident_bytes", .count(peak.resident)),
                BenchField("overlay_bytes", .count(peak.overlay)), BenchField("content_bytes", .count(peak.contents)),
                BenchField("resident_bytes_before", .count(before)),
                BenchField("budget_bytes", .count(budget)),
            ])
    }

    // MARK: Restart

    private func measureRestart(_ bench: BenchContext, _ folder: String, flags: [String]) throws {
        let server = try LikewiseServer(bench.resources, dataDirectory: folder, flags: flags)
        defer { server.process.kill() }
        report(bench, "restart, until it listens", server.startup.inSeconds, "s", bar: .atMost(5))
        var connection = try BenchConnection(port: server.port)
        let body = "{\"content_id\":\"\(LedgerFeeder.largest)\",\"user_id\":\"first_after_restart\"}"
        let begin = BenchClock.now()
        let answer = try connection.request("POST", "/v1/likes", body: body)
        let milliseconds = Double(BenchClock.now() - begin) / 1e6
        guard answer.status == 200 else { throw BenchError("the first like was answered with \(answer.status)") }
        report(
            bench, "first like on the largest content after the restart", milliseconds, "ms", bar: .atMost(50),
            details: [BenchField("likes_of_it", .count(try server.count(of: LedgerFeeder.largest) ?? 0))])
    }
}
