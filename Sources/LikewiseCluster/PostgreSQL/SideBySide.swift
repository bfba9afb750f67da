import LikewiseEngine
import Synchronization

/// Several calls at once that block their threads, and of which each is worth a thread made for it.
enum SideBySide {
    /// Calls `body` with the numbers below `count`, each but the first on a thread of its own, which is called `name` and the
    /// number. Returns when all are over; throws the error of the lowest number that failed.
    static func run(
        _ count: Int, name: String, _ body: @escaping @Sendable (Int) throws(LedgerError) -> Void
    ) throws(LedgerError) {
        if count <= 1 { return count == 1 ? try body(0) : () }
        let failures = Failures()
        let run: @Sendable (Int) -> Void = { number in
            do throws(LedgerError) { try body(number) } catch { failures.add(error, number) }
        }
        let threads = (1..<count).map { number in EngineThread(name: "\(name)-\(number)") { run(number) } }
        run(0)
        for thread in threads { thread.join() }
        if let first = failures.first { throw first }
    }

    private final class Failures: Sendable {
        private let errors = Mutex<[Int: LedgerError]>([:])

        func add(_ error: LedgerError, _ number: Int) { errors.withLock { $0[number] = error } }

        var first: LedgerError? { errors.withLock { errors in errors.min { $0.key < $1.key }?.value } }
    }
}
