// What one transaction does with its batches, worked out without a server: each content once, with each of its
// registers once, whichever of the batches they came in.
//
// The batches' order matters only for descriptions and deletions of one content. Registers are folded by merge, and
// those that are not newer than the content's latest deletion are left out: partitions are read at different speeds, so
// that a deletion may come before likes that it ended, and after likes that it did not.

import LikewiseCore
import LikewiseEngine

/// What the batches say of one content, and what is done about it.
struct PostgresFoldedContent {
    let id: [UInt8]
    /// Where the batches speak of it: the batch, and the change in it.
    fileprivate(set) var places: [(batch: Int, change: Int)] = []
    /// The ledger's number and deletion; a guess of zero until they are known.
    var held = PostgresHeldContent(0, .zero, hasType: false)
    /// The batches' latest deletion, where it is later than the one held.
    private(set) var deletion: Version?
    /// The description that remains at the end.
    private(set) var description: ContentDescription?
    /// The type that the content gets, having none.
    private(set) var type: [UInt8]?

    fileprivate init(id: [UInt8]) { self.id = id }

    /// Works out deletion and description; `held` is known now.
    mutating func settle(_ batches: [LedgerBatch]) {
        var deleted = held.deleted
        for place in places {
            let change = batches[place.batch].contents[place.change]
            if let version = change.deleted, version > deleted {
                deleted = version
                deletion = version
                description = nil
                type = nil
            }
            description = change.description ?? description
            type = type ?? change.typeIfNone
        }
        let hasType = description.map { !$0.type.isEmpty } ?? (held.hasType && deletion == nil)
        if hasType { type = nil }
        if let type, description != nil { description?.type = type }
        if hasType || type != nil { held.hasType = true }
    }

    /// The shard whose tallies take what the content's registers change: the first that speaks of it. Any shard whose
    /// position this transaction holds would be exact, for the tallies of all shards are added up.
    func shard(_ batches: [LedgerBatch]) -> UInt16 { places.map { batches[$0.batch].shard }.min() ?? 0 }
}

/// What a ledger says of a content, as far as merging needs it.
struct PostgresHeldContent: Hashable, Sendable {
    var number: Int64
    var deleted: Version
    /// Whether it has a type, which a like can give it once.
    var hasType: Bool

    init(_ number: Int64, _ deleted: Version, hasType: Bool) {
        self.number = number
        self.deleted = deleted
        self.hasType = hasType
    }
}

/// A register to be merged, and whose it is.
struct PostgresFoldedRow {
    var user: UnsafeRawBufferPointer
    var register: Register
}

enum PostgresFold {
    /// The contents that the batches speak of.
    static func contents(_ batches: [LedgerBatch]) -> [PostgresFoldedContent] {
        var result: [PostgresFoldedContent] = []
        var known: [[UInt8]: Int] = [:]
        known.reserveCapacity(batches.reduce(0) { $0 + $1.contents.count })
        for (batch, each) in batches.enumerated() {
            for (change, content) in each.contents.enumerated() {
                let at = known[content.id] ?? result.count
                if at == result.count {
                    result.append(PostgresFoldedContent(id: content.id))
                    known[content.id] = at
                }
                result[at].places.append((batch, change))
            }
        }
        return result
    }

    /// The registers of a content by user, each once, without those that its deletion ended. The users' bytes are in
    /// `users`, one entry a batch.
    static func rows(
        of content: PostgresFoldedContent, _ batches: [LedgerBatch], users: [UnsafeRawBufferPointer]
    ) -> [PostgresFoldedRow] {
        let deleted = content.deletion ?? content.held.deleted
        var rows: [PostgresFoldedRow] = []
        for place in content.places {
            let change = batches[place.batch].contents[place.change]
            rows.reserveCapacity(rows.count + change.rows.count)
            for row in change.rows where outlives(deleted, row.register) {
                let bytes = users[place.batch]
                let user = UnsafeRawBufferPointer(
                    rebasing: bytes[Int(row.userOffset)..<Int(row.userOffset) + Int(row.userLength)])
                rows.append(PostgresFoldedRow(user: user, register: row.register))
            }
        }
        if content.places.count > 1 { unite(&rows) }
        return rows
    }

    private static func outlives(_ deleted: Version, _ register: Register) -> Bool {
        deleted == .zero ? Register.untouched.yields(to: register) : register.version > deleted
    }

    /// Sorts by user, and merges the registers of each.
    private static func unite(_ rows: inout [PostgresFoldedRow]) {
        rows.sort { compare($0.user, $1.user) < 0 }
        var last = -1
        for row in rows {
            if last >= 0, sameBytes(rows[last].user, row.user) {
                rows[last].register.merge(row.register)
            } else {
                last += 1
                rows[last] = row
            }
        }
        rows.removeLast(rows.count - last - 1)
    }

    /// Calls `body` with the bytes of the batches' users, one entry a batch.
    static func withUsers<R>(of batches: [LedgerBatch], _ body: ([UnsafeRawBufferPointer]) -> R) -> R {
        func nest(_ rest: ArraySlice<LedgerBatch>, _ users: [UnsafeRawBufferPointer]) -> R {
            guard let batch = rest.first else { return body(users) }
            return batch.userBytes.withUnsafeBytes { nest(rest.dropFirst(), users + [$0]) }
        }
        return nest(batches[...], [])
    }

    /// Throws where a batch holds what the tables could not: ids that no rule allows. Before anything is changed.
    static func check(_ batches: [LedgerBatch]) throws(LedgerError) {
        for batch in batches {
            try batch.check()
            do throws(IDRules.Problem) {
                try batch.userBytes.span.bytes.withUnsafeBytes { (users) throws(IDRules.Problem) in
                    for change in batch.contents { try check(change, users) }
                }
            } catch {
                throw .failed("shard \(batch.shard) names a content or a user that cannot be: \(error)")
            }
        }
    }

    private static func check(
        _ change: LedgerBatch.ContentChange, _ users: UnsafeRawBufferPointer
    ) throws(IDRules.Problem) {
        try change.id.span.bytes.withUnsafeBytes { (id) throws(IDRules.Problem) in
            try IDRules.check(id, limit: IDRules.contentBytes)
        }
        for row in change.rows {
            let user = users[Int(row.userOffset)..<Int(row.userOffset) + Int(row.userLength)]
            try IDRules.check(UnsafeRawBufferPointer(rebasing: user), limit: IDRules.userBytes)
        }
    }
}
