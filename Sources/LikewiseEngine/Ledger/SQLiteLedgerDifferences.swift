import GRDB
import LikewiseCore

extension SQLiteLedger {
    /// Calls `body` with the ledger at `path`, which is only read, as it is now.
    static func compared<T>(
        _ path: String, _ body: (any ComparedLedger) throws(LedgerError) -> T
    ) throws(LedgerError) -> T {
        let connection = try LedgerConnection(path: path, access: .read, cacheBytes: 16 << 20)
        return try connection.snapshot { (db) throws(LedgerError) in try body(ComparedSQLite(connection, db)) }
    }
}

/// The statements that walk along the ledger.
private struct ComparedSQLite: ComparedLedger {
    private let contentRows, registerRows, tallyRows: LedgerStatement

    init(_ connection: LedgerConnection, _ db: Database) throws(LedgerError) {
        contentRows = try connection.statement(
            """
            SELECT content_id, content_type, visibility, registered, deleted_reading, deleted_region, id
            FROM contents ORDER BY content_id
            """, db)
        registerRows = try connection.statement(
            "SELECT user_id, reading, region, reaction FROM registers WHERE content = ?1 ORDER BY user_id", db)
        tallyRows = try connection.statement(
            "SELECT reaction, count FROM tallies WHERE content = ?1 AND count > 0 ORDER BY reaction", db)
    }

    func contents() -> any LedgerCursor {
        Cursor(statement: contentRows, numberColumn: 6) { row in
            let description = ContentDescription(
                type: row.textBytes(1), visibility: .init(rawValue: UInt8(clamping: row.int(2))) ?? .public,
                registered: row.int(3) != 0)
            return ComparedWords.content(
                description,
                deleted: Version(reading: UInt64(clamping: row.int(4)), region: UInt16(clamping: row.int(5))))
        }
    }

    func registers(of number: Int64) throws(LedgerError) -> any LedgerCursor {
        try registerRows.bind(1, number)
        return Cursor(statement: registerRows) { row in
            ComparedWords.register(
                Register(
                    version: Version(reading: UInt64(clamping: row.int(1)), region: UInt16(clamping: row.int(2))),
                    reaction: Reaction(rawValue: UInt8(clamping: row.int(3)))))
        }
    }

    func tallies(of number: Int64) throws(LedgerError) -> any LedgerCursor {
        try tallyRows.bind(1, number)
        return Cursor(statement: tallyRows, isCode: true) { ComparedWords.tally(UInt64(clamping: $0.int(1))) }
    }

    private struct Cursor: LedgerCursor {
        let statement: LedgerStatement
        var numberColumn: CInt = 0
        var isCode = false
        let say: (LedgerStatement) -> String

        func step() throws(LedgerError) -> Bool { try statement.step() }
        var id: [UInt8] { isCode ? [UInt8(clamping: statement.int(0))] : statement.textBytes(0) }
        var number: Int64 { statement.int(numberColumn) }
        var words: String { say(statement) }
        func end() { statement.reset() }
    }
}
