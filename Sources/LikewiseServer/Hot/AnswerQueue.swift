// Answers in the order of their requests, whatever the order in which they come in.

package import LikewiseAPI

/// Logic only: slots are opened for requests, filled in any order, and their bytes come out in the order of opening.
package struct AnswerQueue: ~Copyable {
    /// The slot that the next answer is written from.
    private var first: UInt64 = 0
    /// The slot that is opened next.
    private var next: UInt64 = 0
    /// Answers that came in before their turn.
    private var early: [UInt64: [UInt8]] = [:]
    /// The shard that all calls on their way went to: one shard keeps their order.
    private var shard = 0
    /// What is due to be written.
    package var bytes: GrowingBytes

    package init() { bytes = GrowingBytes(capacity: 512) }

    /// Whether no answer is on its way.
    package var isSettled: Bool { first == next }
    /// Answers on their way, or come in before their turn.
    package var count: Int { Int(next - first) }
    package var hasBytes: Bool { bytes.count > 0 }

    /// Whether a call for `shard` may start now, and take effect after those on their way.
    package func accepts(shard: Int) -> Bool { isSettled || self.shard == shard }

    /// A slot for the answer to the next request, which goes to `shard`.
    package mutating func open(shard: Int) -> UInt64 {
        precondition(accepts(shard: shard), "calls for shard \(self.shard) are on their way, and \(shard) is another")
        self.shard = shard
        next += 1
        return next - 1
    }

    /// Writes the answer of a slot: to `bytes` where its turn has come, with those behind it that had to wait.
    package mutating func fill(_ slot: UInt64, _ write: (inout GrowingBytes) -> Void) {
        precondition(slot >= first && slot < next, "slot \(slot) is none of \(first) ..< \(next), those that are open")
        if slot != first {
            var answer = GrowingBytes()
            write(&answer)
            early[slot] = answer.withBytes { Array($0) }
            return
        }
        write(&bytes)
        first += 1
        while !early.isEmpty, let answer = early.removeValue(forKey: first) {
            answer.withUnsafeBytes { bytes.put($0) }
            first += 1
        }
    }
}
