// What one transaction does with its batches: looks up what they touch, merges, and gathers the changes.
//
// The registers that a batch touches are asked for in the order of their keys, many at a time, but for those that the
// shard has proved not to be there, and those of contents that the ledger does not know: asking for them was two fifths
// of the writer's time. The tally moves from the reaction that the ledger really held, whatever the batch believed.
//
// Each key may be changed once in a commit, so contents, answers and trends are kept here until all batches are taken;
// and so are registers, of a content that more than one batch is about.

import LikewiseCore

/// One transaction of `RocksDBLedger`.
final class RocksDBLedgerMerge {
    /// A content that this transaction is about.
    struct Content {
        var now: LedgerContent
        /// The number under which the ledger holds it; nil for one that it does not know.
        let heldKey: Int64?
        /// Numbers that a deletion ended.
        var ended: [Int64] = []
        /// Whether a batch before was about it, and more may come.
        let isRepeated: Bool

        /// Stands where a content is being changed.
        static let placeholder = Content(
            now: LedgerContent(key: 0, description: ContentDescription(), tally: Tally(), deleted: .zero), heldKey: nil,
            isRepeated: false)
    }

    struct Cell {
        let held: Register
        var now: Register
    }

    let store: RocksDBStore
    let batch = RocksDBStore.Batch()
    /// Contents named by more than one batch.
    private let repeated: Set<[UInt8]>
    private(set) var contents: [[UInt8]: Content] = [:]
    private(set) var positions: [UInt16: UInt64] = [:]
    /// Registers of repeated contents, by their key.
    private(set) var cells: [[UInt8]: Cell] = [:]
    private(set) var nextContent: Int64?
    private(set) var latest: UInt64 = 0
    private(set) var now: UInt64 = 0
    /// Whether something is held back that this transaction writes.
    private(set) var hasHeld = false
    var answers: [[UInt8]: StoredAnswer] = [:]
    var trends: [[UInt64]: TrendBucket] = [:]
    var key = LedgerKey()
    var value = LedgerKey()
    private let lookup = RocksDBLookup()

    init(_ store: RocksDBStore, _ batches: [LedgerBatch]) {
        self.store = store
        var seen: Set<[UInt8]> = []
        var repeated: Set<[UInt8]> = []
        if batches.count > 1 {
            for change in batches.flatMap(\.contents) where !seen.insert(change.id).inserted {
                repeated.insert(change.id)
            }
        }
        self.repeated = repeated
    }

    /// Takes one batch, unless its shard is held beyond it already.
    func take(_ batch: LedgerBatch) throws(LedgerError) {
        if let held = try position(of: batch.shard), held >= batch.through { return }
        positions[batch.shard] = batch.through
        now = max(now, batch.now)
        try load(batch.contents)
        for change in batch.contents { try begin(change) }
        let order = batch.contents.indices.map { (index: $0, number: contents[batch.contents[$0].id]?.now.key ?? 0) }
            .sorted { $0.number < $1.number }
        try batch.userBytes.span.bytes.withUnsafeBytes { (users) throws(LedgerError) in
            let held = try registers(batch, order.map(\.index), users: users)
            var next = 0
            for (index, _) in order { try take(batch.contents[index], users: users, held: held, &next) }
        }
        for answer in batch.answers { answers[answer.key] = answer }
        for bucket in batch.trends { take(bucket) }
    }

    func take(_ bucket: TrendBucket) { trends[[bucket.start, bucket.length]] = bucket }

    private func position(of shard: UInt16) throws(LedgerError) -> UInt64? {
        if let position = positions[shard] { return position }
        return try store.value(of: LedgerKey.of(.position, shard)) { LedgerBytes.number($0) ?? 0 }
    }

    // MARK: Contents

    /// Reads those of the contents that were not read yet, in the order of their keys.
    private func load(_ changes: [LedgerBatch.ContentChange]) throws(LedgerError) {
        let unread = changes.lazy.map(\.id).filter { self.contents[$0] == nil }
        let ids = unread.sorted { a, b in a.withUnsafeBytes { a in b.withUnsafeBytes { compare(a, $0) < 0 } } }
        contents.reserveCapacity(contents.count + ids.count)
        for (id, held) in zip(ids, try lookup.contents(ids, in: store)) {
            let isRepeated = repeated.contains(id)
            if let held {
                contents[id] = Content(now: held, heldKey: held.key, isRepeated: isRepeated)
            } else {
                let fresh = LedgerContent(
                    key: try newKey(), description: ContentDescription(), tally: Tally(), deleted: .zero)
                contents[id] = Content(now: fresh, heldKey: nil, isRepeated: isRepeated)
            }
        }
    }

    private func newKey() throws(LedgerError) -> Int64 {
        var next = nextContent ?? 1
        if nextContent == nil {
            let held = try store.value(of: LedgerKey.of(.single, LedgerKey.nextContent)) {
                LedgerBytes.number($0).flatMap { Int64(exactly: $0) } ?? 0
            }
            if held == 0 { throw damage("the next content's number") }
            next = held ?? 1
        }
        nextContent = next + 1
        return next
    }

    /// Deletes and describes the content as `change` says.
    private func begin(_ change: LedgerBatch.ContentChange) throws(LedgerError) {
        guard change.deleted != nil || change.description != nil, var content = contents[change.id] else { return }
        if let deletion = change.deleted {
            latest = max(latest, deletion.reading)
            if deletion > content.now.deleted {
                // A content that only now becomes known keeps its number: there is nothing to let go of.
                let isFresh = content.heldKey == nil && content.ended.isEmpty && !content.isRepeated
                if !isFresh {
                    content.ended.append(content.now.key)
                    content.now = LedgerContent(
                        key: try newKey(), description: ContentDescription(), tally: Tally(), deleted: deletion)
                }
                content.now.deleted = deletion
            }
        }
        if let description = change.description { content.now.description = description }
        contents[change.id] = content
    }

    // MARK: Registers

    /// What the ledger holds of the batch's registers that may be there, content by content in the order given, which
    /// goes upwards by number; only of contents that the ledger holds under that number, since others have none.
    private func registers(
        _ batch: LedgerBatch, _ order: [Int], users: UnsafeRawBufferPointer
    ) throws(LedgerError) -> [Register] {
        let known = order.filter { mayBeHeld(batch.contents[$0].id) }
        let count = known.reduce(0) { $0 + batch.contents[$1].rows.count { !$0.isNew } }
        var held = [Register](repeating: .untouched, count: count)
        var damaged: Int?
        var (place, row) = (0, 0)
        var (number, numbered): (Int64, Int?) = (0, nil)
        try lookup.find(count, in: store) { _, keys in
            // One is left, or it would not be asked for.
            while true {
                let rows = batch.contents[known[place]].rows
                while row < rows.count && rows[row].isNew { row += 1 }
                if row < rows.count { break }
                (place, row) = (place + 1, 0)
            }
            let change = batch.contents[known[place]]
            if numbered != place { (number, numbered) = (contents[change.id]?.now.key ?? 0, place) }
            keys.append(LedgerKey.Kind.register.rawValue)
            withUnsafeBytes(of: number.bigEndian) { keys.append(contentsOf: $0) }
            keys.append(contentsOf: change.rows[row].user(users))
            row += 1
        } found: { index, value in
            if let register = LedgerBytes.register(value) { held[index] = register } else { damaged = index }
        }
        if let damaged { throw damage("a register, number \(damaged) of \(count) that were asked for") }
        return held
    }

    private func mayBeHeld(_ id: [UInt8]) -> Bool {
        guard let content = contents[id] else { return false }
        return content.heldKey == content.now.key
    }

    /// Merges the content's rows; `next` is the place in `held` of the first of them, where any are there.
    private func take(
        _ change: LedgerBatch.ContentChange, users: UnsafeRawBufferPointer, held: [Register], _ next: inout Int
    ) throws(LedgerError) {
        if change.rows.isEmpty { return }
        // Taken out while it changes, so that its tally is not copied.
        guard var content = contents.updateValue(.placeholder, forKey: change.id) else { return }
        let number = content.now.key
        let mayBeHeld = content.heldKey == number
        for row in change.rows {
            let user = row.user(users)
            latest = max(latest, row.register.version.reading)
            var found = Register.untouched
            if mayBeHeld && !row.isNew {
                found = held[next]
                next += 1
            }
            let old = content.isRepeated ? stage(row.register, user, number, found) : found
            guard let old, old.yields(to: row.register) else { continue }
            guard content.now.tally.takes(old.reaction, row.register.reaction) else {
                throw damage("the tally of content number \(number), which is below what its registers hold")
            }
            if !content.isRepeated { write(row.register, instead: old, of: user, on: number) }
        }
        contents[change.id] = content
    }

    /// Merges into what this transaction will write; answers what was there before, or nil where nothing changes.
    private func stage(
        _ register: Register, _ user: UnsafeRawBufferPointer, _ number: Int64, _ found: Register
    ) -> Register? {
        key.beginRegister(number, user)
        let place = key.withBytes { Array($0) }
        var cell = cells[place] ?? Cell(held: found, now: found)
        let old = cell.now
        guard old.yields(to: register) else { return nil }
        cell.now = register
        cells[place] = cell
        return old
    }

    @inline(__always)
    func write(
        _ register: Register, instead old: Register, of user: UnsafeRawBufferPointer, on number: Int64
    ) {
        key.beginRegister(number, user)
        value.setRegister(register)
        batch.put(key, value)
        // Of equal versions the entries have the same keys, and the new ones replace the old.
        if old.reaction != .none {
            let isReplaced = old.version == register.version && register.reaction != .none
            removeFromLists(old, user, number, isReplaced ? register.reaction : .none)
        }
        guard register.reaction != .none else { return }
        value.clear()
        value.append(register.reaction.rawValue)
        beginPublic(register, user, number)
        batch.put(key, value)
        key.beginByUser(user, register.version, number)
        batch.put(key, value)
        if register.reaction.isHeld { hasHeld = true }
    }

    /// Takes a register out of the lists, but for entries whose keys the one of `next`, of the same version, has too.
    func removeFromLists(
        _ register: Register, _ user: UnsafeRawBufferPointer, _ number: Int64, _ next: Reaction = .none
    ) {
        if next == .none || next.isHeld != register.reaction.isHeld {
            beginPublic(register, user, number)
            batch.delete(key)
        }
        if next == .none {
            key.beginByUser(user, register.version, number)
            batch.delete(key)
        }
    }

    /// The key in the list that others see: the content's, or that of what is held back.
    @inline(__always)
    private func beginPublic(_ register: Register, _ user: UnsafeRawBufferPointer, _ number: Int64) {
        if register.reaction.isHeld {
            key.beginHeld(number, register.version, user)
        } else {
            key.beginByContent(number, register.version, user)
        }
    }

    func damage(_ what: String) -> LedgerError { .damaged(store.path, what) }
}

extension LedgerBatch.Row {
    /// The user's id, in the bytes of all users of the batch.
    @inline(__always)
    fileprivate func user(_ users: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: users[Int(userOffset)...].prefix(Int(userLength)))
    }
}

extension Tally {
    /// Moves one user from `old` to `new`; false, with nothing changed, where nobody holds `old`.
    @inline(__always)
    fileprivate mutating func takes(_ old: Reaction, _ new: Reaction) -> Bool {
        if old.counted != .none && count(of: old) == 0 { return false }
        apply(old: old, new: new)
        return true
    }
}
