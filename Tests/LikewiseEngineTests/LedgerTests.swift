import Foundation
import GRDB
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Synchronization
import Testing

@Suite("Ledgers")
struct LedgerTests {
    @Test("SQLite's ledger keeps the law, and all it holds when it is opened again", arguments: LedgerLaw.all)
    func sqlite(law: LedgerLaw) throws {
        let folder = try TemporaryFolder()
        try law.check(reopens: true) { try SQLiteLedger(path: folder.path + "/ledger.db", cacheBytes: 1 << 20) }
    }

    @Test("RocksDB's ledger keeps the law, and all it holds when it is opened again", arguments: LedgerLaw.all)
    func rocksdb(law: LedgerLaw) throws {
        let folder = try TemporaryFolder()
        try law.check(reopens: true) { try RocksDBLedger(path: folder.path + "/ledger", cacheBytes: 1 << 20) }
    }

    @Test("the simulated ledger keeps the law", arguments: LedgerLaw.all)
    func simulated(law: LedgerLaw) throws {
        try law.check { SimulatedLedger() }
    }

    @Test(
        "random batches leave a ledger and the model with the same contents", arguments: LedgerKind.allCases,
        SeededRandom.seeds(8))
    func random(kind: LedgerKind, seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let ledger = try Ledgers.open(in: folder.path, otherwise: kind, cacheBytes: 1 << 20)
        let model = SimulatedLedger()
        var random = SeededRandom(seed: seed)
        for _ in 0..<60 {
            let batches = (0...random.below(3)).map { _ in randomBatch(&random) }
            try ledger.apply(batches)
            try model.apply(batches)
            if random.chance(oneIn: 4) {
                let limit = random.within(1...20)
                #expect(try ledger.purge(limit: limit) == model.purge(limit: limit), "seed \(seed)")
            }
        }
        #expect(model.drifts.isEmpty, "seed \(seed)")
        try compare(ledger, model, seed: seed)
        let recount = try Ledgers.recount(in: folder.path)
        let registers = model.registers.values.flatMap(\.values)
        #expect(recount.driftCount == 0, "seed \(seed)")
        #expect(recount.registers == UInt64(registers.count), "seed \(seed)")
        #expect(recount.likes == UInt64(registers.count { $0.reaction.counted != .none }), "seed \(seed)")
        #expect(recount.held == UInt64(registers.count { $0.reaction.isHeld }), "seed \(seed)")
        #expect(recount.contents == UInt64(model.registers.count), "seed \(seed)")
    }

    @Test("a simulated failure is thrown once and changes nothing")
    func simulatedFailure() throws {
        let ledger = SimulatedLedger()
        var batch = LedgerBatch(shard: 0, through: 1, now: 0)
        batch.row("a", "u", Register(version: Version(reading: 1, region: 1), reaction: .like))
        for error in [LedgerError.full, .failed("no luck")] {
            ledger.failNextApply(error)
            #expect(throws: error) { try ledger.apply([batch]) }
            #expect(ledger.registers.isEmpty)
        }
        try ledger.apply([batch])
        try ledger.apply([batch])
        #expect(ledger.registers.count == 1)
        #expect(ledger.batches == (taken: 1, skipped: 1))
    }

    private func randomBatch(_ random: inout SeededRandom) -> LedgerBatch {
        var batch = LedgerBatch(
            shard: UInt16(random.below(3)), through: UInt64(random.below(200)), now: UInt64(random.below(100)))
        var said: Set<String> = []
        for _ in 0..<random.below(40) {
            let content = "c\(random.below(6))"
            let user = "u\(random.below(12))"
            if random.chance(oneIn: 25) {
                batch.change(content) { $0.deleted = version(&random) }
            } else if random.chance(oneIn: 20) {
                batch.change(content) { $0.description = ContentDescription(type: Array("t\(random.below(3))".utf8)) }
            } else if said.insert(content + user).inserted {
                var reaction = Reaction(rawValue: UInt8(random.below(4)))
                if random.chance(oneIn: 4) { reaction = reaction.asHeld }
                let register = Register(version: version(&random), reaction: reaction)
                batch.row(content, user, register, old: Reaction(rawValue: UInt8(random.below(3))))
            }
        }
        return batch
    }

    private func version(_ random: inout SeededRandom) -> Version {
        Version(reading: UInt64(random.within(1...300)), region: UInt16(random.within(1...2)))
    }

    private func compare(_ ledger: any Ledger, _ model: SimulatedLedger, seed: UInt64) throws {
        let (left, right) = (try ledger.makeReader(), try model.makeReader())
        #expect(try left.positions() == right.positions(), "seed \(seed)")
        #expect(try left.latestReading() == right.latestReading(), "seed \(seed)")
        let held = try right.heldLikes(of: HeldFilter(), behind: nil, limit: .max)
        for filter in [HeldFilter(), HeldFilter(content: Array("c1".utf8)), HeldFilter(user: Array("u1".utf8))] {
            for limit in [1, 4, 1_000] {
                for position in [nil, held.first?.heldPosition, held.dropFirst(3).first?.heldPosition] {
                    #expect(
                        try left.heldLikes(of: filter, behind: position, limit: limit)
                            == right.heldLikes(of: filter, behind: position, limit: limit), "seed \(seed)")
                }
            }
        }
        for (id, registers) in model.registers {
            let (a, b) = (try #require(try left.content(id)), try #require(try right.content(id)))
            #expect(a.tally == b.tally && a.description == b.description && a.deleted == b.deleted, "seed \(seed)")
            for (user, register) in registers {
                let held = try user.withUnsafeBytes { try left.register(content: a.key, user: $0) }
                #expect(held == register, "seed \(seed)")
                let limit = 1 + user.count
                #expect(
                    try left.likes(ofUser: user, behind: nil, limit: limit)
                        == right.likes(ofUser: user, behind: nil, limit: limit), "seed \(seed)")
            }
            let page = try right.likes(ofContent: id, behind: nil, limit: 3)
            #expect(try left.likes(ofContent: id, behind: nil, limit: 3) == page, "seed \(seed)")
            guard let last = page.last else { continue }
            let position = LikePosition(version: last.register.version, id: last.user)
            #expect(
                try left.likes(ofContent: id, behind: position, limit: 9)
                    == right.likes(ofContent: id, behind: position, limit: 9), "seed \(seed)")
        }
    }
}

@Suite("SQLite's ledger")
struct SQLiteLedgerTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ledger.db" }

    init() throws { folder = try TemporaryFolder() }

    @Test("the file says whose it is, and readers need not wait for the writer")
    func pragmas() throws {
        let ledger = try filled()
        defer { withExtendedLifetime(ledger) {} }
        #expect(try rows("PRAGMA journal_mode") == ["wal"])
        #expect(try rows("PRAGMA application_id") == ["\(0x4c49_4b45)"])
        #expect(try rows("PRAGMA page_size") == ["8192"])
    }

    @Test("likes and counts can be read with sqlite3 by their names")
    func views() throws {
        let ledger = try filled()
        try ledger.setReactions(["like", "love"])
        let day = "2023-11-14T22:13:20.000Z"
        var batch = LedgerBatch(shard: 0, through: 2, now: 0)
        batch.row("b", "w", Register(version: Version(reading: moment, region: 1), reaction: Reaction(rawValue: 130)))
        try ledger.apply([batch])
        #expect(try rows("SELECT * FROM held_likes") == ["b w love \(day)"])
        #expect(
            try rows("SELECT * FROM likes ORDER BY content_id, user_id")
                == ["a u like \(day)", "a v love \(day)", "b u like \(day)"])
        #expect(
            try rows("SELECT * FROM counts ORDER BY content_id, reaction") == ["a like 1", "a love 1", "b like 1"])
    }

    @Test("a reader sees what was committed, also when it was made before, and while another one reads")
    func readers() throws {
        let ledger = try filled()
        let (first, second) = (try ledger.makeReader(), try ledger.makeReader())
        #expect(try first.content(Array("c".utf8)) == nil)
        var batch = LedgerBatch(shard: 0, through: 2, now: 0)
        batch.row("c", "u", like(9))
        try ledger.apply([batch])
        #expect(try first.content(Array("c".utf8))?.tally.likes == 1)
        #expect(try second.content(Array("c".utf8))?.tally.likes == 1)
    }

    @Test("a ledger of a newer version is refused, for writing and for reading, and told what to do")
    func newer() throws {
        _ = try filled()
        try tamper("INSERT INTO grdb_migrations VALUES ('v99')")
        for open in [{ _ = try SQLiteLedger(path: path) }, { _ = try SQLiteLedger.recount(path: path) }]
            as [() throws -> Void]
        {
            let message = try unusable(open)
            #expect(message.contains("newer version") && message.contains(path) && message.contains("likewise replay"))
        }
    }

    @Test("a file that is no ledger is refused and left as it is", arguments: [true, false])
    func foreign(database: Bool) throws {
        if database {
            try tamper("CREATE TABLE somebodys (thing TEXT)")
        } else {
            try Data(repeating: 0x78, count: 100_000).write(to: URL(fileURLWithPath: path))
        }
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        let message = try unusable { _ = try SQLiteLedger(path: path) }
        #expect(message.contains(path))
        #expect(database ? message.contains("not a ledger") : message.contains("likewise replay --data-dir D --into E"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }

    @Test("damage inside of the file is told with what to run")
    func damaged() throws {
        _ = try filled()
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        let pages = Int(try file.seekToEnd()) / 8_192
        // All pages but the first, which has the schema's start.
        for page in 1..<pages {
            try file.seek(toOffset: UInt64(page * 8_192))
            try file.write(contentsOf: Data(repeating: 0xee, count: 8_192))
        }
        try file.close()
        let message = try unusable {
            let ledger = try SQLiteLedger(path: path)
            _ = try ledger.makeReader().content(Array("a".utf8))
        }
        #expect(message.contains(path) && message.contains("likewise replay --data-dir D --into E"))
    }

    @Test("a ledger in a folder that does not exist, or one to read that does not, is refused")
    func missing() throws {
        #expect(try unusable { _ = try SQLiteLedger(path: path + "/no/ledger.db") }.contains("folder"))
        #expect(try unusable { _ = try SQLiteLedger.recount(path: path) }.contains(path))
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("a full ledger says so, changes nothing, and goes on when there is room")
    func full() throws {
        do {
            let ledger = try SQLiteLedger(path: path, pageLimit: 40)
            var batch = LedgerBatch(shard: 0, through: 1, now: 0)
            batch.row("a", "u", like(1))
            try ledger.apply([batch])
            #expect(throws: LedgerError.full) { try ledger.apply([wide]) }
            #expect(throws: LedgerError.full) { try ledger.apply([wide]) }
            #expect(try ledger.makeReader().positions() == [0: 1])
            #expect(try ledger.makeReader().content(Array("wide".utf8)) == nil)
        }
        let roomy = try SQLiteLedger(path: path)
        try roomy.apply([wide])
        #expect(try roomy.makeReader().content(Array("wide".utf8))?.tally.likes == 5_000)
        #expect(try roomy.recount().driftCount == 0)
    }

    /// More than 40 pages of registers.
    private var wide: LedgerBatch {
        var batch = LedgerBatch(shard: 0, through: 2, now: 0)
        var change = LedgerBatch.ContentChange(id: Array("wide".utf8))
        for i in 0..<5_000 {
            let user = Array("user-\(1_000_000 + i)".utf8)
            change.rows.append(
                LedgerBatch.Row(
                    userOffset: UInt32(batch.userBytes.count), userLength: UInt8(user.count), old: .none,
                    register: like(UInt64(i + 1))))
            batch.userBytes += user
        }
        batch.contents = [change]
        return batch
    }

    // MARK: Recount and comparison

    @Test(
        "a recount finds a tally that is too high, too low, missing or of nothing",
        arguments: [
            ("UPDATE tallies SET count = 7 WHERE reaction = 1 AND content = 1", 1, 1, 7),
            ("UPDATE tallies SET count = 0 WHERE reaction = 2 AND content = 1", 2, 1, 0),
            ("DELETE FROM tallies WHERE reaction = 2 AND content = 1", 2, 1, 0),
            ("DELETE FROM registers WHERE content = 1 AND user_id = 'v'", 2, 0, 1),
            ("INSERT INTO tallies VALUES (1, 64, 3)", 64, 0, 3),
            ("INSERT INTO registers VALUES (999, 'u', 1, 1, 1)", 1, 1, 0),
        ] as [(String, UInt8, UInt64, UInt64)])
    func drift(sql: String, code: UInt8, counted: UInt64, tallied: UInt64) throws {
        _ = try filled()
        #expect(try SQLiteLedger.recount(path: path).driftCount == 0)
        try tamper(sql)
        let result = try SQLiteLedger.recount(path: path)
        #expect(result.driftCount == 1)
        let drift = try #require(result.drifts.first)
        #expect(drift.reaction == Reaction(rawValue: code))
        #expect(drift.counted == counted && drift.tallied == tallied)
        #expect(drift.content == (sql.contains("999") ? nil : Array("a".utf8)))
    }

    @Test("a recount gives the first hundred drifts and the number of all, and tells how far it is")
    func manyDrifts() throws {
        do {
            let ledger = try SQLiteLedger(path: path)
            var batch = LedgerBatch(shard: 0, through: 1, now: 0)
            for i in 0..<250 { batch.row("c\(i)", "u", like(1)) }
            try ledger.apply([batch])
        }
        try tamper("UPDATE tallies SET count = 2")
        let counted = Mutex<UInt64>(0)
        let result = try SQLiteLedger.recount(path: path) { registers in counted.withLock { $0 = registers } }
        #expect(result.driftCount == 250)
        #expect(result.drifts.count == 100)
        #expect(counted.withLock { $0 } == 250)
    }

    @Test("an unlike below a tally that was tampered with is refused as damage, and nothing changes")
    func belowZero() throws {
        _ = try filled()
        try tamper("UPDATE tallies SET count = 0")
        let ledger = try SQLiteLedger(path: path)
        var batch = LedgerBatch(shard: 0, through: 2, now: 0)
        batch.row("a", "u", Register(version: Version(reading: 1 << 60, region: 1), reaction: .none), old: .like)
        #expect(try unusable { try ledger.apply([batch]) }.contains("likewise replay"))
        #expect(try ledger.makeReader().positions() == [0: 1])
    }

    @Test("two ledgers with the same history in other batches and numbers do not differ")
    func same() throws {
        let other = folder.path + "/other.db"
        let a = try filled()
        let b = try SQLiteLedger(path: other)
        var first = LedgerBatch(shard: 5, through: 1, now: 0)
        first.row("b", "u", like(moment))
        var second = LedgerBatch(shard: 6, through: 1, now: 0)
        second.row("a", "v", Register(version: Version(reading: moment, region: 1), reaction: Reaction(rawValue: 2)))
        second.row("a", "u", like(moment))
        try b.apply([first, second])
        #expect(try Ledgers.differences((.sqlite, path), (.sqlite, other), limit: 10).isEmpty)
        withExtendedLifetime((a, b)) {}
    }

    @Test("every kind of difference between two ledgers is found, up to the limit")
    func differences() throws {
        let other = folder.path + "/other.db"
        _ = try filled()
        do {
            let ledger = try SQLiteLedger(path: other)
            var batch = LedgerBatch(shard: 0, through: 1, now: 0)
            batch.change("a") { $0.description = ContentDescription(type: Array("post".utf8)) }
            batch.row("a", "u", like(moment + 1))
            batch.row("a", "w", like(moment))
            batch.row("c", "u", like(moment))
            try ledger.apply([batch])
        }
        let found = try Ledgers.differences((.sqlite, path), (.sqlite, other), limit: 100)
        let u = Array("u".utf8)
        #expect(
            found.map { "\(String(decoding: $0.content, as: UTF8.self)) \($0.subject)" } == [
                "a \(LedgerDifference.Subject.content)",
                "a \(LedgerDifference.Subject.register(user: u))",
                "a \(LedgerDifference.Subject.register(user: Array("v".utf8)))",
                "a \(LedgerDifference.Subject.register(user: Array("w".utf8)))",
                "a \(LedgerDifference.Subject.tally(.like))",
                "a \(LedgerDifference.Subject.tally(Reaction(rawValue: 2)))",
                "b \(LedgerDifference.Subject.content)",
                "b \(LedgerDifference.Subject.register(user: u))",
                "b \(LedgerDifference.Subject.tally(.like))",
                "c \(LedgerDifference.Subject.content)",
                "c \(LedgerDifference.Subject.register(user: u))",
                "c \(LedgerDifference.Subject.tally(.like))",
            ])
        #expect(found.filter { $0.first == nil }.count == 4)
        #expect(found.filter { $0.second == nil }.count == 5)
        for limit in 0..<12 {
            #expect(
                try Ledgers.differences((.sqlite, path), (.sqlite, other), limit: limit) == Array(found.prefix(limit)))
        }
    }

    // MARK: Tools

    /// 2023-11-14T22:13:20Z.
    private let moment: UInt64 = 1_700_000_000_000 << 16

    private func like(_ reading: UInt64) -> Register {
        Register(version: Version(reading: reading, region: 1), reaction: .like)
    }

    /// A ledger where content 1, `a`, is liked by u and loved by v, and content 2, `b`, is liked by u.
    private func filled() throws -> SQLiteLedger {
        let ledger = try SQLiteLedger(path: path)
        var batch = LedgerBatch(shard: 0, through: 1, now: 0)
        batch.row("a", "u", like(moment))
        batch.row("a", "v", Register(version: Version(reading: moment, region: 1), reaction: Reaction(rawValue: 2)))
        batch.row("b", "u", like(moment))
        try ledger.apply([batch])
        return ledger
    }

    private func tamper(_ sql: String) throws {
        try DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
    }

    /// What `sql` gives, a line a row.
    private func rows(_ sql: String) throws -> [String] {
        let rows = try DatabaseQueue(path: path).read { try Row.fetchAll($0, sql: sql) }
        return rows.map { row in
            row.databaseValues.map { String.fromDatabaseValue($0) ?? "\($0)" }.joined(separator: " ")
        }
    }

    private func unusable(_ body: () throws -> Void) throws -> String {
        let error = try #require(throws: LedgerError.self) { try body() }
        guard case .unusable(let message) = error else {
            Issue.record("expected an unusable ledger, got: \(error)")
            return ""
        }
        return message
    }
}
