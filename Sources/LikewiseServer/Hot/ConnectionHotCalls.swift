// How a connection starts its hot calls: counts that are published are answered at once, all else goes to a shard.

import LikewiseCore
import LikewiseEngine
import NIOCore

extension ConnectionHandler {
    enum Start {
        case started
        case mustWait
        case notHot
    }

    func startHot(_ head: ScannedHead, _ context: ChannelHandlerContext) -> Start {
        let submitter = submitter
        submitter.scratch.removeAll(keepingCapacity: true)
        let result = waiting.withUnsafeReadableBytes { bytes -> Start in
            let call = HotCall(
                head, bytes, reactions: submitter.answers.reactions, maxBodyBytes: limits.bodyBytes,
                scratch: &submitter.scratch)
            guard let call else { return .notHot }
            let started = submitter.clock.nanoseconds()
            switch call {
            case .change(let change): return start(change, isLike: head.method == .post, started)
            case .count(let content, let user): return start(count: content, user, started)
            case .countBatch(let contents, let user): return start(counts: contents, user, started)
            }
        }
        if result == .started {
            waiting.moveReaderIndex(forwardBy: head.length + head.contentLength)
            if waiting.readableBytes == 0 { waiting = ByteBuffer() }
        }
        return result
    }

    /// Whether a call for `shard` may start now: all that is on its way goes to the same shard, which keeps the order.
    private func mayStart(_ shard: Int) -> Bool { answers.isSettled || shardOnTheWay == shard }

    private func start(_ change: HotCall.Change, isLike: Bool, _ started: UInt64) -> Start {
        let shard = submitter.engine.shard(of: change.content)
        guard mayStart(shard) else { return .mustWait }
        let target = LoopSubmitter.Target(
            connection: self, slot: openSlot(shard), kind: isLike ? .like : .unlike, started: started)
        submitter.submit(
            isLike ? .react : .clear, content: change.content, user: change.user, type: change.type,
            reaction: change.reaction, shard: shard, for: target)
        return .started
    }

    private func start(count content: UnsafeRawBufferPointer, _ user: UnsafeRawBufferPointer?, _ started: UInt64)
        -> Start
    {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        if user == nil, answers.isSettled, let outcome = published(content) {
            submitter.writeCount(content, outcome, to: &answers.bytes)
            submitter.timings.record(.count, outcome, nanoseconds: submitter.clock.nanoseconds() &- started)
            return .started
        }
        let shard = submitter.engine.shard(of: content)
        guard mayStart(shard) else { return .mustWait }
        let target = LoopSubmitter.Target(
            connection: self, slot: openSlot(shard), kind: user == nil ? .count : .countOfUser, started: started)
        submitter.submit(
            .read, content: content, user: user ?? nothing, type: nothing, reaction: .none, shard: shard, for: target)
        return .started
    }

    private func start(
        counts contents: [UnsafeRawBufferPointer], _ user: UnsafeRawBufferPointer?, _ started: UInt64
    ) -> Start {
        guard user == nil else { return .notHot }
        guard answers.isSettled else { return .mustWait }
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(contents.count)
        for content in contents {
            guard let outcome = published(content) else { return .notHot }
            outcomes.append(outcome)
        }
        submitter.writeCounts(contents, outcomes, to: &answers.bytes)
        submitter.timings.recordBatch(nanoseconds: submitter.clock.nanoseconds() &- started)
        return .started
    }

    private func published(_ content: UnsafeRawBufferPointer) -> Outcome? {
        guard let published = submitter.engine.published(content) else { return nil }
        if submitter.engine.options.strictContent && !published.description.registered { return nil }
        var outcome = Outcome(status: .done)
        outcome.tally = published.tally
        return outcome
    }

    private func openSlot(_ shard: Int) -> UInt64 {
        shardOnTheWay = shard
        return answers.open()
    }
}
