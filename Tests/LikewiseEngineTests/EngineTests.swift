import Dispatch
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Logging
import Synchronization
import Testing

/// The whole engine, its threads included, on the machine's disk.
@Suite("Engine")
struct EngineTests {
    private static let seed: UInt64 = 99

    private func start(
        _ folder: TemporaryFolder, _ ledger: any Ledger, _ change: (inout EngineOptions) -> Void = { _ in }
    ) throws -> Engine {
        var options = EngineOptions(dataDirectory: folder.path)
        options.segmentBytes = 1 << 20
        options.ledgerWriter.interval = 5_000_000
        change(&options)
        return try Engine(
            options, disk: PosixDisk(), clock: SystemClock(), ledger: ledger, seed: Self.seed,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func group(
        _ intents: [(Intent.Action, String, String)], complete: @escaping @Sendable (IntentGroup) -> Void
    ) -> IntentGroup {
        let group = IntentGroup(complete: complete)
        for (action, content, user) in intents {
            Array(content.utf8).withUnsafeBytes { content in
                Array(user.utf8).withUnsafeBytes { user in
                    group.append(action, content: content, user: user, reaction: .like, seed: Self.seed)
                }
            }
        }
        return group
    }

    /// Submits intents on one content and waits for their outcomes.
    private func ask(_ engine: Engine, _ content: String, _ intents: [(Intent.Action, String)]) async -> [Outcome] {
        await withCheckedContinuation { continuation in
            let group = group(intents.map { ($0.0, content, $0.1) }) { continuation.resume(returning: $0.outcomes) }
            engine.submit(group, to: Array(content.utf8).withUnsafeBytes { engine.shard(of: $0) })
        }
    }

    private func count(_ engine: Engine, _ content: String) async -> UInt64? {
        await ask(engine, content, [(.read, "")]).first?.tally.total
    }

    private func likes(_ engine: Engine, _ subject: ListSubject, limit: Int) async throws -> [LedgerLike] {
        try await withCheckedThrowingContinuation { continuation in
            engine.likes(of: subject, behind: nil, limit: limit) { continuation.resume(with: $0) }
        }
    }

    /// Calls `body` on a thread of its own for what may block.
    private func blocking<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: body()) }
        }
    }

    @Test("Groups from many tasks count every user once, also after a stop and a start", arguments: [1, 3])
    func concurrent(shards: Int) async throws {
        let folder = try TemporaryFolder()
        let ledger = SimulatedLedger()
        let engine = try start(folder, ledger) { $0.shards = shards }
        let changed = await withTaskGroup(of: Int.self) { tasks in
            for task in 0..<8 {
                tasks.addTask {
                    var changed = 0
                    for round in 0..<40 {
                        // Every like is sent by two tasks.
                        let first = (task / 2) * 1_000 + round * 25
                        let intents = (first..<(first + 25)).map { (Intent.Action.react, "user-\($0)") }
                        let outcomes = await ask(engine, "video-\(round % 5)", intents)
                        changed += outcomes.count { $0.status == .done && $0.changed }
                    }
                    return changed
                }
            }
            return await tasks.reduce(0, +)
        }
        #expect(changed == 4_000)
        for video in 0..<5 { #expect(await count(engine, "video-\(video)") == 800) }
        #expect(engine.health.allSatisfy { $0 == .good })
        await blocking { engine.stop() }
        #expect(ledger.drifts.isEmpty)
        let again = try start(folder, ledger) { $0.shards = shards }
        #expect(again.recoveries.allSatisfy { $0.records == 0 }, "the ledger was brought up at the stop")
        for video in 0..<5 { #expect(await count(again, "video-\(video)") == 800) }
        #expect(await ask(again, "video-0", [(.react, "user-0"), (.clear, "user-0")]).map(\.changed) == [false, true])
        await blocking { again.stop() }
    }

    @Test("Without the ledger's help, the log alone brings every like back")
    func fromTheLog() async throws {
        let folder = try TemporaryFolder()
        let ledger = UnreliableLedger(SimulatedLedger(), seed: 1)
        let engine = try start(folder, ledger)
        ledger.writeFailure = .full
        let intents = (0..<500).map { (Intent.Action.react, "user-\($0)") }
        #expect(await ask(engine, "v", intents).count { $0.changed } == 500)
        await blocking { engine.stop() }
        ledger.writeFailure = nil
        let again = try start(folder, ledger)
        #expect(again.recoveries.map(\.records) == [500])
        #expect(await count(again, "v") == 500)
        await blocking { again.stop() }
        let third = try start(folder, ledger)
        #expect(third.recoveries.map(\.records) == [0])
        #expect(await count(third, "v") == 500)
        await blocking { third.stop() }
    }

    @Test("At the queue's bound a group is refused whole, and nothing of it is done")
    func overloaded() async throws {
        let folder = try TemporaryFolder()
        let engine = try start(folder, SimulatedLedger()) { $0.queueDepth = 4 }
        let gate = DispatchSemaphore(value: 0)
        let isHeld = DispatchSemaphore(value: 0)
        let isDone = DispatchSemaphore(value: 0)
        let statuses = Mutex<[Outcome.Status]>([])
        // The shard's thread is held in the completion of the first group.
        engine.submit(
            group([(.react, "v", "first")]) { _ in
                isHeld.signal()
                gate.wait()
            }, to: 0)
        await blocking { isHeld.wait() }
        let waiting = group((0..<4).map { (.react, "v", "waiting-\($0)") }) { group in
            statuses.withLock { $0 += group.outcomes.map(\.status) }
            isDone.signal()
        }
        engine.submit(waiting, to: 0)
        let refused = group([(.react, "v", "refused"), (.read, "v", "")]) { group in
            statuses.withLock { $0 += group.outcomes.map(\.status) }
        }
        engine.submit(refused, to: 0)
        #expect(statuses.withLock { $0 } == [.overloaded, .overloaded])
        gate.signal()
        await blocking { isDone.wait() }
        #expect(await count(engine, "v") == 5)
        #expect(statuses.withLock { $0.suffix(4) } == [.done, .done, .done, .done])
        // What was refused may come again, as the same group.
        engine.submit(refused, to: 0)
        #expect(await count(engine, "v") == 6)
        #expect(statuses.withLock { $0.suffix(2) } == [.done, .done])
        #expect(refused.outcomes.count == 2)
        await blocking { engine.stop() }
        #expect(await ask(engine, "v", [(.react, "late")]).map(\.status) == [.shuttingDown])
    }

    @Test("Lists hold what was liked a moment ago, in the ledger or not")
    func lists() async throws {
        let folder = try TemporaryFolder()
        let ledger = UnreliableLedger(SimulatedLedger(), seed: 1)
        let engine = try start(folder, ledger) { $0.shards = 2 }
        for i in 0..<10 { _ = await ask(engine, "video-\(i)", [(.react, "ann"), (.react, "bob")]) }
        ledger.writeFailure = .full
        for i in 10..<20 { _ = await ask(engine, "video-\(i)", [(.react, "ann")]) }
        _ = await ask(engine, "video-3", [(.clear, "ann")])
        let newest = try await likes(engine, .user(Array("ann".utf8)), limit: 100)
        let expected = (0..<20).filter { $0 != 3 }.map { Array("video-\($0)".utf8) }
        // Within a millisecond, the order between shards is by version and no more.
        #expect(newest.map(\.register.version) == newest.map(\.register.version).sorted(by: >))
        #expect(newest.count == expected.count && Set(newest.map(\.content)) == Set(expected))
        #expect(try await likes(engine, .content(Array("video-3".utf8)), limit: 9).map(\.user) == [Array("bob".utf8)])
        ledger.writeFailure = nil
        await blocking { engine.stop() }
    }

    @Test("Shards from 1 to 3 to 2: every count and every register stays")
    func reshard() async throws {
        let folder = try TemporaryFolder()
        let ledger = UnreliableLedger(SimulatedLedger(), seed: 1)
        for (round, shards) in [1, 3, 2].enumerated() {
            let engine = try start(folder, ledger) { $0.shards = shards }
            ledger.writeFailure = .full
            for video in 0..<30 {
                let outcomes = await ask(
                    engine, "video-\(video)",
                    [(.react, "user-\(round)"), (.react, "user-0"), (.react, "both"), (.clear, "both")])
                #expect(outcomes.map(\.changed) == [true, false, true, true] || round > 0)
                #expect(outcomes.last?.tally.total == UInt64(round + 1))
            }
            // What the ledger could not take is in the logs, of shards that will be no more among others.
            await blocking { engine.stop() }
            ledger.writeFailure = nil
        }
        let engine = try start(folder, ledger)
        for video in 0..<30 { #expect(await count(engine, "video-\(video)") == 3) }
        await blocking { engine.stop() }
    }

    @Test("The ledger is told which registers are new: those whose absence was proved")
    func proofs() async throws {
        let folder = try TemporaryFolder()
        let ledger = RecordingLedger()
        /// Does `intents` on one content in a run of its own; answers, per try of the ledger, who was said to be new.
        func run(_ intents: [(Intent.Action, String)]) async throws -> [[String: Bool]] {
            let engine = try start(folder, ledger)
            _ = await ask(engine, "v", intents)
            await blocking { engine.stop() }
            return ledger.takeTries()
        }
        #expect(try await run([(.react, "ann"), (.clear, "ann"), (.react, "bob")]) == [["ann": true, "bob": true]])
        let again = try await run([(.react, "ann"), (.clear, "bob"), (.react, "cid"), (.react, "bob")])
        #expect(again == [["ann": false, "bob": false, "cid": true]])
        _ = try await run([(.deleteContent, "")])
        #expect(try await run([(.react, "ann"), (.react, "eve")]) == [["ann": false, "eve": false]])
        #expect(ledger.base.drifts.isEmpty)
    }

    @Test("A batch that is given once more proves nothing")
    func forgottenProofs() {
        var batch = LedgerBatch(shard: 0, through: 2, now: 0)
        var change = LedgerBatch.ContentChange(id: Array("v".utf8))
        for isNew in [true, false] {
            change.rows.append(
                LedgerBatch.Row(userOffset: 0, userLength: 1, old: .none, register: .untouched, isNew: isNew))
        }
        batch.contents = [change, change]
        batch.forgetProofs()
        #expect(batch.contents.allSatisfy { $0.rows.count == 2 && !$0.rows.contains { $0.isNew } })
    }
}

/// A ledger that keeps what each call of `apply` said of registers.
private final class RecordingLedger: Ledger {
    let base = SimulatedLedger()
    private let seen = Mutex<[[String: Bool]]>([])

    func takeTries() -> [[String: Bool]] {
        seen.withLock { seen in
            defer { seen = [] }
            return seen
        }
    }

    func apply(_ batches: [LedgerBatch]) throws(LedgerError) {
        var found: [String: Bool] = [:]
        for batch in batches {
            for row in batch.contents.flatMap(\.rows) {
                let user = batch.userBytes[Int(row.userOffset)...].prefix(Int(row.userLength))
                found[String(decoding: user, as: UTF8.self)] = row.isNew
            }
        }
        if !found.isEmpty { seen.withLock { $0.append(found) } }
        try base.apply(batches)
    }

    func makeReader() throws(LedgerError) -> any LedgerReader { try base.makeReader() }
    func setReactions(_ names: [String]) throws(LedgerError) { try base.setReactions(names) }
    func save(_ trends: [TrendBucket]) throws(LedgerError) { try base.save(trends) }
    func purge(limit: Int) throws(LedgerError) -> Bool { try base.purge(limit: limit) }
}
