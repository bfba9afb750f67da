// `likewise bench levels`: the escalation that every text on counting likes describes, for real and in one run. Each level
// has its own servers, started when its turn comes and ended after it; the callers, the load and the kills are the same.
// Why the clients are written here, and what the figures say: docs/decisions/0009-bench-levels.md.

import LikewiseEngine
import Synchronization

struct LevelsBench: BenchSuite {
    static let name = "levels"

    /// Of each round.
    private static let roundSeconds = 2.0

    init() {}

    func run(_ bench: BenchContext) async throws {
        let settings = bench.settings
        let context = LevelContext(
            resources: bench.resources, callers: settings.callers, kills: settings.kills,
            writeBehind: Double(settings.writeBehind.nanoseconds) / 1e9, environment: settings.benchEnvironment,
            without: settings.without)
        try await bench.onOwnThread {
            let wanted = Self.all.filter { settings.levels.contains("\($0.number)") }
            let pace = LevelPace(
                seconds: wanted.reduce(0) { $0 + $1.seconds(context, rounds: settings.rounds, of: Self.roundSeconds) })
            defer { pace.end() }
            let run = LevelRun(context: context, rounds: settings.rounds, seconds: Self.roundSeconds, pace: pace)
            var results: [LevelResult] = []
            var failure: (any Error)?
            for level in wanted where !bench.resources.isReleased {
                var result = LevelResult(number: level.number, name: level.name)
                do { result = try run.measure(level) } catch {
                    // The other levels have servers of their own, so they go on; the suite fails in the end.
                    result.skipped = "failed: \(error)"
                    failure = failure ?? error
                }
                bench.print(result.report(settings: Self.fields(settings)))
                results.append(result)
            }
            pace.end()
            LogSink.standardError.write(Array(LevelTable.text(results).utf8))
            if let failure { throw failure }
        }
    }

    /// In the order of the escalation.
    private static var all: [any Level.Type] {
        [
            PostgresLevel.self, RedisLevel.self, WriteBehindLevel.self, KafkaLevel.self, LikewiseLevel.self,
        ]
    }

    private static func fields(_ settings: Settings<BenchSettings>) -> [BenchField] {
        [
            BenchField("callers", .count(settings.callers)), BenchField("kills", .count(settings.kills)),
            BenchField("round_seconds", .number(roundSeconds)),
            BenchField("write_behind_seconds", .number(Double(settings.writeBehind.nanoseconds) / 1e9)),
        ]
    }
}

extension Level {
    /// About how long this level takes, for the estimate.
    fileprivate static func seconds(_ context: LevelContext, rounds: Int, of seconds: Double) -> Double {
        let kills = Double(context.kills)
        let perKill = 4.0
        let own =
            switch number {
            case 3: kills * (perKill + context.writeBehind / 2) + perKill
            case 4: kills * (perKill * 2 + 12) + perKill
            default: kills * perKill
            }
        return LevelPace.startSeconds + Double(rounds) * seconds + own
    }
}

/// Progress in seconds, since the steps of the levels are of very different length.
final class LevelPace: Sendable {
    /// About how long servers take to start, and caches to warm up.
    static let startSeconds = 4.0

    private let progress: BenchProgress
    private let last = Mutex(BenchClock.now())

    /// The progress of levels that take about `seconds` in all.
    init(seconds: Double) { progress = BenchProgress("levels", steps: seconds) }

    /// Begins a step; the one before took as long as it took.
    func step(_ what: String) {
        let now = BenchClock.now()
        let passed = last.withLock { last in
            defer { last = now }
            return now - last
        }
        progress.step(what, after: Double(passed) / 1e9)
    }

    /// Takes the line away.
    func end() { progress.end() }
}
