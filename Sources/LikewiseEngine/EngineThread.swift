import CPlatform

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A thread of our own, for what waits on disks, locks and sockets.
package final class EngineThread: Sendable {
    private let id: pthread_t

    private final class Start {
        let name: String
        let turns: Turns
        let body: @Sendable () -> Void
        init(name: String, turns: Turns, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.turns = turns
            self.body = body
        }
    }

    /// How soon a thread gets the processor when it has something to do, beside others of the system.
    package enum Turns: UInt64, Sendable {
        /// Callers wait for it: soon, for turns of 0.1 ms.
        case short = 100_000
        /// As the system has it.
        case usual = 0
        /// Nobody waits for it: late, for turns of 20 ms.
        case long = 20_000_000
    }

    /// Starts `body` on a thread called `name` (15 bytes at most). Traps where the system gives no thread.
    package init(name: String, turns: Turns = .usual, _ body: @escaping @Sendable () -> Void) {
        var id = pthread_t()
        let start = Unmanaged.passRetained(Start(name: name, turns: turns, body: body))
        let code = pthread_create(
            &id, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                likewise_name_thread(start.name)
                if start.turns != .usual { likewise_set_turn(start.turns.rawValue) }
                start.body()
                return nil
            }, start.toOpaque())
        precondition(code == 0, "no thread for \(name): error \(code)")
        self.id = id
    }

    /// Waits for the thread's end. Call it once, and not from the cooperative pool.
    package func join() { pthread_join(id, nil) }
}
