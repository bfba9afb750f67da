// Turns the events of some polls into what the ledger takes: a batch a partition, each content once, each register once.

import LikewiseCore
package import LikewiseEngine

/// Gathers events by partition, in the order of their offsets.
package struct EventBatcher: Sendable {
    /// What the events of one partition say of a content beside its registers, which are in the table.
    fileprivate struct Change {
        var deleted: Version?
        var description: ContentDescription?
        /// The type that a like told of, for a content that has none.
        var type: [UInt8]?
        var gained: Int64 = 0
    }

    private struct End {
        var partition: Int32
        var through: UInt64
    }

    /// The registers that the events ask for, the latest of each content, user and partition.
    package private(set) var registers = RegisterTable()
    /// By the contents' numbers in the table.
    private var changes: [Change] = []
    /// How far each partition was read. Events come in runs of one partition, so the last one's is looked at first.
    private var ends: [End] = []
    private var lastEnd = 0
    /// Records read, whether or not they were events.
    package private(set) var records = 0
    /// Events taken that are new.
    package private(set) var count = 0

    package init() {}

    /// Whether no partition was read.
    package var isEmpty: Bool { ends.isEmpty }

    /// The offset behind the last record that was read of each partition.
    package var nextOffsets: [Int32: Int64] {
        Dictionary(uniqueKeysWithValues: ends.map { ($0.partition, Int64($0.through)) })
    }

    /// Notes that everything of a partition up to `offset` was read, whether or not it was an event.
    package mutating func pass(_ partition: Int32, offset: Int64) {
        if !ends.indices.contains(lastEnd) || ends[lastEnd].partition != partition {
            lastEnd = ends.firstIndex { $0.partition == partition } ?? ends.count
            if lastEnd == ends.count { ends.append(End(partition: partition, through: 0)) }
        }
        ends[lastEnd].through = UInt64(offset) + 1
        records += 1
    }

    /// Takes an event, which comes after all that were taken of its partition. One that is not new is only shown again.
    package mutating func take(_ event: LikeEvent, partition: Int32, offset: Int64, isNew: Bool = true) {
        pass(partition, offset: offset)
        if isNew { count += 1 }
        let content = registers.content(event.content, partition: partition)
        if content == changes.count { changes.append(Change()) }
        changes[content].take(event)
        guard event.kind == .register else { return }
        registers.merge(event.register, of: event.user, on: content, previous: event.previous)
        if isNew {
            changes[content].gained +=
                (event.reaction.counted == .none ? 0 : 1)
                - (event.previous.counted == .none ? 0 : 1)
        }
    }

    /// The contents that were touched.
    package var contents: Set<[UInt8]> { Set(changes.indices.map { registers.id(of: $0) }) }

    /// What contents gained by the events, as far as the nodes that sent them could tell.
    package var gains: [[UInt8]: Int64] {
        var gains: [[UInt8]: Int64] = [:]
        for (content, change) in changes.enumerated() where change.gained != 0 {
            gains[registers.id(of: content), default: 0] += change.gained
        }
        return gains
    }

    /// The batches, by partition upwards. `now`: milliseconds since 1970.
    package func batches(now: UInt64) -> [LedgerBatch] {
        let rows = registers.rowsByContent()
        var contents: [Int32: [Int]] = [:]
        for content in changes.indices { contents[registers.partition(of: content), default: []].append(content) }
        return ends.sorted { $0.partition < $1.partition }.map { end in
            var batch = LedgerBatch(shard: UInt16(end.partition), through: end.through, now: now)
            let sorted = (contents[end.partition] ?? []).sorted { a, b in
                registers.id(of: a).withUnsafeBytes { a in
                    registers.id(of: b).withUnsafeBytes { b in compare(a, b) < 0 }
                }
            }
            batch.contents = sorted.map { change($0, rows[$0], &batch.userBytes) }
            return batch
        }
    }

    private func change(
        _ content: Int, _ rows: ArraySlice<UInt32>, _ users: inout [UInt8]
    ) -> LedgerBatch.ContentChange {
        var change = LedgerBatch.ContentChange(id: registers.id(of: content))
        change.deleted = changes[content].deleted
        change.description = changes[content].description
        change.typeIfNone = changes[content].type
        change.rows.reserveCapacity(rows.count)
        for index in rows {
            let row = registers.rows[Int(index)]
            registers.withUser(of: row) { user in
                change.rows.append(
                    LedgerBatch.Row(
                        userOffset: UInt32(users.count), userLength: UInt8(user.count), old: row.previous,
                        register: row.register))
                users.append(contentsOf: user)
            }
        }
        return change
    }
}

extension EventBatcher.Change {
    fileprivate mutating func take(_ event: LikeEvent) {
        switch event.kind {
        case .contentPut:
            if let deleted, event.version < deleted { return }
            description = ContentDescription(type: event.type, visibility: event.visibility, registered: true)
        case .contentDeleted:
            if let deleted, event.version < deleted { return }
            deleted = event.version
            description = nil
            type = nil
        case .register:
            if !event.type.isEmpty, type == nil { type = event.type }
        }
    }
}
