// Compares two ledgers, for example one that was replayed from the log with the one in use; they need not be of one kind.
//
// The numbers of contents differ from ledger to ledger, so the walk goes by content id, and within each content by
// user id, along both ledgers side by side. Nothing is kept but the row that each side stands on.

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

/// What of a ledger is compared, as it was at one moment.
protocol ComparedLedger {
    /// Its contents by id, with their numbers.
    func contents() throws(LedgerError) -> any LedgerCursor
    /// The registers of a content by user.
    func registers(of number: Int64) throws(LedgerError) -> any LedgerCursor
    /// The tallies of a content that are not zero, by reaction.
    func tallies(of number: Int64) throws(LedgerError) -> any LedgerCursor
}

/// A walk along a ledger's rows, upwards by id.
protocol LedgerCursor {
    /// Goes to the next row, at first to the first one; false where there are no more.
    func step() throws(LedgerError) -> Bool
    /// A content's id, a user's id, or a reaction's code.
    var id: [UInt8] { get }
    /// The number of a content.
    var number: Int64 { get }
    /// What the row says of the id, in the same words for every kind of ledger.
    var words: String { get }
    /// Lets go of what it stands on.
    func end()
}

/// The words for what is compared.
enum ComparedWords {
    static func content(_ description: ContentDescription, deleted: Version) -> String {
        let type = String(decoding: description.type, as: UTF8.self)
        return "type '\(type)', visibility \(description.visibility.rawValue), "
            + "registered \(description.registered ? 1 : 0), deleted at \(deleted.reading) in region \(deleted.region)"
    }

    static func register(_ register: Register) -> String {
        "reaction \(register.reaction.rawValue) at \(register.version.reading) in region \(register.version.region)"
    }

    static func tally(_ count: UInt64) -> String { "count \(count)" }
}

/// The rows of something that a ledger does not know.
struct EmptyCursor: LedgerCursor {
    func step() -> Bool { false }
    var id: [UInt8] { [] }
    var number: Int64 { 0 }
    var words: String { "" }
    func end() {}
}

struct LedgerComparison {
    let first, second: any ComparedLedger
    let limit: Int
    private(set) var found: [LedgerDifference] = []

    init(first: any ComparedLedger, second: any ComparedLedger, limit: Int) {
        self.first = first
        self.second = second
        self.limit = limit
    }

    mutating func run() throws(LedgerError) {
        let (first, second) = (first, second)
        try walk(first.contents(), second.contents()) { (comparison, id, a, b) throws(LedgerError) in
            comparison.report(id, .content, a?.words, b?.words)
            try comparison.walk(
                a.map { (a) throws(LedgerError) in try first.registers(of: a.number) } ?? EmptyCursor(),
                b.map { (b) throws(LedgerError) in try second.registers(of: b.number) } ?? EmptyCursor()
            ) { (comparison, user, a, b) throws(LedgerError) in
                comparison.report(id, .register(user: user), a?.words, b?.words)
            }
            try comparison.walk(
                a.map { (a) throws(LedgerError) in try first.tallies(of: a.number) } ?? EmptyCursor(),
                b.map { (b) throws(LedgerError) in try second.tallies(of: b.number) } ?? EmptyCursor()
            ) { (comparison, code, a, b) throws(LedgerError) in
                comparison.report(id, .tally(Reaction(rawValue: code.first ?? 0)), a?.words, b?.words)
            }
        }
    }

    /// Walks along two cursors in the order of their ids, and calls `body` for each id, with the side or sides that
    /// have it.
    private mutating func walk(
        _ a: any LedgerCursor, _ b: any LedgerCursor,
        _ body: (inout LedgerComparison, [UInt8], (any LedgerCursor)?, (any LedgerCursor)?) throws(LedgerError) -> Void
    ) throws(LedgerError) {
        defer {
            a.end()
            b.end()
        }
        var inA = try a.step()
        var inB = try b.step()
        while (inA || inB) && found.count < limit {
            let (left, right) = (inA ? a.id : [], inB ? b.id : [])
            let onlyA = inA && (!inB || left.lexicographicallyPrecedes(right))
            let onlyB = inB && (!inA || right.lexicographicallyPrecedes(left))
            try body(&self, onlyB ? right : left, onlyB ? nil : a, onlyA ? nil : b)
            if !onlyB { inA = try a.step() }
            if !onlyA { inB = try b.step() }
        }
    }

    private mutating func report(_ id: [UInt8], _ subject: LedgerDifference.Subject, _ a: String?, _ b: String?) {
        if a == b || found.count == limit { return }
        found.append(LedgerDifference(content: id, subject: subject, first: a, second: b))
    }
}
