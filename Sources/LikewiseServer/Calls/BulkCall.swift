// Bulk intake: a line an intent.
//
// The body is scanned in place; each good line goes into a group for its shard, and a full group is handed over while
// the next one fills. No more than a few groups of one body are on their way at a time, so that one caller cannot fill a
// shard's queue. The answer is sent when all of it is durable.

import LikewiseAPI
import LikewiseCore
import LikewiseEngine
import Synchronization

/// How many bulk intakes are worked on at a time.
final class BulkGate: Sendable {
    private let limit: Int
    private let active = Mutex(0)

    init(limit: Int) { self.limit = limit }

    func enter() -> Bool {
        active.withLock { active in
            guard active < limit else { return false }
            active += 1
            return true
        }
    }

    func leave() { active.withLock { $0 -= 1 } }
}

extension API {
    func bulk(_ request: APIRequest) async throws(APIProblem) -> APIResponse {
        try await once(request) { () async throws(APIProblem) in
            var intake = BulkIntake(api: self, lineLimit: limits.bulkLines)
            try intake.checkLineCount(request.body)
            return try await intake.run(request.body)
        }
    }
}

/// One body on its way.
private struct BulkIntake {
    /// Groups of one body that may be on their way to one shard.
    private static let groupsInFlight = 4
    private static let maxLineBytes = 8_192

    let api: API
    let lineLimit: Int
    private var groups: [IntentGroup] = []
    /// For each line of the group that fills: its number in the body.
    private var lines: [[Int]] = []
    private var pending: [[(outcomes: Task<[Outcome], Never>, lines: [Int])]] = []
    private var accepted = 0
    private var changed = 0
    private var rejected: [(line: Int, problem: APIProblem)] = []
    private var rejectedCount = 0
    private var scratch: [UInt8] = []

    init(api: API, lineLimit: Int) {
        self.api = api
        self.lineLimit = lineLimit
    }

    /// Before anything is changed.
    func checkLineCount(_ body: [UInt8]) throws(APIProblem) {
        var lines = 0
        for byte in body where byte == UInt8(ascii: "\n") { lines += 1 }
        if let last = body.last, last != UInt8(ascii: "\n") { lines += 1 }
        guard lines <= lineLimit else {
            throw APIProblem(.bodyTooLarge, "The body has \(lines) lines; at most \(lineLimit) are taken at a time.")
        }
    }

    mutating func run(_ body: [UInt8]) async throws(APIProblem) -> APIResponse {
        let shards = api.service.engine.shardCount
        pending = Array(repeating: [], count: shards)
        lines = Array(repeating: [], count: shards)
        groups = (0..<shards).map { _ in newGroup() }
        var start = 0
        var line = 0
        while start < body.count {
            let end = body[start...].firstIndex(of: UInt8(ascii: "\n")) ?? body.count
            line += 1
            if let full = take(body, start..<end, line: line) { try await send(full) }
            start = end + 1
        }
        for shard in 0..<shards where groups[shard].count > 0 { try await send(shard) }
        for shard in 0..<shards {
            while !pending[shard].isEmpty { try await settle(shard) }
        }
        return answer()
    }

    private func newGroup() -> IntentGroup {
        IntentGroup(wantsTallies: false)
    }

    /// Takes one line in; answers the shard whose group is full.
    private mutating func take(_ body: [UInt8], _ range: Range<Int>, line: Int) -> Int? {
        let isBlank = body[range].allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
        if isBlank { return nil }
        do throws(APIProblem) {
            guard range.count <= BulkIntake.maxLineBytes else {
                throw APIProblem(.invalidRequest, "A line has at most \(BulkIntake.maxLineBytes) bytes.")
            }
            scratch.removeAll(keepingCapacity: true)
            var scratch = self.scratch
            defer { self.scratch = scratch }
            let result = body.withUnsafeBytes { all in
                Result<Int?, APIProblem> { () throws(APIProblem) in
                    try add(UnsafeRawBufferPointer(rebasing: all[range]), line, &scratch)
                }
            }
            return try result.get()
        } catch {
            rejectedCount += 1
            if rejected.count < WireLimits.bulkRejectionsListed { rejected.append((line, error)) }
            return nil
        }
    }

    private mutating func add(
        _ line: UnsafeRawBufferPointer, _ number: Int, _ scratch: inout [UInt8]
    ) throws(APIProblem) -> Int? {
        let intent = try BulkLine(line, scratch: &scratch, reactions: api.answers.reactions)
        let engine = api.service.engine
        let buffered = scratch
        let groups = groups
        let shard = intent.content.withBytes(body: line, scratch: buffered) { content in
            intent.user.withBytes(body: line, scratch: buffered) { user in
                let shard = engine.shard(of: content)
                let group = groups[shard]
                func append(_ type: UnsafeRawBufferPointer) {
                    group.append(
                        intent.reaction == .none ? .clear : .react, content: content, user: user, type: type,
                        reaction: intent.reaction, seed: engine.seed)
                }
                if let type = intent.type {
                    type.withBytes(body: line, scratch: buffered) { append($0) }
                } else {
                    append(UnsafeRawBufferPointer(start: nil, count: 0))
                }
                return shard
            }
        }
        lines[shard].append(number)
        return groups[shard].isFull ? shard : nil
    }

    /// Hands a shard's group over, waiting first for earlier ones where too many are on their way.
    private mutating func send(_ shard: Int) async throws(APIProblem) {
        while pending[shard].count >= BulkIntake.groupsInFlight { try await settle(shard) }
        let group = groups[shard]
        groups[shard] = newGroup()
        let engine = api.service.engine
        let outcomes = Task {
            await withCheckedContinuation { continuation in
                group.complete = { continuation.resume(returning: $0.outcomes) }
                engine.submit(group, to: shard)
            }
        }
        pending[shard].append((outcomes, lines[shard]))
        lines[shard] = []
    }

    private mutating func settle(_ shard: Int) async throws(APIProblem) {
        let sent = pending[shard].removeFirst()
        let outcomes = await sent.outcomes.value
        api.timings.record(outcomes)
        for (outcome, line) in zip(outcomes, sent.lines) {
            switch outcome.status {
            case .done:
                accepted += 1
                if outcome.changed { changed += 1 }
            case .contentNotFound:
                rejectedCount += 1
                if rejected.count < WireLimits.bulkRejectionsListed, let problem = Answers.problem(outcome.status) {
                    rejected.append((line, problem))
                }
            default:
                for shard in pending.indices {
                    for sent in pending[shard] { _ = await sent.outcomes.value }
                    pending[shard] = []
                }
                var problem = Answers.problem(outcome.status) ?? APIProblem(.internal)
                if accepted > 0 {
                    problem.detail =
                        "Only a part was taken. Send all of it again: what was taken is not counted twice."
                }
                throw problem
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
