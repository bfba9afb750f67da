// What every way in uses: routes, bulk intake, later the clients of other protocols. Ids that come here have been checked.

package import LikewiseCore
package import LikewiseEngine

package struct LikeService: Sendable {
    package let engine: any LikeEngine
    package let idempotency: IdempotencyStore
    package let clock: any EngineClock
    /// Says which likes count; nil: all do.
    package let judge: (any LikeJudge)?

    package init(
        engine: any LikeEngine, idempotency: IdempotencyStore, clock: any EngineClock, judge: (any LikeJudge)? = nil
    ) {
        self.engine = engine
        self.idempotency = idempotency
        self.clock = clock
        self.judge = judge
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

    /// Releases, rejects or holds back likes, each of a user on a content; what became of each, in the order given.
    /// At most `IntentGroup.limit` of them. What was done is durable.
    package func settle(
        _ action: Intent.Action, _ likes: [(content: [UInt8], user: [UInt8])]
    ) async -> [BriefOutcome] {
        var places: [Int: [Int]] = [:]
        for (i, like) in likes.enumerated() {
            places[like.content.withUnsafeBytes { engine.shard(of: $0) }, default: []].append(i)
        }
        var outcomes = [BriefOutcome](repeating: BriefOutcome(status: .overloaded), count: likes.count)
        for (shard, indices) in places {
            let settled = await withCheckedContinuation {
                (continuation: CheckedContinuation<[BriefOutcome], Never>) in
                let group = IntentGroup(wantsTallies: false) { continuation.resume(returning: $0.briefOutcomes) }
                for i in indices {
                    var call = Call(action, content: likes[i].content)
                    call.user = likes[i].user
                    append(call, to: group)
                }
                engine.submit(group, to: shard)
            }
            for (i, outcome) in zip(indices, settled) { outcomes[i] = outcome }
        }
        return outcomes
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
