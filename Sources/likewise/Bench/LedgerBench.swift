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
    /// Rows of one line of the report.
    private static let span = 10_000_000
    /// Without a commit for this time the run is given up.
    private static let stallSeconds = 600.0

    /// A commit count and when it was reached.
    private struct Mark {
        var rows: Int
        var seconds: Double
    }

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
        let marks = try fill(bench, folder, likes: likes, budget: budget, metrics, progress)
        try reportRates(bench, marks, likes)
        report(bench, "disk bytes, log and ledger", Double(DiskUse.bytes(below: folder)) / Double(likes), "bytes/like")
        try measureRestart(bench, folder, flags: ["--memory", ByteSize.text(budget)])
    }

    // MARK: Filling

    private func fill(
        _ bench: BenchContext, _ folder: String, likes: Int, budget: Int, _ metrics: PrometheusMetrics,
        _ progress: BenchProgress
    ) throws -> [Mark] {
        var options = EngineOptions(dataDirectory: folder)
        options.overlayBytes = budget / 4
        options.contentBytes = budget / 4
        let before = ProcText.bytes(of: "VmRSS", in: ProcText.read("/proc/self/status")) ?? 0
        let ledger = try SQLiteLedger(path: options.ledgerPath, cacheBytes: budget / 8, readerCacheBytes: budget / 32)
        let engine = try Engine(
            options, disk: PosixDisk(), clock: SystemClock(), ledger: ledger, seed: 1, logger: Logger(label: "bench"))
        defer { engine.stop() }
        let feeder = LedgerFeeder(engine: engine, likes: likes)
        var (marks, peak) = ([Mark](), 0)
        let begin = BenchClock.now()
        var moved = begin
        var rows = 0
        while rows < likes {
            try feeder.feed()
            let found = LedgerBench.rows(metrics)
            let now = BenchClock.now()
            if found > rows {
                (rows, moved) = (found, now)
                marks.append(Mark(rows: rows, seconds: Double(now - begin) / 1e9))
            }
            guard Double(now - moved) / 1e9 < Self.stallSeconds else {
                throw BenchError("the ledger has committed nothing for \(Int(Self.stallSeconds)) s, at \(rows) likes")
            }
            peak = max(peak, ProcText.bytes(of: "VmRSS", in: ProcText.read("/proc/self/status")) ?? 0)
            progress.within(Double(rows) / Double(likes))
        }
        reportMemory(bench, peak: peak, before: before, budget: budget)
        return marks
    }

    private static func rows(_ metrics: PrometheusMetrics) -> Int {
        let page = String(decoding: metrics.render(), as: UTF8.self)
        let line = page.split(separator: "\n").first { $0.hasPrefix("likewise_ledger_rows_total") }
        return line?.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) } ?? 0
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
        ]
        bench.print(report)
    }

    /// A line for each ten million. Commits are large, so a span ends with the first commit that reaches its end.
    private func reportRates(_ bench: BenchContext, _ marks: [Mark], _ likes: Int) throws {
        var last = Mark(rows: 0, seconds: 0)
        var rates: [Double] = []
        let span = min(Self.span, likes)
        for mark in marks where mark.rows >= min(likes, span * (rates.count + 1)) {
            let rate = Double(mark.rows - last.rows) / (mark.seconds - last.seconds)
            rates.append(rate)
            report(
                bench, "rate from \(last.rows) to \(mark.rows) likes", rate, "likes/s",
                bar: mark.rows >= likes ? .atLeast(100_000) : nil)
            last = mark
        }
        guard let first = rates.first, let final = rates.last, rates.count > 1 else { return }
        report(bench, "last rate over first rate", final / first, "ratio", bar: .atLeast(0.7))
    }

    private func reportMemory(_ bench: BenchContext, peak: Int, before: Int, budget: Int) {
        report(
            bench, "peak of resident memory over the budget", Double(peak - before) / Double(budget), "ratio",
            bar: .atMost(1),
            details: [
                BenchField("peak_resident_bytes", .count(peak)), BenchField("resident_bytes_before", .count(before)),
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
