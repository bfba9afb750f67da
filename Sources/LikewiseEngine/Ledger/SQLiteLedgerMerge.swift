// What one transaction does with its batches.
//
// A row costs one statement where its register is new, which is nearly always so: INSERT … DO NOTHING, and
// `sqlite3_changes` says whether there was one already. Where there was, the register held is read, merged and written
// back. The tally moves from the reaction that the ledger really held, so that it counts the registers whatever the
// batch believed; the batch's `old` only says which of the two to try first.

import GRDB
import LikewiseCore

/// Takes batches inside of a transaction of `connection`.
struct SQLiteLedgerMerge {
    private let findContent, findDeletion, addContent, describeContent, removeContent, addGarbage,
        removeTallies: LedgerStatement
    private let addRegister, findRegister, changeRegister: LedgerStatement
    private let raiseTally, lowerTally: LedgerStatement
    private let findPosition, setPosition, advanceClock: LedgerStatement
    private let setAnswer, dropAnswers, dropTrend, addTrend, dropTrends: LedgerStatement
    private let path: String

    init(_ connection: LedgerConnection, _ db: Database) throws(LedgerError) {
        path = connection.path
        func prepare(_ sql: String) throws(LedgerError) -> LedgerStatement { try connection.statement(sql, db) }
        findContent = try prepare("SELECT id FROM contents WHERE content_id = ?1")
        findDeletion = try prepare("SELECT deleted_reading, deleted_region FROM contents WHERE id = ?1")
        addContent = try prepare(
            "INSERT INTO contents (content_id, deleted_reading, deleted_region) VALUES (?1, ?2, ?3)")
        describeContent = try prepare(
            "UPDATE contents SET content_type = ?2, visibility = ?3, registered = ?4 WHERE id = ?1")
        removeContent = try prepare("DELETE FROM contents WHERE id = ?1")
        addGarbage = try prepare("INSERT INTO garbage (content) VALUES (?1)")
        removeTallies = try prepare("DELETE FROM tallies WHERE content = ?1")
        addRegister = try prepare(
            """
            INSERT INTO registers (content, user_id, reaction, reading, region) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (content, user_id) DO NOTHING
            """)
        findRegister = try prepare(
            "SELECT reading, region, reaction FROM registers WHERE content = ?1 AND user_id = ?2")
        changeRegister = try prepare(
            "UPDATE registers SET reaction = ?3, reading = ?4, region = ?5 WHERE content = ?1 AND user_id = ?2")
        raiseTally = try prepare(
            """
            INSERT INTO tallies (content, reaction, count) VALUES (?1, ?2, ?3)
            ON CONFLICT (content, reaction) DO UPDATE SET count = count + excluded.count
            """)
        lowerTally = try prepare(
            "UPDATE tallies SET count = count - ?3 WHERE content = ?1 AND reaction = ?2 AND count >= ?3")
        findPosition = try prepare("SELECT sequence FROM positions WHERE shard = ?1")
        setPosition = try prepare("INSERT OR REPLACE INTO positions (shard, sequence) VALUES (?1, ?2)")
        advanceClock = try prepare("UPDATE clock SET reading = ?1 WHERE reading < ?1")
        setAnswer = try prepare(
            "INSERT OR REPLACE INTO answers (key, fingerprint, expires, payload) VALUES (?1, ?2, ?3, ?4)")
        dropAnswers = try prepare("DELETE FROM answers WHERE expires < ?1")
        dropTrend = try prepare("DELETE FROM trends WHERE start = ?1 AND length = ?2")
        addTrend = try prepare(
            "INSERT INTO trends (start, length, place, content_id, gained) VALUES (?1, ?2, ?3, ?4, ?5)")
        dropTrends = try prepare("DELETE FROM trends WHERE start < ?1 AND start + length < ?1")
    }

    /// Takes one batch, unless its shard is held beyond it already.
    func take(_ batch: LedgerBatch) throws(LedgerError) {
        guard try isNew(batch) else { return }
        var latest: UInt64 = 0
        try batch.userBytes.span.bytes.withUnsafeBytes { (users) throws(LedgerError) in
            for change in batch.contents { try take(change, users: users, latest: &latest) }
        }
        try advanceClock.bind(1, Int64(latest))
        try advanceClock.run()
        for answer in batch.answers { try take(answer) }
        for bucket in batch.trends { try take(bucket) }
        try dropAnswers.bind(1, Int64(batch.now))
        try dropAnswers.run()
        try dropTrends.bind(1, Int64(batch.now) - Int64(TrendBucket.retentionMilliseconds))
        try dropTrends.run()
        try setPosition.bind(1, Int64(batch.shard))
        try setPosition.bind(2, Int64(batch.through))
        try setPosition.run()
    }

    private func isNew(_ batch: LedgerBatch) throws(LedgerError) -> Bool {
        defer { findPosition.reset() }
        try findPosition.bind(1, Int64(batch.shard))
        guard try findPosition.step() else { return true }
        return try findPosition.unsigned(0) < batch.through
    }

    // MARK: Contents

    private func take(
        _ change: LedgerBatch.ContentChange, users: UnsafeRawBufferPointer, latest: inout UInt64
    ) throws(LedgerError) {
        let key = try content(change)
        latest = max(latest, change.deleted?.reading ?? 0)
        if let description = change.description {
            try describeContent.bind(1, key)
            try describeContent.bind(2, text: description.type)
            try describeContent.bind(3, Int64(description.visibility.rawValue))
            try describeContent.bind(4, description.registered ? 1 : 0)
            try describeContent.run()
        }
        var moved = TallyDelta()
        for row in change.rows {
            latest = max(latest, row.register.version.reading)
            let user = UnsafeRawBufferPointer(rebasing: users[Int(row.userOffset)...].prefix(Int(row.userLength)))
            if let old = try merge(row, user: user, into: key) { moved.move(from: old, to: row.register.reaction) }
        }
        try write(moved, of: key)
    }

    /// The number of the content, which is made known or deleted as `change` says.
    private func content(_ change: LedgerBatch.ContentChange) throws(LedgerError) -> Int64 {
        try findContent.bind(1, text: change.id)
        guard let key = try findContent.firstInteger() else {
            return try add(change.id, deleted: change.deleted ?? .zero)
        }
        guard let deletion = change.deleted, try deletion > deletionHeld(of: key) else { return key }
        for statement in [removeContent, removeTallies, addGarbage] {
            try statement.bind(1, key)
            try statement.run()
        }
        return try add(change.id, deleted: deletion)
    }

    private func deletionHeld(of key: Int64) throws(LedgerError) -> Version {
        defer { findDeletion.reset() }
        try findDeletion.bind(1, key)
        return try findDeletion.step() ? try findDeletion.version(0) : .zero
    }

    private func add(_ id: [UInt8], deleted: Version) throws(LedgerError) -> Int64 {
        try addContent.bind(1, text: id)
        try addContent.bind(2, Int64(deleted.reading))
        try addContent.bind(3, Int64(deleted.region))
        try addContent.run()
        return addContent.lastInserted
    }

    // MARK: Registers

    /// Merges one register; answers the reaction it replaced, or nil where nothing changed.
    @inline(__always)
    private func merge(
        _ row: LedgerBatch.Row, user: UnsafeRawBufferPointer, into key: Int64
    ) throws(LedgerError) -> Reaction? {
        guard Register.untouched.yields(to: row.register) else { return nil }
        if row.old == .none, try write(row.register, of: user, on: key, by: addRegister) { return Reaction.none }
        guard let held = try register(of: user, on: key) else {
            return try write(row.register, of: user, on: key, by: addRegister) ? Reaction.none : nil
        }
        guard held.yields(to: row.register) else { return nil }
        return try write(row.register, of: user, on: key, by: changeRegister) ? held.reaction : nil
    }

    @inline(__always)
    private func write(
        _ register: Register, of user: UnsafeRawBufferPointer, on key: Int64, by statement: LedgerStatement
    ) throws(LedgerError) -> Bool {
        try statement.bind(1, key)
        try statement.bind(2, borrowing: user)
        try statement.bind(3, Int64(register.reaction.rawValue))
        try statement.bind(4, Int64(register.version.reading))
        try statement.bind(5, Int64(register.version.region))
        return try statement.run() == 1
    }

    private func register(of user: UnsafeRawBufferPointer, on key: Int64) throws(LedgerError) -> Register? {
        defer { findRegister.reset() }
        try findRegister.bind(1, key)
        try findRegister.bind(2, borrowing: user)
        return try findRegister.step() ? try findRegister.register(0) : nil
    }

    // MARK: Tallies

    private func write(_ delta: TallyDelta, of key: Int64) throws(LedgerError) {
        for (reaction, change) in delta.changes {
            let statement = change > 0 ? raiseTally : lowerTally
            try statement.bind(1, key)
            try statement.bind(2, Int64(reaction.rawValue))
            try statement.bind(3, abs(change))
            if try statement.run() != 1 {
                throw .damaged(path, "the tally of content number \(key) is below what its registers hold")
            }
        }
    }

    // MARK: Answers and trends

    private func take(_ answer: StoredAnswer) throws(LedgerError) {
        try setAnswer.bind(1, blob: answer.key)
        try setAnswer.bind(2, Int64(bitPattern: answer.fingerprint))
        try setAnswer.bind(3, Int64(answer.expires))
        try setAnswer.bind(4, blob: answer.payload)
        try setAnswer.run()
    }

    func take(_ bucket: TrendBucket) throws(LedgerError) {
        try dropTrend.bind(1, Int64(bucket.start))
        try dropTrend.bind(2, Int64(bucket.length))
        try dropTrend.run()
        for (place, entry) in bucket.entries.enumerated() {
            try addTrend.bind(1, Int64(bucket.start))
            try addTrend.bind(2, Int64(bucket.length))
            try addTrend.bind(3, Int64(place))
            try addTrend.bind(4, text: entry.content)
            try addTrend.bind(5, entry.gained)
            try addTrend.run()
        }
    }
}

/// How many users each reaction of one content gained or lost.
struct TallyDelta {
    private var likes: Int64 = 0
    /// By code, empty until a reaction other than `like` is touched.
    private var others: [Int64] = []

    @inline(__always)
    mutating func move(from old: Reaction, to new: Reaction) {
        add(-1, to: old)
        add(1, to: new)
    }

    @inline(__always)
    private mutating func add(_ change: Int64, to reaction: Reaction) {
        if reaction.counted == .none { return }
        if reaction == .like {
            likes += change
        } else {
            addOther(change, to: reaction)
        }
    }

    private mutating func addOther(_ change: Int64, to reaction: Reaction) {
        if others.isEmpty { others = Array(repeating: 0, count: Int(Reaction.limit) + 1) }
        others[Int(reaction.rawValue)] += change
    }

    /// The reactions whose count changed.
    var changes: [(reaction: Reaction, change: Int64)] {
        var result: [(reaction: Reaction, change: Int64)] = []
        if likes != 0 { result.append((.like, likes)) }
        for (code, change) in others.enumerated() where change != 0 {
            result.append((Reaction(rawValue: UInt8(code)), change))
        }
        return result
    }
}
