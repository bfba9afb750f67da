import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Contents that move between PostgreSQL servers")
struct RebalanceTests {
    private static func events(_ count: Int, seed: UInt64, deletions: Int = 40) -> [PostgresEvent] {
        var random = SeededRandom(seed: seed)
        return PostgresEvent.random(count, deletions: deletions, contents: 60, users: 30, &random)
    }

    @Test(
        "after a move each content is where jump hash says, with its registers, tallies and deletion, and no other has moved",
        arguments: [(1, 2), (2, 3), (3, 2), (1, 3), (3, 1)])
    func moves(from: Int, to: Int) throws {
        let bed = try RebalanceBed(3, used: from)
        let writer = try bed.writer([0, 1])
        try writer.say(Self.events(2_000, seed: 1), shard: 0)
        try writer.say(Self.events(1_000, seed: 2), shard: 1)
        try writer.ledger.setReactions(["like", "love"])
        let before = try bed.contents()
        // In pieces of a few contents, so that there are many of them whatever the seed.
        let report = try bed.rebalance(to: to, contents: 3, registers: 30)
        try bed.expectExact(on: to, "\(from) to \(to)")
        let after = try bed.contents()
        for (server, ids) in before.enumerated() {
            for (id, number) in ids where ShardedLedger.server(of: Array(id.utf8), servers: to) == server {
                #expect(after[server][id] == number)
            }
        }
        let moved = before.enumerated().flatMap { server, ids in
            ids.keys.filter { ShardedLedger.server(of: Array($0.utf8), servers: to) != server }
        }
        #expect(report.chunks > 4 && report.before == from)
        // By one server at a time some move twice.
        #expect(abs(from - to) == 1 ? report.contents == moved.count : report.contents >= moved.count)
        #expect(try bed.beds.prefix(to).allSatisfy { try $0.ledger().reader().reactions() == ["like", "love"] })
        #expect(try bed.beds.allSatisfy { try $0.psql("SELECT count(*) FROM garbage") == "0\n" })
        // Nothing is left to do, and the ledger goes on.
        #expect(try bed.rebalance(to: to).chunks == 0)
        try writer.say(Self.events(500, seed: 3), shard: 1)
        try bed.expectExact(on: to, "\(from) to \(to), afterwards")
    }

    @Test(
        "what is written after the copy and before the giver is locked goes over as well: likes, deletions, types, new contents"
    )
    func late() throws {
        let bed = try RebalanceBed(2, used: 1)
        let writer = try bed.writer([0])
        try writer.say(Self.events(1_500, seed: 4, deletions: 0), shard: 0)
        var seed: UInt64 = 5
        _ = try bed.rebalance(to: 2, contents: 15, registers: 10_000) { step, _ in
            guard step == .copied else { return }
            seed += 1
            try writer.say(Self.events(300, seed: seed, deletions: 10), shard: 0)
            var named = LedgerBatch(shard: 9, through: seed, now: 0)
            for content in 0..<40 {
                named.change("content-\(content)") {
                    $0.description = ContentDescription(type: Array("type-\(seed)".utf8), registered: true)
                }
            }
            try writer.ledger.apply([named])
        }
        try bed.expectExact(on: 2, "")
        let reader = try bed.ledger().makeReader()
        for content in 0..<40 {
            let description = try reader.content(Array("content-\(content)".utf8))?.description
            #expect(description?.type == Array("type-\(seed)".utf8) && description?.registered == true)
        }
    }

    @Test(
        "stopped at any of its steps, again and again, the move goes on where it was, and the ledger with it meanwhile",
        arguments: PostgresRebalance.Step.allCases, [(2, 3), (3, 2)])
    func stopped(step: PostgresRebalance.Step, layout: (from: Int, to: Int)) throws {
        struct Stop: Error {}
        let bed = try RebalanceBed(3, used: layout.from)
        let writer = try bed.writer([0, 1])
        try writer.say(Self.events(800, seed: 6), shard: 0)
        let reader = try bed.ledger().makeReader()
        var (stops, isDone) = (0, false)
        while !isDone && stops < 60 {
            var met = 0
            do {
                _ = try bed.rebalance(to: layout.to, contents: 9) { reached, _ in
                    guard reached == step else { return }
                    met += 1
                    // Each time it comes a little further, or it would never end.
                    if met > (step == .begun || step == .ended ? stops : min(stops, 1)) { throw Stop() }
                }
                isDone = true
            } catch is Stop { stops += 1 }
            try writer.say(Self.events(100, seed: UInt64(100 + stops)), shard: UInt16(stops % 2))
            if stops % 3 == 1 { try bed.expectReadable(reader, "stopped \(stops) times at \(step)") }
        }
        #expect(isDone && stops > 0)
        try bed.expectExact(on: layout.to, "stopped \(stops) times at \(step)")
    }

    @Test(
        "a server that is killed between the commits of a chunk loses nothing, and the move goes on by itself",
        arguments: [PostgresRebalance.Step.prepared, .given], [0, 1])
    func killed(step: PostgresRebalance.Step, victim: Int) throws {
        let servers = try (0..<2).map { _ in try PostgresCluster(settings: ["shared_buffers=32MB"]) }
        let bed = try RebalanceBed(2, used: 1, on: servers)
        let writer = try bed.writer([0])
        try writer.say(Self.events(800, seed: 7), shard: 0)
        var kills = 0
        _ = try bed.rebalance(to: 2) { reached, report in
            guard reached == step, kills < 2, report.chunks == kills + 1 else { return }
            kills += 1
            servers[victim].kill()
            try servers[victim].restart()
        }
        #expect(kills == 2)
        try writer.say(Self.events(200, seed: 8), shard: 0)
        try bed.expectExact(on: 2, "killed \(victim) after \(step)")
    }

    @Test("a batch that was split by an old placement is refused, with nothing changed, and taken after another look")
    func stale() throws {
        let bed = try RebalanceBed(2, used: 1)
        let writer = try bed.writer([0])
        try writer.say(Self.events(300, seed: 9), shard: 0)
        let old = try bed.ledger()
        let epoch = try bed.beds[0].ledger().placement().epoch
        _ = try bed.rebalance(to: 2)
        var batch = LedgerBatch(shard: 7, through: 1, now: 0)
        let like = Register(version: Version(reading: 9_999, region: 1), reaction: .like)
        for content in 0..<60 { batch.row("content-\(content)", "late", like) }
        #expect(throws: LedgerError.moved) { try bed.beds[0].ledger().apply([batch], epoch: epoch) }
        #expect(throws: LedgerError.moved) { try old.apply([batch]) }
        #expect(
            try bed.beds.allSatisfy { try $0.psql("SELECT count(*) FROM registers WHERE user_id = 'late'") == "0\n" })
        #expect(try bed.beds[1].psql("SELECT count(*) FROM positions WHERE shard = 7") == "0\n")
        try old.apply([batch])
        let likes = try old.makeReader().likes(ofUser: Array("late".utf8), behind: nil, limit: 100)
        #expect(likes.count == 60)
        #expect(try bed.beds.map { try PlacementCheck($0.options).strays } == [0, 0])
    }

    @Test("a server that takes over goes back to where the giver was, so that no event is passed over")
    func positions() throws {
        let bed = try RebalanceBed(3, used: 2)
        let writer = try bed.writer([0, 1])
        try writer.say(Self.events(300, seed: 10), shard: 0)
        try writer.say(Self.events(300, seed: 11), shard: 1)
        // One server fell behind: it was away when the last transactions came.
        _ = try bed.beds[0].psql("UPDATE positions SET sequence = 0 WHERE shard = 1")
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            _ = try bed.rebalance(to: 3) { step, _ in if step == .begun { throw Stop() } }
        }
        func held() throws -> [String] {
            try bed.beds.map { try $0.psql("SELECT sequence FROM positions ORDER BY shard") }
        }
        // Not from the beginning: it lacks nothing of what the others have.
        #expect(try held() == ["1\n0\n", "1\n1\n", "1\n0\n"])
        _ = try bed.beds[2].psql("UPDATE positions SET sequence = 1")
        _ = try bed.rebalance(to: 3)
        #expect(try held() == ["1\n0\n", "1\n1\n", "1\n0\n"])
    }

    @Test("servers in another order, one that was used before, and a second mover are refused, and nothing is changed")
    func refusals() throws {
        let bed = try RebalanceBed(3, used: 2)
        let writer = try bed.writer([0])
        try writer.say(Self.events(200, seed: 13), shard: 0)
        func expectRefusal(_ servers: [PostgresOptions], _ words: String) throws {
            let error = try #require(throws: LedgerError.self) {
                _ = try PostgresRebalance(servers, logger: PostgresBed.logger).run(to: servers.count)
            }
            #expect(error.description.contains(words), "\(error)")
        }
        try expectRefusal([bed.options[1], bed.options[0], bed.options[2]], "says that it is number 2")
        try expectRefusal([bed.options[0]], "lies on 2 servers and the file names 1")
        try bed.beds[2].ledger().apply([LedgerBatch(Self.events(5, seed: 14), shard: 0, through: 1)])
        try expectRefusal(bed.options, "the third server is not one of those")
        let other = try RebalanceBed(2, used: 1)
        _ = try other.rebalance(to: 2) { step, _ in
            guard step == .begun else { return }
            let error = try #require(throws: LedgerError.self) { _ = try other.rebalance(to: 2) }
            #expect(error.description.contains("another `likewise rebalance` is at work"))
        }
        try bed.expectReadable(bed.ledger().makeReader(), "")
    }

    @Test("an empty server among used ones is not numbered; new ones behind them get no number")
    func numbers() throws {
        let beds = try (0..<3).map { _ in try PostgresBed() }
        try beds[0].ledger().apply([LedgerBatch(Self.events(5, seed: 15), shard: 0, through: 1)])
        try beds[2].ledger().apply([LedgerBatch(Self.events(5, seed: 16), shard: 0, through: 1)])
        #expect(throws: LedgerError.self) { try RebalanceLayout.number(beds.map(\.options)) }
        #expect(try RebalanceLayout.number([beds[0], beds[2], beds[1]].map(\.options)) == 2)
        #expect(try RebalanceLayout.number([beds[0], beds[2], beds[1]].map(\.options)) == 2)
        #expect(try beds[1].ledger().placement().number == nil)
    }

    @Test("a content that moved never has an earlier moment than it had before")
    func moments() async throws {
        let bed = try RebalanceBed(2, used: 1)
        let writer = try bed.writer([0])
        try writer.say(Self.events(600, seed: 12, deletions: 0), shard: 0)
        // As if the new server had been made long ago, and had done little since.
        _ = try bed.beds[1].psql("UPDATE state SET as_of_base = as_of_base - 1000000000")
        let servers = PostgresServers(bed.options, logger: PostgresBed.logger)
        let ids = (0..<60).map { Array("content-\($0)".utf8) }
        let before = try await servers.counts(ids)
        _ = try bed.rebalance(to: 2)
        let after = try await servers.counts(ids)
        #expect(zip(before, after).allSatisfy { $0.asOf <= $1.asOf && $0.content?.tally == $1.content?.tally })
        let moved = ids.indices.filter { ShardedLedger.server(of: ids[$0], servers: 2) == 1 }
        #expect(!moved.isEmpty && moved.allSatisfy { before[$0].asOf < after[$0].asOf })
    }
}

extension RebalanceBed {
    /// Expects that a reader which has been there all along finds everything.
    func expectReadable(_ reader: any LedgerReader, _ comment: Comment) throws {
        try model.update { $0 }.compare(reader, comment)
    }
}
