// Turns what the log says, in its order, into what the ledger wants: each content once, each register once, sorted, with
// what a deletion ended left out.

import LikewiseCore

package struct LedgerBatchBuilder {
    /// Refers to the generation's memory: there are half a million at a time.
    private struct Movement {
        var entry: Generation.Entry
        var sequence: UInt64

        var user: UnsafeRawBufferPointer { entry.user }
    }

    private struct Content {
        var change: LedgerBatch.ContentChange
        var deletedSequence: UInt64 = 0
        var movements: [Movement] = []
    }

    private var contents: [Content] = []
    private var byID: [[UInt8]: Int] = [:]
    private var batch: LedgerBatch

    init(shard: UInt16, through: UInt64, now: UInt64) {
        batch = LedgerBatch(shard: shard, through: through, now: now)
    }

    /// One batch from sealed generations of one shard, oldest first.
    package static func build(_ generations: [Generation], shard: UInt16, now: UInt64) -> LedgerBatch {
        var builder = LedgerBatchBuilder(shard: shard, through: generations.last?.lastSequence ?? 0, now: now)
        for generation in generations { builder.add(generation) }
        return withExtendedLifetime(generations) { builder.finish() }
    }

    private mutating func add(_ generation: Generation) {
        let places = (0..<generation.contentCount).map { place(generation.contentID(UInt32($0))) }
        for event in generation.events {
            add(
                places[Int(event.content)], sequence: event.sequence, description: event.description,
                deleted: event.deleted)
        }
        generation.forEachEntry { entry in
            let movement = Movement(entry: entry, sequence: generation.sequence(of: entry))
            contents[places[Int(entry.content)]].movements.append(movement)
        }
        batch.answers += generation.answers
    }

    private mutating func place(_ id: [UInt8]) -> Int {
        if let place = byID[id] { return place }
        contents.append(Content(change: LedgerBatch.ContentChange(id: id)))
        byID[id] = contents.count - 1
        return contents.count - 1
    }

    private mutating func add(_ place: Int, sequence: UInt64, description: ContentDescription?, deleted: Version?) {
        if let deleted {
            contents[place].change.deleted = deleted
            contents[place].change.description = nil
            contents[place].deletedSequence = sequence
        }
        if let description { contents[place].change.description = description }
    }

    private mutating func finish() -> LedgerBatch {
        for i in contents.indices {
            var content = contents[i]
            contents[i].movements = []
            if content.deletedSequence > 0 { content.movements.removeAll { $0.sequence < content.deletedSequence } }
            content.movements.sort { a, b in
                let order = compare(a.user, b.user)
                return order != 0 ? order < 0 : a.sequence < b.sequence
            }
            content.change.rows.reserveCapacity(content.movements.count)
            appendRows(content.movements, to: &content.change)
            batch.contents.append(content.change)
        }
        return batch
    }

    private mutating func appendRows(_ sorted: [Movement], to change: inout LedgerBatch.ContentChange) {
        var previous: UnsafeRawBufferPointer?
        for movement in sorted {
            if let previous, sameBytes(previous, movement.user) {
                change.rows[change.rows.count - 1].register = movement.entry.register
                continue
            }
            change.rows.append(
                LedgerBatch.Row(
                    userOffset: UInt32(batch.userBytes.count), userLength: UInt8(movement.user.count),
                    old: movement.entry.old, register: movement.entry.register, isNew: movement.entry.isNew))
            batch.userBytes.append(contentsOf: movement.user)
            previous = movement.user
        }
    }
}
