// A ledger in memory, for simulations. What `apply` took is durable: a simulated crash throws the engine away and keeps
// the ledger. Plain dictionaries, so that it is obviously right; SQLite's ledger is compared with it.

package import LikewiseCore
package import LikewiseEngine
import Synchronization

/// A ledger in memory, whose next transactions can be made to fail.
package final class SimulatedLedger: Ledger {
    private let state = Mutex(State())

    package init() {}

    package func apply(_ batches: [LedgerBatch]) throws(LedgerError) {
        for batch in batches { try batch.check() }
        try state.withLock { (state) throws(LedgerError) in
            if !state.failures.isEmpty { throw state.failures.removeFirst() }
            for batch in batches { state.take(batch) }
        }
    }

    package func makeReader() throws(LedgerError) -> any LedgerReader {
        SimulatedLedgerReader(self)
    }

    package func setReactions(_ names: [String]) throws(LedgerError) {
        try state.withLock { (state) throws(LedgerError) in
            guard names.starts(with: state.reactions) else {
                throw .failed("the ledger knows \(state.reactions), which \(names) does not go on from")
            }
            state.reactions = names
        }
    }

    package func save(_ trends: [TrendBucket]) throws(LedgerError) {
        state.withLock { state in
            for bucket in trends { state.take(bucket) }
        }
    }

    package func purge(limit: Int) throws(LedgerError) -> Bool {
        state.withLock { state in
            var left = limit
            while left > 0, let registers = state.garbage.first {
                let removed = min(left, registers)
                state.garbage[0] -= removed
                if removed < left || state.garbage[0] == 0 { state.garbage.removeFirst() }
                left -= max(removed, 1)
            }
            return !state.garbage.isEmpty
        }
    }

    // MARK: For the test

    /// Makes the next call of `apply` throw `error` and change nothing. Several failures happen one after the other.
    package func failNextApply(_ error: LedgerError) {
        state.withLock { $0.failures.append(error) }
    }

    /// How many batches were taken, and how many were skipped because their shard was held beyond them.
    package var batches: (taken: Int, skipped: Int) {
        state.withLock { ($0.taken, $0.skipped) }
    }

    /// All registers of contents that are not deleted, by content and user.
    package var registers: [[UInt8]: [[UInt8]: Register]] {
        state.withLock { $0.contents.mapValues(\.registers) }
    }

    /// The contents whose tally is not the count of their registers: none, unless the ledger is wrong.
    package var drifts: [[UInt8]] {
        state.withLock { state in
            state.contents.filter { entry in
                var counted = Tally()
                for register in entry.value.registers.values { counted.apply(old: .none, new: register.reaction) }
                return counted != entry.value.tally
            }
            .map(\.key)
        }
    }

    fileprivate func read<T: Sendable>(_ body: (State) -> T) -> T {
        state.withLock { body($0) }
    }
}

/// All that a simulated ledger holds.
private struct State {
    struct Content {
        var key: Int64
        var description = ContentDescription()
        var tally = Tally()
        var deleted = Version.zero
        var registers: [[UInt8]: Register] = [:]
    }

    struct Span: Hashable {
        var start: UInt64
        var length: UInt64
    }

    var contents: [[UInt8]: Content] = [:]
    var idOfKey: [Int64: [UInt8]] = [:]
    var lastKey: Int64 = 0
    var positions: [UInt16: UInt64] = [:]
    var reactions: [String] = []
    var latestReading: UInt64 = 0
    var answers: [[UInt8]: StoredAnswer] = [:]
    var trends: [Span: TrendBucket] = [:]
    /// For each deleted content that is not purged yet, how many registers it has left.
    var garbage: [Int] = []
    var failures: [LedgerError] = []
    var taken = 0
    var skipped = 0

    mutating func take(_ batch: LedgerBatch) {
        if let held = positions[batch.shard], held >= batch.through {
            skipped += 1
            return
        }
        taken += 1
        positions[batch.shard] = batch.through
        for change in batch.contents { take(change, users: batch.userBytes) }
        for answer in batch.answers { answers[answer.key] = answer }
        answers = answers.filter { $0.value.expires >= batch.now }
        for bucket in batch.trends { take(bucket) }
        if batch.now > TrendBucket.retentionMilliseconds {
            let oldest = batch.now - TrendBucket.retentionMilliseconds
            trends = trends.filter { $0.key.start + $0.key.length >= oldest }
        }
    }

    mutating func take(_ bucket: TrendBucket) {
        let span = Span(start: bucket.start, length: bucket.length)
        trends[span] = bucket.entries.isEmpty ? nil : bucket
    }

    private mutating func take(_ change: LedgerBatch.ContentChange, users: [UInt8]) {
        var content = contents.removeValue(forKey: change.id) ?? newContent(change.id)
        if let deleted = change.deleted {
            latestReading = max(latestReading, deleted.reading)
            if deleted > content.deleted {
                garbage.append(content.registers.count)
                idOfKey[content.key] = nil
                content = newContent(change.id)
                content.deleted = deleted
            }
        }
        if let description = change.description { content.description = description }
        for row in change.rows where Register.untouched.yields(to: row.register) {
            latestReading = max(latestReading, row.register.version.reading)
            let user = Array(users[Int(row.userOffset)...].prefix(Int(row.userLength)))
            precondition(!row.isNew || content.registers[user] == nil, "a register that was proved to be new is there")
            if let transition = content.registers[user, default: .untouched].merge(row.register) {
                content.tally.apply(old: transition.old, new: transition.new)
            }
        }
        contents[change.id] = content
    }

    private mutating func newContent(_ id: [UInt8]) -> Content {
        lastKey += 1
        idOfKey[lastKey] = id
        return Content(key: lastKey)
    }

    /// The registers of the content with this number.
    func registers(of key: Int64) -> [[UInt8]: Register] {
        idOfKey[key].flatMap { contents[$0]?.registers } ?? [:]
    }
}

private final class SimulatedLedgerReader: LedgerReader {
    private let ledger: SimulatedLedger

    init(_ ledger: SimulatedLedger) { self.ledger = ledger }

    func positions() throws(LedgerError) -> [UInt16: UInt64] { ledger.read { $0.positions } }

    func reactions() throws(LedgerError) -> [String] { ledger.read { $0.reactions } }

    func latestReading() throws(LedgerError) -> UInt64 { ledger.read { $0.latestReading } }

    func content(_ id: [UInt8]) throws(LedgerError) -> LedgerContent? {
        ledger.read { state in
            state.contents[id].map {
                LedgerContent(key: $0.key, description: $0.description, tally: $0.tally, deleted: $0.deleted)
            }
        }
    }

    func register(content key: Int64, user: UnsafeRawBufferPointer) throws(LedgerError) -> Register {
        let user = Array(user)
        return ledger.read { $0.registers(of: key)[user] ?? .untouched }
    }

    func users(
        ofContent key: Int64, after: [UInt8], limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> [UInt8]? {
        let users = ledger.read { state in
            state.registers(of: key).keys.filter { after.lexicographicallyPrecedes($0) }
        }
        let page = users.sorted { $0.lexicographicallyPrecedes($1) }.prefix(limit)
        for user in page { user.withUnsafeBytes(body) }
        return page.count == limit ? page.last : nil
    }

    func contents(
        after: Int64, limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> Int64? {
        let contents = ledger.read { state in state.idOfKey.filter { $0.key > after } }
        let page = contents.sorted { $0.key < $1.key }.prefix(limit)
        for content in page { content.value.withUnsafeBytes(body) }
        return page.count == limit ? page.last?.key : nil
    }

    func likes(
        ofUser user: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        let likes = ledger.read { state in
            state.contents.compactMap { id, content in
                content.registers[user].map { LedgerLike(content: id, user: user, register: $0) }
            }
        }
        return page(likes, by: \.content, behind: position, limit: limit)
    }

    func likes(
        ofContent id: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        let registers = ledger.read { $0.contents[id]?.registers ?? [:] }
        let likes = registers.map { LedgerLike(content: id, user: $0.key, register: $0.value) }
        return page(likes.filter { !$0.register.reaction.isHeld }, by: \.user, behind: position, limit: limit)
    }

    func heldLikes(
        of filter: HeldFilter, behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        let likes = ledger.read { state in
            state.contents.flatMap { id, content in
                content.registers.map { LedgerLike(content: id, user: $0.key, register: $0.value) }
            }
        }
        let held = likes.filter { like in
            like.register.reaction.isHeld && filter.content.map { $0 == like.content } ?? true
                && filter.user.map { $0 == like.user } ?? true
        }
        return page(held, by: \.heldPosition.id, behind: position, limit: limit)
    }

    private func page(
        _ likes: [LedgerLike], by id: (LedgerLike) -> [UInt8], behind position: LikePosition?, limit: Int
    ) -> [LedgerLike] {
        likes.filter { $0.register.reaction != .none }
            .map { (like: $0, place: LikePosition(version: $0.register.version, id: id($0))) }
            .filter { entry in position.map { $0.precedes(entry.place) } ?? true }
            .sorted { $0.place.precedes($1.place) }
            .prefix(limit).map(\.like)
    }

    func answers(unexpiredAt milliseconds: UInt64) throws(LedgerError) -> [StoredAnswer] {
        ledger.read { state in state.answers.values.filter { $0.expires > milliseconds } }
    }

    func trends(since milliseconds: UInt64) throws(LedgerError) -> [TrendBucket] {
        let trends = ledger.read { state in state.trends.values.filter { $0.start >= milliseconds } }
        return trends.sorted { ($0.start, $0.length) < ($1.start, $1.length) }
    }
}
