import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Log replay")
struct LogReplayTests {
    private let disk = SimulatedDisk(seed: 1)
    private let clock = SimulatedClock()

    private func open(_ shard: UInt16, segmentBytes: Int = 5_000) throws -> SegmentLog {
        try SegmentLog(
            SegmentLog.Options(
                directory: LogFolders.path(ofShard: shard, in: "/log"), shard: shard, shards: 3,
                reactions: ["like", "love", "haha"], segmentBytes: segmentBytes),
            disk: disk, clock: clock, from: 1
        ) { _ in }
    }

    private func append(
        _ log: SegmentLog, _ kind: LogRecordKind = .transition, content: String, user: String = "", old: UInt8 = 0,
        new: UInt8 = 0, reading: UInt64, extra: String = ""
    ) throws {
        var buffer = LogBuffer()
        let header = LogBuffer.Header(
            kind: kind, sequence: log.nextSequence, unsynced: 0, old: Reaction(rawValue: old), new: new,
            version: Version(reading: reading, region: 0))
        Array(content.utf8).withUnsafeBytes { content in
            Array(user.utf8).withUnsafeBytes { user in
                Array(extra.utf8).withUnsafeBytes { buffer.append(header, content: content, user: user, extra: $0) }
            }
        }
        try log.prepare(bytes: buffer.count)
        try log.append(buffer)
    }

    private func replay(_ ledger: SimulatedLedger, skipDamage: Bool = false) throws -> LogReplay.Summary {
        try LogReplay(disk: disk, ledger: ledger, clock: clock, skipDamage: skipDamage).run(directory: "/log")
    }

    @Test("The logs of all shards give one ledger, once; a second replay adds nothing")
    func several() throws {
        var random = SeededRandom(seed: 4)
        var model: [String: [String: Register]] = [:]
        var reading: UInt64 = 0
        let logs = try (0..<3).map { try open($0) }
        for _ in 0..<3_000 {
            reading += 1
            // Now and then everything moves to another shard, as when the number of shards was changed.
            let content = "c\(random.below(40))"
            let shard = (Int(content.dropFirst()) ?? 0 + Int(reading / 500)) % 3
            let user = "u\(random.below(30))"
            let old = model[content]?[user]?.reaction.rawValue ?? 0
            let new = UInt8(random.below(4))
            guard new != old else { continue }
            try append(logs[shard], content: content, user: user, old: old, new: new, reading: reading)
            model[content, default: [:]][user] = Register(
                version: Version(reading: reading, region: 0), reaction: Reaction(rawValue: new))
        }
        let ledger = SimulatedLedger()
        let summary = try replay(ledger)
        #expect(summary.records == logs.reduce(0) { $0 + $1.nextSequence - 1 })
        #expect(summary.lost == 0 && summary.incomplete.isEmpty && summary.tornBytes == 0)
        let registers = ledger.registers
        for (content, users) in model {
            for (user, register) in users {
                #expect(registers[Array(content.utf8)]?[Array(user.utf8)] == register)
            }
        }
        #expect(ledger.drifts.isEmpty)
        #expect(try ledger.makeReader().reactions() == ["like", "love", "haha"])
        #expect(try replay(ledger).records == 0)
        #expect(ledger.registers == registers)
    }

    @Test("A content that changed its shard, deleted and liked anew, ends as its last shard left it")
    func resharded() throws {
        let first = try open(0)
        let second = try open(1)
        try append(first, .contentPut, content: "v", new: 1, reading: 10, extra: "video")
        try append(first, content: "v", user: "a", new: 1, reading: 11)
        try append(first, content: "v", user: "b", new: 2, reading: 12)
        try append(second, content: "v", user: "b", old: 2, new: 3, reading: 20)
        try append(second, .contentDeleted, content: "v", reading: 21)
        try append(second, content: "v", user: "a", new: 2, reading: 22, extra: "clip")
        // And back again.
        try append(first, content: "v", user: "c", new: 1, reading: 30)
        let ledger = SimulatedLedger()
        _ = try replay(ledger)
        let held = try #require(try ledger.makeReader().content(Array("v".utf8)))
        #expect(held.tally.total == 2 && held.tally.likes == 1)
        #expect(held.description == ContentDescription(type: Array("clip".utf8)))
        #expect(held.deleted.reading == 21)
        #expect(Set(ledger.registers[Array("v".utf8)]?.keys.map { $0 } ?? []) == [Array("a".utf8), Array("c".utf8)])
    }

    @Test("Damage stops a replay; skipped, all whole records are taken and the others are counted")
    func skipDamage() throws {
        let log = try open(0)
        for i in 0..<200 { try append(log, content: "c", user: "u\(i)", new: 1, reading: UInt64(i + 1)) }
        let folder = LogFolders.path(ofShard: 0, in: "/log")
        let segments = try disk.list(folder)
        #expect(segments.count > 3)
        for name in [segments[0], segments[2]] {
            let offsets = recordOffsets(try #require(disk.contents(folder + "/" + name)))
            disk.corrupt(folder + "/" + name, at: offsets[3] + 45)
        }
        let stopped = SimulatedLedger()
        let failure = #expect(throws: LogReplay.Failure.self) { try replay(stopped) }
        guard case .log(.damaged(let file, _, _)) = failure else {
            Issue.record("stopped with \(String(describing: failure))")
            return
        }
        #expect(file == folder + "/" + segments[0])
        let ledger = SimulatedLedger()
        let summary = try replay(ledger, skipDamage: true)
        #expect(summary.lost == 2 && summary.records == 198)
        #expect(ledger.registers[Array("c".utf8)]?.count == 198)
    }

    @Test("Stored answers and a log that no longer has its beginning are taken, and the latter is told")
    func answersAndBeginning() throws {
        let log = try open(0)
        for i in 0..<100 { try append(log, content: "c", user: "u\(i)", new: 1, reading: UInt64(i + 1)) }
        let key = "key"
        try append(log, .answer, content: "", user: key, reading: 5_000, extra: "12345678payload")
        let folder = LogFolders.path(ofShard: 0, in: "/log")
        let first = try #require(try disk.list(folder).first)
        try disk.remove(folder + "/" + first)
        let ledger = SimulatedLedger()
        let summary = try replay(ledger)
        #expect(summary.incomplete == [0])
        #expect(try ledger.makeReader().positions() == [0: 101])
        // The answer expired long before the simulated clock's time, so the ledger lets it go.
        #expect(try ledger.makeReader().answers(unexpiredAt: 0).isEmpty)
        clock.set(milliseconds: 100)
        let early = SimulatedLedger()
        _ = try replay(early)
        #expect(try early.makeReader().answers(unexpiredAt: 0).map(\.payload) == [Array("payload".utf8)])
    }
}
