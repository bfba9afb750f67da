// Readers for what runs on the cooperative pool: a few threads with a connection each, and a bounded queue before them.
//
// libpq blocks, so its calls are on threads of their own. A caller waits in the queue, for its time limit at most; at
// the bound, and while the server is away (`CircuitBreaker`), he is told at once.

import LikewiseEngine
package import Logging

/// A number of readers on one PostgreSQL server, shared by any number of tasks.
package final class PostgresPool: Sendable {
    private let core: PostgresPoolCore
    private let threads: [EngineThread]

    /// Bounds of a pool.
    package struct Limits: Sendable {
        /// Threads, and connections to the server.
        package var connections = 4
        /// Calls that wait for one.
        package var waiting = 1_024
        /// How long a call may take, waiting included; one that runs already is bounded by `statementTimeout` too.
        package var patience: Duration = .seconds(5)
        package var breaker = CircuitBreaker.Settings()

        package init() {}
    }

    /// Starts the threads; each connects when the first call comes to it. `logger` gets the server's own words.
    package init(_ options: PostgresOptions, limits: Limits = Limits(), logger: Logger) {
        precondition(limits.connections > 0 && limits.waiting > 0, "a pool of no connections, or for no callers")
        let core = PostgresPoolCore(options, limits: limits, logger: logger)
        self.core = core
        threads = (0..<limits.connections).map { number in
            EngineThread(name: "postgres-\(number)") {
                var thread = PostgresPoolThread(core)
                thread.run()
            }
        }
    }

    deinit { core.close() }

    /// Runs `body` on a thread of the pool, which may block, with a reader for this call alone. Throws what `body`
    /// throws, a `PostgresPoolError`, or `LedgerError.unusable` where the tables are of another version. Where an old
    /// connection turns out to be lost, `body` is run once more on a new one: it only reads.
    package func run<T: Sendable>(
        _ body: @escaping @Sendable (PostgresReader) throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            core.submit { turn in
                switch turn {
                case .run(let reader):
                    let result = Result { try body(reader) }
                    if case .failure(let error) = result, !reader.isConnected { return .lost(error) }
                    return .settled { continuation.resume(with: result) }
                case .give(let error): return .settled { continuation.resume(throwing: error) }
                }
            }
        }
    }

    /// How the pool is doing, for metrics and readiness.
    package struct Health: Hashable, Sendable {
        /// Connections that are open.
        package var connected = 0
        /// Calls that wait for a connection.
        package var waiting = 0
        /// Calls that run.
        package var running = 0
        /// Calls answered, and calls that failed for the server's absence, since the start.
        package var answered: UInt64 = 0
        package var lost: UInt64 = 0
        /// Calls that were refused because the queue was full, the breaker open, or the time was up.
        package var refused: UInt64 = 0
        package var breaker = CircuitBreaker.State.closed
    }

    package var health: Health { core.health }

    /// Refuses all calls from now on, also those that wait, and returns when those that run have ended. Not for the
    /// cooperative pool. Call it once.
    package func close() {
        core.close()
        for thread in threads { thread.join() }
    }
}

/// Why a pool did not run a call.
package enum PostgresPoolError: Error, Hashable, Sendable {
    /// As many calls wait as may.
    case overloaded
    /// The server is away: it could not be reached, or the breaker is open after that.
    case unavailable
    /// The call's time was up while it waited.
    case late
    /// The pool was closed.
    case closed
}
