import Dispatch
import Foundation
import Synchronization

/// Threads of load generators, which wait for sockets.
enum BenchThread {
    /// Starts a thread and lets it go.
    static func start(_ body: @escaping @Sendable () -> Void) { Thread.detachNewThread(body) }

    /// Runs `body` for 0 ..< `count`, each on a thread of its own, and waits for all of them; throws the first error.
    static func forEach<Value: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
    ) throws -> [Value] {
        let results = Results<Value>(count)
        let group = DispatchGroup()
        for i in 0..<count {
            group.enter()
            start {
                results.set(i, Result { try body(i) })
                group.leave()
            }
        }
        group.wait()
        return try results.all.map { try $0.get() }
    }
}

/// What each thread came to.
private final class Results<Value: Sendable>: Sendable {
    private let results: Mutex<[Result<Value, any Error>]>

    init(_ count: Int) {
        results = Mutex([Result](repeating: .failure(BenchError("a thread ended early")), count: count))
    }

    func set(_ i: Int, _ result: Result<Value, any Error>) { results.withLock { $0[i] = result } }
    var all: [Result<Value, any Error>] { results.withLock { $0 } }
}
