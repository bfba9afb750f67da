import LikewiseEngine
import Logging

/// The connection that writes, opened when it is needed, and what goes with it. For one thread at a time.
final class PostgresWriter {
    let memory: PostgresContentMemory
    private let options: PostgresOptions
    private let logger: Logger
    private var connection: PostgresConnection?
    private var backoff = Backoff(first: .milliseconds(20), most: .seconds(1))
    /// What the schema's check found on the last connection that was opened.
    private var unusable: LedgerError?
    private var wasOpened = false
    /// Whether a connection was lost since the last call that has to know.
    private var hasLoss = false

    init(_ options: PostgresOptions, _ memory: PostgresContentMemory, logger: Logger) {
        self.options = options
        self.logger = logger
        self.memory = memory
    }

    /// Runs a transaction, and again where that may help: after a deadlock, on a new connection after a loss. Where not
    /// `overLoss`, a loss since the last such call is thrown instead, once there is a new connection.
    func perform<T>(
        _ name: String, overLoss: Bool = true, _ body: (PostgresConnection) throws(PostgresError) -> T
    ) throws(LedgerError) -> T {
        var attempt = 1
        while true {
            do throws(PostgresError) {
                let connection = try opened()
                if !overLoss, hasLoss {
                    hasLoss = false
                    throw PostgresError(.reopened, "the connection was lost, and opened again")
                }
                let result = try roundedOff(connection, body)
                backoff.reset()
                return result
            } catch {
                let isExpected = error.isWorthRepeating || error.ledgerError == .moved
                logger.log(
                    level: isExpected ? .info : .warning, "the ledger's server failed us",
                    metadata: ["call": "\(name)", "attempt": "\(attempt)", "words": "\(error.words)"])
                if let problem = unusable { throw problem }
                guard error.isWorthRepeating, attempt < options.attempts else { throw error.ledgerError }
            }
            attempt += 1
            backoff.rest()
        }
    }

    private func opened() throws(PostgresError) -> PostgresConnection {
        if let connection, connection.isOpen { return connection }
        connection = nil
        unusable = nil
        hasLoss = wasOpened
        memory.forget()
        let opened = try PostgresConnection(options, for: .writing)
        unusable = try PostgresSchema.problem(opened)
        if unusable != nil { throw PostgresError(.refused(state: "0A000"), "the schema is of another version") }
        // The server may have fewer transactions than it had: what is written from now on is ordered behind what was read.
        try opened.run([PostgresSchema.renewOrder()])
        wasOpened = true
        connection = opened
        return opened
    }

    /// Runs `body`, and ends the transaction that it leaves where it fails.
    private func roundedOff<T>(
        _ connection: PostgresConnection, _ body: (PostgresConnection) throws(PostgresError) -> T
    ) throws(PostgresError) -> T {
        do throws(PostgresError) { return try body(connection) } catch let failure {
            guard connection.isOpen else { throw failure }
            do throws(PostgresError) { try connection.execute("ROLLBACK") } catch {
                // The connection goes, and with it the transaction; what failed first says more.
                connection.close()
                logger.info("a transaction was not rolled back but given up", metadata: ["words": "\(error.words)"])
            }
            throw failure
        }
    }
}
