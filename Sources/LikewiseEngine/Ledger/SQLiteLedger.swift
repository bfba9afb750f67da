// The ledger in an SQLite file: one connection that writes, and one for each reader.
//
// The write-ahead log lets readers go on while a transaction is written, and with `synchronous = FULL` a commit is on
// stable storage when it returns. What was measured, and what was rejected: docs/decisions/0003-sqlite-ledger.md.

import GRDB
import LikewiseCore

/// The embedded ledger. Callers on several threads are served one by one; each reader has a connection of its own.
package final class SQLiteLedger: Ledger {
    /// The file. SQLite keeps `-wal` and `-shm` beside it while the ledger is open.
    package let path: String
    private let readerCacheBytes: Int
    private let connection: LedgerConnection

    /// Opens the ledger at `path`, and creates it where there is none (its folder must exist).
    ///
    /// `cacheBytes` bounds the pages that the writer keeps, `readerCacheBytes` those of each reader. At `pageLimit`
    /// pages of 8 KiB, if given, the ledger counts as full. Throws `.unusable` for a file that is damaged, not a
    /// ledger, or from a newer version.
    package init(
        path: String, cacheBytes: Int = 256 << 20, readerCacheBytes: Int = 64 << 20, pageLimit: Int? = nil
    ) throws(LedgerError) {
        self.path = path
        self.readerCacheBytes = readerCacheBytes
        connection = try LedgerConnection(path: path, access: .write(pageLimit: pageLimit), cacheBytes: cacheBytes)
    }

    package func apply(_ batches: [LedgerBatch]) throws(LedgerError) {
        for batch in batches { try batch.check() }
        try connection.write { (db) throws(LedgerError) in
            let merge = try SQLiteLedgerMerge(connection, db)
            for batch in batches { try merge.take(batch) }
        }
    }

    package func makeReader() throws(LedgerError) -> any LedgerReader {
        try SQLiteLedgerReader(path: path, cacheBytes: readerCacheBytes)
    }

    package func setReactions(_ names: [String]) throws(LedgerError) {
        try connection.write { (db) throws(LedgerError) in
            let known = try SQLiteLedgerReader.names(connection.statement(SQLiteLedgerReader.selectNames, db))
            guard names.starts(with: known) else {
                throw .failed("the ledger knows the reactions \(known), which \(names) does not go on from")
            }
            let add = try connection.statement("INSERT INTO reactions (code, name) VALUES (?1, ?2)", db)
            for (i, name) in names.enumerated().dropFirst(known.count) {
                try add.bind(1, Int64(i + 1))
                try add.bind(2, text: Array(name.utf8))
                try add.run()
            }
        }
    }

    package func save(_ trends: [TrendBucket]) throws(LedgerError) {
        try connection.write { (db) throws(LedgerError) in
            let merge = try SQLiteLedgerMerge(connection, db)
            for bucket in trends { try merge.take(bucket) }
        }
    }

    package func releaseMemory() {
        connection.releaseMemory()
    }

    package func purge(limit: Int) throws(LedgerError) -> Bool {
        precondition(limit > 0, "purging \(limit) registers would never come to an end")
        return try connection.write { (db) throws(LedgerError) in
            let oldest = try connection.statement("SELECT content FROM garbage ORDER BY content LIMIT 1", db)
            let remove = try connection.statement(
                """
                DELETE FROM registers WHERE content = ?1 AND user_id IN
                (SELECT user_id FROM registers WHERE content = ?1 ORDER BY user_id LIMIT ?2)
                """, db)
            let remaining = try connection.statement("SELECT 1 FROM registers WHERE content = ?1 LIMIT 1", db)
            let forget = try connection.statement("DELETE FROM garbage WHERE content = ?1", db)
            var left = limit
            while let content = try oldest.firstInteger() {
                if left <= 0 { return true }
                try remove.bind(1, content)
                try remove.bind(2, Int64(left))
                let removed = try remove.run()
                try remaining.bind(1, content)
                if try remaining.firstInteger() == nil {
                    try forget.bind(1, content)
                    try forget.run()
                }
                // A content without registers costs one too, so that the call is bounded by its limit.
                left -= max(removed, 1)
            }
            return false
        }
    }
}
