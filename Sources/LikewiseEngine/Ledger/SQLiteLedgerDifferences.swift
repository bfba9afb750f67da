// Compares two ledgers, for example one that was replayed from the log with the one in use.
//
// The numbers of contents differ from ledger to ledger, so the walk goes by content id, and within each content by
// user id, along both ledgers side by side. Nothing is kept but the row that each side stands on.

import GRDB
package import LikewiseCore

/// Something that two ledgers say differently.
package struct LedgerDifference: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        /// The content itself: known or not, its description, its latest deletion.
        case content
        case register(user: [UInt8])
        case tally(Reaction)
    }

    package var content: [UInt8]
    package var subject: Subject
    /// What the first ledger says; nil where it knows nothing of the subject.
    package var first: String?
    /// What the second ledger says; nil where it knows nothing of the subject.
    package var second: String?
}

extension SQLiteLedger {
    /// The first `limit` differences between the ledgers at `first` and `second`, in contents, registers and tallies.
    /// Both are only read, each as it was when the call began; how far they have come in the log is not compared.
    package static func differences(
        _ first: String, _ second: String, limit: Int
    ) throws(LedgerError) -> [LedgerDifference] {
        let a = try LedgerConnection(path: first, access: .read, cacheBytes: 16 << 20)
        let b = try LedgerConnection(path: second, access: .read, cacheBytes: 16 << 20)
        return try a.snapshot { (aDatabase) throws(LedgerError) in
            try b.snapshot { (bDatabase) throws(LedgerError) in
                var comparison = LedgerComparison(
                    first: try ComparedLedger(a, aDatabase), second: try ComparedLedger(b, bDatabase), limit: limit)
                defer { comparison.end() }
                try comparison.run()
                return comparison.found
            }
        }
    }
}

/// The statements that walk along one of the two ledgers.
private struct ComparedLedger {
    let contents, registers, tallies: LedgerStatement

    init(_ connection: LedgerConnection, _ db: Database) throws(LedgerError) {
        contents = try connection.statement(
            """
            SELECT content_id, id, 'type ''' || content_type || ''', visibility ' || visibility || ', registered '
                || registered || ', deleted at ' || deleted_reading || ' in region ' || deleted_region
            FROM contents ORDER BY content_id
            """, db)
        registers = try connection.statement(
            """
            SELECT user_id, 'reaction ' || reaction || ' at ' || reading || ' in region ' || region
            FROM registers WHERE content = ?1 ORDER BY user_id
            """, db)
        tallies = try connection.statement(
            """
            SELECT char(reaction), 'count ' || count
            FROM tallies WHERE content = ?1 AND count > 0 ORDER BY reaction
            """, db)
    }
}

private struct LedgerComparison {
    let first, second: ComparedLedger
    let limit: Int
    var found: [LedgerDifference] = []

    init(first: ComparedLedger, second: ComparedLedger, limit: Int) {
        self.first = first
        self.second = second
        self.limit = limit
    }

    mutating func run() throws(LedgerError) {
        let (first, second) = (first, second)
        try walk(first.contents, second.contents, value: 2) { (comparison, id, a, b) throws(LedgerError) in
            comparison.report(id, .content, a, b)
            let keys = (a.map { _ in first.contents.int(1) }, b.map { _ in second.contents.int(1) })
            try comparison.compareRows(first.registers, second.registers, of: keys) { (comparison, user, a, b) in
                comparison.report(id, .register(user: user), a, b)
            }
            try comparison.compareRows(first.tallies, second.tallies, of: keys) { (comparison, code, a, b) in
                comparison.report(id, .tally(Reaction(rawValue: code.first ?? 0)), a, b)
            }
        }
    }

    /// Walks along the rows of one content, which has number `keys.0` in the first ledger and `keys.1` in the second.
    private mutating func compareRows(
        _ a: LedgerStatement, _ b: LedgerStatement, of keys: (Int64?, Int64?),
        _ body: (inout LedgerComparison, [UInt8], String?, String?) -> Void
    ) throws(LedgerError) {
        defer {
            a.reset()
            b.reset()
        }
        // Where a ledger does not know the content: a number that none has, so no rows.
        try a.bind(1, keys.0 ?? -1)
        try b.bind(1, keys.1 ?? -1)
        try walk(a, b, value: 1) { (comparison, id, a, b) throws(LedgerError) in body(&comparison, id, a, b) }
    }

    /// Walks along two statements in the order of their first column, and calls `body` for each value of it, with the
    /// column `value` of the side or sides that have it.
    private mutating func walk(
        _ a: LedgerStatement, _ b: LedgerStatement, value: CInt,
        _ body: (inout LedgerComparison, [UInt8], String?, String?) throws(LedgerError) -> Void
    ) throws(LedgerError) {
        var inA = try a.step()
        var inB = try b.step()
        while (inA || inB) && found.count < limit {
            let onlyA = inA && (!inB || a.text(0).lexicographicallyPrecedes(b.text(0)))
            let onlyB = inB && (!inA || b.text(0).lexicographicallyPrecedes(a.text(0)))
            let id = (onlyB ? b : a).textBytes(0)
            let inFirst = onlyB ? nil : String(decoding: a.text(value), as: UTF8.self)
            let inSecond = onlyA ? nil : String(decoding: b.text(value), as: UTF8.self)
            try body(&self, id, inFirst, inSecond)
            if !onlyB { inA = try a.step() }
            if !onlyA { inB = try b.step() }
        }
    }

    private mutating func report(_ id: [UInt8], _ subject: LedgerDifference.Subject, _ a: String?, _ b: String?) {
        if a == b || found.count == limit { return }
        found.append(LedgerDifference(content: id, subject: subject, first: a, second: b))
    }

    func end() {
        for ledger in [first, second] {
            for statement in [ledger.contents, ledger.registers, ledger.tallies] { statement.reset() }
        }
    }
}
