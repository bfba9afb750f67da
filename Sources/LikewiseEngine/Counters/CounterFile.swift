// The file in which counters lie: `counters.sqlite` in the data folder, a row for each counter and region (`PNCounter`).
//
// They are not in the event log: what is counted has no register to be rebuilt from, and a row that is raised in one
// transaction says all there is to say. Only one thread uses the file.

import GRDB
import LikewiseCore

final class CounterFile {
    private let queue: DatabaseQueue
    private let region: UInt16
    private let path: String
    /// Counters that there are, of all regions.
    private(set) var count = 0

    /// "LWCO": how the file says whose it is.
    private static let applicationID: Int64 = 0x4c57_434f

    private static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v1") { db in
            try db.execute(
                sql: """
                    PRAGMA application_id = \(applicationID);
                    CREATE TABLE counters (
                        space TEXT NOT NULL,
                        page TEXT NOT NULL,
                        mark TEXT NOT NULL,
                        region INTEGER NOT NULL,
                        gained INTEGER NOT NULL CHECK (gained >= 0),
                        lost INTEGER NOT NULL DEFAULT 0 CHECK (lost >= 0),
                        PRIMARY KEY (space, page, mark, region)
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
        return migrator
    }()

    /// Opens the file in `directory`, or makes it. Throws what says what to do.
    init(in directory: String, region: UInt16) throws(LedgerError) {
        path = directory + "/counters.sqlite"
        self.region = region
        var configuration = Configuration()
        configuration.label = "counters"
        configuration.foreignKeysEnabled = false
        let path = path
        configuration.prepareDatabase { db in
            let application = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
            let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            if application != CounterFile.applicationID, application != 0 || tables != 0 {
                throw LedgerError.unusable("\(path) does not hold counters of Likewise: move the file away")
            }
            if try CounterFile.migrator.hasBeenSuperseded(db) {
                throw LedgerError.unusable(
                    "\(path) was written by a newer version of Likewise: run that version or a later one")
            }
            try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;")
        }
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try CounterFile.migrator.migrate(queue)
            count =
                try queue.read { db in
                    try Int.fetchOne(db, sql: "SELECT count(*) FROM (SELECT DISTINCT space, page, mark FROM counters)")
                } ?? 0
        } catch {
            throw CounterFile.told(error, path)
        }
    }

    /// One thing to do in a transaction.
    enum Work {
        case add(UInt64, CounterName)
        case read([[UInt8]], space: String)
    }

    /// Does all of `work` in one transaction, durable on return; for each the pages that were asked for, and nil where a counter
    /// would have been one more than `limit`. Where it throws nothing was done, or, after `failed`, perhaps all.
    func perform(_ work: [Work], limit: Int) throws(LedgerError) -> [[[CounterReading]]?] {
        var added = 0
        do {
            var results: [[[CounterReading]]?] = []
            try queue.writeWithoutTransaction { db in
                try db.inTransaction(.immediate) {
                    results = try work.map { item in
                        switch item {
                        case .add(let count, let name):
                            guard try raise(name, by: count, mayBegin: self.count + added < limit, &added, db) else {
                                return nil
                            }
                            return [try page(name.page, of: name.space, db)]
                        case .read(let pages, let space): return try pages.map { try page($0, of: space, db) }
                        }
                    }
                    return .commit
                }
            }
            count += added
            return results
        } catch {
            throw CounterFile.told(error, path)
        }
    }

    /// Raises this region's entry of a counter; false where it would be a new one and may not.
    private func raise(
        _ name: CounterName, by count: UInt64, mayBegin: Bool, _ added: inout Int, _ db: Database
    ) throws -> Bool {
        let key: [any DatabaseValueConvertible] = [name.space, text(name.page), text(name.mark)]
        let known = try db.cachedStatement(
            sql: "SELECT 1 FROM counters WHERE space = ? AND page = ? AND mark = ? LIMIT 1")
        if try Row.fetchOne(known, arguments: StatementArguments(key)) == nil {
            guard mayBegin else { return false }
            added += 1
        }
        let upsert = try db.cachedStatement(
            sql: """
                INSERT INTO counters (space, page, mark, region, gained) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET gained = min(gained, 9223372036854775807 - excluded.gained) + excluded.gained
                """)
        try upsert.execute(
            arguments: StatementArguments(key + [Int64(region), Int64(clamping: count)]))
        return true
    }

    private func page(_ page: [UInt8], of space: String, _ db: Database) throws -> [CounterReading] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT mark, region, gained, lost FROM counters WHERE space = ? AND page = ? ORDER BY mark, region
                """)
        var readings: [CounterReading] = []
        var counter = PNCounter()
        var mark: [UInt8]?
        func end() {
            if let mark { readings.append(CounterReading(mark: mark, value: counter.value)) }
        }
        let rows = try Row.fetchCursor(statement, arguments: [space, text(page)])
        while let row = try rows.next() {
            let next = Array((row[0] as String).utf8)
            if next != mark {
                end()
                (mark, counter) = (next, PNCounter())
            }
            let (region, gained, lost): (Int64, Int64, Int64) = (row[1], row[2], row[3])
            counter.merge(
                PNCounter([
                    UInt16(clamping: region): PNCounter.Entry(
                        gained: UInt64(clamping: gained), lost: UInt64(clamping: lost))
                ]))
        }
        end()
        return readings
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func told(_ error: any Error, _ path: String) -> LedgerError {
        if let error = error as? LedgerError { return error }
        guard let error = error as? DatabaseError else { return .failed("the counters \(path): \(error)") }
        switch error.resultCode {
        case .SQLITE_FULL: return .full
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            return .unusable("the counters \(path) are damaged: restore the file from a backup, or move it away")
        case .SQLITE_CANTOPEN:
            return .unusable("cannot open the counters \(path): check that the folder exists and may be written to")
        default: return .failed("the counters \(path): \(error)")
        }
    }
}
