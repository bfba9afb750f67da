// Which ledger a data folder has, and where. `serve`, `verify`, `replay` and `bench` all open ledgers here.

/// A store that a ledger can be kept in.
package enum LedgerKind: String, CaseIterable, Sendable {
    /// Takes large numbers of likes without becoming slower.
    case rocksdb
    /// A file that `sqlite3` reads.
    case sqlite

    /// What the ledger is called in its data folder.
    package var name: String {
        switch self {
        case .rocksdb: "ledger.rocksdb"
        case .sqlite: "ledger.sqlite"
        }
    }
}

/// The embedded ledgers of data folders.
package enum Ledgers {
    /// What the ledger of the folder is kept in; nil where there is none yet. Throws where there are several.
    package static func kind(in directory: String) throws(LedgerError) -> LedgerKind? {
        let names: [String]
        do throws(DiskError) { names = try PosixDisk().list(directory) } catch {
            throw .unusable("cannot look for the ledger in \(directory): \(error)")
        }
        let found = LedgerKind.allCases.filter { names.contains($0.name) }
        guard found.count < 2 else {
            throw .unusable(
                """
                \(directory) has \(found.count) ledgers (\(found.map(\.name).joined(separator: ", "))): move all but the \
                one in use away
                """)
        }
        return found.first
    }

    /// Opens the ledger of the folder, or makes one of `kind` where there is none. `cacheBytes` bounds what it keeps in
    /// memory, `readers` of them counted in.
    package static func open(
        in directory: String, otherwise kind: LedgerKind, cacheBytes: Int = 256 << 20, readers: Int = 4
    ) throws(LedgerError) -> any Ledger {
        let kind = try Self.kind(in: directory) ?? kind
        return try open(kind, path: directory + "/" + kind.name, cacheBytes: cacheBytes, readers: readers)
    }

    /// Opens the ledger of `kind` at `path`, and creates it where there is none.
    package static func open(
        _ kind: LedgerKind, path: String, cacheBytes: Int = 256 << 20, readers: Int = 4
    ) throws(LedgerError) -> any Ledger {
        switch kind {
        case .rocksdb: try RocksDBLedger(path: path, cacheBytes: cacheBytes)
        case .sqlite:
            try SQLiteLedger(
                path: path, cacheBytes: cacheBytes / 2, readerCacheBytes: cacheBytes / 2 / max(1, readers))
        }
    }

    /// Removes the ledger at `path`, a file with what stands beside it or a folder; nothing where there is none.
    package static func remove(_ kind: LedgerKind, path: String, disk: PosixDisk) throws(DiskError) {
        switch kind {
        case .rocksdb:
            for name in try disk.list(path) { try disk.remove(path + "/" + name) }
            try disk.removeDirectory(path)
        case .sqlite:
            let slash = path.lastIndex(of: "/") ?? path.startIndex
            let (folder, name) = (String(path[..<slash]), String(path[path.index(after: slash)...]))
            for beside in try disk.list(folder) where [name, name + "-wal", name + "-shm"].contains(beside) {
                try disk.remove(folder + "/" + beside)
            }
        }
    }

    /// Counts all registers of the folder's ledger and compares them with the tallies. It may be in use.
    package static func recount(
        in directory: String, progress: (UInt64) -> Void = { _ in }
    ) throws(LedgerError) -> RecountResult {
        let (kind, path) = try present(in: directory)
        switch kind {
        case .rocksdb: return try RocksDBLedger.recount(path: path, progress: progress)
        case .sqlite: return try SQLiteLedger.recount(path: path, progress: progress)
        }
    }

    /// About how many registers the folder's ledger has, by its tallies: those that hold no reaction are not in them. nil
    /// where that cannot be had in a moment.
    package static func estimatedRegisters(in directory: String) -> UInt64? {
        guard let (kind, path) = try? present(in: directory) else { return nil }
        switch kind {
        case .rocksdb: return try? RocksDBLedger.talliedRegisters(path: path)
        case .sqlite: return try? SQLiteLedger.talliedRegisters(path: path)
        }
    }

    /// The first `limit` differences between the ledgers of two folders, in contents, registers and tallies. Both are
    /// only read, each as it was when the call began; how far they have come in the log is not compared.
    package static func differences(
        _ first: String, _ second: String, limit: Int
    ) throws(LedgerError) -> [LedgerDifference] {
        let (a, b) = (try present(in: first), try present(in: second))
        return try differences(a, b, limit: limit)
    }

    /// The same for ledgers of a kind at a path.
    package static func differences(
        _ first: (kind: LedgerKind, path: String), _ second: (kind: LedgerKind, path: String), limit: Int
    ) throws(LedgerError) -> [LedgerDifference] {
        try compared(first) { (a) throws(LedgerError) in
            try compared(second) { (b) throws(LedgerError) in
                var comparison = LedgerComparison(first: a, second: b, limit: limit)
                try comparison.run()
                return comparison.found
            }
        }
    }

    private static func compared<T>(
        _ ledger: (kind: LedgerKind, path: String), _ body: (any ComparedLedger) throws(LedgerError) -> T
    ) throws(LedgerError) -> T {
        switch ledger.kind {
        case .rocksdb: try RocksDBLedger.compared(ledger.path, body)
        case .sqlite: try SQLiteLedger.compared(ledger.path, body)
        }
    }

    private static func present(in directory: String) throws(LedgerError) -> (kind: LedgerKind, path: String) {
        guard let kind = try kind(in: directory) else {
            throw .unusable("there is no ledger in \(directory): check --data-dir")
        }
        return (kind, directory + "/" + kind.name)
    }
}
