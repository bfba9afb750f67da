import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Shares of a call for several connections")
struct PostgresSharesTests {
    @Test(
        "a shard's batches stay together and in order, no share is empty, and none has more than its due and a shard's",
        arguments: SeededRandom.seeds(20))
    func fair(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let batches = (0..<random.below(40)).map { number in
            Self.batch(shard: UInt16(random.below(12)), through: UInt64(number + 1), rows: random.below(50))
        }
        let count = random.within(1...5)
        let shares = PostgresShares.of(batches, among: count)
        #expect(shares.count == min(count, Set(batches.map(\.shard)).count), "seed \(seed)")
        #expect(shares.allSatisfy { !$0.isEmpty }, "seed \(seed)")
        var sizes: [UInt16: Int] = [:]
        for batch in batches { sizes[batch.shard, default: 0] += Self.size(batch) }
        for share in shares {
            let shards = Set(share.map(\.shard))
            for shard in shards {
                let whole = batches.filter { $0.shard == shard }.map(\.through)
                #expect(share.filter { $0.shard == shard }.map(\.through) == whole, "seed \(seed)")
            }
            let due = sizes.values.reduce(0, +) / shares.count + (sizes.values.max() ?? 0) + shards.count
            #expect(share.reduce(0) { $0 + Self.size($1) } <= due, "seed \(seed)")
        }
        #expect(shares.flatMap { $0 }.count == batches.count, "seed \(seed)")
    }

    @Test("two partitions that hold half of the registers each go to two connections, whatever their numbers")
    func halves() {
        let batches = [1, 3, 5, 7].map { Self.batch(shard: $0, through: 1, rows: $0 == 1 || $0 == 3 ? 100 : 1) }
        let shares = PostgresShares.of(batches, among: 2)
        #expect(shares.map { $0.map(\.shard).sorted() }.sorted { $0[0] < $1[0] } == [[1, 5], [3, 7]])
    }

    private static func batch(shard: UInt16, through: UInt64, rows: Int) -> LedgerBatch {
        var batch = LedgerBatch(shard: shard, through: through, now: 0)
        let like = Register(version: Version(reading: through, region: 1), reaction: .like)
        for row in 0..<rows { batch.row("c\(row % 7)", "u\(row)", like) }
        return batch
    }

    private static func size(_ batch: LedgerBatch) -> Int { batch.contents.reduce(0) { $0 + 1 + $1.rows.count } }
}
