// A connection to a ledger's file, and the statements that run on it.
//
// GRDB opens the connection, keeps it on a queue of its own, migrates the schema and runs the transactions. Statements
// that run once a register are prepared by GRDB but bound and stepped through SQLite's C interface, because one
// `Row` or `StatementArguments` a register costs more than the register.

import CSQLiteVFS
import GRDB
import GRDBSQLite
import Glibc

/// A connection to a ledger's file; callers on several threads are served one by one.
final class LedgerConnection: Sendable {
    /// What a connection is for.
    enum Access {
        /// Creates the file, brings the schema up to date and writes. At `pageLimit` pages the ledger counts as full.
        case write(pageLimit: Int?)
        case read
    }

    let path: String
    private let queue: DatabaseQueue

    /// Bytes a page. With 4,096, large transactions are a tenth to a third slower.
    static let pageBytes = 8_192
    /// Pages in the write-ahead log at which it is copied into the ledger (128 MiB): the fewer the copies, the more
    /// often a page that changed several times in between is written once.
    static let checkpointPages = 16_384

    /// Bytes that the ledger's files get before they are synced: what a log record's sync may have to wait behind.
    static let pieceBytes: Int32 = 2 << 20

    init(path: String, access: Access, cacheBytes: Int) throws(LedgerError) {
        precondition(cacheBytes >= 0, "a cache cannot have \(cacheBytes) bytes")
        self.path = path
        let installed = likewise_smooth_sqlite_writes(Self.pieceBytes)
        guard installed == SQLITE_OK else { throw .failed("SQLite did not start: error \(installed)") }
        var configuration = Configuration()
        configuration.label = "ledger"
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 1
        let pragmas: String
        switch access {
        case .read:
            configuration.readonly = true
            pragmas = ""
        case .write(let pageLimit):
            // FULL: what is committed is on stable storage, not only in the write-ahead log's file.
            pragmas = """
                PRAGMA page_size = \(Self.pageBytes);
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = FULL;
                PRAGMA wal_autocheckpoint = \(Self.checkpointPages);
                PRAGMA journal_size_limit = \(Self.checkpointPages * Self.pageBytes * 2);
                \(pageLimit.map { "PRAGMA max_page_count = \($0);" } ?? "")
                """
        }
        let readOnly = configuration.readonly
        configuration.prepareDatabase { db in
            try SQLiteLedgerSchema.check(db, path: path, readOnly: readOnly)
            try db.execute(
                sql: pragmas + "PRAGMA cache_size = -\(max(cacheBytes / 1_024, 64)); PRAGMA temp_store = MEMORY;")
        }
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            if !readOnly { try SQLiteLedgerSchema.migrator.migrate(queue) }
        } catch {
            throw Self.ledgerError(error, path: path, connection: nil)
        }
    }

    /// Runs `body` on the connection's queue, outside of any transaction.
    func use<T>(_ body: (Database) throws(LedgerError) -> T) throws(LedgerError) -> T {
        let result: Result<T, LedgerError> = queue.unsafeRead { db in
            Result { () throws(LedgerError) in try body(db) }
        }
        return try result.get()
    }

    /// Empties the cache of pages.
    func releaseMemory() {
        queue.unsafeRead { db in _ = sqlite3_db_release_memory(db.sqliteConnection) }
    }

    /// Runs `body` in one transaction: durable on return, undone when anything throws.
    func write<T>(_ body: (Database) throws(LedgerError) -> T) throws(LedgerError) -> T {
        try transaction(.immediate, body)
    }

    /// Runs `body`, whose statements all see the ledger as it was at the first of them.
    func snapshot<T>(_ body: (Database) throws(LedgerError) -> T) throws(LedgerError) -> T {
        try transaction(.deferred, body)
    }

    private func transaction<T>(
        _ kind: Database.TransactionKind, _ body: (Database) throws(LedgerError) -> T
    ) throws(LedgerError) -> T {
        try use { (db) throws(LedgerError) in
            var result: Result<T, LedgerError>?
            do {
                try db.inTransaction(kind) {
                    let outcome = Result { () throws(LedgerError) in try body(db) }
                    result = outcome
                    _ = try outcome.get()
                    return .commit
                }
            } catch {
                throw Self.ledgerError(error, path: path, connection: db.sqliteConnection)
            }
            guard let result else { throw .failed("the ledger's transaction did not run") }
            return try result.get()
        }
    }

    /// The statement `sql`, prepared at its first use and kept.
    func statement(_ sql: String, _ db: Database) throws(LedgerError) -> LedgerStatement {
        do {
            let statement = try db.cachedStatement(sql: sql)
            return LedgerStatement(statement: statement, handle: statement.sqliteStatement, path: path)
        } catch {
            throw Self.ledgerError(error, path: path, connection: db.sqliteConnection)
        }
    }

    /// Runs `sql`, which is rare enough to be parsed each time.
    func execute(_ sql: String, _ db: Database) throws(LedgerError) {
        do {
            try db.execute(sql: sql)
        } catch {
            throw Self.ledgerError(error, path: path, connection: db.sqliteConnection)
        }
    }

    private static func ledgerError(_ error: any Error, path: String, connection: OpaquePointer?) -> LedgerError {
        if let error = error as? LedgerError { return error }
        guard let error = error as? DatabaseError else { return .failed("the ledger \(path): \(error)") }
        return LedgerError(
            code: error.extendedResultCode.rawValue, message: error.message ?? "no message",
            systemError: connection.map { sqlite3_system_errno($0) } ?? 0, path: path)
    }
}

extension LedgerError {
    /// What SQLite's result `code` means for the ledger at `path`.
    init(code: CInt, message: String, systemError: CInt, path: String) {
        switch code & 0xff {
        case SQLITE_FULL:
            self = .full
        case SQLITE_IOERR where systemError == ENOSPC || systemError == EDQUOT:
            self = .full
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            self = .damaged(path, message)
        case SQLITE_CANTOPEN:
            self = .unusable("cannot open the ledger \(path): check that its folder exists and may be written to")
        default:
            self = .failed("the ledger \(path): \(message) (SQLite code \(code))")
        }
    }

    /// The ledger at `path` holds what no ledger can hold.
    static func damaged(_ path: String, _ what: String) -> LedgerError {
        .unusable(
            """
            the ledger \(path) is damaged (\(what)): stop the server and rebuild the ledger from the log with \
            `likewise replay --data-dir D --into E`
            """)
    }
}
