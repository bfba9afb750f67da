import Dispatch
import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

/// Runs the readers' tasks on threads of their own: other tests block those of the cooperative pool.
private final class ReaderThreads: TaskExecutor {
    private let queue = DispatchQueue(label: "readers", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        queue.async { job.runSynchronously(on: executor) }
    }
}

@Suite("Contents that move while they are written and read")
struct RebalanceLoadTests {
    /// What the ledger has acknowledged.
    private struct Acknowledged {
        var registers: [RegisterKey: Register] = [:]
        var keys: [RegisterKey] = []
        var isMoving = true

        mutating func add(_ events: [PostgresEvent]) {
            for event in events {
                guard case .register(let content, let user, let register) = event else { continue }
                let key = RegisterKey(content: Array(content.utf8), user: Array(user.utf8))
                if registers[key] == nil { keys.append(key) }
                registers[key, default: .untouched].merge(register)
            }
        }
    }

    @Test(
        "writers and readers work on while contents move to more servers and back; nothing acknowledged is ever missing",
        arguments: SeededRandom.seeds(2))
    func load(seed: UInt64) async throws {
        let bed = try RebalanceBed(3, used: 1)
        let acknowledged = Monitor(Acknowledged())
        let writers = Crew(3) { number -> Int in
            var random = SeededRandom(seed: seed + UInt64(number))
            let shards = [UInt16(number * 2), UInt16(number * 2 + 1)]
            let writer = try bed.writer(shards)
            while acknowledged.update({ $0.isMoving }) {
                let events = PostgresEvent.random(
                    random.within(1...60), deletions: 0, contents: 40, users: 50, &random)
                let half = random.below(events.count)
                try writer.say([shards[0]: Array(events[..<half]), shards[1]: Array(events[half...])])
                acknowledged.update { $0.add(events) }
            }
            return writer.refusals
        }
        let mover = Crew(1) { _ in
            defer { acknowledged.update { $0.isMoving = false } }
            for count in [2, 3, 2, 1] { _ = try bed.rebalance(to: count, contents: 4) }
        }
        let servers = PostgresServers(bed.options, logger: PostgresBed.logger)
        let threads = ReaderThreads()
        let looks = try await withThrowingTaskGroup(of: Int.self) { group in
            for reader in 0..<2 {
                group.addTask(executorPreference: threads) {
                    try await Self.read(servers, acknowledged, seed: seed + 100 + UInt64(reader))
                }
            }
            return try await group.reduce(0, +)
        }
        withExtendedLifetime(threads) {}
        let refusals = try writers.finish().reduce(0, +)
        _ = try mover.finish()
        #expect(looks > 50 && refusals > 0, "seed \(seed): \(looks) looks, \(refusals) refusals")
        try bed.expectExact(on: 1, "seed \(seed)")
    }

    /// Looks at registers, lists and counts for as long as contents move; answers how often.
    private static func read(
        _ servers: PostgresServers, _ acknowledged: Monitor<Acknowledged>, seed: UInt64
    ) async throws -> Int {
        var random = SeededRandom(seed: seed)
        var looks = 0
        var moments: [[UInt8]: UInt64] = [:]
        while acknowledged.update({ $0.isMoving }) {
            let wanted = acknowledged.update { state in
                state.keys.isEmpty ? [] : (0..<20).map { _ in state.keys[random.below(state.keys.count)] }
            }
            guard let first = wanted.first else { continue }
            let least = acknowledged.update { state in wanted.map { state.registers[$0] ?? .untouched } }
            let held = try await servers.registers(of: wanted.map { ($0.content, $0.user) })
            for (key, (register, least)) in zip(wanted, zip(held, least)) {
                let isHeld = register.version >= least.version
                #expect(isHeld, "seed \(seed): \(String(decoding: key.content, as: UTF8.self)) of \(key.user)")
            }
            let before = acknowledged.update { state in
                state.registers.filter { $0.key.user == first.user && $0.value.reaction != .none }
            }
            let likes = try await servers.likes(ofUser: first.user, behind: nil, limit: 200)
            let after = acknowledged.update { state in state.registers.filter { $0.key.user == first.user } }
            let listed = Dictionary(grouping: likes, by: \.content)
            let isOnce = listed.values.allSatisfy { $0.count == 1 }
            #expect(isOnce, "seed \(seed)")
            for (key, register) in before where listed[key.content] == nil {
                // Only a later change, which may not be acknowledged yet, takes it out of the list.
                let now = try await servers.registers(of: [(key.content, key.user)])[0]
                let isChanged = now.version > register.version || after[key] != register
                #expect(isChanged, "seed \(seed): \(String(decoding: key.content, as: UTF8.self)) is not listed")
            }
            let ids = Array(Set(wanted.map(\.content)))
            for (id, count) in zip(ids, try await servers.counts(ids)) {
                #expect(count.content != nil && count.asOf >= moments[id, default: 0], "seed \(seed)")
                moments[id] = count.asOf
            }
            looks += 1
        }
        return looks
    }
}
