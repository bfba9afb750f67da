// Abuse: how much of click farms is held, how much of people's likes, and what a judgement costs.
//
// A recorded trace in its own time, with networks and farms of four kinds made up from a seed (`People`, `Farms`). Each seed
// is another world, with other farms, and is judged under another seed of the detector's hashes.

import Foundation
import LikewiseServer

struct AbuseBench: BenchSuite {
    static let name = "abuse"
    private static let share = 0.05
    private static let threads = 2

    func run(_ bench: BenchContext) async throws {
        guard let file = bench.settings.trace else {
            if bench.settings.arguments.contains(BenchSuites.everything) {
                LogSink.standardError.write(Array("abuse: left out, since no --trace was given\n".utf8))
                return
            }
            throw BenchError("give the trace with --trace: lines 'timestamp_s,user_id,content_id', plain or gzipped")
        }
        try await bench.onOwnThread { try measure(bench, file) }
    }

    private func measure(_ bench: BenchContext, _ file: String) throws {
        let rows = try TraceFile.read(file, bench.resources)
        let seeds = bench.settings.seeds
        let progress = BenchProgress(Self.name, steps: Double(seeds))
        defer { progress.end() }
        var rounds: [Round] = []
        for seed in 1...UInt64(seeds) {
            progress.step("seed \(seed) of \(seeds)")
            let world = AbuseWorld(rows, share: Self.share, seed: seed)
            rounds.append(try Round(world, seed: seed))
        }
        report(rounds, bench, rows.count)
    }

    /// One seed.
    private struct Round {
        let people: AbuseScore
        let mixed: AbuseScore
        let nanoseconds: Double
        let nanosecondsTogether: Double
        let bytes: Int

        init(_ world: AbuseWorld, seed: UInt64) throws {
            people = AbuseScore(world.people, seed: seed &+ 99)
            mixed = AbuseScore(world.mixed, seed: seed &+ 99)
            nanoseconds = try AbuseBench.pace(world.mixed, threads: 1).nanoseconds
            (nanosecondsTogether, bytes) = try AbuseBench.pace(world.mixed, threads: AbuseBench.threads)
        }
    }

    /// Nanoseconds from call to answer of a like, where so many threads share a detector and take likes in turn.
    private static func pace(_ trace: [TracedLike], threads: Int) throws -> (nanoseconds: Double, bytes: Int) {
        let detector = AbuseGuard()
        let taken = try BenchThread.forEach(threads) { first in
            let begin = BenchClock.now()
            for place in stride(from: first, to: trace.count, by: threads) {
                let like = trace[place]
                _ = like.withBytes { user, content, client in
                    detector.judge(
                        user: user, content: content, address: like.address, client: client, isUnlike: like.isUnlike,
                        milliseconds: like.milliseconds)
                }
            }
            return Double(BenchClock.now() - begin) / Double(max(1, trace.count / threads))
        }
        return (taken.max() ?? .nan, detector.bytes)
    }

    // MARK: Lines

    private func report(_ rounds: [Round], _ bench: BenchContext, _ likes: Int) {
        let settings = [
            BenchField("likes", .count(likes)), BenchField("farms_share", .number(Self.share)),
            BenchField("seeds", .count(rounds.count)),
        ]
        func print(_ what: String, _ unit: String, _ bar: BenchReport.Bar?, _ value: (Round) -> Double) -> BenchReport {
            var report = BenchReport(Self.name, what, rounds: rounds.map(value), unit: unit)
            (report.bar, report.settings) = (bar, settings)
            return report
        }
        bench.print(print("recall, all farms", "share", .atLeast(0.95)) { $0.mixed.recall })
        for kind in LikeOrigin.farms {
            var line = print("recall, \(kind.words)", "share", nil) { $0.mixed.share(kind) }
            line.details = [
                BenchField("held_at_once", .list(rounds.map { .number($0.mixed.shareAtOnce(kind)) })),
                BenchField("farms", .list(rounds.map { .object(farms($0, kind)) })),
            ]
            bench.print(line)
        }
        bench.print(print("precision", "share", nil) { $0.mixed.precision })
        for (name, score) in [("with farms", \Round.mixed), ("without farms", \Round.people)] {
            var line = print("people's likes held, \(name)", "percent", .atMost(0.1)) {
                $0[keyPath: score].share(.person) * 100
            }
            line.details = [BenchField("reasons", .list(rounds.map { reasons($0[keyPath: score]) }))]
            bench.print(line)
        }
        bench.print(print("a like, one thread", "ns", .atMost(2000)) { $0.nanoseconds })
        bench.print(print("a like, \(Self.threads) threads on one detector", "ns", nil) { $0.nanosecondsTogether })
        bench.print(print("memory", "MiB", nil) { Double($0.bytes) / 1_048_576 })
    }

    private func farms(_ round: Round, _ kind: LikeOrigin) -> [BenchField] {
        round.mixed.farms.filter { $0.value.origin == kind }.sorted { $0.key < $1.key }.map { farm in
            BenchField("\(farm.key)", .text("\(farm.value.held) of \(farm.value.likes)"))
        }
    }

    private func reasons(_ score: AbuseScore) -> BenchValue {
        let found = (score.reasons[.person] ?? [:]).sorted { $0.key.rawValue < $1.key.rawValue }
        return .object(found.map { BenchField($0.key.rawValue, .count($0.value)) })
    }
}

extension LikeOrigin {
    fileprivate var words: String {
        switch self {
        case .person: "people"
        case .oneAddress: "one address and many users"
        case .manyAddresses: "many addresses and few users"
        case .slowDrip: "slow drip"
        case .toggling: "toggling"
        }
    }
}

/// Reads recorded traces.
enum TraceFile {
    /// For a trace of 100 million rows.
    private static let seconds = 60.0

    /// The rows of a file, which may be gzipped.
    static func read(_ file: String, _ resources: BenchResources) throws -> [RecordedLike] {
        var path = file
        if file.hasSuffix(".gz") {
            path = try resources.folder("trace") + "/rows.csv"
            let gzip = try resources.start("gzip", ["-dc", file], log: path)
            guard BenchClock.wait(seconds: seconds, for: { gzip.isRunning ? nil : true }) != nil else {
                throw BenchError("\(file) takes too long to unpack; unpack it and give the plain file")
            }
        }
        let rows = RecordedLike.rows(try bytes(of: path))
        guard rows.count > 1000 else {
            throw BenchError("\(file) has \(rows.count) likes; it must have lines 'timestamp_s,user_id,content_id'")
        }
        return rows
    }

    private static func bytes(of path: String) throws -> [UInt8] {
        do { return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) } catch {
            throw BenchError("\(path) cannot be read; is --trace right?")
        }
    }
}
