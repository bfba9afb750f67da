import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("What waits for a shard")
struct GroupQueueTests {
    private static func group(_ intents: Int, single: Bool) -> IntentGroup {
        let group = IntentGroup(wantsTallies: single)
        for i in 0..<intents {
            withUnsafeBytes(of: i) { id in
                group.append(.react, content: id, user: id, reaction: .like, seed: 1)
            }
        }
        return group
    }

    @Test("Single calls go before bulk intake, and in turn with one group of it")
    func turns() {
        var queue = GroupQueue()
        let bulk = (0..<3).map { _ in Self.group(10, single: false) }
        for group in bulk { queue.append(group) }
        var batches: [[Bool]] = []
        for _ in 0..<6 {
            queue.append(Self.group(1, single: true))
            batches.append(queue.take(limit: 1_000).map(\.wantsTallies))
        }
        #expect(batches == [[true, false], [true], [true, false], [true], [true, false], [true]])
        #expect(queue.isEmpty && queue.intents == 0)
    }

    @Test("After a single call, batches of bulk intake are one group, until none has come for some time")
    func quiet() {
        var queue = GroupQueue()
        func sizes(_ count: Int) -> [Int] {
            (0..<count).map { _ in
                while queue.intents < 100 { queue.append(Self.group(10, single: false)) }
                return queue.take(limit: 40).count
            }
        }
        #expect(sizes(1) == [4])
        queue.append(Self.group(1, single: true))
        #expect(queue.take(limit: 40).first?.wantsTallies == true)
        let after = sizes(GroupQueue.quietBatches + 1)
        #expect(after.dropLast(2).allSatisfy { $0 == 1 } && after.last == 4)
    }

    @Test("Nothing is lost or taken twice, and each kind keeps its order", arguments: SeededRandom.seeds(20))
    func order(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var queue = GroupQueue()
        var waiting: [Bool: [IntentGroup]] = [true: [], false: []]
        for _ in 0..<500 {
            for _ in 0..<random.below(4) {
                let group = Self.group(random.within(1...9), single: random.chance(oneIn: 2))
                waiting[group.wantsTallies]?.append(group)
                queue.append(group)
            }
            let taken = queue.take(limit: 12)
            #expect(taken.isEmpty == (waiting.values.allSatisfy(\.isEmpty)))
            for group in taken {
                let expected = waiting[group.wantsTallies]?.removeFirst()
                #expect(expected === group, "seed \(seed)")
            }
            let left = waiting.values.reduce(0) { $0 + $1.count }
            #expect(queue.isEmpty == (left == 0))
        }
    }
}
