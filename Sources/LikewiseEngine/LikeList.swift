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
        let wanted = limit + newer.count + deleted.count
        var rows: [LedgerLike]
        switch subject {
        case .user(let user): rows = try reader.likes(ofUser: user, behind: position, limit: wanted)
        case .content(let id): rows = try reader.likes(ofContent: id, behind: position, limit: wanted)
        }
        rows.removeAll { row in
            newer[other(row)] != nil || isEnded(row, deleted)
        }
        for like in newer.values where like.register.reaction != .none {
            if let position, !position.precedes(place(like)) { continue }
            rows.append(like)
        }
        rows.sort { place($0).precedes(place($1)) }
        return Array(rows.prefix(limit))
    }

    private func isEnded(_ like: LedgerLike, _ deleted: [[UInt8]: Version]) -> Bool {
        guard let version = deleted[like.content] else { return false }
        return like.register.version < version
    }

    /// The id by which a list is ordered and by which an entry is known in it.
    private func other(_ like: LedgerLike) -> [UInt8] {
        switch subject {
        case .user: like.content
        case .content: like.user
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
            let content: UInt32?
            switch subject {
            case .user: content = nil
            case .content(let id):
                guard let place = generation.place(ofContent: id) else { continue }
                content = place
            }
            generation.forEachEntry { entry in
                if let content {
                    guard entry.content == content else { return }
                } else if case .user(let user) = subject, !sameBytes(user, entry.user) {
                    return
                }
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
