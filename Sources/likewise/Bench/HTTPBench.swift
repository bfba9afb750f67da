// Likes and counts as single requests: what the server can take, and how long an answer takes at half of that.

import Synchronization

struct HTTPBench: BenchSuite {
    static let name = "http"
    private static let serverFlags = ["--memory", "8GiB", "--overlay-bytes", "4GiB"]
    private static let coldRate = 200.0
    private static let bulkConnections = 2
    private static let likesASecond = 4_000_000.0
    /// What a content takes in bulk beside a cold one.
    private static let bulkRate = 1_000_000.0

    private struct Figures {
        var (likes, counts): ([Double], [Double]) = ([], [])
        var openRates: [Double] = []
        var open: [LatencySummary] = []
        /// Beside bulk intake at a rate, and beside as much of it as is taken.
        var (cold, coldest): ([LatencySummary], [LatencySummary]) = ([], [])
        var (bulk, mostBulk): ([Double], [Double]) = ([], [])
    }

    func run(_ bench: BenchContext) async throws {
        try await bench.onOwnThread { try measure(bench) }
    }

    private func measure(_ bench: BenchContext) throws {
        let rounds = bench.settings.rounds
        let progress = BenchProgress(Self.name, steps: Double(rounds * 5 + 1))
        defer { progress.end() }
        var figures = Figures()
        try measureCalls(bench, progress, &figures)
        reportCalls(bench, figures)
        progress.step("building likes in memory")
        // More than a machine takes in that time.
        let enough = Int(bench.settings.seconds.inSeconds * Self.likesASecond)
        let bodies = BulkBodies(likes: bench.settings.likes ?? enough, ofContent: 1)
        for round in 1...rounds {
            progress.step("a cold content beside bulk intake, round \(round) of \(rounds)")
            try measureCold(bench, bodies, Self.bulkRate, &figures.cold, &figures.bulk)
            progress.step("the same beside as much as is taken, round \(round) of \(rounds)")
            try measureCold(bench, bodies, nil, &figures.coldest, &figures.mostBulk)
        }
        reportCold(bench, figures)
    }

    /// Peak of likes, peak of counts, then likes at half of their peak.
    private func measureCalls(_ bench: BenchContext, _ progress: BenchProgress, _ figures: inout Figures) throws {
        let (rounds, seconds) = (bench.settings.rounds, bench.settings.seconds.inSeconds)
        let folder = try bench.resources.folder("http")
        defer { bench.resources.remove(folder) }
        let server = try LikewiseServer(bench.resources, dataDirectory: folder, flags: Self.serverFlags)
        defer { server.process.kill() }
        var load = try LoadGenerator(port: server.port, connections: bench.settings.connections)
        var likes = RequestTemplate(
            "POST", "/v1/likes", body: #"{"content_id":"video_abc","content_type":"video","user_id":"user_#"}"#)
        var counts = RequestTemplate("GET", "/v1/likes/count/video_abc")
        // The first like makes the content, and the first requests warm the processes.
        _ = try load.closedLoop(&likes, seconds: min(1, seconds))
        for round in 1...rounds {
            progress.step("likes, as many as it takes, round \(round) of \(rounds)")
            figures.likes.append(try allGood(load.closedLoop(&likes, seconds: seconds)).rate)
            progress.step("counts, as many as it takes, round \(round) of \(rounds)")
            figures.counts.append(try allGood(load.closedLoop(&counts, seconds: seconds)).rate)
        }
        for round in 1...rounds {
            progress.step("likes at half of the peak, open loop, round \(round) of \(rounds)")
            let rate = BenchReport.median(figures.likes) / 2
            let result = try allGood(load.openLoop(&likes, rate: rate, seconds: seconds))
            figures.openRates.append(result.rate)
            figures.open.append(result.latencies.summary)
        }
    }

    /// Each like is the first of its content, while bulk intake for another one takes `rate` likes a second, or all that it
    /// can get.
    private func measureCold(
        _ bench: BenchContext, _ bodies: BulkBodies, _ rate: Double?, _ latencies: inout [LatencySummary],
        _ bulk: inout [Double]
    ) throws {
        let folder = try bench.resources.folder("http")
        defer { bench.resources.remove(folder) }
        let server = try LikewiseServer(bench.resources, dataDirectory: folder, flags: Self.serverFlags)
        defer { server.process.kill() }
        var load = try LoadGenerator(port: server.port, connections: 16)
        var likes = RequestTemplate("POST", "/v1/likes", body: #"{"content_id":"cold_#","user_id":"user_1"}"#)
        let pour = BulkPour(bodies, port: server.port, connections: Self.bulkConnections, atBound: .fail, rate: rate)
        let pouring = Pouring(pour)
        defer { pouring.stop() }
        // Only once it pours is it a load.
        let isPouring = BenchClock.wait(seconds: 30) { pour.likes > 0 || pouring.hasEnded ? true : nil }
        guard isPouring == true else { throw BenchError("bulk intake was not answered within 30 s") }
        let (begin, before) = (BenchClock.now(), pour.likes)
        let seconds = bench.settings.seconds.inSeconds
        let result = try allGood(load.openLoop(&likes, rate: Self.coldRate, seconds: seconds))
        let taken = Double(pour.likes - before) / (Double(BenchClock.now() - begin) / 1e9)
        guard !pouring.hasEnded else {
            pouring.stop()
            if let error = pouring.error { throw error }
            throw BenchError(
                "\(bodies.likes) likes of bulk intake were taken in less than \(seconds) s: give more --likes")
        }
        latencies.append(result.latencies.summary)
        bulk.append(taken)
    }

    private func allGood(_ result: LoadResult) throws -> LoadResult {
        guard result.bad == 0, result.good > 0 else {
            throw BenchError("\(result.bad) of \(result.good + result.bad) requests were not answered with 200")
        }
        return result
    }

    private func reportCalls(_ bench: BenchContext, _ figures: Figures) {
        let connections = BenchField("connections", .count(bench.settings.connections))
        let shared = [BenchField("generator", "one thread"), connections] + settings(bench)
        for (name, rates) in [
            ("POST /v1/likes, one content, closed loop", figures.likes), ("GET count, closed loop", figures.counts),
        ] {
            var report = BenchReport(Self.name, name, rounds: rates, unit: "requests/s")
            report.settings = shared
            bench.print(report)
        }
        let open = "POST /v1/likes at half of the peak, open loop"
        let rate = BenchField("requests_a_second", .number(BenchReport.median(figures.openRates)))
        printLatency(bench, "\(open), p99", figures.open, \.p99, bar: 10, details: [rate], settings: shared)
        printLatency(bench, "\(open), p99.9", figures.open, \.p999, bar: 25, details: [rate], settings: shared)
    }

    /// The settings of all measurements.
    private func settings(_ bench: BenchContext) -> [BenchField] {
        [
            BenchField("seconds", .number(bench.settings.seconds.inSeconds)), BenchField("sync", "always"),
            BenchField("server", .text(Self.serverFlags.joined(separator: " "))),
        ]
    }

    private func reportCold(_ bench: BenchContext, _ figures: Figures) {
        let fields = [
            BenchField("requests_a_second", .number(Self.coldRate)),
            BenchField("bulk_connections", .count(Self.bulkConnections)),
        ]
        let name = "first like of a cold content beside bulk intake"
        printLatency(
            bench, "\(name) of a million a second, open loop, p99", figures.cold, \.p99, bar: 10,
            details: [BenchField("bulk_likes_a_second", .number(BenchReport.median(figures.bulk)))],
            settings: fields + settings(bench))
        printLatency(
            bench, "\(name) of as much as is taken, open loop, p99", figures.coldest, \.p99, bar: nil,
            details: [BenchField("bulk_likes_a_second", .number(BenchReport.median(figures.mostBulk)))],
            settings: fields + settings(bench))
    }

    /// The median of one percentile over the rounds, with all percentiles of the round that has it.
    private func printLatency(
        _ bench: BenchContext, _ name: String, _ rounds: [LatencySummary],
        _ percentile: KeyPath<LatencySummary, Double>,
        bar: Double?, details: [BenchField], settings: [BenchField]
    ) {
        var report = BenchReport(Self.name, name, rounds: rounds.map { $0[keyPath: percentile] }, unit: "ms")
        report.bar = bar.map { .atMost($0) }
        report.latencies = rounds.sorted { $0[keyPath: percentile] < $1[keyPath: percentile] }[(rounds.count - 1) / 2]
        report.details = details
        report.settings = settings
        bench.print(report)
    }
}

/// Bulk intake on threads of its own, beside what is measured.
private final class Pouring: Sendable {
    private let pour: BulkPour
    private let state = Mutex<(hasEnded: Bool, error: (any Error)?)>((false, nil))

    init(_ pour: BulkPour) {
        self.pour = pour
        BenchThread.start {
            let result = Result { try pour.run() }
            self.state.withLock { state in
                state.hasEnded = true
                if case .failure(let error) = result { state.error = error }
            }
        }
    }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }
    var error: (any Error)? { state.withLock { $0.error } }

    /// Ends it, and waits until its last bodies are answered.
    func stop() {
        pour.stop()
        _ = BenchClock.wait(seconds: 60) { hasEnded ? true : nil }
    }
}
