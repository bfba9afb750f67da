/// What a live stream tells.
public enum LiveUpdate: Sendable, Hashable {
    /// The count of a content, as it is now. It has no user's reaction.
    case count(Count)
    /// The content is no longer there, or not for this caller.
    case gone(contentID: String)

    /// The content that it is about.
    public var contentID: String {
        switch self {
        case .count(let count): count.contentID
        case .gone(let contentID): contentID
        }
    }
}

/// The counts of some contents as they change, without end. Each iteration has a connection of its own, which is closed
/// when the iterator goes or its task is cancelled.
///
/// A connection that is lost, or silent for `Configuration.liveSilence`, is made again, and goes on where the last one
/// ended; what has not changed since is not told again. Waits between attempts grow up to half a minute, with jitter,
/// and have no end once the server was there; only if it never was do the attempts end, with `RetryPolicy.attempts`. An
/// answer that another attempt would not change, such as 401 with a fresh token, ends the iteration with a
/// `LikewiseError`.
///
/// Who reads slowly misses what lay between and gets what is newest: at most one update a content waits.
public struct LiveUpdates: AsyncSequence, Sendable {
    private let exchange: Exchange
    private let contentIDs: [String]

    init(_ exchange: Exchange, _ contentIDs: [String]) {
        self.exchange = exchange
        self.contentIDs = contentIDs
    }

    /// An iterator that connects at once.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(exchange, contentIDs) }

    /// One stream.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let mailbox = LiveMailbox()
        private var wakes: AsyncThrowingStream<Void, any Error>.AsyncIterator

        fileprivate init(_ exchange: Exchange, _ contentIDs: [String]) {
            let (wakes, waker) = AsyncThrowingStream.makeStream(
                of: Void.self, throwing: (any Error).self, bufferingPolicy: .bufferingNewest(1))
            let follower = LiveFollower(exchange, contentIDs, mailbox, waker)
            let task = Task { await follower.run() }
            waker.onTermination = { _ in task.cancel() }
            self.wakes = wakes.makeAsyncIterator()
        }

        /// The next update. Throws `LikewiseError`, or `CancellationError`; after that there is none.
        public mutating func next() async throws -> LiveUpdate? {
            while true {
                if let update = mailbox.take() { return update }
                if try await wakes.next() == nil {
                    try Task.checkCancellation()
                    return nil
                }
            }
        }
    }
}
