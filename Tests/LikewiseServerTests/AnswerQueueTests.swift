import LikewiseServer
import LikewiseTestSupport
import NIOCore
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
                open.append((queue.open(), asked))
                asked += 1
            } else if !open.isEmpty {
                let (slot, number) = open.remove(at: random.below(open.count))
                queue.fill(slot) { $0.writeString("\(number) ") }
            }
            #expect(queue.isSettled == (queue.count == 0) && queue.count >= open.count)
            if random.below(5) == 0 { written += String(buffer: queue.takeBytes()) }
        }
        written += String(buffer: queue.takeBytes())
        #expect(queue.isSettled && !queue.hasBytes)
        #expect(written == (0..<1_000).map { "\($0) " }.joined(), "seed \(seed)")
    }
}
