// What an event loop gathers for the shards in one turn, and hands over whole; and how the answers come back, a group at
// a time. One lock and one wake-up in each direction for all requests that arrived together.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine

/// A connection that hot calls come in on; touched on its loop alone.
protocol HotConnection: AnyObject, SendableMetatype {
    /// Who is at the connection's other end.
    var peer: NetworkAddress { get }
    /// What is being found out for the request that waits first; nil where nothing is.
    var held: HeldRequest? { get set }
    /// Called when it was found out: looks at that request again.
    func goOn()
    /// Writes the answer of a slot, unless the connection has ended.
    func fill(_ slot: UInt64, _ write: (inout GrowingBytes) -> Void)
    /// Called when its part of a group of answers has been filled in.
    func answered()
}

/// What a hot call asks for.
enum HotKind {
    case like
    case unlike
    case count
    /// A count for a caller for whom private contents are not there.
    case countUnlessPrivate
    case countOfUser
    case countBatch
    /// Whether a content is private, for the request that a connection holds.
    case sight
}

/// Lives on one event loop and is only touched there.
final class LoopSubmitter<Connection: HotConnection> {
    /// A request that waits for an outcome.
    struct Target {
        let connection: Connection
        let slot: UInt64
        let kind: HotKind
        let started: UInt64
        /// What limits said when the request passed; nil where none is told of.
        var standing: RateLimitStanding?
    }

    let engine: any LikeEngine
    /// The engine's, which every like asks for.
    private let seed: UInt64
    let answers: Answers
    let clock: any EngineClock
    let timings: RouteTimings
    let limits: HotLimits
    /// How often callers may ask; nil where that is not limited.
    let rateLimits: CallLimits?
    /// Says which likes count; nil: all do.
    let judge: (any LikeJudge)?
    /// Finds where requests come from.
    let origins: RequestOrigins
    /// Where callers are known; nil where they are believed.
    let identity: LoopIdentity?
    let scanner: RequestScanner
    /// Has work done on this loop, from any thread.
    let execute: @Sendable (@escaping @Sendable () -> Void) -> Void
    private var groups: [IntentGroup?]
    private var targets: [[Target]]
    /// Whether intents wait for the end of the turn.
    private(set) var hasWaiting = false
    /// For a loop that has to be asked for a call of `handOverAll`: whether it was.
    var isHandOverScheduled = false
    private var writer = JSONWriter(capacity: 1024)
    private(set) var encoder: ResponseEncoder
    /// Reused by the calls' parsers.
    var scratch: [UInt8] = []

    init(
        engine: any LikeEngine, answers: Answers, clock: any EngineClock, timings: RouteTimings, limits: HotLimits,
        rateLimits: CallLimits? = nil, origins: RequestOrigins, identity: LoopIdentity?,
        judge: (any LikeJudge)? = nil, fields: AnswerFields,
        execute: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) {
        self.engine = engine
        seed = engine.seed
        self.answers = answers
        self.clock = clock
        self.timings = timings
        self.limits = limits
        self.rateLimits = rateLimits
        self.identity = identity
        self.judge = judge
        self.origins = origins
        self.execute = execute
        scanner = RequestScanner(
            maxHeadBytes: limits.headBytes, readsAuthorization: identity != nil,
            readsForwardedFor: origins.readsForwardedFor, leavesOrigin: fields.cors?.dependsOnOrigin ?? false,
            readsUserAgent: judge != nil)
        encoder = ResponseEncoder(clock: clock, fields: fields, limits: rateLimits?.texts)
        groups = Array(repeating: nil, count: engine.shardCount)
        targets = Array(repeating: [], count: engine.shardCount)
    }

    // MARK: To the shards

    /// Adds an intent to the group of this turn. `limited`: whom a change was counted for.
    func submit(
        _ action: Intent.Action, content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer,
        type: UnsafeRawBufferPointer, reaction: Reaction, shard: Int, for target: Target,
        limited: LimitedCaller? = nil
    ) {
        let group = groups[shard] ?? IntentGroup()
        groups[shard] = group
        group.append(
            action, content: content, user: user, type: type, reaction: reaction, seed: seed)
        targets[shard].append(target)
        if let limited, let limiter = rateLimits?.limiter, limiter.isShared {
            group.sharedLimits += limiter.shared(limited, intent: group.count - 1)
        }
        if group.isFull { handOver(shard) } else { hasWaiting = true }
    }

    /// Hands over what was gathered; called when all that is readable in this turn has been read.
    func handOverAll() {
        hasWaiting = false
        isHandOverScheduled = false
        for shard in groups.indices where groups[shard] != nil { handOver(shard) }
    }

    private func handOver(_ shard: Int) {
        guard let group = groups[shard] else { return }
        let waiting = Confined((submitter: self, targets: targets[shard]))
        groups[shard] = nil
        targets[shard] = []
        targets[shard].reserveCapacity(group.count)
        group.complete = { [execute] group in
            execute { waiting.value.submitter.finish(group, waiting.value.targets) }
        }
        engine.submit(group, to: shard)
    }

    // MARK: From the shards

    private func finish(_ group: IntentGroup, _ targets: [Target]) {
        let now = clock.nanoseconds()
        group.bytes.withUnsafeBytes { bytes in
            for (i, target) in targets.enumerated() {
                let intent = group.intents[i]
                let start = Int(intent.offset)
                let userStart = start + Int(intent.contentLength)
                let content = UnsafeRawBufferPointer(rebasing: bytes[start..<userStart])
                let user = UnsafeRawBufferPointer(rebasing: bytes[userStart..<(userStart + Int(intent.userLength))])
                let outcome = group.outcomes[i]
                if target.kind == .sight {
                    target.connection.held?.found(outcome)
                    continue
                }
                let refusal = outcome.status == .rateLimited ? rateLimits?.limiter.refusal(of: i, in: group) : nil
                target.connection.fill(target.slot) { out in
                    if let refusal { return writeRefusal(refusal, to: &out) }
                    write(target, content: content, user: user, outcome, to: &out)
                }
                timings.record(target.kind, outcome, nanoseconds: now &- target.started)
            }
        }
        for target in targets {
            if target.kind == .sight { target.connection.goOn() } else { target.connection.answered() }
        }
    }

    private func write(
        _ target: Target, content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer, _ outcome: Outcome,
        to out: inout GrowingBytes
    ) {
        if outcome.status != .done { return writeProblem(outcome.status, target.standing, to: &out) }
        switch target.kind {
        case .like, .unlike: writeChange(target, content: content, user: user, outcome, to: &out)
        case .countUnlessPrivate where outcome.description?.visibility == .private:
            writeProblem(.contentNotFound, to: &out)
        case .count, .countUnlessPrivate: writeCount(content, outcome, to: &out)
        // Answered at once, or asked for in place of an answer.
        case .countBatch, .sight: break
        case .countOfUser:
            writer.removeAll()
            writer.object { body in answers.count(content: content, outcome, withUser: true, to: &body) }
            writer.withBytes { body in encoder.append(.ok, body: body, to: &out) }
        }
    }

    /// What a limit refused.
    func writeRefusal(_ refusal: RateLimitRefusal, to out: inout GrowingBytes) { encoder.append(refusal, to: &out) }

    /// What an intent came to that was not done.
    func writeProblem(
        _ status: Outcome.Status, _ standing: RateLimitStanding? = nil, to out: inout GrowingBytes
    ) {
        guard let response = Answers.problem(status)?.response else { return }
        response.body.withUnsafeBytes { writeProblem($0, status: response.status, standing, to: &out) }
    }

    /// A problem's body under its status.
    func writeProblem(
        _ body: UnsafeRawBufferPointer, status: Int, _ standing: RateLimitStanding? = nil, to out: inout GrowingBytes
    ) {
        encoder.append(.problem(status: status), standing: standing, body: body, to: &out)
    }

    private func writeChange(
        _ target: Target, content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer, _ outcome: Outcome,
        to out: inout GrowingBytes
    ) {
        writer.removeAll()
        if outcome.changed {
            writer.object { body in answers.like(content: content, user: user, outcome, to: &body) }
            return writer.withBytes { body in encoder.append(.ok, standing: target.standing, body: body, to: &out) }
        }
        let isLike = target.kind == .like
        let code: ProblemCode = isLike ? .alreadyLiked : .notLiked
        Problem.write(code, detail: Answers.unchangedDetail(isLike: isLike), to: &writer) { body in
            answers.like(content: content, user: user, outcome, to: &body)
        }
        writer.withBytes { body in
            encoder.append(.problem(status: code.status), standing: target.standing, body: body, to: &out)
        }
    }

    /// A count for everyone, with its tag.
    func writeCount(_ content: UnsafeRawBufferPointer, _ outcome: Outcome, to out: inout GrowingBytes) {
        writer.removeAll()
        writer.object { body in answers.count(content: content, outcome, withUser: false, to: &body) }
        writer.withBytes { body in
            EntityTag.withBytes(of: body) { tag in
                encoder.append(.okPublic, tag: tag, body: body, to: &out)
            }
        }
    }

    /// Many counts for everyone.
    func writeCounts(_ contents: [UnsafeRawBufferPointer], _ outcomes: [Outcome], to out: inout GrowingBytes) {
        writer.removeAll()
        writer.object { body in answers.counts(contents, outcomes, withUser: false, to: &body) }
        writer.withBytes { body in encoder.append(.okPublic, body: body, to: &out) }
    }

    /// An answer after which the connection ends.
    func writeClosing(_ code: ProblemCode, _ detail: String, to out: inout GrowingBytes) {
        let reason: StaticString =
            switch code {
            case .headersTooLarge: "Request Header Fields Too Large"
            case .uriTooLong: "URI Too Long"
            default: "Content Too Large"
            }
        encoder.appendClosing(APIProblem(code, detail).response, reason: reason, to: &out)
    }
}
