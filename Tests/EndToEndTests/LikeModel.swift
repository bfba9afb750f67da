// Random calls with the answers that are due, worked out the plain way: who holds what, in a dictionary.

/// What users hold, by content and user, and the answers that follow from it.
struct LikeModel: Sendable {
    /// Reactions, by content and user.
    private(set) var held: [String: [String: String]] = [:]

    /// How many hold each reaction.
    func reactions(_ content: String) -> [String: Int] {
        (held[content] ?? [:]).values.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    /// The members of a content's count.
    func members(_ content: String) -> [String: JSON] {
        [
            "content_id": .string(content), "count": .integer(Int64(held[content]?.count ?? 0)),
            "reactions": .object(reactions(content).mapValues { .integer(Int64($0)) }),
        ]
    }

    /// The members of an answer about a user.
    func members(_ content: String, _ user: String) -> [String: JSON] {
        var members = members(content)
        members["liked"] = .bool(held[content]?[user] != nil)
        if let reaction = held[content]?[user] { members["reaction"] = .string(reaction) }
        return members
    }

    /// Sets what a user holds; answers whether that changed anything.
    mutating func set(_ content: String, _ user: String, _ reaction: String?) -> Bool {
        defer { held[content, default: [:]][user] = reaction }
        return held[content]?[user] != reaction
    }

    /// Adds what the users of another model hold, who are not this one's.
    mutating func merge(_ other: LikeModel) {
        for (content, users) in other.held { held[content, default: [:]].merge(users) { $1 } }
    }
}

/// A call, and what must be answered if all before it took effect.
struct LikeStep: Sendable {
    var call: HTTPCall
    var status: Int
    var members: [String: JSON]

    /// A random call on one of the contents for one of the users; the model then is as the server will be.
    init(_ random: inout Random, _ model: inout LikeModel, contents: [String], users: [String]) throws {
        let (content, user) = (contents[random.below(contents.count)], users[random.below(users.count)])
        let reaction = ["like", "love", "wow"][random.below(3)]
        switch random.below(10) {
        case 0, 1: self = try .like(&model, content, user, reaction)
        case 2: self = try .unlike(&model, content, user, inPath: false)
        case 3: self = try .unlike(&model, content, user, inPath: true)
        case 4: self = try .hold(&model, content, user, reaction)
        case 5: self = try .release(&model, content, user)
        case 6:
            self.init(
                try HTTPCall("GET", Target.count(content, user: user)), 200, model.members(content, user))
        case 7: self.init(try HTTPCall("GET", Target.count(content)), 200, model.members(content))
        case 8: self = .bulk(&model, &random, contents, user)
        default:
            let state = model.members(content, user).filter { !["count", "reactions"].contains($0.key) }
            self.init(try HTTPCall("GET", Target.like(user, content)), 200, state)
        }
    }

    private init(_ call: HTTPCall, _ status: Int, _ members: [String: JSON]) {
        self.call = call
        self.status = status
        self.members = members
    }

    private static func like(
        _ model: inout LikeModel, _ content: String, _ user: String, _ reaction: String
    ) throws -> Self {
        let body: JSON = ["content_id": .string(content), "user_id": .string(user), "reaction": .string(reaction)]
        let status = model.set(content, user, reaction) ? 200 : 409
        return Self(try HTTPCall("POST", Target.likes, body), status, model.members(content, user))
    }

    private static func unlike(
        _ model: inout LikeModel, _ content: String, _ user: String, inPath: Bool
    ) throws -> Self {
        let call =
            inPath
            ? try HTTPCall("DELETE", Target.likes(content), ["user_id": .string(user)])
            : try HTTPCall("DELETE", Target.likes, ["content_id": .string(content), "user_id": .string(user)])
        guard model.set(content, user, nil) else { return Self(call, 404, ["code": "not_liked"]) }
        return Self(call, 200, model.members(content, user))
    }

    private static func hold(
        _ model: inout LikeModel, _ content: String, _ user: String, _ reaction: String
    ) throws -> Self {
        let changed: JSON = .bool(model.set(content, user, reaction))
        return Self(
            try HTTPCall("PUT", Target.like(user, content), ["reaction": .string(reaction)]), 200,
            model.members(content, user).merging(["changed": changed]) { $1 })
    }

    private static func release(_ model: inout LikeModel, _ content: String, _ user: String) throws -> Self {
        let changed: JSON = .bool(model.set(content, user, nil))
        return Self(
            try HTTPCall("DELETE", Target.like(user, content)), 200,
            model.members(content, user).merging(["changed": changed]) { $1 })
    }

    /// Four lines, some of which may be on one content.
    private static func bulk(
        _ model: inout LikeModel, _ random: inout Random, _ contents: [String], _ user: String
    ) -> Self {
        var lines = ""
        var changed = 0
        for _ in 0..<4 {
            let (content, isLike) = (contents[random.below(contents.count)], random.below(3) > 0)
            if model.set(content, user, isLike ? "like" : nil) { changed += 1 }
            let action = isLike ? "like" : "unlike"
            lines += #"{"content_id": "\#(content)", "user_id": "\#(user)", "action": "\#(action)"}"# + "\n"
        }
        return Self(
            HTTPCall("POST", Target.bulk, contentType: "application/x-ndjson", body: Array(lines.utf8)), 200,
            ["accepted": 4, "changed": .integer(Int64(changed)), "unchanged": .integer(Int64(4 - changed))])
    }
}
