/// Keeps a token until it is refused. Of several calls that need one at the same time, one asks for it.
actor TokenStore {
    private let ask: @Sendable () async throws -> String
    private var kept: String?
    private var asking: Task<String, any Error>?

    init(_ ask: @escaping @Sendable () async throws -> String) { self.ask = ask }

    /// The token; another than `refused`, unless the callback gives that again.
    func token(insteadOf refused: String?) async throws -> String {
        if let kept, kept != refused { return kept }
        let task: Task<String, any Error>
        if let asking {
            task = asking
        } else {
            let ask = ask
            task = Task { try await ask() }
            asking = task
        }
        let result = await task.result
        if asking == task {
            asking = nil
            kept = try? result.get()
        }
        try Task.checkCancellation()
        do { return try result.get() } catch {
            var failure = LikewiseError(.token, "the token could not be had")
            failure.underlying = error
            throw failure
        }
    }
}
