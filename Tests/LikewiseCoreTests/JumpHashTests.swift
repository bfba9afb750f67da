import LikewiseCore
import LikewiseTestSupport
import Testing

@Suite("Jump hash")
struct JumpHashTests {
    @Test(
        "It agrees with the values that other implementations publish",
        arguments: [
            (1, 1, 0), (42, 57, 43), (0xdead_10cc, 1, 0), (0xdead_10cc, 666, 361), (256, 1_024, 520),
        ] as [(UInt64, Int, Int)])
    func known(key: UInt64, shards: Int, shard: Int) {
        #expect(Hash64.jump(key, shards: shards) == shard)
    }

    @Test("One shard has everything, whatever the key", arguments: [0, 1, .max, 1 << 63] as [UInt64])
    func oneShard(key: UInt64) {
        #expect(Hash64.jump(key, shards: 1) == 0)
    }

    @Test("The shard lies below the number of shards, for extreme keys too", arguments: SeededRandom.seeds(4))
    func inRange(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for key in [0, 1, .max, 1 << 63, 1 << 33] + (0..<500).map({ _ in random.next() }) {
            for shards in [1, 2, 3, 5, 64, 1_000, 65_536] {
                let shard = Hash64.jump(key, shards: shards)
                #expect((0..<shards).contains(shard), "key \(key) with \(shards) shards, seed \(seed)")
            }
        }
    }

    @Test("Contents spread evenly", arguments: [2, 3, 7, 16, 64, 100])
    func balance(shards: Int) {
        var counts = [Int](repeating: 0, count: shards)
        let contents = 100_000
        for number in 0..<contents {
            counts[Hash64.jump(Hash64.of(Array("content_\(number)".utf8), seed: 0), shards: shards)] += 1
        }
        let mean = Double(contents) / Double(shards)
        for (shard, count) in counts.enumerated() {
            let deviation = abs(Double(count) - mean) / mean.squareRoot()
            #expect(deviation < 6, "shard \(shard) has \(count) contents, where \(mean) are its share")
        }
    }

    @Test("With one shard more, contents move to that shard only, and only its share of them", arguments: 1...40)
    func minimalMovement(shards: Int) {
        let contents = 20_000
        var moved = 0
        for number in 0..<contents {
            let hash = Hash64.of(Array("content_\(number)".utf8), seed: 0)
            let before = Hash64.jump(hash, shards: shards)
            let after = Hash64.jump(hash, shards: shards + 1)
            guard before != after else { continue }
            moved += 1
            #expect(after == shards, "content_\(number) moved from \(before) to \(after)")
        }
        let share = Double(contents) / Double(shards + 1)
        #expect(abs(Double(moved) - share) < 6 * share.squareRoot(), "\(moved) moved, where \(share) are the share")
    }
}
