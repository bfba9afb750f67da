import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("PostgreSQL's ledger by several connections")
struct PostgresLanesTests {
    private static func like(_ reading: UInt64, _ reaction: Reaction = .like) -> Register {
        Register(version: Version(reading: reading, region: 1), reaction: reaction)
    }

    private static func batch(_ events: [PostgresEvent], _ shard: UInt16, through: UInt64 = 1) -> LedgerBatch {
        LedgerBatch(events, shard: shard, through: through)
    }

    private static let released = "EXISTS (SELECT FROM released)"
    /// Those who wait as `until` does.
    private static let waiting = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid <> pg_backend_pid()"

    /// Returns when the condition holds, which others bring about; fails after a minute.
    private static func until(_ condition: String) -> String {
        """
        DO $$ BEGIN
            FOR look IN 1..12000 LOOP
                IF \(condition) THEN RETURN; END IF;
                PERFORM pg_sleep(0.005), pg_stat_clear_snapshot();
            END LOOP;
            RAISE EXCEPTION 'not in time';
        END $$
        """
    }

    @Test("while one connection's transaction waits for a lock, the other's is committed with its position")
    func sideBySide() throws {
        let bed = try PostgresBed()
        let ledger = try bed.ledger(writers: 2)
        try ledger.apply([Self.batch([], 1), Self.batch([], 2)])
        _ = try bed.psql("CREATE TABLE released ()")
        let blocker = Crew(1) { _ in
            _ = try bed.psql(
                "BEGIN; SELECT FROM positions WHERE shard = 1 FOR UPDATE; \(Self.until(Self.released)); COMMIT")
        }
        _ = try bed.psql(Self.until("EXISTS (\(Self.waiting) AND query LIKE '%shard = 1 FOR UPDATE%')"))
        let crew = Crew(1) { _ in
            try ledger.apply(
                [1, 2].map { (shard: UInt16) in
                    Self.batch([.register(content: "c\(shard)", user: "u", Self.like(1))], shard, through: 2)
                })
        }
        _ = try bed.psql(Self.until("(SELECT sequence = 2 FROM positions WHERE shard = 2)"))
        let reader = try ledger.reader()
        #expect(try reader.positions() == [1: 1, 2: 2])
        #expect(try reader.content(Array("c2".utf8))?.tally.total == 1)
        #expect(try reader.content(Array("c1".utf8))?.tally.total ?? 0 == 0)
        _ = try bed.psql("INSERT INTO released DEFAULT VALUES")
        _ = try blocker.finish()
        _ = try crew.finish()
        #expect(try reader.positions() == [1: 2, 2: 2])
        #expect(try PostgresLedger.recount(bed.options).driftCount == 0)
    }

    @Test("a like in one partition and its taking back in another one add up to nothing, and a like beside them to one")
    func spread() throws {
        let bed = try PostgresBed()
        let ledger = try bed.ledger(writers: 2)
        try ledger.apply([
            Self.batch([.register(content: "hot", user: "a", Self.like(1))], 1),
            Self.batch([.register(content: "hot", user: "b", Self.like(2))], 2),
        ])
        try ledger.apply([
            Self.batch([.register(content: "hot", user: "b", Self.like(4, .none))], 1, through: 2),
            Self.batch([.register(content: "hot", user: "a", Self.like(3, .none))], 2, through: 2),
        ])
        try ledger.apply([Self.batch([.register(content: "hot", user: "c", Self.like(5))], 1, through: 3)])
        #expect(try ledger.reader().content(Array("hot".utf8))?.tally.total == 1)
        #expect(try bed.psql("SELECT count(DISTINCT shard) FROM tallies") == "2\n")
        #expect(try PostgresLedger.recount(bed.options).driftCount == 0)
    }

    @Test("what one connection remembers of a content is forgotten when another one deletes it")
    func deletion() throws {
        let bed = try PostgresBed()
        let ledger = try bed.ledger(writers: 2)
        func apply(_ first: [PostgresEvent], _ second: [PostgresEvent], through: UInt64) throws {
            try ledger.apply([Self.batch(first, 1, through: through), Self.batch(second, 2, through: through)])
        }
        func like(_ user: String, _ reading: UInt64) -> PostgresEvent {
            .register(content: "a", user: user, Self.like(reading))
        }
        try apply([like("u1", 1)], [like("u2", 2)], through: 1)
        try apply([.deletion(content: "a", Version(reading: 10, region: 1))], [like("u3", 11)], through: 2)
        try apply([like("u4", 12)], [like("u5", 13), like("u6", 9)], through: 3)
        #expect(try ledger.reader().content(Array("a".utf8))?.tally.total == 3)
        #expect(try PostgresLedger.recount(bed.options).driftCount == 0)
    }

    @Test("where the connections are lost, each says so once, and nothing is passed over by the one that went on first")
    func loss() throws {
        let bed = try PostgresBed()
        let ledger = try bed.ledger(writers: 2)
        func batches(_ through: UInt64) -> [LedgerBatch] {
            [1, 2].map { shard in
                Self.batch(
                    [.register(content: "c\(shard)", user: "u\(through)", Self.like(through))], shard, through: through)
            }
        }
        try ledger.apply(batches(1))
        try bed.dropConnections()
        #expect(throws: LedgerError.self) { try ledger.apply(batches(2)) }
        let reader = try ledger.reader()
        #expect(try reader.positions() == [1: 1, 2: 1])
        try ledger.apply(batches(2))
        #expect(try reader.positions() == [1: 2, 2: 2])
        #expect(try reader.content(Array("c1".utf8))?.tally.total == 2)
        #expect(try PostgresLedger.recount(bed.options).driftCount == 0)
    }

    @Test("a new content has the type that its first like told of, and its row was written once")
    func type() throws {
        let bed = try PostgresBed()
        let ledger = try bed.ledger(writers: 2)
        var batch = LedgerBatch(shard: 1, through: 1, now: 0)
        batch.row("a", "u", Self.like(1))
        batch.contents[0].typeIfNone = Array("post".utf8)
        try ledger.apply([batch])
        // A row that is changed goes to another place.
        #expect(try bed.psql("SELECT content_type, ctid FROM contents") == "post|(0,1)\n")
        batch.through = 2
        batch.contents[0].typeIfNone = Array("video".utf8)
        try ledger.apply([batch])
        #expect(try bed.psql("SELECT content_type, ctid FROM contents") == "post|(0,1)\n")
    }
}
