package import LikewiseCore

/// Reads the ledger. Every call sees the store as it was when the call began. For one thread at a time.
package final class RocksDBLedgerReader: LedgerReader {
    private let store: RocksDBStore
    private var key = LedgerKey()
    private let lookup = RocksDBLookup()

    init(_ store: RocksDBStore) { self.store = store }

    private func damage(_ what: String) -> LedgerError { .damaged(store.path, what) }

    // MARK: What is held in all

    package func positions() throws(LedgerError) -> [UInt16: UInt64] {
        var result: [UInt16: UInt64] = [:]
        let snapshot = store.snapshot()
        let walk = store.walk(from: LedgerKey(.position), below: .behind(.position), at: snapshot)
        while try walk.isOnKey() {
            var bytes = LedgerBytes(walk.key, from: 1)
            let shard: UInt16 = bytes.number()
            guard let sequence = LedgerBytes.number(walk.value), bytes.isSound else { throw damage("a position") }
            result[shard] = sequence
            walk.advance()
        }
        return result
    }

    package func reactions() throws(LedgerError) -> [String] {
        let names = try store.value(of: LedgerKey.of(.single, LedgerKey.reactionNames)) {
            String(decoding: $0, as: UTF8.self)
        }
        return names?.split(separator: "\n").map(String.init) ?? []
    }

    package func latestReading() throws(LedgerError) -> UInt64 {
        try store.value(of: LedgerKey.of(.single, LedgerKey.clock)) { LedgerBytes.number($0) ?? 0 } ?? 0
    }

    // MARK: Contents and registers

    package func content(_ id: [UInt8]) throws(LedgerError) -> LedgerContent? {
        let found = try store.value(of: LedgerKey.of(.content, id)) { LedgerBytes.content($0) }
        guard let found else { return nil }
        guard let content = found else {
            throw damage("the record of the content '\(String(decoding: id, as: UTF8.self))'")
        }
        return content
    }

    package func register(content number: Int64, user: UnsafeRawBufferPointer) throws(LedgerError) -> Register {
        key.beginRegister(number, user)
        let found = try store.value(of: key) { LedgerBytes.register($0) }
        guard let found else { return .untouched }
        guard let register = found else { throw damage("a register of content number \(number)") }
        return register
    }

    package func contents(_ ids: [[UInt8]]) throws(LedgerError) -> [LedgerContent?] {
        try lookup.contents(ids, in: store)
    }

    package func registers(_ questions: RegisterQuestions) throws(LedgerError) -> [Register] {
        let order = questions.sorted()
        var result = [Register](repeating: .untouched, count: order.count)
        var damaged: Int64?
        try lookup.find(order.count, in: store) { index, keys in
            let question = order[index]
            keys.append(LedgerKey.Kind.register.rawValue)
            withUnsafeBytes(of: questions.content(of: question).bigEndian) { keys.append(contentsOf: $0) }
            questions.withUser(of: question) { keys.append(contentsOf: $0) }
        } found: { index, value in
            if let register = LedgerBytes.register(value) {
                result[order[index]] = register
            } else {
                damaged = questions.content(of: order[index])
            }
        }
        if let damaged { throw damage("a register of content number \(damaged)") }
        return result
    }

    package func users(
        ofContent number: Int64, after: [UInt8], limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> [UInt8]? {
        guard limit > 0 else { return nil }
        var from = LedgerKey.of(.register, number)
        from.append(after)
        // The first id behind `after`.
        if !after.isEmpty { from.append(0 as UInt8) }
        let snapshot = store.snapshot()
        let walk = store.walk(from: from, below: .behind(.register, number), at: snapshot)
        var given = 0
        while try walk.isOnKey() {
            let user = UnsafeRawBufferPointer(rebasing: walk.key.dropFirst(9))
            body(user)
            given += 1
            if given == limit { return Array(user) }
            walk.advance()
        }
        return nil
    }

    package func contents(
        after: Int64, limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> Int64? {
        guard limit > 0 else { return nil }
        let snapshot = store.snapshot()
        let walk = store.walk(from: .behind(.contentID, after), below: .behind(.contentID), at: snapshot)
        var given = 0
        while try walk.isOnKey() {
            body(walk.value)
            given += 1
            if given == limit {
                var bytes = LedgerBytes(walk.key, from: 1)
                return bytes.number()
            }
            walk.advance()
        }
        return nil
    }

    // MARK: Likes

    package func likes(
        ofContent id: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        let snapshot = store.snapshot()
        let found = try store.value(of: LedgerKey.of(.content, id), at: snapshot) { LedgerBytes.content($0)?.key }
        guard limit > 0, let number = found ?? nil else { return [] }
        var from = LedgerKey.of(.byContent, number)
        if let position {
            from.appendDownwards(position.version)
            from.append(position.id)
            from.append(0 as UInt8)
        }
        let walk = store.walk(from: from, below: .behind(.byContent, number), at: snapshot)
        var result: [LedgerLike] = []
        while result.count < limit, try walk.isOnKey() {
            var bytes = LedgerBytes(walk.key, from: 9)
            let version = bytes.versionDownwards()
            let user = Array(bytes.takeRest())
            let register = Register(version: version, reaction: try reaction(walk))
            guard bytes.isSound else { throw damage("a like of content number \(number)") }
            result.append(LedgerLike(content: id, user: user, register: register))
            walk.advance()
        }
        return result
    }

    package func likes(
        ofUser user: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        guard limit > 0 else { return [] }
        let snapshot = store.snapshot()
        var from = LedgerKey.of(.byUser, user)
        var below = LedgerKey.of(.byUser, user)
        from.append(0 as UInt8)
        below.append(1 as UInt8)
        if let position { from.appendDownwards(position.version) }
        let walk = store.walk(from: from, below: below, at: snapshot)
        var result: [LedgerLike] = []
        // Likes of one version are kept by their contents' numbers and listed by their ids, so all of them are read.
        var tied: [LedgerLike] = []
        while try walk.isOnKey() {
            var bytes = LedgerBytes(walk.key, from: user.count + 2)
            let register = Register(version: bytes.versionDownwards(), reaction: try reaction(walk))
            let number: Int64 = bytes.number()
            guard bytes.isSound else { throw damage("a like of '\(String(decoding: user, as: UTF8.self))'") }
            if let last = tied.last, last.register.version != register.version {
                result += Self.sorted(tied, behind: position)
                tied = []
                if result.count >= limit { break }
            }
            // None for a content that was deleted, and whose registers are still there.
            let id = try store.value(of: LedgerKey.of(.contentID, number), at: snapshot) { Array($0) }
            if let id { tied.append(LedgerLike(content: id, user: user, register: register)) }
            walk.advance()
        }
        result += Self.sorted(tied, behind: position)
        return Array(result.prefix(limit))
    }

    package func heldLikes(
        of filter: HeldFilter, behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        guard limit > 0 else { return [] }
        let snapshot = store.snapshot()
        var from = LedgerKey(.held)
        if let position { from.appendDownwards(position.version) }
        let walk = store.walk(from: from, below: .behind(.held), at: snapshot)
        var result: [LedgerLike] = []
        // Those of one version are kept by their contents' numbers and listed by their ids, so all of them are read.
        var tied: [LedgerLike] = []
        func take() {
            result += tied.filter { position?.precedes($0.heldPosition) ?? true }
                .sorted { $0.heldPosition.precedes($1.heldPosition) }
            tied = []
        }
        while try walk.isOnKey() {
            var bytes = LedgerBytes(walk.key, from: 1)
            let register = Register(version: bytes.versionDownwards(), reaction: try reaction(walk))
            let number: Int64 = bytes.number()
            let user = Array(bytes.takeRest())
            guard bytes.isSound else { throw damage("a like that is held back") }
            if let last = tied.last, last.register.version != register.version { take() }
            if result.count >= limit { break }
            // None for a content that was deleted, and whose registers are still there.
            if filter.takes(user: user),
                let id = try store.value(of: LedgerKey.of(.contentID, number), at: snapshot, { Array($0) }),
                filter.takes(content: id)
            {
                tied.append(LedgerLike(content: id, user: user, register: register))
            }
            walk.advance()
        }
        take()
        return Array(result.prefix(limit))
    }

    private static func sorted(_ tied: [LedgerLike], behind position: LikePosition?) -> [LedgerLike] {
        tied.filter { like in
            guard let position else { return true }
            return position.precedes(LikePosition(version: like.register.version, id: like.content))
        }.sorted { $0.content.lexicographicallyPrecedes($1.content) }
    }

    private func reaction(_ walk: RocksDBWalk) throws(LedgerError) -> Reaction {
        var bytes = LedgerBytes(walk.value)
        let reaction = bytes.reaction()
        guard bytes.isSound else { throw damage("a like's reaction") }
        return reaction
    }

    // MARK: Answers and trends

    package func answers(unexpiredAt milliseconds: UInt64) throws(LedgerError) -> [StoredAnswer] {
        var result: [StoredAnswer] = []
        let snapshot = store.snapshot()
        let walk = store.walk(from: LedgerKey(.answer), below: .behind(.answer), at: snapshot)
        while try walk.isOnKey() {
            guard let answer = LedgerBytes.answer(key: Array(walk.key.dropFirst()), walk.value) else {
                throw damage("an answer")
            }
            if answer.expires > milliseconds { result.append(answer) }
            walk.advance()
        }
        return result
    }

    package func trends(since milliseconds: UInt64) throws(LedgerError) -> [TrendBucket] {
        var result: [TrendBucket] = []
        let snapshot = store.snapshot()
        let walk = store.walk(from: LedgerKey.of(.trend, milliseconds), below: .behind(.trend), at: snapshot)
        while try walk.isOnKey() {
            guard let bucket = LedgerBytes.trend(key: walk.key, walk.value) else { throw damage("a trend bucket") }
            result.append(bucket)
            walk.advance()
        }
        return result
    }
}
