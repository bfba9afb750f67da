package import LikewiseCore

/// Reads the ledger through a connection of its own, with every statement prepared once. For one thread at a time.
///
/// Every call is one statement, and SQLite gives a statement one snapshot, so that a call never sees half of a
/// transaction.
package final class SQLiteLedgerReader: LedgerReader {
    let connection: LedgerConnection
    private let statements: Statements

    /// Opens the ledger at `path` for reading, whether or not it is open for writing elsewhere. Throws `.unusable`
    /// where there is none, and for one of another version.
    package init(path: String, cacheBytes: Int = 64 << 20) throws(LedgerError) {
        let connection = try LedgerConnection(path: path, access: .read, cacheBytes: cacheBytes)
        self.connection = connection
        statements = try connection.use { (db) throws(LedgerError) in
            try Statements { (sql) throws(LedgerError) in try connection.statement(sql, db) }
        }
    }

    package func releaseMemory() {
        connection.releaseMemory()
    }

    // MARK: What is held in all

    package func positions() throws(LedgerError) -> [UInt16: UInt64] {
        let select = statements.positions
        return try connection.use { (_) throws(LedgerError) in
            defer { select.reset() }
            var result: [UInt16: UInt64] = [:]
            while try select.step() { result[try select.small(0, as: UInt16.self)] = try select.unsigned(1) }
            return result
        }
    }

    package func reactions() throws(LedgerError) -> [String] {
        let select = statements.names
        return try connection.use { (_) throws(LedgerError) in try Self.names(select) }
    }

    package func latestReading() throws(LedgerError) -> UInt64 {
        let select = statements.clock
        return try connection.use { (_) throws(LedgerError) in
            defer { select.reset() }
            return try select.step() ? try select.unsigned(0) : 0
        }
    }

    // MARK: Contents and registers

    package func content(_ id: [UInt8]) throws(LedgerError) -> LedgerContent? {
        let select = statements.content
        return try connection.use { (_) throws(LedgerError) in
            defer { select.reset() }
            try select.bind(1, text: id)
            guard try select.step() else { return nil }
            let visibility = ContentDescription.Visibility(rawValue: try select.small(2, as: UInt8.self))
            guard let visibility else { throw .damaged(connection.path, "a content's visibility is \(select.int(2))") }
            var content = LedgerContent(
                key: select.int(0),
                description: ContentDescription(
                    type: select.textBytes(1), visibility: visibility, registered: select.int(3) != 0),
                tally: Tally(), deleted: try select.version(4))
            repeat {
                let reaction = try select.reaction(6)
                if reaction.counted == .none { continue }
                content.tally.add(Int64(try select.unsigned(7)), to: reaction)
            } while try select.step()
            return content
        }
    }

    package func register(content key: Int64, user: UnsafeRawBufferPointer) throws(LedgerError) -> Register {
        let select = statements.register
        return try connection.use { (_) throws(LedgerError) in
            defer { select.reset() }
            try select.bind(1, key)
            try select.bind(2, borrowing: user)
            return try select.step() ? try select.register(0) : .untouched
        }
    }

    package func users(
        ofContent key: Int64, after: [UInt8], limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> [UInt8]? {
        let select = statements.users
        return try connection.use { (_) throws(LedgerError) in
            defer { select.reset() }
            try select.bind(1, key)
            try select.bind(2, text: after)
            try select.bind(3, Int64(limit))
            var given = 0
            var last: [UInt8]?
            while try select.step() {
                given += 1
                let user = select.text(0)
                body(user)
                if given == limit { last = Array(user) }
            }
            return last
        }
    }

    package func contents(
        after: Int64, limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> Int64? {
        let select = statements.contents
        return try connection.use { (_) throws(LedgerError) in
            defer { select.reset() }
            try select.bind(1, after)
            try select.bind(2, Int64(limit))
            var given = 0
            var last: Int64?
            while try select.step() {
                given += 1
                body(select.text(1))
                if given == limit { last = select.int(0) }
            }
            return last
        }
    }

    // MARK: Likes

    package func likes(
        ofUser user: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        try likes(statements.likesOfUser, of: user, behind: position, limit: limit) { id, register in
            LedgerLike(content: id, user: user, register: register)
        }
    }

    package func likes(
        ofContent id: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        try likes(statements.likesOfContent, of: id, behind: position, limit: limit) { user, register in
            LedgerLike(content: id, user: user, register: register)
        }
    }

    package func heldLikes(
        of filter: HeldFilter, behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        let select = statements.heldLikes
        let (content, user) = HeldFilter.ids(of: position?.id ?? [])
        return try connection.use { (_) throws(LedgerError) in
            defer { select.reset() }
            try select.bind(1, position.map { Int64(clamping: $0.version.reading) } ?? Int64.max)
            try select.bind(2, position.map { Int64($0.version.region) } ?? Int64(UInt16.max) + 1)
            try select.bind(3, text: content)
            try select.bind(4, text: user)
            try select.bind(5, text: filter.content ?? [])
            try select.bind(6, text: filter.user ?? [])
            try select.bind(7, Int64(limit))
            var result: [LedgerLike] = []
            while try select.step() {
                result.append(
                    LedgerLike(
                        content: select.textBytes(0), user: select.textBytes(1), register: try select.register(2)))
            }
            return result
        }
    }

    private func likes(
        _ select: LedgerStatement, of owner: [UInt8], behind position: LikePosition?, limit: Int,
        _ like: ([UInt8], Register) -> LedgerLike
    ) throws(LedgerError) -> [LedgerLike] {
        try connection.use { (_) throws(LedgerError) in
            defer { select.reset() }
            // Where the list begins, a place that every like is behind of: no region has a number this high.
            let reading = position.map { Int64(clamping: $0.version.reading) } ?? Int64.max
            let region = position.map { Int64($0.version.region) } ?? Int64(UInt16.max) + 1
            try select.bind(1, text: owner)
            try select.bind(2, reading)
            try select.bind(3, region)
            try select.bind(4, text: position?.id ?? [])
            try select.bind(5, Int64(limit))
            var result: [LedgerLike] = []
            while try select.step() { result.append(like(select.textBytes(0), try select.register(1))) }
            return result
        }
    }

    // MARK: Answers and trends

    package func answers(unexpiredAt milliseconds: UInt64) throws(LedgerError) -> [StoredAnswer] {
        let select = statements.answers
        return try connection.use { (_) throws(LedgerError) in
            defer { select.reset() }
            try select.bind(1, Int64(clamping: milliseconds))
            var result: [StoredAnswer] = []
            while try select.step() {
                result.append(
                    StoredAnswer(
                        key: select.blobBytes(0), fingerprint: UInt64(bitPattern: select.int(1)),
                        expires: try select.unsigned(2), payload: select.blobBytes(3)))
            }
            return result
        }
    }

    package func trends(since milliseconds: UInt64) throws(LedgerError) -> [TrendBucket] {
        let select = statements.trends
        return try connection.use { (_) throws(LedgerError) in
            defer { select.reset() }
            try select.bind(1, Int64(clamping: milliseconds))
            var result: [TrendBucket] = []
            while try select.step() {
                let start = try select.unsigned(0)
                let length = try select.unsigned(1)
                if result.last?.start != start || result.last?.length != length {
                    result.append(TrendBucket(start: start, length: length, entries: []))
                }
                let entry = TrendBucket.Entry(content: select.textBytes(2), gained: select.int(3))
                result[result.count - 1].entries.append(entry)
            }
            return result
        }
    }
}
