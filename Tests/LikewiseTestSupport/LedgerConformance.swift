// What every ledger must do, as laws that a test runs on each implementation:
//
//     @Test("SQLite's ledger keeps the law", arguments: LedgerLaw.all)
//     func sqlite(law: LedgerLaw) throws { try law.check { try SQLiteLedger(path: …) } }

package import LikewiseCore
package import LikewiseEngine
import Testing

/// One thing that every ledger must do.
package struct LedgerLaw: Sendable, CustomTestStringConvertible {
    /// The law, as a sentence.
    package let sentence: String
    private let body: @Sendable (LedgerBench) throws -> Void

    package var testDescription: String { sentence }

    init(_ sentence: String, _ body: @escaping @Sendable (LedgerBench) throws -> Void) {
        self.sentence = sentence
        self.body = body
    }

    /// Checks the law on a new, empty ledger. `open` is called once, and where `reopens` is true again after the
    /// ledger was let go of: it must then hold all that it held.
    package func check(reopens: Bool = false, open: () throws -> any Ledger) throws {
        let bench = LedgerBench(try open())
        try body(bench)
        guard reopens else { return }
        let before = try bench.dump()
        bench.ledger = NoLedger()
        bench.ledger = try open()
        #expect(try bench.dump() == before, "after the ledger was opened again")
    }

    package static let all: [LedgerLaw] = merging + contents + listing + holding + besides
}

// MARK: Tools

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A ledger with short ways to fill and to ask it.
final class LedgerBench {
    var ledger: any Ledger
    private var through: UInt64 = 0

    init(_ ledger: any Ledger) { self.ledger = ledger }

    func apply(
        shard: UInt16 = 0, through: UInt64? = nil, now: UInt64 = 0, _ fill: (inout LedgerBatch) -> Void
    ) throws {
        self.through += 1
        var batch = LedgerBatch(shard: shard, through: through ?? self.through, now: now)
        fill(&batch)
        try ledger.apply([batch])
    }

    func content(_ id: String) throws -> LedgerContent {
        try #require(try ledger.makeReader().content(bytes(id)))
    }

    /// The counts of a content by code; none are zero, and their sum is the total.
    func counts(_ id: String) throws -> [UInt8: UInt64] {
        let tally = try content(id).tally
        let held = tally.held
        #expect(held.reduce(0) { $0 + $1.count } == tally.total)
        return Dictionary(uniqueKeysWithValues: held.map { ($0.reaction.rawValue, $0.count) })
    }

    func register(_ id: String, _ user: String) throws -> Register {
        guard let content = try ledger.makeReader().content(bytes(id)) else { return .untouched }
        return try register(key: content.key, user)
    }

    func register(key: Int64, _ user: String) throws -> Register {
        let reader = try ledger.makeReader()
        return try bytes(user).withUnsafeBytes { try reader.register(content: key, user: $0) }
    }

    func contentIDs(page: Int) throws -> [String] {
        let reader = try ledger.makeReader()
        var found: [String] = []
        var after: Int64? = 0
        while let start = after {
            after = try reader.contents(after: start, limit: page) { found.append(String(decoding: $0, as: UTF8.self)) }
            try #require(found.count <= 1_000, "the pages do not come to an end")
        }
        return found.sorted()
    }

    /// Everything that can be read of the ledger.
    func dump() throws -> [String] {
        let reader = try ledger.makeReader()
        var lines = [
            "\(try reader.positions().sorted { $0.key < $1.key })", "\(try reader.reactions())",
            "\(try reader.latestReading())", "\(try reader.trends(since: 0))",
        ]
        lines += try reader.heldLikes(of: HeldFilter(), behind: nil, limit: 1_000).map { "\($0)" }
        lines += try reader.answers(unexpiredAt: 0).map { "\($0)" }.sorted()
        for id in try contentIDs(page: 100) {
            let content = try content(id)
            lines.append("\(content)")
            var users: [[UInt8]] = []
            _ = try reader.users(ofContent: content.key, after: [], limit: .max) { users.append(Array($0)) }
            for user in users { lines.append("\(user) \(try register(id, String(decoding: user, as: UTF8.self)))") }
            lines += try reader.likes(ofContent: bytes(id), behind: nil, limit: 1_000).map { "\($0)" }
        }
        return lines
    }
}

extension LedgerBatch {
    /// Adds to what changes about `content`.
    package mutating func change(_ content: String, _ change: (inout ContentChange) -> Void) {
        let id = Array(content.utf8)
        let at = contents.firstIndex { $0.id == id } ?? contents.count
        if at == contents.count { contents.append(ContentChange(id: id)) }
        change(&contents[at])
    }

    /// Adds a register, in its place among the content's.
    package mutating func row(_ content: String, _ user: String, _ register: Register, old: Reaction = .none) {
        let row = Row(
            userOffset: UInt32(userBytes.count), userLength: UInt8(user.utf8.count), old: old, register: register)
        userBytes += user.utf8
        let bytes = userBytes
        func name(_ row: Row) -> ArraySlice<UInt8> { bytes[Int(row.userOffset)...].prefix(Int(row.userLength)) }
        change(content) { change in
            let at = change.rows.firstIndex { name(row).lexicographicallyPrecedes(name($0)) } ?? change.rows.count
            change.rows.insert(row, at: at)
        }
    }
}

/// Stands where a ledger was let go of.
private struct NoLedger: Ledger {
    func apply(_ batches: [LedgerBatch]) throws(LedgerError) {}
    func makeReader() throws(LedgerError) -> any LedgerReader { throw .failed("there is no ledger") }
    func setReactions(_ names: [String]) throws(LedgerError) {}
    func save(_ trends: [TrendBucket]) throws(LedgerError) {}
    func purge(limit: Int) throws(LedgerError) -> Bool { false }
}
