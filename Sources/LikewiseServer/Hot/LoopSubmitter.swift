// What an event loop gathers for the shards in one turn, and hands over whole; and how the answers come back, a group at
// a time. One lock and one wake-up in each direction for all requests that arrived together.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine
import NIOCore

/// Lives on one event loop and is only touched there.
final class LoopSubmitter {
    /// A request that waits for an outcome.
    struct Target {
        let connection: ConnectionHandler
        let slot: UInt64
        let kind: Kind
        let started: UInt64
    }

    enum Kind {
        case like
        case unlike
        case count
        case countOfUser
    }

    let engine: Engine
    let answers: Answers
    let clock: any EngineClock
    let timings: RouteTimings
    private let loop: any EventLoop
    private var groups: [IntentGroup?]
    private var targets: [[Target]]
    private var isScheduled = false
    private var writer = JSONWriter(capacity: 1024)
    var encoder: ResponseEncoder
    /// Reused by the calls' parsers.
    var scratch: [UInt8] = []

    init(engine: Engine, answers: Answers, clock: any EngineClock, timings: RouteTimings, loop: any EventLoop) {
        self.engine = engine
        self.answers = answers
        self.clock = clock
        self.timings = timings
        self.loop = loop
        encoder = ResponseEncoder(clock: clock)
        groups = Array(repeating: nil, count: engine.shardCount)
        targets = Array(repeating: [], count: engine.shardCount)
    }

    // MARK: To the shards

    /// Adds an intent to the group of this turn.
    func submit(
        _ action: Intent.Action, content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer,
        type: UnsafeRawBufferPointer, reaction: Reaction, shard: Int, for target: Target
    ) {
        let group = groups[shard] ?? IntentGroup()
        groups[shard] = group
        group.append(
            action, content: content, user: user, type: type, reaction: reaction, seed: engine.seed)
        targets[shard].append(target)
        if group.isFull {
            handOver(shard)
        } else if !isScheduled {
            isScheduled = true
            // Runs when all that is readable in this turn has been read.
            let bound = NIOLoopBound(self, eventLoop: loop)
            loop.execute { bound.value.handOverAll() }
        }
    }

    private func handOverAll() {
        isScheduled = false
        for shard in groups.indices where groups[shard] != nil { handOver(shard) }
    }

    private func handOver(_ shard: Int) {
        guard let group = groups[shard] else { return }
        let waiting = NIOLoopBound((submitter: self, targets: targets[shard]), eventLoop: loop)
        groups[shard] = nil
        targets[shard] = []
        targets[shard].reserveCapacity(group.count)
        group.complete = { [loop] group in
            loop.execute { waiting.value.submitter.finish(group, waiting.value.targets) }
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
                target.connection.fill(target.slot) { out in
                    write(target.kind, content: content, user: user, outcome, to: &out)
                }
                timings.record(target.kind, outcome, nanoseconds: now &- target.started)
            }
        }
        for target in targets { target.connection.answered() }
    }

    private func write(
        _ kind: Kind, content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer, _ outcome: Outcome,
        to out: inout ByteBuffer
    ) {
        if let problem = Answers.problem(outcome.status) {
            let response = problem.response
            return response.body.withUnsafeBytes { body in
                encoder.append(.problem(status: response.status), body: body, to: &out)
            }
        }
        switch kind {
        case .like, .unlike: writeChange(kind == .like, content: content, user: user, outcome, to: &out)
        case .count: writeCount(content, outcome, to: &out)
        case .countOfUser:
            writer.removeAll()
            writer.object { body in answers.count(content: content, outcome, withUser: true, to: &body) }
            writer.withBytes { body in encoder.append(.ok, body: body, to: &out) }
        }
    }

    private func writeChange(
        _ isLike: Bool, content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer, _ outcome: Outcome,
        to out: inout ByteBuffer
    ) {
        writer.removeAll()
        if outcome.changed {
            writer.object { body in answers.like(content: content, user: user, outcome, to: &body) }
            return writer.withBytes { body in encoder.append(.ok, body: body, to: &out) }
        }
        let code: ProblemCode = isLike ? .alreadyLiked : .notLiked
        Problem.write(code, detail: Answers.unchangedDetail(isLike: isLike), to: &writer) { body in
            answers.like(content: content, user: user, outcome, to: &body)
        }
        writer.withBytes { body in encoder.append(.problem(status: code.status), body: body, to: &out) }
    }

    /// A count for everyone, with its tag.
    func writeCount(_ content: UnsafeRawBufferPointer, _ outcome: Outcome, to out: inout ByteBuffer) {
        writer.removeAll()
        writer.object { body in answers.count(content: content, outcome, withUser: false, to: &body) }
        writer.withBytes { body in
            EntityTag.withBytes(of: body) { tag in
                encoder.append(.okPublic, tag: tag, body: body, to: &out)
            }
        }
    }

    /// Many counts for everyone.
    func writeCounts(_ contents: [UnsafeRawBufferPointer], _ outcomes: [Outcome], to out: inout ByteBuffer) {
        writer.removeAll()
        writer.object { body in answers.counts(contents, outcomes, withUser: false, to: &body) }
        writer.withBytes { body in encoder.append(.okPublic, body: body, to: &out) }
    }
}
