// Answers in the order of their requests, whatever the order in which they come in.

package import NIOCore

/// Logic only: slots are opened for requests, filled in any order, and their bytes come out in the order of opening.
package struct AnswerQueue {
    /// Bytes of room that a quiet connection keeps.
    private static let keptCapacity = 4 << 10

    /// Behind the first one that is due; nil while one is on its way.
    private var slots = CircularBuffer<ByteBuffer?>()
    private var first: UInt64 = 0
    /// What is due to be written.
    package var bytes = ByteBuffer()

    package init() {}

    /// Whether no answer is on its way.
    package var isSettled: Bool { slots.isEmpty }
    /// Answers on their way, or come in before their turn.
    package var count: Int { slots.count }
    package var hasBytes: Bool { bytes.readableBytes > 0 }

    /// A slot for the answer to the next request.
    package mutating func open() -> UInt64 {
        slots.append(nil)
        return first + UInt64(slots.count - 1)
    }

    /// Writes the answer of a slot: to `bytes` where its turn has come, with those behind it that had to wait.
    package mutating func fill(_ slot: UInt64, _ write: (inout ByteBuffer) -> Void) {
        precondition(slot >= first, "slot \(slot) has been filled: \(first) is the first that is open")
        if slot != first {
            var buffer = ByteBuffer()
            write(&buffer)
            slots[offset: Int(slot - first)] = buffer
            return
        }
        write(&bytes)
        advance()
        while case .some(.some(var buffer)) = slots.first {
            bytes.writeBuffer(&buffer)
            advance()
        }
    }

    private mutating func advance() {
        slots.removeFirst()
        first += 1
    }

    /// The bytes that are due, which are then the caller's. The next ones get about as much room.
    package mutating func takeBytes() -> ByteBuffer {
        let taken = bytes
        bytes = ByteBufferAllocator().buffer(capacity: min(taken.readableBytes, AnswerQueue.keptCapacity))
        return taken
    }
}
