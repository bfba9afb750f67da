// What calls are answered with.

/// How many like a content.
public struct Count: Sendable, Hashable {
    /// The content that it is about.
    public internal(set) var contentID: String
    /// Users who hold any reaction.
    public internal(set) var count: UInt64
    /// Of them those who hold each reaction that somebody holds, by its name.
    public internal(set) var reactions: [String: UInt64]
    /// Whether it may lag behind what was acknowledged, by a second or two: in a cluster.
    public internal(set) var isApproximate: Bool
    /// The count, short for people: `999`, `12.8K`, `1.2M`. Never above the count.
    public internal(set) var display: String
    /// The reaction of the user that was asked for; nil where he holds none, and where none was asked for.
    public internal(set) var reaction: String?
}

/// What a like, a change of reaction or an unlike came to. It is on stable storage (unless the server runs with
/// `--sync interval`).
public struct LikeResult: Sendable, Hashable {
    /// The content that it is about.
    public internal(set) var contentID: String
    /// The user that it is about.
    public internal(set) var userID: String
    /// The reaction that the user holds now; nil after an unlike.
    public internal(set) var reaction: String?
    /// Whether the call changed anything: false where it was so already.
    public internal(set) var changed: Bool
    /// Users who hold any reaction, the user himself included.
    public internal(set) var count: UInt64
    /// Of them those who hold each reaction that somebody holds, by its name.
    public internal(set) var reactions: [String: UInt64]
    /// Whether the counts may lag behind what was acknowledged, by a second or two: in a cluster.
    public internal(set) var isApproximate: Bool

    /// Whether the user holds a reaction now.
    public var isLiked: Bool { reaction != nil }
}

/// What one user holds on one content.
public struct LikeStatus: Sendable, Hashable {
    /// The content that it is about.
    public internal(set) var contentID: String
    /// The user that it is about.
    public internal(set) var userID: String
    /// The reaction; nil where he holds none.
    public internal(set) var reaction: String?
    /// Milliseconds since 1970 when he came to hold it; nil where he holds none.
    public internal(set) var sinceMilliseconds: UInt64?

    /// Whether the user holds a reaction.
    public var isLiked: Bool { reaction != nil }
}

/// An entry of what a user likes.
public struct LikedContent: Sendable, Hashable {
    /// The content that it is about.
    public internal(set) var contentID: String
    /// The reaction, by its name.
    public internal(set) var reaction: String
    /// Milliseconds since 1970.
    public internal(set) var sinceMilliseconds: UInt64
}

/// An entry of who likes a content.
public struct Liker: Sendable, Hashable {
    /// The user that it is about.
    public internal(set) var userID: String
    /// The reaction, by its name.
    public internal(set) var reaction: String
    /// Milliseconds since 1970.
    public internal(set) var sinceMilliseconds: UInt64
}

/// An entry of what gained most.
public struct TopContent: Sendable, Hashable {
    /// The content that it is about.
    public internal(set) var contentID: String
    /// Likes gained within the window.
    public internal(set) var gained: UInt64
    /// Users who like it now.
    public internal(set) var count: UInt64
    /// The count, short for people.
    public internal(set) var display: String
}

/// The time that `top` looks back.
public enum TopWindow: String, Sendable, CaseIterable {
    /// The last minute.
    case minute = "1m"
    /// The last hour.
    case hour = "1h"
    /// The last day.
    case day = "24h"
}

/// What one line of bulk intake asks for.
public struct Intent: Sendable, Hashable {
    /// The content that it is about.
    public var contentID: String
    /// The user that it is about.
    public var userID: String
    /// The reaction to hold; nil to hold none.
    public var reaction: String?
    /// The kind of content, where a first like may make it known.
    public var contentType: String?

    /// The user holds `reaction`; one that he held before is replaced.
    public static func like(
        _ contentID: String, by userID: String, reaction: String = "like", contentType: String? = nil
    ) -> Intent {
        Intent(contentID: contentID, userID: userID, reaction: reaction, contentType: contentType)
    }

    /// The user holds none.
    public static func unlike(_ contentID: String, by userID: String) -> Intent {
        Intent(contentID: contentID, userID: userID, reaction: nil, contentType: nil)
    }
}

/// What bulk intake came to.
public struct BulkResult: Sendable, Hashable {
    /// An intent that was not taken.
    public struct Rejection: Sendable, Hashable {
        /// The intent's place in what was sent, from 0.
        public internal(set) var index: Int
        /// The server's code.
        public internal(set) var code: String
        /// The server's words on it.
        public internal(set) var detail: String?
    }

    /// Intents that were taken, on stable storage.
    public internal(set) var accepted = 0
    /// Of them those that changed something.
    public internal(set) var changed = 0
    /// Intents that were not taken.
    public internal(set) var rejectedCount = 0
    /// The first 100 of them in each piece that was sent.
    public internal(set) var rejected: [Rejection] = []

    /// Of those that were taken, the ones that changed nothing, because it was so already.
    public var unchanged: Int { accepted - changed }
}
