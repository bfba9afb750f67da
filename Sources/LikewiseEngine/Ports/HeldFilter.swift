// The list of what is held back: which likes are in it, and in what order.

import LikewiseCore

/// Which of the likes that are held back are meant: all, or those of a content, of a user, or of both.
package struct HeldFilter: Hashable, Sendable {
    /// The content's id; nil for every one. Never empty.
    package var content: [UInt8]?
    /// The user's id; nil for every one. Never empty.
    package var user: [UInt8]?

    package init(content: [UInt8]? = nil, user: [UInt8]? = nil) {
        self.content = content
        self.user = user
    }

    func takes(content id: [UInt8]) -> Bool { content.map { $0 == id } ?? true }
    func takes(user id: [UInt8]) -> Bool { user.map { $0 == id } ?? true }

    /// The ids in the `id` of a place in this list; empty where it is none.
    package static func ids(of place: [UInt8]) -> (content: [UInt8], user: [UInt8]) {
        let parts = place.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? (Array(parts[0]), Array(parts[1])) : ([], [])
    }
}

extension LedgerLike {
    /// Where it stands in the list of what is held back: by version, then content, then user. Ids have no control
    /// characters, so a zero byte keeps the two apart, and sorts below all that an id goes on with.
    package var heldPosition: LikePosition {
        LikePosition(version: register.version, id: content + [0] + user)
    }
}
