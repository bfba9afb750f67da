import LikewiseEngine

/// A server of the ledger for the one who moves contents: a connection, which also keeps all others from moving any.
final class RebalanceServer {
    /// Its place in the cluster's file.
    let number: Int
    let connection: PostgresConnection

    /// How long a transaction that takes part in merging waits for those under way, while those behind it wait for it.
    private static let lockTimeout: Duration = .seconds(5)
    /// After this the server gives up a transaction that holds its writers up and says nothing more.
    private static let idleTimeout: Duration = .seconds(60)
    /// How often the lock is tried for.
    private static let lockAttempts = 60
    /// How often it is asked whether another one who moved contents is gone: his connections may live on for a moment.
    private static let soloAttempts = 20

    /// Connects. Throws `.unusable` where the tables are of another version, or somebody else moves contents.
    init(_ number: Int, _ options: PostgresOptions) throws {
        self.number = number
        connection = try PostgresConnection(options, for: .moving)
        if let problem = try PostgresSchema.problem(connection) { throw problem }
        var pause = Backoff(first: .milliseconds(20), most: .milliseconds(500))
        for _ in 0..<Self.soloAttempts {
            if try connection.run(RebalanceStatements.lockMoves()).flag(0, 0) { return }
            pause.rest()
        }
        throw LedgerError.unusable("another `likewise rebalance` is at work: let it end, or stop it")
    }

    func row() throws -> PlacementRow { PlacementRow(try connection.run(PlacementRow.find())) }

    /// Runs `body` in a transaction; commits, durably.
    func transaction<T>(_ begin: String = "BEGIN", _ body: (PostgresConnection) throws -> T) throws -> T {
        try connection.execute(begin)
        do {
            let result = try body(connection)
            try connection.execute("COMMIT")
            return result
        } catch {
            rollBack()
            throw error
        }
    }

    /// Begins a transaction that has the server to itself: nobody merges until it ends.
    func beginAlone() throws {
        for attempt in 1...Self.lockAttempts {
            try connection.execute(
                """
                BEGIN; SET LOCAL lock_timeout = \(Self.lockTimeout.timeoutMilliseconds);
                SET LOCAL idle_in_transaction_session_timeout = \(Self.idleTimeout.timeoutMilliseconds)
                """)
            do throws(PostgresError) {
                _ = try connection.run(PostgresMerge.lockAlone())
                return
            } catch {
                rollBack()
                guard error.kind == .refused(state: "55P03"), attempt < Self.lockAttempts else { throw error }
            }
        }
    }

    /// Ends the transaction; the connection goes where that fails, and the transaction with it.
    func rollBack() {
        guard connection.isOpen else { return }
        do throws(PostgresError) { try connection.execute("ROLLBACK") } catch { connection.close() }
    }

    /// Removes what is left of contents that are gone from here, in portions of `limit` registers.
    func purge(limit: Int) throws {
        while try PostgresLedger.purge(connection, .int8(Int64(limit))) {}
    }
}
