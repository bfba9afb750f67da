import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("The schema of PostgreSQL's ledger")
struct PostgresSchemaTests {
    @Test("migrating again changes nothing, and several processes may do it at once")
    func migrate() throws {
        let bed = try PostgresBed()
        #expect(try PostgresSchema.migrate(bed.options).isEmpty)
        var fresh = bed.options
        fresh.schema += " fresh"
        let options = fresh
        let added = try Crew(4) { _ in try PostgresSchema.migrate(options).count }.finish()
        #expect(added.sorted() == [0, 0, 0, PostgresSchema.newest])
        _ = try PostgresLedger(options, logger: PostgresBed.logger)
    }

    @Test("an older, a newer and a missing schema are refused, with what to run", arguments: [-1, 1, 0])
    func versions(step: Int) throws {
        let bed = try PostgresBed()
        let ledger = try bed.ledger()
        var options = bed.options
        if step == 0 {
            options.schema += " missing"
        } else {
            let newest = PostgresSchema.newest
            _ = try bed.psql(
                step > 0
                    ? "INSERT INTO likewise_schema VALUES (\(newest + 1))"
                    : "DELETE FROM likewise_schema WHERE version = \(newest)")
        }
        let wrong = options
        for open in [
            { _ = try PostgresLedger(wrong, logger: PostgresBed.logger) }, { _ = try PostgresReader(wrong) },
            { _ = try PostgresLedger.recount(wrong) },
        ] as [() throws -> Void] {
            let error = try #require(throws: LedgerError.self) { try open() }
            guard case .unusable(let message) = error else {
                Issue.record("expected an unusable ledger, got: \(error)")
                return
            }
            #expect(message.contains(step > 0 ? "newer build" : "likewise migrate"))
        }
        if step > 0 { #expect(throws: LedgerError.self) { try PostgresSchema.migrate(wrong) } }
        withExtendedLifetime(ledger) {}
    }

    @Test("errors for users hold neither SQL nor addresses")
    func words() throws {
        let bed = try PostgresBed()
        let ledger = try bed.ledger()
        _ = try bed.psql("ALTER TABLE tallies RENAME TO others")
        var batch = LedgerBatch(shard: 0, through: 1, now: 0)
        batch.row("a", "u", Register(version: Version(reading: 1, region: 1), reaction: .like))
        let refused = try #require(throws: LedgerError.self) { try ledger.apply([batch]) }
        var nowhere = bed.options
        nowhere.port = try ServerPrograms.freePort()
        let away = try #require(throws: LedgerError.self) { try PostgresReader(nowhere) }
        var unloadable = bed.options
        unloadable.libraryPath = "/nowhere/libpq.so.5"
        let missing = try #require(throws: LedgerError.self) { try PostgresReader(unloadable) }
        for error in [refused, away, missing] {
            for word in ["tallies", "INSERT", "127.0.0.1", "\(nowhere.port)", "/nowhere"] {
                #expect(!error.description.contains(word))
            }
        }
        #expect(refused.description.contains("likewise migrate"))
        #expect(missing.description.contains("libpq5"))
    }

    @Test("likes and counts can be read with psql by their names")
    func views() throws {
        let bed = try PostgresBed()
        let ledger = try bed.ledger()
        try ledger.setReactions(["like", "love"])
        var batch = LedgerBatch(shard: 0, through: 1, now: 0)
        batch.row("a", "u", Register(version: Version(reading: 1_700_000_000_000 << 16, region: 1), reaction: .like))
        batch.row("a", "v", Register(version: Version(reading: 1, region: 1), reaction: Reaction(rawValue: 2)))
        batch.row("a", "w", Register(version: Version(reading: 1, region: 1), reaction: .none))
        batch.row("a", "x", Register(version: Version(reading: 0, region: 1), reaction: Reaction.like.asHeld))
        try ledger.apply([batch])
        #expect(try bed.psql("SELECT * FROM held_likes") == "a|x|like|1970-01-01 00:00:00+00\n")
        #expect(try bed.psql("SELECT count(*) FROM likes WHERE user_id = 'x'") == "0\n")
        #expect(
            try bed.psql("SELECT * FROM likes WHERE user_id = 'u'") == "a|u|like|2023-11-14 22:13:20+00\n")
        #expect(try bed.psql("SELECT * FROM counts ORDER BY reaction") == "a|like|1\na|love|1\n")
    }

    @Test(
        "a recount finds a tally that is too high, too low, missing or of nothing",
        arguments: [
            ("UPDATE tallies SET count = 7 WHERE reaction = 1 AND content = 1", 1, 1, 7),
            ("UPDATE tallies SET count = 0 WHERE reaction = 2 AND content = 1", 2, 1, 0),
            ("DELETE FROM tallies WHERE reaction = 2 AND content = 1", 2, 1, 0),
            ("DELETE FROM registers WHERE content = 1 AND user_id = 'v'", 2, 0, 1),
            ("INSERT INTO tallies VALUES (1, 0, 64, 3)", 64, 0, 3),
            ("INSERT INTO tallies VALUES (1, 9, 1, 2)", 1, 1, 3),
            ("INSERT INTO registers VALUES (999, 1, 1, 1, 0, 'u')", 1, 1, 0),
        ] as [(String, UInt8, UInt64, UInt64)])
    func recount(sql: String, code: UInt8, counted: UInt64, tallied: UInt64) throws {
        let bed = try PostgresBed()
        let ledger = try bed.ledger()
        var batch = LedgerBatch(shard: 0, through: 1, now: 0)
        batch.row("a", "u", Register(version: Version(reading: 1, region: 1), reaction: .like))
        batch.row("a", "v", Register(version: Version(reading: 1, region: 1), reaction: Reaction(rawValue: 2)))
        batch.row("b", "v", Register(version: Version(reading: 1, region: 1), reaction: .none))
        try ledger.apply([batch])
        let right = try PostgresLedger.recount(bed.options)
        #expect(right.driftCount == 0 && right.registers == 3 && right.likes == 2 && right.contents == 2)
        _ = try bed.psql(sql)
        let wrong = try PostgresLedger.recount(bed.options)
        #expect(wrong.driftCount == 1)
        let drift = try #require(wrong.drifts.first)
        #expect(drift.reaction == Reaction(rawValue: code))
        #expect(drift.counted == counted && drift.tallied == tallied)
        #expect(drift.content == (sql.contains("999") ? nil : Array("a".utf8)))
    }
}
