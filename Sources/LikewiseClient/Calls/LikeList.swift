import LikewiseAPI

/// A list of likes, newest first. Each iteration reads it from its beginning, a page at a time, when the entries before
/// are used up; likes that come while it is read do not show, and none is there twice.
public struct LikeList<Element: Sendable>: AsyncSequence, Sendable {
    let exchange: Exchange
    let segments: [String]
    let pageSize: Int
    let element: @Sendable (JSONValue) throws -> Element

    init(
        _ exchange: Exchange, _ segments: [String], pageSize: Int,
        _ element: @escaping @Sendable (JSONValue) throws -> Element
    ) {
        self.exchange = exchange
        self.segments = segments
        self.pageSize = pageSize
        self.element = element
    }

    /// An iterator that has read nothing yet.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(list: self) }

    /// Where an iteration stands.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let list: LikeList
        private var page: [Element] = []
        private var at = 0
        private var cursor: String?
        private var isLastPage = false

        fileprivate init(list: LikeList) { self.list = list }

        /// The next entry; nil behind the last one. Throws as the calls of `LikewiseClient` do, and can be called again
        /// then.
        public mutating func next() async throws -> Element? {
            while at == page.count {
                if isLastPage { return nil }
                var query = [(name: "limit", value: "\(list.pageSize)")]
                if let cursor { query.append(("cursor", cursor)) }
                let answer = try await list.exchange.answer(Call(segments: list.segments, query: query))
                let json = try JSONValue(answer: answer)
                page = try json.entries("likes").map(list.element)
                at = 0
                cursor = json["next_cursor"]?.text
                isLastPage = cursor == nil
            }
            defer { at += 1 }
            return page[at]
        }
    }
}
