import LikewiseCore

extension RocksDBLedger {
    /// Calls `body` with the ledger at `path`, which is only read, as it is now.
    static func compared<T>(
        _ path: String, _ body: (any ComparedLedger) throws(LedgerError) -> T
    ) throws(LedgerError) -> T {
        try body(ComparedRocksDB(store: openToRead(path)))
    }

    /// Opens the store at `path` beside whoever has it open, and sees what was committed by now.
    static func openToRead(_ path: String) throws(LedgerError) -> RocksDBStore {
        let store = try RocksDBStore(path: path, access: .read, cacheBytes: 16 << 20)
        guard try check(store) else {
            throw .unusable("\(path) is empty: start the server once, or fill it with `likewise replay`")
        }
        return store
    }
}

/// A store opened for reading only, which does not change while it is open.
private struct ComparedRocksDB: ComparedLedger {
    let store: RocksDBStore

    func contents() -> any LedgerCursor {
        cursor(from: LedgerKey(.content), below: .behind(.content), idFrom: 1) { value in
            guard let content = LedgerBytes.content(value) else { return nil }
            return (content.key, ComparedWords.content(content.description, deleted: content.deleted))
        }
    }

    func registers(of number: Int64) -> any LedgerCursor {
        cursor(from: LedgerKey.of(.register, number), below: .behind(.register, number), idFrom: 9) { value in
            LedgerBytes.register(value).map { (number, ComparedWords.register($0)) }
        }
    }

    func tallies(of number: Int64) throws(LedgerError) -> any LedgerCursor {
        let id = try store.value(of: LedgerKey.of(.contentID, number)) { Array($0) }
        let found = try id.flatMap { (id) throws(LedgerError) in
            try store.value(of: LedgerKey.of(.content, id)) { LedgerBytes.content($0)?.tally }
        }
        return Counts(found.flatMap { $0 }?.held ?? [])
    }

    private func cursor(
        from: borrowing LedgerKey, below: borrowing LedgerKey, idFrom: Int,
        _ read: @escaping (UnsafeRawBufferPointer) -> (number: Int64, words: String)?
    ) -> any LedgerCursor {
        let snapshot = store.snapshot()
        return Cursor(
            store.walk(from: from, below: below, at: snapshot, scan: true), path: store.path, idFrom: idFrom, read)
    }

    private final class Cursor: LedgerCursor {
        private let walk: RocksDBWalk
        private let path: String
        private let idFrom: Int
        private let read: (UnsafeRawBufferPointer) -> (number: Int64, words: String)?
        private var hasBegun = false
        private var row: (number: Int64, words: String) = (0, "")

        init(
            _ walk: RocksDBWalk, path: String, idFrom: Int,
            _ read: @escaping (UnsafeRawBufferPointer) -> (number: Int64, words: String)?
        ) {
            self.walk = walk
            self.path = path
            self.idFrom = idFrom
            self.read = read
        }

        func step() throws(LedgerError) -> Bool {
            if hasBegun { walk.advance() }
            hasBegun = true
            guard try walk.isOnKey() else { return false }
            guard let row = read(walk.value) else {
                throw .damaged(path, "the record of '\(String(decoding: id, as: UTF8.self))'")
            }
            self.row = row
            return true
        }

        var id: [UInt8] { Array(walk.key.dropFirst(idFrom)) }
        var number: Int64 { row.number }
        var words: String { row.words }
        func end() {}
    }

    private final class Counts: LedgerCursor {
        private let held: [(reaction: Reaction, count: UInt64)]
        private var place = -1

        init(_ held: [(reaction: Reaction, count: UInt64)]) { self.held = held }

        func step() -> Bool {
            place += 1
            return place < held.count
        }

        var id: [UInt8] { [held[place].reaction.rawValue] }
        var number: Int64 { 0 }
        var words: String { ComparedWords.tally(held[place].count) }
        func end() {}
    }
}
