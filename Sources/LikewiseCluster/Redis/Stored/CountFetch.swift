import Synchronization

/// A count that somebody in this process is fetching, for all who want it meanwhile.
final class CountFetch: Sendable {
    private enum State {
        case pending([CheckedContinuation<CachedCount, any Error>])
        case done(Result<CachedCount, any Error>)
    }

    let content: [UInt8]
    private let state = Mutex(State.pending([]))

    init(_ content: [UInt8]) { self.content = content }

    /// Waits for the count. Any number may wait; they are the callers' tasks, which are bounded where they come from.
    func value() async throws -> CachedCount {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state -> Result<CachedCount, any Error>? in
                switch state {
                case .done(let result): return result
                case .pending(let waiting):
                    state = .pending(waiting + [continuation])
                    return nil
                }
            }
            if let result { continuation.resume(with: result) }
        }
    }

    /// The count is here, or will not come. Only the first word counts.
    func finish(_ result: Result<CachedCount, any Error>) {
        let waiting = state.withLock { state -> [CheckedContinuation<CachedCount, any Error>] in
            guard case .pending(let waiting) = state else { return [] }
            state = .done(result)
            return waiting
        }
        for continuation in waiting { continuation.resume(with: result) }
    }
}

/// The fetches under way in this process: one for each content.
final class CountFetches: Sendable {
    private let limit: Int
    private let fetches = Mutex<[[UInt8]: CountFetch]>([:])

    /// Up to `limit` contents at a time.
    init(limit: Int) { self.limit = limit }

    /// The fetch of each content, and which of them the caller has begun by this and must see through. nil: too many are
    /// under way.
    func join(_ contents: [[UInt8]]) -> (all: [CountFetch], begun: [CountFetch])? {
        fetches.withLock { fetches in
            let new = Set(contents.filter { fetches[$0] == nil })
            guard fetches.count + new.count <= limit else { return nil }
            let begun = new.map { CountFetch($0) }
            for fetch in begun { fetches[fetch.content] = fetch }
            return (contents.compactMap { fetches[$0] }, begun)
        }
    }

    /// Ends a fetch: who comes now begins a new one.
    func finish(_ fetch: CountFetch, _ result: Result<CachedCount, any Error>) {
        fetches.withLock { $0[fetch.content] = nil }
        fetch.finish(result)
    }
}
