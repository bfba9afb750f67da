// Bulk intake: a line an intent.
//
// The body is scanned as it arrives. Each good line goes into a group for its shard, and a full group is handed over
// while the rest still comes. How many groups of all intakes may be at a shard is bounded (`BulkWindow`): beyond that
// the intake waits, and so does the rest of its body, in the caller's socket. So an intake holds the part that arrived
// last, one group a shard that fills, and what is on its way, whatever the size of its body.
//
// What was handed over takes effect, also where the body then breaks off, has more lines than are allowed, or a shard
// refuses: the answer says so and how much it was. To send all of it again is harmless, as nothing counts twice.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine
import Synchronization

/// One body on its way. Used by one task.
package final class BulkIntake {
    /// Bytes of a line; a longer one is rejected.
    package static let maxLineBytes = 8_192
    /// Forms of lines that are remembered.
    private static let maxTemplates = 4

    /// The group of a shard that fills, with the line of each intent.
    private struct Filling {
        var group = IntentGroup(wantsTallies: false)
        var lines: [UInt32] = []
    }

    private let api: API
    private let caller: Caller
    private let engine: any LikeEngine
    /// Nanoseconds of the clock when the part came that is being scanned; limits go by it.
    private var now: UInt64 = 0
    private var splitter = LineSplitter(maxLineBytes: BulkIntake.maxLineBytes)
    private var templates: [LineTemplate] = []
    private var scratch: [UInt8] = []
    /// The content of the line before, mostly that of the next one too.
    private var content: [UInt8] = []
    private var contentHash: UInt64 = 0
    private var shard = 0

    private var filling: [Filling]
    private var full: [(shard: Int, Filling)] = []
    private let progress = BulkProgress()
    private var accepted = 0
    private var changed = 0
    private var rejected: [(line: Int, problem: APIProblem)] = []
    /// Why no more is taken.
    private var ending: APIProblem?

    /// An intake of `api`'s limits and engine; `caller` may write for all users.
    package init(_ api: API, for caller: Caller) {
        self.api = api
        self.caller = caller
        engine = api.service.engine
        filling = (0..<engine.shardCount).map { _ in Filling() }
    }

    /// Whether what still comes is wanted.
    package var isEnded: Bool { ending != nil }

    /// Scans the next part of the body. Follow with `handOver`.
    package func take(_ part: UnsafeRawBufferPointer) {
        if api.rateLimits != nil { now = api.service.clock.nanoseconds() }
        var splitter = splitter
        splitter.take(part) { take($0, number: $1) }
        self.splitter = splitter
    }

    /// Hands over the groups that are full, when there is room for them.
    package func handOver() async {
        for (shard, filled) in full where ending == nil { await send(filled, to: shard) }
        full.removeAll()
        settle()
    }

    /// Takes nothing more, because of `problem`.
    package func end(_ problem: APIProblem) {
        if ending == nil { ending = problem }
    }

    /// The answer, once all of it is durable.
    package func finish() async throws(APIProblem) -> APIResponse {
        if ending == nil { splitter.finish { take($0, number: $1) } }
        await handOver()
        for shard in filling.indices where ending == nil && filling[shard].group.count > 0 {
            await send(filling[shard], to: shard)
        }
        while await progress.next() { settle() }
        settle()
        guard var problem = ending else { return answer() }
        if accepted > 0 {
            let taken = accepted
            problem.detail =
                "\(problem.detail ?? problem.code.title) \(taken) lines took effect; sent again, they change nothing."
            problem.members = { $0.field("accepted", taken) }
        }
        throw problem
    }

    // MARK: Lines

    private func take(_ line: LineSplitter.Line, number: Int) -> Bool {
        guard number <= api.limits.bulkLines else {
            end(APIProblem(.bodyTooLarge, "At most \(api.limits.bulkLines) lines are taken at a time."))
            return false
        }
        guard case .whole(let bytes) = line else {
            reject(number, APIProblem(.invalidRequest, "A line has at most \(BulkIntake.maxLineBytes) bytes."))
            return true
        }
        for template in templates {
            guard let ids = template.match(bytes) else { continue }
            add(
                number, content: UnsafeRawBufferPointer(rebasing: bytes[ids.content]),
                user: UnsafeRawBufferPointer(rebasing: bytes[ids.user]), type: template.type,
                reaction: template.reaction)
            return true
        }
        do throws(APIProblem) { try takeWithCare(bytes, number) } catch { reject(number, error) }
        return true
    }

    /// Takes a line of a form that was not seen before.
    private func takeWithCare(_ line: UnsafeRawBufferPointer, _ number: Int) throws(APIProblem) {
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { return }
        scratch.removeAll(keepingCapacity: true)
        let read = try BulkLine(line, scratch: &scratch, reactions: api.answers.reactions)
        let type = read.type?.withBytes(body: line, scratch: scratch) { Array($0) } ?? []
        read.content.withBytes(body: line, scratch: scratch) { content in
            read.user.withBytes(body: line, scratch: scratch) { user in
                add(number, content: content, user: user, type: type, reaction: read.reaction)
            }
        }
        guard let template = LineTemplate(line, read, scratch: scratch) else { return }
        if templates.count == BulkIntake.maxTemplates { templates.removeLast() }
        templates.insert(template, at: 0)
    }

    private func add(
        _ number: Int, content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer, type: [UInt8],
        reaction: Reaction
    ) {
        var limited: LimitedCaller?
        if let rateLimits = api.rateLimits {
            // Its caller is counted by the call, each of its users by the line.
            var who = LimitedCaller()
            (who.user, who.content) = (user, content)
            if case .refused(let refusal) = rateLimits.limiter.take(who, now: now) {
                return reject(number, APIProblem(.rateLimited, RateLimitTexts.detail(refusal.kind)))
            }
            limited = who
        }
        guard let reaction = judged(content, user, reaction) else { return reject(number, Answers.refusal) }
        if !isSame(content) {
            self.content.removeAll(keepingCapacity: true)
            self.content.append(contentsOf: content)
            contentHash = Hash64.of(content, seed: engine.seed)
            shard = engine.shard(of: content)
        }
        let group = filling[shard].group
        type.withUnsafeBytes { type in
            group.append(
                reaction == .none ? .clear : .react, content: content, contentHash: contentHash, user: user, type: type,
                reaction: reaction, seed: engine.seed)
        }
        if let limited, let limiter = api.rateLimits?.limiter, limiter.isShared {
            group.sharedLimits += limiter.shared(limited, intent: group.count - 1)
        }
        filling[shard].lines.append(UInt32(number))
        guard group.isFull else { return }
        full.append((shard, filling[shard]))
        filling[shard] = Filling()
    }

    /// What the judge makes of a line; nil where he refuses it.
    private func judged(
        _ content: UnsafeRawBufferPointer, _ user: UnsafeRawBufferPointer, _ reaction: Reaction
    ) -> Reaction? {
        guard let judge = api.service.judge else { return reaction }
        return judge.judged(
            JudgedIntent(content: content, user: user, reaction: reaction, caller: caller, origin: nil))
    }

    private func isSame(_ id: UnsafeRawBufferPointer) -> Bool {
        content.count == id.count && content.withUnsafeBytes { $0.elementsEqual(id) }
    }

    private func reject(_ line: Int, _ problem: APIProblem) {
        if rejected.count < WireLimits.bulkRejectionsListed { rejected.append((line, problem)) }
    }

    // MARK: Groups

    private func send(_ filled: Filling, to shard: Int) async {
        let filled = caller.seesPrivate ? filled : await visible(filled)
        guard filled.group.count > 0 else { return }
        let window = api.bulkWindows[shard]
        await window.enter()
        settle()
        guard ending == nil else { return window.leave() }
        let progress = progress
        progress.begin()
        let lines = filled.lines
        filled.group.complete = { group in
            window.leave()
            progress.done(group, lines)
        }
        engine.submit(filled.group, to: shard)
    }

    /// A group without the lines on contents that are not there for the caller.
    private func visible(_ filled: Filling) async -> Filling {
        let intents = filled.group.intents
        let ids = intents.map { intent in
            let start = Int(intent.offset)
            return Array(filled.group.bytes[start..<(start + Int(intent.contentLength))])
        }
        let contents = Array(Set(ids))
        let sights = await api.sights(of: contents)
        guard sights.contains(where: { $0 != .done }) else { return filled }
        let statuses = Dictionary(uniqueKeysWithValues: zip(contents, sights))
        var left = Filling()
        for (i, intent) in intents.enumerated() {
            switch statuses[ids[i]] ?? .done {
            case .done:
                left.group.append(filled.group, intent, seed: engine.seed)
                for var limit in filled.group.limits(of: i) {
                    limit.intent = left.group.count - 1
                    left.group.sharedLimits.append(limit)
                }
                left.lines.append(filled.lines[i])
            case let status:
                guard let problem = Answers.problem(status) else { continue }
                if status == .contentNotFound { reject(Int(filled.lines[i]), problem) } else { end(problem) }
            }
        }
        return left
    }

    /// Counts what the groups that are done came to.
    private func settle() {
        for (group, lines) in progress.takeDone() {
            api.timings.record(group.briefOutcomes)
            for (i, outcome) in group.briefOutcomes.enumerated() {
                switch outcome.status {
                case .done:
                    accepted += 1
                    if outcome.changed { changed += 1 }
                case .contentNotFound, .rateLimited:
                    if let problem = api.problem(Outcome(outcome), of: i, in: group) {
                        reject(Int(lines[i]), problem)
                    }
                default: end(Answers.problem(outcome.status) ?? APIProblem(.internal))
                }
            }
        }
    }

    private func answer() -> APIResponse {
        .json { writer in
            writer.object { body in
                body.field("accepted", accepted)
                body.field("changed", changed)
                body.field("unchanged", accepted - changed)
                body.field(
                    "rejected",
                    list: { list in
                        for (line, problem) in rejected.sorted(by: { $0.line < $1.line }) {
                            list.object { entry in
                                entry.field("line", line)
                                entry.field("code", problem.code.rawValue)
                                if let detail = problem.detail { entry.field("detail", detail) }
                            }
                        }
                    })
            }
        }
    }
}

extension IntentGroup {
    /// Adds an intent of another group.
    fileprivate func append(_ other: IntentGroup, _ intent: Intent, seed: UInt64) {
        other.bytes.withUnsafeBytes { bytes in
            let user = Int(intent.offset) + Int(intent.contentLength)
            let type = user + Int(intent.userLength)
            append(
                intent.action, content: UnsafeRawBufferPointer(rebasing: bytes[Int(intent.offset)..<user]),
                contentHash: intent.contentHash, user: UnsafeRawBufferPointer(rebasing: bytes[user..<type]),
                type: UnsafeRawBufferPointer(rebasing: bytes[type..<(type + Int(intent.typeLength))]),
                reaction: intent.reaction, seed: seed)
        }
    }
}

/// The groups of one body that are at shards, and those that came back.
private final class BulkProgress: Sendable {
    private struct State {
        var onTheWay = 0
        var done: [(IntentGroup, [UInt32])] = []
        var waiter: CheckedContinuation<Bool, Never>?
    }

    private let state = Mutex(State())

    func begin() { state.withLock { $0.onTheWay += 1 } }

    func done(_ group: IntentGroup, _ lines: [UInt32]) {
        let waiter = state.withLock { state in
            state.onTheWay -= 1
            state.done.append((group, lines))
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: true)
    }

    func takeDone() -> [(IntentGroup, [UInt32])] {
        state.withLock { state in
            defer { state.done = [] }
            return state.done
        }
    }

    /// Waits until a group has come back; false where none is on its way.
    func next() async -> Bool {
        await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Bool? in
                if !state.done.isEmpty { return true }
                if state.onTheWay == 0 { return false }
                state.waiter = continuation
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }
}
