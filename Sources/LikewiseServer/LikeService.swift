// What every way in uses: routes, bulk intake, later the clients of other protocols. Ids that come here have been checked.

package import LikewiseCore
package import LikewiseEngine

package struct LikeService: Sendable {
    package let engine: any LikeEngine
    package let idempotency: IdempotencyStore
    package let clock: any EngineClock

    package init(engine: any LikeEngine, idempotency: IdempotencyStore, clock: any EngineClock) {
        self.engine = engine
        self.idempotency = idempotency
        self.clock = clock
    }

    /// One intent of a caller.
    package struct Call: Sendable {
        package var action: Intent.Action
        package var content: [UInt8]
        package var user: [UInt8] = []
        package var type: [UInt8] = []
        package var reaction: Reaction = .none
        package var visibility: ContentDescription.Visibility = .public
        /// To be stored with the change.
        package var answer: StoredAnswer?
        /// What it takes from limits that nodes share.
        package var sharedLimits: [SharedLimit] = []

        package init(_ action: Intent.Action, content: [UInt8]) {
            self.action = action
            self.content = content
        }
    }

    /// Performs the intent; what the outcome says was done is durable.
    package func perform(_ call: Call) async -> Outcome { await performInGroup(call).outcomes[0] }

    /// The same; answers the group that has the intent alone.
    func performInGroup(_ call: Call) async -> IntentGroup {
        await withCheckedContinuation { continuation in
            let group = IntentGroup { group in continuation.resume(returning: group) }
            append(call, to: group)
            group.sharedLimits = call.sharedLimits
            engine.submit(group, to: call.content.withUnsafeBytes { engine.shard(of: $0) })
        }
    }

    private func append(_ call: Call, to group: IntentGroup) {
        call.content.withUnsafeBytes { content in
            call.user.withUnsafeBytes { user in
                call.type.withUnsafeBytes { type in
                    group.append(
                        call.action, content: content, user: user, type: type, reaction: call.reaction,
                        visibility: call.visibility, answer: call.answer, seed: engine.seed)
                }
            }
        }
    }

    /// What is known of each content, and of the user's register there if `user` is given, in the order asked.
    package func read(_ contents: [[UInt8]], user: [UInt8]?) async -> [Outcome] {
        var outcomes = [Outcome?](repeating: nil, count: contents.count)
        var missing: [[Int]] = Array(repeating: [], count: engine.shardCount)
        for (i, content) in contents.enumerated() {
            if user == nil, let published = content.withUnsafeBytes({ engine.published($0) }) {
                var outcome = Outcome(status: .done)
                outcome.tally = published.tally
                outcome.description = published.description
                if engine.strictContent && !published.description.registered {
                    outcome.status = .contentNotFound
                }
                outcomes[i] = outcome
            } else {
                missing[content.withUnsafeBytes { engine.shard(of: $0) }].append(i)
            }
        }
        for (shard, indices) in missing.enumerated() where !indices.isEmpty {
            let read = await withCheckedContinuation { (continuation: CheckedContinuation<[Outcome], Never>) in
                let group = IntentGroup { continuation.resume(returning: $0.outcomes) }
                for i in indices {
                    var call = Call(.read, content: contents[i])
                    call.user = user ?? []
                    append(call, to: group)
                }
                engine.submit(group, to: shard)
            }
            for (i, outcome) in zip(indices, read) { outcomes[i] = outcome }
        }
        return outcomes.map { $0 ?? Outcome(status: .overloaded) }
    }

    /// The contents that gained most in the window up to now, most first.
    package func top(_ window: TrendWindow, limit: Int) async -> [TrendBucket.Entry] {
        await withCheckedContinuation { continuation in
            engine.top(window, limit: limit) { continuation.resume(returning: $0) }
        }
    }

    /// Likes, newest first, behind `position`.
    package func likes(
        of subject: ListSubject, behind position: LikePosition?, limit: Int
    ) async -> Result<[LedgerLike], ListFailure> {
        await withCheckedContinuation { continuation in
            engine.likes(of: subject, behind: position, limit: limit) { continuation.resume(returning: $0) }
        }
    }
}
