import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

/// A ledger on servers that contents move between, what was said to it, and what it must say.
final class RebalanceBed: Sendable {
    let beds: [PostgresBed]
    let model = Monitor(PostgresModel())

    /// `count` servers, of which the ledger lies on the first `used`. Each is a schema on the tests' server, or a
    /// server.
    init(_ count: Int, used: Int, on servers: [PostgresCluster] = []) throws {
        beds = try (0..<count).map { try PostgresBed(servers.isEmpty ? nil : servers[$0]) }
        #expect(try RebalanceLayout.number(beds.prefix(used).map(\.options)) == used)
    }

    var options: [PostgresOptions] { beds.map(\.options) }

    func ledger() throws -> ShardedLedger { try ShardedLedger(placed: beds.map { try $0.ledger() }) }

    func writer(_ shards: [UInt16]) throws -> RebalanceWriter { try RebalanceWriter(self, shards) }

    func took(_ events: [PostgresEvent]) { model.update { $0.take(events) } }

    /// Moves in small chunks, so that there are many.
    func rebalance(
        to count: Int, contents: Int = 7, registers: Int = 60,
        _ observe: @escaping (PostgresRebalance.Step, PostgresRebalance.Report) throws -> Void = { _, _ in }
    ) throws -> PostgresRebalance.Report {
        var bounds = PostgresRebalance.Options()
        bounds.contents = contents
        bounds.registers = registers
        bounds.portion = 5
        return try PostgresRebalance(options, bounds, logger: PostgresBed.logger, observe: observe).run(to: count)
    }

    /// The contents of each server, with their numbers.
    func contents() throws -> [[String: String]] {
        try beds.map { bed in
            let lines = try bed.psql("SELECT content_id, id FROM contents").split(separator: "\n")
            return Dictionary(
                uniqueKeysWithValues: lines.map { line in
                    let words = line.split(separator: "|").map(String.init)
                    return (words[0], words[1])
                })
        }
    }

    /// Expects that everything said is there once, where it belongs on `count` servers.
    func expectExact(on count: Int, _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try model.update { $0 }.compare(ledger().makeReader(), comment)
        for (number, bed) in beds.enumerated() {
            let drift = try PostgresLedger.recount(bed.options).driftCount
            #expect(drift == 0, comment, sourceLocation: sourceLocation)
            let found = try PlacementCheck(bed.options)
            #expect(found.strays == 0 && found.copies == 0, comment, sourceLocation: sourceLocation)
            #expect(number < count || found.contents == 0, comment, sourceLocation: sourceLocation)
        }
        for (number, ids) in try contents().enumerated() {
            let wrong = ids.keys.filter { ShardedLedger.server(of: Array($0.utf8), servers: count) != number }
            #expect(wrong.isEmpty, comment, sourceLocation: sourceLocation)
        }
    }
}

/// Says events to the ledger in order, over shards of its own, as an aggregator does: after an error it goes on from
/// the positions.
final class RebalanceWriter {
    let ledger: ShardedLedger
    private let bed: RebalanceBed
    private var said: [UInt16: [[PostgresEvent]]]
    /// By shard: how much is known to be held.
    private var next: [UInt16: Int]
    private(set) var refusals = 0

    fileprivate init(_ bed: RebalanceBed, _ shards: [UInt16]) throws {
        self.bed = bed
        ledger = try bed.ledger()
        said = Dictionary(uniqueKeysWithValues: shards.map { ($0, []) })
        next = said.mapValues { _ in 0 }
    }

    /// Says some more; returns when the ledger holds it.
    func say(_ events: [PostgresEvent], shard: UInt16) throws { try say([shard: events]) }

    /// Says some more in several shards at once.
    func say(_ events: [UInt16: [PostgresEvent]]) throws {
        for (shard, events) in events {
            said[shard, default: []].append(events)
            bed.took(events)
        }
        try catchUp()
    }

    private func catchUp() throws {
        for _ in 0..<200 {
            let behind = said.keys.filter { next[$0, default: 0] < said[$0, default: []].count }.sorted()
            guard !behind.isEmpty else { return }
            let batches = behind.map { shard in
                let from = next[shard, default: 0]
                let events = said[shard, default: []][from...]
                return LedgerBatch(events.joined(), shard: shard, through: UInt64(from + events.count))
            }
            if try take(batches) { continue }
            refusals += 1
            guard let held = try? ledger.makeReader().positions() else { continue }
            for shard in said.keys { next[shard] = Int(held[shard, default: 0]) }
        }
        Issue.record("the ledger did not take \(said.mapValues(\.count)), it is at \(next)")
    }

    /// False where the ledger has to be asked for its positions.
    private func take(_ batches: [LedgerBatch]) throws -> Bool {
        do throws(LedgerError) { try ledger.apply(batches) } catch {
            if case .unusable = error { throw error }
            return false
        }
        for batch in batches { next[batch.shard] = Int(batch.through) }
        return true
    }
}
