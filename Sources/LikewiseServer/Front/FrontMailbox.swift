// What other threads have for a front loop: work, connections, the word to stop.

import CPlatform
import Synchronization

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A queue that wakes its loop. Bounded by what is put in: a group of answers for each group that the loop handed over,
/// a connection for each place among the most that there may be.
final class FrontMailbox: Sendable {
    enum Item: Sendable {
        case work(@Sendable () -> Void)
        /// A socket that was accepted, and who is at its other end.
        case connection(Int32, NetworkAddress)
        /// There is room for connections again.
        case accept
        /// End when all that was accepted is answered.
        case stop
        /// End.
        case abort
    }

    private struct State {
        var items: [Item] = []
        var isSignalled = false
        var hasEnded = false
    }

    /// Readable when there is something to take.
    let descriptor: Int32
    private let state = Mutex(State())

    init() throws(FrontError) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else { throw FrontError("eventfd", errno) }
    }

    /// Puts something in, and wakes the loop unless it was told already. After `end`, false: the item is forgotten.
    @discardableResult
    func put(_ item: Item) -> Bool {
        state.withLock { state in
            guard !state.hasEnded else { return false }
            state.items.append(item)
            if !state.isSignalled {
                state.isSignalled = true
                eventfd_write(descriptor, 1)
            }
            return true
        }
    }

    /// Takes all that is there.
    func take() -> [Item] {
        state.withLock { state in
            if state.isSignalled {
                state.isSignalled = false
                var value: eventfd_t = 0
                eventfd_read(descriptor, &value)
            }
            guard !state.items.isEmpty else { return [] }
            let items = state.items
            state.items = []
            return items
        }
    }

    /// Takes nothing more. Answers what was not taken.
    func end() -> [Item] {
        state.withLock { state in
            state.hasEnded = true
            close(descriptor)
            let items = state.items
            state.items = []
            return items
        }
    }
}

/// A system call of the front that failed.
package struct FrontError: Error, CustomStringConvertible {
    package let call: String
    package let code: Int32

    init(_ call: String, _ code: Int32) {
        self.call = call
        self.code = code
    }

    package var description: String { "\(call): \(String(cString: strerror(code))) (\(code))" }
}
