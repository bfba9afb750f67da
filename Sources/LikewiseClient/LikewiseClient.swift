// The calls, one after the other. What is common to all of them is in `Exchange`.
//
// Single writes are not put together to bulk intake, although that would be faster: a bulk answer has totals alone, so
// a caller would not learn whether his own like changed anything, nor the count with it in it; and one that is refused
// would have to be told apart from others by its line. Who has many intents at once and needs no single answers calls
// `send`.

import LikewiseAPI
import NIOHTTP1

/// A client of a Likewise server. One serves a whole process: it is a value, and its copies share what they keep.
///
/// Every call is tried again where that can help (`RetryPolicy`), and throws a `LikewiseError` in the end, or
/// `CancellationError` when its task was cancelled. A write that was cancelled may have taken effect.
public struct LikewiseClient: Sendable {
    /// Contents in one request for counts.
    public static let mostCountsAtOnce = WireLimits.countBatchIDs

    let exchange: Exchange
    let coalescer: CountCoalescer

    /// A client with this configuration. It connects when it is first called.
    public init(_ configuration: Configuration) {
        let exchange = Exchange(configuration)
        self.exchange = exchange
        coalescer = CountCoalescer(window: configuration.countWindow) { contents, user in
            try await LikewiseClient.counts(of: contents, user, exchange)
        }
    }

    // MARK: Writing

    /// The user likes the content. If he holds another reaction there, `like` replaces it; if he likes it already,
    /// nothing changes and the answer says so. On return it is on stable storage.
    /// - Parameters:
    ///   - contentID: 1 to 256 bytes of UTF-8 without control characters.
    ///   - userID: 1 to 128 bytes of the same. With users' tokens, the token's subject.
    ///   - contentType: what kind of content it is, 1 to 32 of `a-z 0-9 _ -`, where the first like makes it known.
    @discardableResult
    public func like(_ contentID: String, by userID: String, contentType: String? = nil) async throws -> LikeResult {
        try await react(to: contentID, with: "like", by: userID, contentType: contentType)
    }

    /// The user holds `reaction` on the content; one that he held before is replaced, and he counts once. On return it
    /// is on stable storage.
    /// - Parameter reaction: one that the server accepts; else the error's code is `invalidRequest`.
    @discardableResult
    public func react(
        to contentID: String, with reaction: String, by userID: String, contentType: String? = nil
    ) async throws -> LikeResult {
        let call = try write(.PUT, contentID, userID) { body in
            body.field("reaction", reaction)
            if let contentType { body.field("content_type", contentType) }
        }
        return try LikeResult(JSONValue(answer: try await exchange.answer(call)))
    }

    /// The user holds no reaction on the content; if he held none, nothing changes and the answer says so. On return it
    /// is on stable storage.
    @discardableResult
    public func unlike(_ contentID: String, by userID: String) async throws -> LikeResult {
        var call = try write(.DELETE, contentID, userID) { _ in }
        call.body = []
        return try LikeResult(JSONValue(answer: try await exchange.answer(call)))
    }

    /// The idempotent form of a write, with a key of its own.
    private func write(
        _ method: HTTPMethod, _ contentID: String, _ userID: String, _ body: (inout JSONWriter) -> Void
    ) throws(LikewiseError) -> Call {
        try IDRules.check(content: contentID)
        try IDRules.check(user: userID)
        var call = Call(method, "v1", "users", userID, "likes", contentID, body: body)
        call.isWrite = true
        call.key = exchange.newKey()
        return call
    }

    // MARK: Reading

    /// What the user holds on the content. He sees at once what was answered to him.
    public func status(of userID: String, on contentID: String) async throws -> LikeStatus {
        try IDRules.check(content: contentID)
        try IDRules.check(user: userID)
        let call = Call("v1", "users", userID, "likes", contentID)
        return try LikeStatus(JSONValue(answer: try await exchange.answer(call)))
    }

    /// How many like the content, and what `userID` holds there if one is given; 0 for a content that is not known.
    ///
    /// Counts that are asked for within `Configuration.countWindow` of each other go out as one request, up to
    /// `mostCountsAtOnce`, and the same content once. A count that is asked for when a like was answered is read after
    /// it: nobody joins a request that is under way already.
    public func count(of contentID: String, user userID: String? = nil) async throws -> Count {
        try IDRules.check(content: contentID)
        if let userID { try IDRules.check(user: userID) }
        return try await coalescer.count(of: contentID, user: userID)
    }

    /// The counts of several contents, in the order asked, in requests of up to `mostCountsAtOnce`, one after the
    /// other.
    public func counts(of contentIDs: [String], user userID: String? = nil) async throws -> [Count] {
        for id in contentIDs { try IDRules.check(content: id) }
        if let userID { try IDRules.check(user: userID) }
        var found: [Count] = []
        for start in stride(from: 0, to: contentIDs.count, by: Self.mostCountsAtOnce) {
            let end = min(contentIDs.count, start + Self.mostCountsAtOnce)
            found += try await Self.counts(of: Array(contentIDs[start..<end]), userID, exchange)
        }
        return found
    }

    private static func counts(of contentIDs: [String], _ userID: String?, _ exchange: Exchange) async throws -> [Count]
    {
        let call = Call(.POST, "v1", "likes", "count", "batch") { body in
            body.field("content_ids", list: { list in for id in contentIDs { list.string(id) } })
            if let userID { body.field("user_id", userID) }
        }
        let counts = try JSONValue(answer: try await exchange.answer(call)).entries("counts").map { try Count($0) }
        guard counts.count == contentIDs.count else { throw LikewiseError.notUnderstood("counts are missing") }
        return counts
    }

    /// What the user likes, newest first, page by page as it is read.
    /// - Parameter pageSize: entries of one request, 1 to 1,000.
    public func likes(ofUser userID: String, pageSize: Int = 100) -> LikeList<LikedContent> {
        LikeList(exchange, ["v1", "users", userID, "likes"], pageSize: pageSize) { try LikedContent($0) }
    }

    /// Who likes the content, newest first, page by page as it is read.
    /// - Parameter pageSize: entries of one request, 1 to 1,000.
    public func likes(ofContent contentID: String, pageSize: Int = 100) -> LikeList<Liker> {
        LikeList(exchange, ["v1", "content", contentID, "likes"], pageSize: pageSize) { try Liker($0) }
    }

    /// What gained most likes within `window`, the most first.
    /// - Parameter limit: how many at most, 1 to 100.
    public func top(window: TopWindow = .hour, limit: Int = 10) async throws -> [TopContent] {
        let call = Call(
            "v1", "content", "top", query: [("window", window.rawValue), ("limit", "\(limit)")])
        return try JSONValue(answer: try await exchange.answer(call)).entries("contents").map { try TopContent($0) }
    }

    /// The body of a GET on a path, for tools that come with the server.
    package func body(of segments: [String]) async throws -> [UInt8] {
        try await exchange.answer(Call(segments: segments))
    }

    /// The counts of up to 100 contents as they change: each at once, then whenever it has changed, at most four times
    /// a second. See `LiveUpdates`.
    public func live(of contentIDs: [String]) -> LiveUpdates { LiveUpdates(exchange, contentIDs) }

    /// The counts of up to 100 contents as they change.
    public func live(of contentIDs: String...) -> LiveUpdates { live(of: contentIDs) }
}

extension Exchange {
    /// A key for a call: 128 random bits.
    func newKey() -> String {
        let random = configuration.surroundings.random
        return [random(), random()].map { bits in
            let digits = String(bits, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
