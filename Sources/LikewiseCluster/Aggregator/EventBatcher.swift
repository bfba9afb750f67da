// Turns the events of a poll into what the ledger takes: a batch a partition, each content once, each register once.

package import LikewiseCore
package import LikewiseEngine

/// Gathers events by partition, in the order of their offsets.
package struct EventBatcher {
    fileprivate struct Content {
        var deleted: Version?
        var description: ContentDescription?
        /// The type that a like told of, for a content that has none.
        var type: [UInt8]?
        var registers: [[UInt8]: Row] = [:]
    }

    fileprivate struct Row {
        var previous: Reaction
        var register: Register
    }

    fileprivate struct Partition {
        var through: UInt64
        var contents: [[UInt8]: Content] = [:]
    }

    private var partitions: [Int32: Partition] = [:]
    /// What contents gained by the events, as far as the nodes that sent them could tell.
    package private(set) var gains: [[UInt8]: Int64] = [:]
    /// Events taken.
    package private(set) var count = 0

    package init() {}

    /// Notes that everything of a partition up to `offset` was read, whether or not it was an event.
    package mutating func pass(_ partition: Int32, offset: Int64) {
        partitions[partition, default: Partition(through: 0)].through = UInt64(offset) + 1
    }

    /// Takes an event, which comes after all that were taken of its partition. One that is not new is only shown again.
    package mutating func take(_ event: LikeEvent, partition: Int32, offset: Int64, isNew: Bool = true) {
        pass(partition, offset: offset)
        if isNew { count += 1 }
        partitions[partition]?.contents[event.content, default: Content()].take(event)
        guard isNew, event.kind == .register else { return }
        let gained: Int64 = (event.reaction == .none ? 0 : 1) - (event.previous == .none ? 0 : 1)
        if gained != 0 { gains[event.content, default: 0] += gained }
    }

    /// The registers that the events ask for, the latest of each.
    package var registers: [(key: RegisterKey, register: Register)] {
        var found: [RegisterKey: Register] = [:]
        for partition in partitions.values {
            for (id, content) in partition.contents {
                for (user, row) in content.registers {
                    let key = RegisterKey(content: id, user: user)
                    if var held = found[key] {
                        held.merge(row.register)
                        found[key] = held
                    } else {
                        found[key] = row.register
                    }
                }
            }
        }
        return found.map { ($0.key, $0.value) }
    }

    /// The contents that were touched.
    package var contents: Set<[UInt8]> {
        partitions.values.reduce(into: []) { $0.formUnion($1.contents.keys) }
    }

    /// The batches, by partition upwards. `now`: milliseconds since 1970.
    package func batches(now: UInt64) -> [LedgerBatch] {
        partitions.sorted { $0.key < $1.key }.map { partition, held in
            var batch = LedgerBatch(shard: UInt16(partition), through: held.through, now: now)
            let sorted = held.contents.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            batch.contents = sorted.map { id, content in EventBatcher.change(id, content, &batch.userBytes) }
            return batch
        }
    }

    private static func change(
        _ id: [UInt8], _ content: Content, _ users: inout [UInt8]
    ) -> LedgerBatch.ContentChange {
        var change = LedgerBatch.ContentChange(id: id)
        change.deleted = content.deleted
        change.description = content.description
        change.typeIfNone = content.type
        for (user, row) in content.registers.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            change.rows.append(
                LedgerBatch.Row(
                    userOffset: UInt32(users.count), userLength: UInt8(user.count), old: row.previous,
                    register: row.register))
            users += user
        }
        return change
    }
}

extension EventBatcher.Content {
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
            if var row = registers[event.user] {
                row.register.merge(event.register)
                registers[event.user] = row
            } else {
                registers[event.user] = EventBatcher.Row(previous: event.previous, register: event.register)
            }
        }
    }
}
