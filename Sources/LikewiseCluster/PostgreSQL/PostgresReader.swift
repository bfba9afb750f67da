// Reading: the port's questions, and those of the cluster's roles, where one round trip answers any number of keys.
//
// Each call is one statement, so that it sees one snapshot of the ledger.

package import LikewiseCore
package import LikewiseEngine

/// A reader of a ledger on one PostgreSQL server, for one thread at a time; its calls block. A connection that was lost
/// is opened again by the next call.
package final class PostgresReader: LedgerReader {
    private let options: PostgresOptions
    private var connection: PostgresConnection?
    /// What the server or libpq said when a call failed last, for the operator's log.
    package private(set) var lastWords = ""
    /// The epoch that this server must have for an answer to count; nil where it is the only one.
    private var epoch: Int64?

    /// How many keys one call of `registers(of:)`, `contents(_:)` or `counts(_:)` may ask for.
    package static let keyLimit = 100_000

    /// Connects. Throws `.unusable` where the tables are of another version than this build's.
    package init(_ options: PostgresOptions) throws(LedgerError) {
        self.options = options
        try connect()
    }

    /// Whether there is a connection; false once a call lost it, until the next one.
    package var isConnected: Bool { connection?.isOpen ?? false }

    /// Closes the connection; the next call opens another.
    package func releaseMemory() { connection = nil }

    private func connect() throws(LedgerError) {
        connection = nil
        let opened: PostgresConnection
        let problem: LedgerError?
        do throws(PostgresError) {
            opened = try PostgresConnection(options, for: .reading)
            problem = try PostgresSchema.problem(opened)
        } catch {
            lastWords = error.words
            throw error.ledgerError
        }
        if let problem { throw problem }
        connection = opened
    }

    private func run(_ call: PostgresCall) throws(LedgerError) -> PostgresResult {
        if !isConnected { try connect() }
        guard let connection else { throw .failed("there is no connection to the ledger's server") }
        let results: [PostgresResult]
        do throws(PostgresError) {
            results = try connection.run(epoch == nil ? [call] : [call, Self.findEpoch()])
        } catch {
            lastWords = error.words
            throw error.ledgerError
        }
        guard let epoch else { return results[0] }
        // An epoch only rises, and this one was read behind the answer: the answer is of this epoch as well.
        guard results[1].int(0, 0) == epoch else { throw .moved }
        return results[0]
    }

    // MARK: One of several servers

    /// What the server says of its place among the others.
    package func placement() throws(LedgerError) -> PlacementRow {
        PlacementRow(try run(PlacementRow.find()))
    }

    /// Runs `body`; whatever it asks throws `.moved` where the server's epoch is not `epoch`.
    package func at<T, E: Error>(_ epoch: Int64, _ body: (PostgresReader) throws(E) -> T) throws(E) -> T {
        self.epoch = epoch
        defer { self.epoch = nil }
        return try body(self)
    }

    /// What a user likes, newest first, of the contents that belong to this server. Copies of others may lie here while
    /// contents move; where they fill a page, the next one is asked for.
    func likes(
        ofUser user: [UInt8], behind position: LikePosition?, limit: Int, where isOwn: ([UInt8]) -> Bool
    ) throws(LedgerError) -> [LedgerLike] {
        var found: [LedgerLike] = []
        var behind = position
        while true {
            let page = try likes(ofUser: user, behind: behind, limit: limit)
            found += page.filter { isOwn($0.content) }
            guard page.count == limit, found.count < limit, let last = page.last else { break }
            behind = LikePosition(version: last.register.version, id: last.content)
        }
        return Array(found.prefix(limit))
    }

    /// What is held back, newest first, of the contents that belong to this server; likewise.
    func heldLikes(
        of filter: HeldFilter, behind position: LikePosition?, limit: Int, where isOwn: ([UInt8]) -> Bool
    ) throws(LedgerError) -> [LedgerLike] {
        var found: [LedgerLike] = []
        var behind = position
        while true {
            let page = try heldLikes(of: filter, behind: behind, limit: limit)
            found += page.filter { isOwn($0.content) }
            guard page.count == limit, found.count < limit, let last = page.last else { break }
            behind = last.heldPosition
        }
        return Array(found.prefix(limit))
    }

    // MARK: What is held in all

    package func positions() throws(LedgerError) -> [UInt16: UInt64] {
        let found = try run(Self.findPositions())
        var result: [UInt16: UInt64] = [:]
        for row in 0..<found.count {
            result[UInt16(truncatingIfNeeded: found.int(row, 0))] = found.unsigned(row, 1)
        }
        return result
    }

    package func reactions() throws(LedgerError) -> [String] {
        let found = try run(Self.findReactions())
        return (0..<found.count).map { found.text($0, 1) }
    }

    package func latestReading() throws(LedgerError) -> UInt64 { try run(Self.findClock()).unsigned(0, 0) }

    // MARK: Many keys at once

    /// The registers of users on contents, in the order asked; `.untouched` where there is none. One round trip; throws
    /// `.failed` for more than `keyLimit` keys.
    package func registers(of keys: [(content: [UInt8], user: [UInt8])]) throws(LedgerError) -> [Register] {
        try checkBound(keys.count)
        var result = [Register](repeating: .untouched, count: keys.count)
        if keys.isEmpty { return result }
        let found = try run(Self.findRegisters(.texts(keys.map(\.content)), .texts(keys.map(\.user))))
        for row in 0..<found.count { result[Int(found.int(row, 0)) - 1] = found.register(row, 1) }
        return result
    }

    /// The contents called `ids`, in the order asked; nil where nothing was ever recorded of one. Their tallies are the
    /// sums over all shards. One round trip; throws `.failed` for more than `keyLimit` ids.
    package func contents(_ ids: [[UInt8]]) throws(LedgerError) -> [LedgerContent?] {
        try counts(ids).contents
    }

    /// What `contents(_:)` gives, and when that was.
    package struct Counts: Hashable, Sendable {
        package var contents: [LedgerContent?]
        /// Orders readings of one server: a later snapshot never has a lower number, and an equal one means that both
        /// saw the same. About microseconds since 1970; ahead of them by a
        /// few seconds at most, where contents have just moved here. `PostgresSchema.completedTransactions`
        /// says why it is not a clock's; readings of different servers cannot be compared to the microsecond.
        package var asOf: UInt64
    }

    /// The same as `contents(_:)`, with the order of the snapshot that it was read in.
    package func counts(_ ids: [[UInt8]]) throws(LedgerError) -> Counts {
        try checkBound(ids.count)
        var counts = Counts(contents: Array(repeating: nil, count: ids.count), asOf: 0)
        var sums: [TallyPlace: Int64] = [:]
        let found = try run(Self.findContents(.texts(ids)))
        if found.count > 0 { counts.asOf = found.unsigned(0, 8) }
        for row in 0..<found.count where !found.isNull(row, 0) {
            let place = Int(found.int(row, 0)) - 1
            if counts.contents[place] == nil { counts.contents[place] = Self.content(found, row) }
            let reaction = Reaction(rawValue: UInt8(truncatingIfNeeded: found.int(row, 6)))
            if reaction.counted != .none {
                sums[TallyPlace(content: place, reaction: reaction), default: 0] += found.int(row, 7)
            }
        }
        // A shard's part may be below zero. A sum below zero would be drift, which a recount finds; to be read it is zero.
        for (place, sum) in sums where sum > 0 { counts.contents[place.content]?.tally.add(sum, to: place.reaction) }
        return counts
    }

    /// Where a sum over a content's shards goes.
    private struct TallyPlace: Hashable {
        var content: Int
        var reaction: Reaction
    }

    private func checkBound(_ count: Int) throws(LedgerError) {
        guard count <= Self.keyLimit else {
            throw .failed("\(count) keys were asked for at once, and the limit is \(Self.keyLimit)")
        }
    }

    private static func content(_ found: PostgresResult, _ row: Int) -> LedgerContent {
        LedgerContent(
            key: found.int(row, 1),
            description: ContentDescription(
                type: found.bytes(row, 2),
                visibility: .init(rawValue: UInt8(truncatingIfNeeded: found.int(row, 3))) ?? .public,
                registered: found.flag(row, 9)),
            tally: Tally(), deleted: found.version(row, 4))
    }

    // MARK: Contents and registers

    package func content(_ id: [UInt8]) throws(LedgerError) -> LedgerContent? { try contents([id])[0] }

    package func register(content key: Int64, user: UnsafeRawBufferPointer) throws(LedgerError) -> Register {
        let found = try run(Self.findRegister(.int8(key), .bytes(Array(user))))
        return found.count == 0 ? .untouched : found.register(0, 0)
    }

    package func users(
        ofContent key: Int64, after: [UInt8], limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> [UInt8]? {
        let found = try run(Self.findUsers(.int8(key), .bytes(after), .int8(Int64(limit))))
        for row in 0..<found.count { body(found.raw(row, 0)) }
        return found.count == limit && limit > 0 ? found.bytes(limit - 1, 0) : nil
    }

    package func contents(
        after: Int64, limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> Int64? {
        let found = try run(Self.walkContents(.int8(after), .int8(Int64(limit))))
        for row in 0..<found.count { body(found.raw(row, 1)) }
        return found.count == limit && limit > 0 ? found.int(limit - 1, 0) : nil
    }

    // MARK: Likes

    package func likes(
        ofUser user: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        try likes(Self.findLikesOfUser, of: user, behind: position, limit: limit) { id, register in
            LedgerLike(content: id, user: user, register: register)
        }
    }

    package func likes(
        ofContent id: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        try likes(Self.findLikesOfContent, of: id, behind: position, limit: limit) { user, register in
            LedgerLike(content: id, user: user, register: register)
        }
    }

    package func heldLikes(
        of filter: HeldFilter, behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        let place = HeldFilter.ids(of: position?.id ?? [])
        let found = try run(
            Self.findHeld(
                .int8(Self.reading(of: position)), .int4(Self.region(of: position)), .bytes(place.content),
                .bytes(place.user), .bytes(filter.content ?? []), .bytes(filter.user ?? []), .int8(Int64(limit))))
        return (0..<found.count).map {
            LedgerLike(content: found.bytes($0, 0), user: found.bytes($0, 1), register: found.register($0, 2))
        }
    }

    // Where a list begins, a place that every like is behind of: no region has a number this high.

    private static func reading(of position: LikePosition?) -> Int64 {
        position.map { Int64(clamping: $0.version.reading) } ?? Int64.max
    }

    private static func region(of position: LikePosition?) -> Int32 {
        position.map { Int32($0.version.region) } ?? Int32(UInt16.max) + 1
    }

    private func likes(
        _ statement: PostgresStatement, of owner: [UInt8], behind position: LikePosition?, limit: Int,
        _ like: ([UInt8], Register) -> LedgerLike
    ) throws(LedgerError) -> [LedgerLike] {
        let found = try run(
            statement(
                .bytes(owner), .int8(Self.reading(of: position)), .int4(Self.region(of: position)),
                .bytes(position?.id ?? []), .int8(Int64(limit))))
        return (0..<found.count).map { like(found.bytes($0, 0), found.register($0, 1)) }
    }

    // MARK: Answers and trends

    package func answers(unexpiredAt milliseconds: UInt64) throws(LedgerError) -> [StoredAnswer] {
        let found = try run(Self.findAnswers(.int8(Int64(clamping: milliseconds))))
        return (0..<found.count).map { row in
            StoredAnswer(
                key: found.bytes(row, 0), fingerprint: UInt64(bitPattern: found.int(row, 1)),
                expires: found.unsigned(row, 2), payload: found.bytes(row, 3))
        }
    }

    package func trends(since milliseconds: UInt64) throws(LedgerError) -> [TrendBucket] {
        let found = try run(Self.findTrends(.int8(Int64(clamping: milliseconds))))
        var result: [TrendBucket] = []
        for row in 0..<found.count {
            let (start, length) = (found.unsigned(row, 0), found.unsigned(row, 1))
            if result.last?.start != start || result.last?.length != length {
                result.append(TrendBucket(start: start, length: length, entries: []))
            }
            let entry = TrendBucket.Entry(content: found.bytes(row, 2), gained: found.int(row, 3))
            result[result.count - 1].entries.append(entry)
        }
        return result
    }
}
