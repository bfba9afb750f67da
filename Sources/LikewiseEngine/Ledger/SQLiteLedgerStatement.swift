import GRDB
import GRDBSQLite
import LikewiseCore

/// A prepared statement, bound and stepped through SQLite's C interface. To be used on its connection's queue only,
/// and to be reset after every use: a statement that is not holds a snapshot open.
struct LedgerStatement {
    /// Keeps the handle alive.
    let statement: Statement
    let handle: OpaquePointer
    let path: String

    /// Makes SQLite take a copy of what is bound.
    private static var transient: sqlite3_destructor_type {
        unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }

    // MARK: Parameters, from 1

    @inline(__always)
    func bind(_ index: CInt, _ value: Int64) throws(LedgerError) {
        try check(sqlite3_bind_int64(handle, index, value))
    }

    /// Binds text that stays where it is until the statement is reset or bound anew.
    @inline(__always)
    func bind(_ index: CInt, borrowing text: UnsafeRawBufferPointer) throws(LedgerError) {
        guard let base = text.baseAddress else { return try bind(index, text: []) }
        try check(
            sqlite3_bind_text(handle, index, base.assumingMemoryBound(to: CChar.self), CInt(text.count), nil))
    }

    /// Binds a copy of `text`.
    func bind(_ index: CInt, text: [UInt8]) throws(LedgerError) {
        let code = text.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return sqlite3_bind_text(handle, index, "", 0, Self.transient) }
            return sqlite3_bind_text(
                handle, index, base.assumingMemoryBound(to: CChar.self), CInt(bytes.count), Self.transient)
        }
        try check(code)
    }

    /// Binds a copy of `blob`.
    func bind(_ index: CInt, blob: [UInt8]) throws(LedgerError) {
        let code = blob.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return sqlite3_bind_zeroblob(handle, index, 0) }
            return sqlite3_bind_blob(handle, index, base, CInt(bytes.count), Self.transient)
        }
        try check(code)
    }

    // MARK: Running

    /// Goes to the next row; false where there are no more.
    @inline(__always)
    func step() throws(LedgerError) -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        if code == SQLITE_DONE { return false }
        throw failure(code)
    }

    /// Runs a statement that gives no rows; answers how many it changed.
    @inline(__always)
    @discardableResult
    func run() throws(LedgerError) -> Int {
        defer { reset() }
        _ = try step()
        return Int(sqlite3_changes(sqlite3_db_handle(handle)))
    }

    /// Ends the present run. What went wrong in it was thrown by `step`.
    @inline(__always)
    func reset() {
        sqlite3_reset(handle)
    }

    /// The number given to the row that was inserted last on this connection.
    var lastInserted: Int64 { sqlite3_last_insert_rowid(sqlite3_db_handle(handle)) }

    // MARK: Columns, from 0

    @inline(__always)
    func int(_ column: CInt) -> Int64 { sqlite3_column_int64(handle, column) }

    /// A column that holds no negative number.
    @inline(__always)
    func unsigned(_ column: CInt) throws(LedgerError) -> UInt64 {
        let value = int(column)
        guard value >= 0 else { throw .damaged(path, "\(name(column)) is \(value)") }
        return UInt64(value)
    }

    @inline(__always)
    func small<T: FixedWidthInteger & UnsignedInteger>(_ column: CInt, as type: T.Type) throws(LedgerError) -> T {
        guard let value = T(exactly: int(column)) else { throw .damaged(path, "\(name(column)) is \(int(column))") }
        return value
    }

    @inline(__always)
    func reaction(_ column: CInt) throws(LedgerError) -> Reaction {
        let code = int(column)
        guard let reaction = UInt8(exactly: code).map(Reaction.init), reaction.isSound else {
            throw .damaged(path, "a reaction has code \(code)")
        }
        return reaction
    }

    /// The columns reading, region, reaction, from `first` on.
    @inline(__always)
    func register(_ first: CInt) throws(LedgerError) -> Register {
        Register(version: try version(first), reaction: try reaction(first + 2))
    }

    /// The columns reading, region, from `first` on.
    @inline(__always)
    func version(_ first: CInt) throws(LedgerError) -> Version {
        Version(reading: try unsigned(first), region: try small(first + 1, as: UInt16.self))
    }

    /// A text, valid until the next step or reset.
    @inline(__always)
    func text(_ column: CInt) -> UnsafeRawBufferPointer {
        let base = sqlite3_column_text(handle, column)
        return UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(handle, column)))
    }

    /// A copy of a text.
    func textBytes(_ column: CInt) -> [UInt8] { Array(text(column)) }

    /// A copy of a blob.
    func blobBytes(_ column: CInt) -> [UInt8] {
        let base = sqlite3_column_blob(handle, column)
        return Array(UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(handle, column))))
    }

    private func name(_ column: CInt) -> String {
        sqlite3_column_name(handle, column).map { String(cString: $0) } ?? "a column"
    }

    // MARK: Failing

    @inline(__always)
    private func check(_ code: CInt) throws(LedgerError) {
        if code != SQLITE_OK { throw failure(code) }
    }

    @inline(never)
    private func failure(_ code: CInt) -> LedgerError {
        let connection = sqlite3_db_handle(handle)
        return LedgerError(
            code: code, message: sqlite3_errmsg(connection).map { String(cString: $0) } ?? "no message",
            systemError: sqlite3_system_errno(connection), path: path)
    }
}

extension LedgerStatement {
    /// The first column of the first row, or nil where there is none.
    func firstInteger() throws(LedgerError) -> Int64? {
        defer { reset() }
        return try step() ? int(0) : nil
    }
}
