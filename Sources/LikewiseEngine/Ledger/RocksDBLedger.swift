// The ledger in a folder of RocksDB's: a large transaction is one sorted file that the store takes in whole.
//
// All there is lies in one sorted map (`LedgerKey` says how), so that one file holds a whole transaction: registers,
// both lists, tallies, and the position in the log. What was measured, and what was rejected:
// docs/decisions/0007-ledger-store.md.

import LikewiseCore
import Synchronization

/// The embedded ledger for many likes. Callers on several threads are served one by one; readers do not wait.
package final class RocksDBLedger: Ledger {
    /// The folder.
    package var path: String { store.path }
    let store: RocksDBStore
    private let fileLimit: UInt64?
    private let writing: Mutex<WriterState>

    /// What the writer keeps between transactions, to spare itself work.
    struct WriterState: Sendable {
        /// Milliseconds since 1970: no answer that is held expires before.
        var firstExpiry: UInt64 = 0
    }

    static let format: UInt64 = 1
    /// From the first like on that is held back, which a version before cannot read: it says that the ledger is newer.
    static let formatWithHeld: UInt64 = 2
    /// Bytes of small commits kept in memory until they are written as a file.
    static let memtableBytes = 8 << 20

    /// Opens the ledger in the folder `path`, and creates it where there is none (the folder above must exist).
    ///
    /// `cacheBytes` bounds the blocks, indexes and filters kept in memory, for the writer and all readers together. At
    /// `fileLimit` bytes, if given, the ledger counts as full. Throws `.unusable` for a folder that is damaged, not a
    /// ledger, or from a newer version.
    package init(path: String, cacheBytes: Int = 256 << 20, fileLimit: UInt64? = nil) throws(LedgerError) {
        store = try RocksDBStore(
            path: path, access: .write(memtableBytes: Self.memtableBytes), cacheBytes: cacheBytes)
        self.fileLimit = fileLimit
        writing = Mutex(WriterState())
        guard try !Self.check(store) else { return }
        let batch = RocksDBStore.Batch()
        var value = LedgerKey()
        value.setNumber(Self.format)
        batch.put(LedgerKey.of(.single, LedgerKey.format), value)
        try store.commit(batch)
    }

    /// Whether the store is a ledger already (or else empty); throws where it is neither.
    static func check(_ store: RocksDBStore) throws(LedgerError) -> Bool {
        let key = LedgerKey.of(.single, LedgerKey.format)
        guard let held = try store.value(of: key, { LedgerBytes.number($0) ?? .max }) else {
            let snapshot = store.snapshot()
            var first = LedgerKey()
            first.append(0 as UInt8)
            var last = LedgerKey()
            last.append(UInt8.max)
            guard try !store.walk(from: first, below: last, at: snapshot).isOnKey() else {
                throw .unusable(
                    "\(store.path) is not a ledger of Likewise: name another data directory, or move the folder away")
            }
            return false
        }
        guard held <= formatWithHeld else {
            throw .unusable(
                """
                the ledger \(store.path) was written by a newer version of Likewise: run that version or a later one, \
                or rebuild the ledger for this one with `likewise replay --data-dir D --into E`
                """)
        }
        return true
    }

    package func apply(_ batches: [LedgerBatch]) throws(LedgerError) {
        for batch in batches { try batch.check() }
        try transaction { (state) throws(LedgerError) in
            let merge = RocksDBLedgerMerge(store, batches)
            for batch in batches { try merge.take(batch) }
            try merge.finish(&state)
            return merge
        }
    }

    package func makeReader() throws(LedgerError) -> any LedgerReader { RocksDBLedgerReader(store) }

    package func setReactions(_ names: [String]) throws(LedgerError) {
        try transaction { (_) throws(LedgerError) in
            let known = try RocksDBLedgerReader(store).reactions()
            guard names.starts(with: known) else {
                throw .failed("the ledger knows the reactions \(known), which \(names) does not go on from")
            }
            let merge = RocksDBLedgerMerge(store, [])
            merge.put(LedgerKey.of(.single, LedgerKey.reactionNames), Array(names.joined(separator: "\n").utf8))
            return merge
        }
    }

    package func save(_ trends: [TrendBucket]) throws(LedgerError) {
        try transaction { (_) throws(LedgerError) in
            let merge = RocksDBLedgerMerge(store, [])
            for bucket in trends { merge.take(bucket) }
            merge.putTrends()
            return merge
        }
    }

    package func purge(limit: Int) throws(LedgerError) -> Bool {
        precondition(limit > 0, "purging \(limit) registers would never come to an end")
        var isMore = false
        try transaction { (_) throws(LedgerError) in
            let merge = RocksDBLedgerMerge(store, [])
            isMore = try merge.purge(limit: limit)
            return merge
        }
        return isMore
    }

    /// Runs `body` when no other transaction runs, and commits what it gathered.
    private func transaction(
        _ body: (inout WriterState) throws(LedgerError) -> RocksDBLedgerMerge
    ) throws(LedgerError) {
        let result: Result<Void, LedgerError> = writing.withLock { state in
            Result { () throws(LedgerError) in
                var changed = state
                let merge = try body(&changed)
                if let fileLimit, store.fileBytes + UInt64(merge.batch.bytes) > fileLimit { throw .full }
                try store.commit(merge.batch)
                state = changed
            }
        }
        try result.get()
    }
}
