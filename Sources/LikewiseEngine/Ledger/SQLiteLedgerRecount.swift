// Counts every register again and compares with every tally: what `likewise verify` does.
//
// Registers, tallies, contents and garbage are all kept in the order of the content's number, so that one walk along
// the four of them, side by side, needs no memory but the counters of one content.

import LikewiseCore

extension SQLiteLedger {
    /// Counts all registers of this ledger as they were when the call began. `progress` is called with the number of
    /// registers counted so far, now and then.
    package func recount(progress: (UInt64) -> Void = { _ in }) throws(LedgerError) -> RecountResult {
        try Self.recount(path: path, progress: progress)
    }

    /// The same for the ledger at `path`, which is only read. It may be in use; while the count goes on, its
    /// write-ahead log cannot be shortened.
    package static func recount(
        path: String, progress: (UInt64) -> Void = { _ in }
    ) throws(LedgerError) -> RecountResult {
        let connection = try LedgerConnection(path: path, access: .read, cacheBytes: 16 << 20)
        return try connection.snapshot { (db) throws(LedgerError) in
            var walk = try RecountWalk(
                contents: Walk(connection.statement("SELECT id, content_id FROM contents ORDER BY id", db)),
                garbage: Walk(connection.statement("SELECT content FROM garbage ORDER BY content", db)),
                registers: Walk(
                    connection.statement("SELECT content, reaction FROM registers ORDER BY content, user_id", db)),
                tallies: Walk(
                    connection.statement(
                        "SELECT content, reaction, count FROM tallies ORDER BY content, reaction", db)))
            defer { walk.end() }
            return try walk.run(progress)
        }
    }
}

extension SQLiteLedger {
    /// The sum of all tallies of the ledger at `path`, which is only read.
    static func talliedRegisters(path: String) throws(LedgerError) -> UInt64 {
        let connection = try LedgerConnection(path: path, access: .read, cacheBytes: 1 << 20)
        return try connection.snapshot { (db) throws(LedgerError) in
            let sum = try connection.statement("SELECT coalesce(sum(count), 0) FROM tallies", db)
            defer { sum.reset() }
            return try sum.step() ? sum.unsigned(0) : 0
        }
    }
}

/// A statement whose first column goes upwards, and where it stands.
private struct Walk {
    let statement: LedgerStatement
    /// The first column of the present row, or nil behind the last one.
    private(set) var key: Int64?

    init(_ statement: LedgerStatement) throws(LedgerError) {
        self.statement = statement
        try next()
    }

    @inline(__always)
    mutating func next() throws(LedgerError) {
        key = try statement.step() ? statement.int(0) : nil
    }
}

private struct RecountWalk {
    var contents, garbage, registers, tallies: Walk

    /// Counts content by content, upwards from the lowest number that any of the four knows.
    mutating func run(_ progress: (UInt64) -> Void) throws(LedgerError) -> RecountResult {
        var result = RecountResult()
        var read: UInt64 = 0
        while let key = [contents.key, garbage.key, registers.key, tallies.key].compactMap({ $0 }).min() {
            var counts = [UInt64](repeating: 0, count: RecountResult.places)
            var told = counts
            while registers.key == key {
                counts[RecountResult.place(of: try registers.statement.reaction(1))] += 1
                read += 1
                if read.isMultiple(of: 1 << 17) { progress(read) }
                try registers.next()
            }
            while tallies.key == key {
                told[RecountResult.place(of: try tallies.statement.reaction(1))] = try tallies.statement.unsigned(2)
                try tallies.next()
            }
            if garbage.key == key {
                try garbage.next()
            } else {
                var content: [UInt8]?
                if contents.key == key {
                    content = contents.statement.textBytes(1)
                    result.contents += 1
                    try contents.next()
                }
                result.add(counts)
                result.compare(counts, told, of: key, content: content)
            }
        }
        progress(read)
        return result
    }

    func end() {
        for walk in [contents, garbage, registers, tallies] { walk.statement.reset() }
    }
}
