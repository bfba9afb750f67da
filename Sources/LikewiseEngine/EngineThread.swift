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
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts `body` on a thread called `name` (15 bytes at most). Traps where the system gives no thread.
    package init(name: String, _ body: @escaping @Sendable () -> Void) {
        var id = pthread_t()
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let code = pthread_create(
            &id, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                likewise_name_thread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        precondition(code == 0, "no thread for \(name): error \(code)")
        self.id = id
    }

    /// Waits for the thread's end. Call it once, and not from the cooperative pool.
    package func join() { pthread_join(id, nil) }
}
