/// A like button without its looks: one user's like of one content, shown at once and made good by the server. It does
/// what `OptimisticLike` asks for, one thing after the other.
public actor LikeControl {
    private let client: LikewiseClient
    private let contentID: String
    private let userID: String
    private var state = OptimisticLike()
    private var listeners: [UInt64: AsyncStream<OptimisticLike.Shown>.Continuation] = [:]
    private var lastListener: UInt64 = 0
    /// What the last call threw that failed for good; nil once one succeeded.
    public private(set) var lastError: (any Error)?

    /// A control for `userID`'s like of `contentID`. It asks nothing before `follow`, `refresh` or a tap.
    public init(_ client: LikewiseClient, contentID: String, userID: String) {
        (self.client, self.contentID, self.userID) = (client, contentID, userID)
    }

    /// What to show now.
    public var shown: OptimisticLike.Shown { state.shown }

    /// What to show, now and from now on; who reads slowly gets the newest.
    public func updates() -> AsyncStream<OptimisticLike.Shown> {
        let (stream, listener) = AsyncStream.makeStream(
            of: OptimisticLike.Shown.self, bufferingPolicy: .bufferingNewest(1))
        lastListener += 1
        let number = lastListener
        listeners[number] = listener
        listener.onTermination = { [weak self] _ in Task { await self?.forget(number) } }
        listener.yield(state.shown)
        return stream
    }

    private func forget(_ listener: UInt64) { listeners[listener] = nil }

    /// The user taps `reaction`: it is taken back where he holds it, and taken where not. What is shown changes before
    /// this returns; the call follows.
    public func tap(_ reaction: String = "like") {
        set(state.shown.reaction == reaction ? nil : reaction)
    }

    /// The user wants to hold `reaction`, or none where it is nil.
    public func set(_ reaction: String?) { apply { $0.tapped(reaction) } }

    /// Reads the count and the user's reaction.
    public func refresh() async throws {
        let count = try await client.count(of: contentID, user: userID)
        apply { $0.refreshed(count) }
    }

    /// Reads the count and the user's reaction, then follows the count until the task is cancelled, or the live stream
    /// ends with an error, which is thrown.
    public func follow() async throws {
        try await refresh()
        for try await update in client.live(of: contentID) {
            if case .count(let count) = update { apply { $0.live(count) } }
        }
    }

    private func apply(_ change: (inout OptimisticLike) -> [OptimisticLike.Effect]) {
        let before = state.shown
        let effects = change(&state)
        if state.shown != before {
            for listener in listeners.values { listener.yield(state.shown) }
        }
        for effect in effects { perform(effect) }
    }

    private func perform(_ effect: OptimisticLike.Effect) {
        switch effect {
        case .send(let reaction): Task { await send(reaction) }
        case .refresh:
            // Where this fails too, what was confirmed last stays on show.
            Task { do { try await refresh() } catch { lastError = error } }
        case .waitGrace(let number):
            Task {
                guard (try? await Task.sleep(for: OptimisticLike.grace)) != nil else { return }
                apply { $0.graceIsOver(number) }
            }
        }
    }

    private func send(_ reaction: String?) async {
        do {
            let result =
                if let reaction {
                    try await client.react(to: contentID, with: reaction, by: userID)
                } else {
                    try await client.unlike(contentID, by: userID)
                }
            lastError = nil
            apply { $0.answered(result) }
        } catch {
            lastError = error
            // Only a failure of which it is known leaves no doubt.
            let mayHave = (error as? LikewiseError)?.mayHaveTakenEffect ?? true
            apply { $0.failed(mayHaveTakenEffect: mayHave) }
        }
    }
}
