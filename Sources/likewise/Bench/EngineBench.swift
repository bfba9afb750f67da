// Likes a second through the engine: evaluation, event log with one fdatasync a batch, overlay, ledger behind.
//
// The intents are made before the clock starts and handed over in groups as an event loop would, a bounded number at a
// time; the clock stops when the last one is answered, which is when it is durable.

import LikewiseCore
import LikewiseEngine
import Logging
import NIOCore
import NIOPosix

struct EngineBench {
    /// Groups on their way at a time.
    private static let window = 12

    let folder: String
    let intents: Int
    let rounds: Int

    private enum Workload: String, CaseIterable {
        /// All users different, one content.
        case oneContent = "one content"
        /// A million contents by Zipf's law with exponent 1, all users different.
        case zipf = "1,000,000 contents, Zipf 1.0"
        /// One content in a thousand; every second intent a duplicate or an unlike of one before.
        case half = "half duplicates and unlikes"
    }

    func run() async throws {
        for workload in Workload.allCases {
            var rates: [Double] = []
            for round in 1...rounds {
                LogSink.standardError.write(Array("\(workload.rawValue): round \(round) of \(rounds)\n".utf8))
                rates.append(try await measure(workload, round: round))
            }
            rates.sort()
            print(
                """
                {"bench":"engine","workload":"\(workload.rawValue)","unit":"intents/s","median":\(Int(rates[rates.count / 2])),\
                "min":\(Int(rates[0])),"max":\(Int(rates[rates.count - 1])),"intents":\(intents),"rounds":\(rounds),\
                "sync":"always","cores":\(System.coreCount)}
                """)
        }
    }

    private func measure(_ workload: Workload, round: Int) async throws -> Double {
        let directory = "\(folder)/\(round)"
        let disk = PosixDisk()
        let seed = UInt64(round)
        var options = EngineOptions(dataDirectory: directory)
        options.overlayBytes = 2 << 30
        options.contentBytes = 2 << 30
        let elapsed: Duration
        do {
            try disk.makeDirectory(directory)
            let engine = try Engine(
                options, disk: disk, clock: SystemClock(), ledger: try Ledgers.open(in: directory, otherwise: .rocksdb),
                seed: seed, logger: Logger(label: "bench"))
            let groups = makeGroups(workload, engine: engine, seed: seed)
            elapsed = await drive(engine, groups)
            await withCheckedContinuation { continuation in
                NIOThreadPool.singleton.submit { _ in
                    engine.stop()
                    continuation.resume()
                }
            }
            try removeAll(directory, disk)
        } catch { throw Failure.exit("\(error)") }
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
        let failed = groups.reduce(0) { $0 + $1.outcomes.count { $0.status != .done } }
        precondition(failed == 0, "\(failed) intents were refused, so the rate would say nothing")
        return elapsed
    }

    private func makeGroups(_ workload: Workload, engine: Engine, seed: UInt64) -> [IntentGroup] {
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

    private func removeAll(_ directory: String, _ disk: PosixDisk) throws(DiskError) {
        let shard = directory + "/log/shard-000"
        for name in try disk.list(shard) { try disk.remove(shard + "/" + name) }
        for kind in LedgerKind.allCases { try Ledgers.remove(kind, path: directory + "/" + kind.name, disk: disk) }
    }
}

/// A generator that gives the same numbers for the same seed (Steele et al., "Fast Splittable Pseudorandom Number
/// Generators", 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Draws 1 ... count with probability proportional to 1/k, by a search in the cumulative sums.
struct ZipfSampler {
    private let sums: [Double]

    init(count: Int) {
        var sums: [Double] = []
        sums.reserveCapacity(count)
        var sum = 0.0
        for k in 1...count {
            sum += 1 / Double(k)
            sums.append(sum)
        }
        self.sums = sums
    }

    func sample(_ random: inout some RandomNumberGenerator) -> Int {
        let wanted = Double.random(in: 0..<(sums.last ?? 1), using: &random)
        var low = 0
        var high = sums.count - 1
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] > wanted { high = middle } else { low = middle + 1 }
        }
        return low + 1
    }
}
