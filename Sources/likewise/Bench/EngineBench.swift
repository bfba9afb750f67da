// Likes a second through the engine: evaluation, event log with one fdatasync a batch, overlay, ledger behind.
//
// The intents are made before the clock starts and handed over in groups as an event loop would, a bounded number at a
// time; the clock stops when the last one is answered, which is when it is durable.

import Glibc
import LikewiseCore
import LikewiseEngine
import Logging

struct EngineBench: BenchSuite {
    static let name = "engine"
    /// Groups on their way at a time.
    private static let window = 12
    /// Bound of the overlay, and of the loaded contents: large enough that the ledger never holds up a round.
    private static let overlayBytes = 2 << 30

    private enum Workload: String, CaseIterable {
        /// All users different, one content.
        case oneContent = "one content"
        /// A million contents by Zipf's law with exponent 1, all users different.
        case zipf = "1,000,000 contents, Zipf 1.0"
        /// One content in a thousand; every second intent a duplicate or an unlike of one before.
        case half = "half duplicates and unlikes"

        /// Intents a second that are to be reached.
        var bar: Double {
            switch self {
            case .oneContent: 2_000_000
            case .zipf: 1_000_000
            case .half: 500_000
            }
        }
    }

    func run(_ bench: BenchContext) async throws {
        let (rounds, intents) = (bench.settings.rounds, bench.settings.likes ?? 4_000_000)
        let progress = BenchProgress("engine", steps: Double(rounds * Workload.allCases.count))
        for workload in Workload.allCases {
            var rates: [Double] = []
            for round in 1...rounds {
                progress.step("\(workload.rawValue), round \(round) of \(rounds)")
                rates.append(try await measure(workload, intents, seed: UInt64(round), bench))
            }
            var report = BenchReport("engine", workload.rawValue, rounds: rates, unit: "intents/s")
            report.bar = .atLeast(workload.bar)
            report.settings = [
                BenchField("intents", .count(intents)), BenchField("sync", "always"), BenchField("shards", 1),
                BenchField("overlay_bytes", .count(EngineBench.overlayBytes)),
                BenchField("ledger", .text(bench.settings.ledger.rawValue)),
            ]
            bench.print(report)
        }
        progress.end()
    }

    private func measure(
        _ workload: Workload, _ intents: Int, seed: UInt64, _ bench: BenchContext
    ) async throws -> Double {
        let directory = try bench.resources.folder("engine")
        defer { bench.resources.remove(directory) }
        var options = EngineOptions(dataDirectory: directory)
        options.overlayBytes = EngineBench.overlayBytes
        options.contentBytes = EngineBench.overlayBytes
        let engine = try Engine(
            options, disk: PosixDisk(), clock: SystemClock(),
            ledger: try Ledgers.open(in: directory, otherwise: bench.settings.ledger),
            seed: seed, logger: Logger(label: "bench"))
        let groups = makeGroups(workload, intents, engine: engine, seed: seed)
        // What rounds before left to be written would be written in this one.
        try await bench.onOwnThread { sync() }
        let elapsed = await drive(engine, groups)
        await withCheckedContinuation { continuation in
            BenchThread.start {
                engine.stop()
                continuation.resume()
            }
        }
        return Double(intents) / (Double(elapsed.nanoseconds) / 1e9)
    }

    private func drive(_ engine: Engine, _ groups: [IntentGroup]) async -> Duration {
        let clock = ContinuousClock()
        let started = clock.now
        await withTaskGroup(of: Void.self) { tasks in
            var sent = 0
            for group in groups {
                if sent >= EngineBench.window { await tasks.next() }
                sent += 1
                tasks.addTask {
                    await withCheckedContinuation { continuation in
                        group.complete = { _ in continuation.resume() }
                        engine.submit(group, to: 0)
                    }
                }
            }
        }
        let elapsed = clock.now - started
        let failed = groups.reduce(0) { $0 + $1.briefOutcomes.count { $0.status != .done } }
        precondition(failed == 0, "\(failed) intents were refused, so the rate would say nothing")
        return elapsed
    }

    private func makeGroups(_ workload: Workload, _ intents: Int, engine: Engine, seed: UInt64) -> [IntentGroup] {
        var random = SplitMix(state: seed)
        let zipf = ZipfSampler(count: 1_000_000)
        var groups: [IntentGroup] = []
        var group = IntentGroup(wantsTallies: false)
        for i in 0..<intents {
            var user = Array("user_\(i)".utf8)
            var content = Array("video_abc".utf8)
            var action = Intent.Action.react
            switch workload {
            case .oneContent: break
            case .zipf: content = Array("video_\(zipf.sample(&random))".utf8)
            case .half:
                let isRepeat = i % 2 == 1
                let person = isRepeat ? Int(random.next() % UInt64(i)) & ~1 : i
                user = Array("user_\(person)".utf8)
                content = Array("video_\(person / 2 % 1000)".utf8)
                if isRepeat && random.next() & 1 == 0 { action = .clear }
            }
            content.withUnsafeBytes { content in
                user.withUnsafeBytes { user in
                    group.append(
                        action, content: content, user: user, reaction: action == .react ? .like : .none,
                        seed: engine.seed)
                }
            }
            if group.isFull {
                groups.append(group)
                group = IntentGroup(wantsTallies: false)
            }
        }
        if group.count > 0 { groups.append(group) }
        return groups
    }
}
