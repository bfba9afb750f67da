// What the first bytes that wait on a connection come to: a hot call, which is started here, or something for others.
//
// Both kinds of connections, those of the front and those of the full stack, go by these steps, so that a request is hot
// on the one if it is on the other.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine

/// What a connection does next.
enum HotStep {
    /// A hot call of so many bytes is on its way, or answered already.
    case started(length: Int)
    /// The request has not come whole.
    case partial
    /// Answers on their way come first.
    case mustWait
    /// A request with this head is for the full stack.
    case fullStack(ScannedHead)
    /// What comes is for the full stack, from here to the connection's end.
    case irregular
    /// The request cannot be taken, and where it ends is not known.
    case refused(ProblemCode, String)
}

/// Bounds of a request.
struct HotLimits: Sendable {
    /// Hot calls of one connection on their way at a time.
    static let maxPipelined = 256
    /// Bytes of a hot call's body, which waits until it is whole; a longer one passes through the full stack.
    static let maxBodyBytes = 64 << 10

    /// Bytes of a head.
    var headBytes: Int
    /// Bytes of the body of any call but bulk intake.
    var bodyBytes: Int
    /// Bytes of a bulk intake's body.
    var bulkBytes: Int
}

extension LoopSubmitter {
    /// Takes the request that `bytes`, which are not empty, begin with.
    func step(_ bytes: UnsafeRawBufferPointer, of connection: Connection, _ answers: inout AnswerQueue) -> HotStep {
        guard answers.count < HotLimits.maxPipelined else { return .mustWait }
        guard identity != nil else { return take(bytes, of: connection, &answers) }
        if let held = connection.held, held.isWaiting { return .mustWait }
        let step = take(bytes, of: connection, &answers)
        if case .mustWait = step { return step }
        connection.held = nil
        return step
    }

    private func take(
        _ bytes: UnsafeRawBufferPointer, of connection: Connection, _ answers: inout AnswerQueue
    ) -> HotStep {
        switch scanner.scan(bytes) {
        case .partial: return .partial
        case .irregular: return .irregular
        case .head(let head):
            if head.isHot, head.contentLength <= min(limits.bodyBytes, HotLimits.maxBodyBytes) {
                guard bytes.count >= head.length + head.contentLength else { return .partial }
                if let step = startHot(head, bytes, of: connection, &answers) { return step }
            }
            guard head.contentLength <= limits.bulkBytes else {
                return .refused(.bodyTooLarge, "The body has more than \(limits.bulkBytes) bytes.")
            }
            return .fullStack(head)
        case .tooLarge:
            return .refused(
                .headersTooLarge,
                "The head has more than \(limits.headBytes) bytes or \(RequestScanner.maxFields) fields.")
        case .targetTooLong:
            return .refused(.uriTooLong, "The target has more than \(RequestScanner.maxTargetBytes) bytes.")
        }
    }

    /// Starts a hot call; nil where the request is none.
    private func startHot(
        _ head: ScannedHead, _ bytes: UnsafeRawBufferPointer, of connection: Connection, _ answers: inout AnswerQueue
    ) -> HotStep? {
        scratch.removeAll(keepingCapacity: true)
        let call = HotCall(
            head, bytes, reactions: self.answers.reactions, maxBodyBytes: limits.bodyBytes, needsUser: identity == nil,
            scratch: &scratch)
        guard let call else { return nil }
        var caller: Caller?
        if let identity {
            switch self.caller(identity, head, bytes, of: connection) {
            case .caller(let found): caller = found
            case .mustWait: return .mustWait
            case .refused: return nil
            }
        }
        let asker = Asker(
            caller: caller, address: address(head, bytes, of: connection),
            client: head.userAgent.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) })
        let started = clock.nanoseconds()
        let outcome =
            switch call {
            case .change(let change):
                start(change, by: asker, isLike: head.method == .post, started, of: connection, &answers)
            case .count(let content, let user):
                start(count: content, user, by: asker, started, of: connection, &answers)
            case .countBatch(let contents, let user): start(counts: contents, user, by: asker, started, &answers)
            }
        switch outcome {
        case .started: return .started(length: head.length + head.contentLength)
        case .mustWait: return .mustWait
        case .notHot: return nil
        }
    }

    private enum Start {
        case started
        case mustWait
        case notHot
    }

    private func start(
        _ change: HotCall.Change, by asker: Asker, isLike: Bool, _ started: UInt64, of connection: Connection,
        _ answers: inout AnswerQueue
    ) -> Start {
        let shard = engine.shard(of: change.content)
        guard answers.accepts(shard: shard) else { return .mustWait }
        let kind = isLike ? HotKind.like : .unlike
        if let caller = asker.caller {
            let isOwn = change.user.isEmpty ? caller.user != nil : caller.isSelf(change.user)
            // What is not allowed, or names nobody, is for the full stack to tell.
            guard isOwn || !change.user.isEmpty, caller.refusal(.write, isOwn: isOwn) == nil else { return .notHot }
            if let step = unlessVisible(change.content, to: caller, shard, kind, started, of: connection, &answers) {
                return step
            }
        }
        func submit(for user: UnsafeRawBufferPointer) {
            var standing: RateLimitStanding?
            var limited: LimitedCaller?
            if let limiter = rateLimits?.limiter {
                var who = asker.limited
                (who.user, who.content) = (user, change.content)
                switch limiter.take(who, now: started) {
                case .unlimited: break
                case .passes(let found): standing = found
                case .refused(let refusal): return refuse(refusal, kind, shard, started, &answers)
                }
                limited = who
            }
            guard let reaction = judged(change, of: user, by: asker, on: connection) else {
                return refuse(kind, shard, started, &answers)
            }
            let target = Target(
                connection: connection, slot: answers.open(shard: shard), kind: kind, started: started,
                standing: standing)
            self.submit(
                isLike ? .react : .clear, content: change.content, user: user, type: change.type,
                reaction: reaction, shard: shard, for: target, limited: limited)
        }
        if change.user.isEmpty { asker.caller?.user?.withUnsafeBytes(submit) } else { submit(for: change.user) }
        return .started
    }

    /// Answers for a content that is not there for the caller; nil where it is.
    private func unlessVisible(
        _ content: UnsafeRawBufferPointer, to caller: Caller, _ shard: Int, _ kind: HotKind, _ started: UInt64,
        of connection: Connection, _ answers: inout AnswerQueue
    ) -> Start? {
        let status: Outcome.Status
        switch sight(of: content, for: caller, of: connection) {
        case .visible: return nil
        case nil: return .mustWait
        case .isPrivate: status = .contentNotFound
        case .failed(let failure): status = failure
        }
        answers.fill(answers.open(shard: shard)) { writeProblem(status, to: &$0) }
        timings.record(kind, Outcome(status: status), nanoseconds: clock.nanoseconds() &- started)
        return .started
    }

    private func start(
        count content: UnsafeRawBufferPointer, _ user: UnsafeRawBufferPointer?, by asker: Asker, _ started: UInt64,
        of connection: Connection, _ answers: inout AnswerQueue
    ) -> Start {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        let seesAll = asker.caller?.seesPrivate ?? true
        if user == nil, answers.isSettled, let outcome = published(content, seesAll) {
            if refuses(.count, by: asker, 0, started, &answers) { return .started }
            if outcome.status == .done {
                writeCount(content, outcome, to: &answers.bytes)
            } else {
                writeProblem(outcome.status, to: &answers.bytes)
            }
            timings.record(.count, outcome, nanoseconds: clock.nanoseconds() &- started)
            return .started
        }
        let shard = engine.shard(of: content)
        guard answers.accepts(shard: shard) else { return .mustWait }
        if let caller = asker.caller, let user {
            // What is held back of another user is for the full stack to leave out.
            guard caller.refusal(.read, isOwn: caller.isSelf(user)) == nil, caller.seesHeld(of: user) else {
                return .notHot
            }
            if let step = unlessVisible(content, to: caller, shard, .countOfUser, started, of: connection, &answers) {
                return step
            }
        }
        let kind = user != nil ? HotKind.countOfUser : seesAll ? .count : .countUnlessPrivate
        if refuses(kind, by: asker, shard, started, &answers) { return .started }
        let target = Target(
            connection: connection, slot: answers.open(shard: shard), kind: kind, started: started)
        submit(
            .read, content: content, user: user ?? nothing, type: nothing, reaction: .none, shard: shard, for: target)
        return .started
    }

    private func start(
        counts contents: [UnsafeRawBufferPointer], _ user: UnsafeRawBufferPointer?, by asker: Asker,
        _ started: UInt64, _ answers: inout AnswerQueue
    ) -> Start {
        guard user == nil else { return .notHot }
        guard answers.isSettled else { return .mustWait }
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(contents.count)
        for content in contents {
            guard let outcome = published(content, asker.caller?.seesPrivate ?? true) else { return .notHot }
            outcomes.append(outcome)
        }
        if refuses(.countBatch, by: asker, 0, started, &answers) { return .started }
        writeCounts(contents, outcomes, to: &answers.bytes)
        timings.recordBatch(nanoseconds: clock.nanoseconds() &- started)
        return .started
    }

    /// What is at hand of a content; to who does not see all, one that is private is not there.
    private func published(_ content: UnsafeRawBufferPointer, _ seesAll: Bool) -> Outcome? {
        guard let published = engine.published(content) else { return nil }
        if engine.strictContent && !published.description.registered { return nil }
        if !seesAll && published.description.visibility == .private { return Outcome(status: .contentNotFound) }
        var outcome = Outcome(status: .done)
        outcome.tally = published.tally
        return outcome
    }
}
