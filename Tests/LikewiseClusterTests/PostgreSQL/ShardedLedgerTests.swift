import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("A ledger on several servers")
struct ShardedLedgerTests {
    @Test("a ledger on three simulated servers keeps the law", arguments: LedgerLaw.all)
    func simulated(law: LedgerLaw) throws {
        let servers = (0..<3).map { _ in SimulatedLedger() }
        try law.check { ShardedLedger(servers) }
    }

    @Test("a ledger on two PostgreSQL servers keeps the law", arguments: LedgerLaw.all)
    func laws(law: LedgerLaw) throws {
        let beds = try PostgresBed.numbered(2)
        try law.check(reopens: true) { try ShardedLedger(placed: try beds.map { try $0.ledger() }) }
    }

    @Test("where one server fails, the batches taken again are taken by it alone, and the position is the lowest")
    func partly() throws {
        let servers = (0..<2).map { _ in SimulatedLedger() }
        let ledger = ShardedLedger(servers)
        var batch = LedgerBatch(shard: 4, through: 9, now: 0)
        for content in 0..<20 {
            batch.row("c\(content)", "u", Register(version: Version(reading: 1, region: 1), reaction: .like))
        }
        servers[1].failNextApply(.failed("no luck"))
        #expect(throws: LedgerError.failed("no luck")) { try ledger.apply([batch]) }
        #expect(try ledger.makeReader().positions().isEmpty)
        #expect(!servers[0].registers.isEmpty && servers[1].registers.isEmpty)
        try ledger.apply([batch])
        #expect(try ledger.makeReader().positions() == [4: 9])
        #expect(servers[0].registers.count + servers[1].registers.count == 20)
        #expect(servers[0].batches == (taken: 1, skipped: 1))
        #expect(servers.allSatisfy { $0.drifts.isEmpty })
    }

    @Test("where one of two servers is away, the counts of the other are there all the same")
    func partialCounts() async throws {
        let second = try PostgresCluster(settings: ["fsync=off", "shared_buffers=32MB"])
        let beds = [try PostgresBed(), try PostgresBed(second)]
        #expect(try RebalanceLayout.number(beds.map(\.options)) == 2)
        var away = beds[1].options
        // Nobody listens there.
        away.port = 1
        let servers = PostgresServers([beds[0].options, away], logger: PostgresBed.logger)
        let ids = (0..<20).map { Array("c\($0)".utf8) }
        let counts = await servers.partialCounts(ids)
        let owners = try await servers.placement()
        for (id, count) in zip(ids, counts) {
            #expect(((try? count.get()) != nil) == (owners.server(of: id) == 0))
        }
        #expect(Set(ids.map { owners.server(of: $0) }) == [0, 1])
        try await RedisBed.started { servers.close() }
    }

    @Test("pools of two servers answer keys in the order asked, and list a user's likes from both")
    func pools() async throws {
        let second = try PostgresCluster(settings: ["fsync=off", "shared_buffers=32MB"])
        let beds = [try PostgresBed(), try PostgresBed(second)]
        #expect(try RebalanceLayout.number(beds.map(\.options)) == 2)
        let ledger = try ShardedLedger(placed: try beds.map { try $0.ledger() })
        var batch = LedgerBatch(shard: 0, through: 1, now: 0)
        for content in 0..<40 {
            let version = Version(reading: UInt64(content + 1), region: 1)
            batch.row("c\(content)", "u", Register(version: version, reaction: .like))
        }
        try ledger.apply([batch])
        let servers = PostgresServers(beds.map(\.options), logger: PostgresBed.logger)
        let ids = (0..<60).map { Array("c\($0)".utf8) }
        let counts = try await servers.counts(ids)
        let totals: [UInt64?] = counts.map { $0.content?.tally.total }
        #expect(totals == Array(repeating: 1, count: 40) + Array(repeating: nil, count: 20))
        #expect(counts.allSatisfy { $0.asOf > 0 })
        let registers = try await servers.registers(of: ids.map { ($0, Array("u".utf8)) })
        #expect(registers.map(\.version.reading) == Array(1...40) + Array(repeating: 0, count: 20))
        let page = try await servers.likes(ofUser: Array("u".utf8), behind: nil, limit: 15)
        #expect(page.map(\.register.version.reading) == Array((26...40).reversed()))
        let place = LikePosition(version: page[14].register.version, id: page[14].content)
        let rest = try await servers.likes(ofUser: Array("u".utf8), behind: place, limit: 100)
        #expect(rest.map(\.register.version.reading) == Array((1...25).reversed()))
        #expect(try await servers.likes(ofContent: ids[3], behind: nil, limit: 5).map(\.user) == [Array("u".utf8)])
    }

    @Test("with one more server, only the new one's share of the contents moves")
    func placement() {
        let ids = (0..<3_000).map { Array("content-\($0)".utf8) }
        let moved = ids.filter { ShardedLedger.server(of: $0, servers: 3) != ShardedLedger.server(of: $0, servers: 2) }
        #expect(moved.allSatisfy { ShardedLedger.server(of: $0, servers: 3) == 2 })
        #expect((800...1_200).contains(moved.count))
    }
}
