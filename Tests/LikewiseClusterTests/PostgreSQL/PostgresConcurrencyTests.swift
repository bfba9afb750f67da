import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("PostgreSQL's ledger with several writers")
struct PostgresConcurrencyTests {
    @Test(
        "writers that merge the same registers from different partitions at once count each exactly once, in any order",
        arguments: [0, 300], SeededRandom.seeds(2))
    func concurrent(deletions: Int, seed: UInt64) throws {
        let bed = try PostgresBed()
        var random = SeededRandom(seed: seed)
        let events = PostgresEvent.random(8_000, deletions: deletions, contents: 12, users: 80, &random)
        let crew = Crew(3) { writer in
            // All writers say all events, each in its own order, over two partitions of its own.
            var random = SeededRandom(seed: seed + UInt64(writer) + 1)
            let ledger = try bed.ledger()
            var sequences: [UInt16: UInt64] = [:]
            for events in Self.chunks(events.shuffled(using: &random), of: 400) {
                let half = random.below(events.count)
                let batches = [events[..<half], events[half...]].enumerated().map { index, part in
                    let shard = UInt16(writer * 2 + index)
                    sequences[shard, default: 0] += UInt64(part.count + 1)
                    return LedgerBatch(part, shard: shard, through: sequences[shard, default: 0])
                }
                try ledger.apply(random.chance(oneIn: 2) ? batches : batches.reversed())
                if random.chance(oneIn: 4) { _ = try ledger.purge(limit: 100) }
            }
        }
        _ = try crew.finish()
        var model = PostgresModel()
        model.take(events)
        try model.compare(bed.ledger().makeReader(), "seed \(seed)")
        #expect(try PostgresLedger.recount(bed.options).driftCount == 0, "seed \(seed)")
    }

    @Test("a consumer that wakes up late with events that another one took changes nothing")
    func late() throws {
        let bed = try PostgresBed()
        let (early, late) = (try bed.ledger(), try bed.ledger())
        var random = SeededRandom(seed: 7)
        let events = PostgresEvent.random(500, deletions: 0, contents: 3, users: 40, &random)
        let batch = LedgerBatch(events, shard: 1, through: 500)
        let crew = Crew(2) { number in try (number == 0 ? early : late).apply([batch]) }
        _ = try crew.finish()
        var model = PostgresModel()
        model.take(events)
        try model.compare(early.makeReader(), "")
        #expect(try bed.psql("SELECT count(DISTINCT shard) FROM tallies") == "1\n")
        #expect(try PostgresLedger.recount(bed.options).driftCount == 0)
    }

    @Test(
        "likes that are newer than a deletion stay, whichever of the two comes first, and older ones do not come back")
    func deletion() throws {
        let bed = try PostgresBed()
        let ledger = try bed.ledger()
        func register(_ reading: UInt64, _ reaction: Reaction = .like) -> Register {
            Register(version: Version(reading: reading, region: 1), reaction: reaction)
        }
        let events: [PostgresEvent] = [
            .register(content: "a", user: "before", register(10)), .register(content: "a", user: "after", register(30)),
            .register(content: "a", user: "taken back", register(31, .none)),
        ]
        try ledger.apply([LedgerBatch(events, shard: 0, through: 3)])
        try ledger.apply([
            LedgerBatch([.deletion(content: "a", Version(reading: 20, region: 1))], shard: 1, through: 1)
        ])
        let reader = try ledger.reader()
        #expect(try reader.content(Array("a".utf8))?.tally.total == 1)
        try ledger.apply([
            LedgerBatch(
                [
                    .register(content: "a", user: "too late", register(20)),
                    .register(content: "a", user: "taken back", register(29)),
                    .register(content: "a", user: "new", register(21)),
                ], shard: 2, through: 3)
        ])
        let keys = ["before", "after", "taken back", "too late", "new"].map {
            (content: Array("a".utf8), user: Array($0.utf8))
        }
        #expect(
            try reader.registers(of: keys) == [.untouched, register(30), register(31, .none), .untouched, register(21)])
        #expect(try reader.content(Array("a".utf8))?.tally.total == 2)
        #expect(try PostgresLedger.recount(bed.options).driftCount == 0)
    }

    @Test("of two readings the later one never has a lower number, and the same number means the same counts")
    func order() throws {
        let bed = try PostgresBed()
        let rounds = 300
        let crew = Crew(3) { number -> [PostgresReader.Counts] in
            if number == 0 {
                let ledger = try bed.ledger()
                for round in 1...rounds {
                    let like = Register(version: Version(reading: UInt64(round), region: 1), reaction: .like)
                    let event = PostgresEvent.register(content: "a", user: "user-\(round)", like)
                    try ledger.apply([LedgerBatch([event], shard: 0, through: UInt64(round))])
                }
                return []
            }
            let reader = try PostgresReader(bed.options)
            var found: [PostgresReader.Counts] = []
            while found.last?.contents[0]?.tally.total != UInt64(rounds) { found.append(try reader.counts([[0x61]])) }
            return found
        }
        var totals: [UInt64: UInt64] = [:]
        for counts in try crew.finish().flatMap({ $0 }) {
            let total = counts.contents[0]?.tally.total ?? 0
            #expect(totals.updateValue(total, forKey: counts.asOf) ?? total == total)
        }
        let inOrder = totals.sorted { $0.key < $1.key }.map(\.value)
        #expect(inOrder == inOrder.sorted())
        #expect(inOrder.count > 10)
    }

    @Test("what is written to a server that came back with fewer transactions is ordered behind what was read before")
    func orderAfterLoss() throws {
        let bed = try PostgresBed()
        let event = { (user: String, reading: UInt64) in
            PostgresEvent.register(
                content: "a", user: user, Register(version: Version(reading: reading, region: 1), reaction: .like))
        }
        var ledger = try bed.ledger()
        try ledger.apply([LedgerBatch([event("u", 1)], shard: 0, through: 1)])
        let before = try PostgresReader(bed.options).counts([[0x61]]).asOf
        // As where the last thousand were lost, in which little time went by.
        _ = try bed.psql("UPDATE state SET as_of_base = as_of_base - 1000")
        #expect(try PostgresReader(bed.options).counts([[0x61]]).asOf < before)
        ledger = try bed.ledger()
        try ledger.apply([LedgerBatch([event("v", 2)], shard: 0, through: 2)])
        #expect(try PostgresReader(bed.options).counts([[0x61]]).asOf > before)
    }

    private static func chunks(_ events: [PostgresEvent], of size: Int) -> [[PostgresEvent]] {
        stride(from: 0, to: events.count, by: size).map { Array(events[$0..<min($0 + size, events.count)]) }
    }
}
