import LikewiseAPI
import LikewiseServer
import LikewiseTestSupport
import Testing

@Suite("Answer queue")
struct AnswerQueueTests {
    @Test(
        "Answers come out in the order of their requests, whatever the order in which they come in", arguments: 1...20)
    func order(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var queue = AnswerQueue()
        var open: [(slot: UInt64, number: Int)] = []
        var asked = 0
        var written = ""
        while asked < 1_000 || !open.isEmpty {
            if asked < 1_000, open.count < 50, random.below(2) == 0 {
                open.append((queue.open(shard: 0), asked))
                asked += 1
            } else if !open.isEmpty {
                let (slot, number) = open.remove(at: random.below(open.count))
                queue.fill(slot) {
                    $0.put(decimal: UInt64(number)); $0.put(" ")
                }
            }
            let (isSettled, count) = (queue.isSettled, queue.count)
            #expect(isSettled == (count == 0) && count >= open.count)
            if random.below(5) == 0 { written += taken(&queue) }
        }
        written += taken(&queue)
        let isDone = queue.isSettled && !queue.hasBytes
        #expect(isDone)
        #expect(written == (0..<1_000).map { "\($0) " }.joined(), "seed \(seed)")
    }

    private func taken(_ queue: inout AnswerQueue) -> String {
        defer { queue.bytes.removeAll() }
        return queue.bytes.withBytes { String(decoding: $0, as: UTF8.self) }
    }

    @Test("A call for another shard starts only when all before it are answered")
    func shards() {
        var queue = AnswerQueue()
        let whenFresh = queue.accepts(shard: 3)
        let first = queue.open(shard: 3)
        let second = queue.open(shard: 3)
        let (same, other) = (queue.accepts(shard: 3), queue.accepts(shard: 4))
        queue.fill(second) { $0.put("b") }
        queue.fill(first) { _ in }
        let whenSettled = queue.accepts(shard: 4)
        #expect(whenFresh && same && !other && whenSettled)
        let answer = taken(&queue)
        #expect(answer == "b")
    }
}
