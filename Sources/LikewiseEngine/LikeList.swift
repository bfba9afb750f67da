// A page of likes, newest first: the ledger's rows, overruled by what the ledger does not hold yet.

import LikewiseCore

package struct LikeList {
    let subject: ListSubject
    /// Sealed, of all shards; what the ledger has taken meanwhile may be among them.
    let generations: [Generation]

    package init(subject: ListSubject, generations: [Generation]) {
        self.subject = subject
        self.generations = generations
    }

    /// Up to `limit` likes behind `position`. The generations must have been taken before this reads the ledger.
    package func page(
        _ reader: any LedgerReader, behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        let (newer, deleted) = overlay()
        // Every overlay entry may hide one of the ledger's rows, and so may every deletion in a user's list: read that
        // many more. In a content's list its deletion ends all of the ledger's rows or, once the ledger has it, none.
        // Of what is held back it ends any number, so that more may have to be read.
        let wanted = limit + newer.count + deleted.count
        var rows: [LedgerLike] = []
        var behind = position
        while true {
            let read = try read(reader, behind: behind, limit: wanted)
            rows += read.filter { row in newer[other(row)] == nil && !isEnded(row, deleted) }
            guard read.count == wanted, rows.count < limit, let last = read.last else { break }
            behind = place(last)
        }
        for like in newer.values where shows(like.register.reaction) {
            if let position, !position.precedes(place(like)) { continue }
            rows.append(like)
        }
        rows.sort { place($0).precedes(place($1)) }
        return Array(rows.prefix(limit))
    }

    private func read(
        _ reader: any LedgerReader, behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        switch subject {
        case .user(let user): try reader.likes(ofUser: user, behind: position, limit: limit)
        case .content(let id): try reader.likes(ofContent: id, behind: position, limit: limit)
        case .held(let filter): try reader.heldLikes(of: filter, behind: position, limit: limit)
        }
    }

    private func isEnded(_ like: LedgerLike, _ deleted: [[UInt8]: Version]) -> Bool {
        guard let version = deleted[like.content] else { return false }
        return like.register.version < version
    }

    /// Whether who holds this is in the list.
    private func shows(_ reaction: Reaction) -> Bool {
        switch subject {
        case .user: reaction != .none
        case .content: reaction.counted != .none
        case .held: reaction.isHeld
        }
    }

    /// The content that the list is of; nil where it is of several.
    private var only: [UInt8]? {
        switch subject {
        case .user: nil
        case .content(let id): id
        case .held(let filter): filter.content
        }
    }

    /// Whether an entry of the overlay may change the list. What is held back in the ledger is changed first by an entry
    /// that says so, and an entry behind the last one that touches anything held back does not.
    private func concerns(_ entry: Generation.Entry, _ content: UInt32?) -> Bool {
        switch subject {
        case .user(let user): sameBytes(user, entry.user)
        case .content: entry.content == content
        case .held(let filter):
            (entry.old.isHeld || entry.new.isHeld) && (content == nil || entry.content == content)
                && (filter.user.map { sameBytes($0, entry.user) } ?? true)
        }
    }

    /// The id by which a list is ordered and by which an entry is known in it.
    private func other(_ like: LedgerLike) -> [UInt8] {
        switch subject {
        case .user: like.content
        case .content: like.user
        case .held: like.heldPosition.id
        }
    }

    private func place(_ like: LedgerLike) -> LikePosition {
        LikePosition(version: like.register.version, id: other(like))
    }

    /// The newest register of each pair that belongs to the subject, and the contents deleted.
    private func overlay() -> (newer: [[UInt8]: LedgerLike], deleted: [[UInt8]: Version]) {
        var newer: [[UInt8]: LedgerLike] = [:]
        var deleted: [[UInt8]: Version] = [:]
        for generation in generations {
            for event in generation.events {
                if let version = event.deleted { deleted[generation.contentID(event.content)] = version }
            }
            var content: UInt32?
            if let only {
                guard let place = generation.place(ofContent: only) else { continue }
                content = place
            }
            generation.forEachEntry { entry in
                guard concerns(entry, content) else { return }
                let like = LedgerLike(
                    content: generation.contentID(entry.content), user: Array(entry.user),
                    register: entry.register)
                if let held = newer[other(like)], held.register.version > like.register.version { return }
                newer[other(like)] = like
            }
        }
        newer = newer.filter { _, like in !isEnded(like, deleted) }
        return (newer, deleted)
    }
}
