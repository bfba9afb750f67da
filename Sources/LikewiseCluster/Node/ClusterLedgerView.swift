// PostgreSQL behind the ports of an API node, and the fence in front of it.

package import LikewiseCore
package import LikewiseEngine
import Synchronization

/// The ledger on PostgreSQL's servers, as API nodes read it.
package struct ClusterLedgerView: LedgerView {
    private let servers: PostgresServers
    private let fence: LedgerFence
    private let partitions: Int

    /// - Parameter partitions: how many the topic has.
    package init(_ servers: PostgresServers, fence: LedgerFence, partitions: Int) {
        self.servers = servers
        self.fence = fence
        self.partitions = partitions
    }

    package func registers(_ keys: [RegisterKey]) async throws(LedgerError) -> [Register] {
        guard !keys.isEmpty else { return [] }
        return try await asked { try await servers.registers(of: keys.map { ($0.content, $0.user) }) }
    }

    package func catchUp(_ keys: [RegisterKey]) async -> Bool {
        let wanted = keys.reduce(into: Set<Int32>()) { found, key in
            found.formUnion(EventKey.partitions(content: key.content, user: key.user, count: partitions))
        }
        return await fence.wait(wanted)
    }

    package func catchUp() async -> Bool { await fence.wait(Set((0..<partitions).map { Int32($0) })) }

    package func likes(
        of subject: ListSubject, behind position: LikePosition?, limit: Int
    ) async throws(LedgerError) -> [LedgerLike] {
        try await asked {
            switch subject {
            case .user(let user): try await servers.likes(ofUser: user, behind: position, limit: limit)
            case .content(let id): try await servers.likes(ofContent: id, behind: position, limit: limit)
            case .held(let filter): try await servers.heldLikes(of: filter, behind: position, limit: limit)
            }
        }
    }

    private func asked<T>(_ body: () async throws -> T) async throws(LedgerError) -> T {
        do { return try await body() } catch let error as LedgerError { throw error } catch {
            throw .failed("the ledger could not be asked: \(error)")
        }
    }
}

extension CachedCount {
    /// What the ledger said of a content.
    package init(_ count: PostgresServers.Count, of id: [UInt8]) {
        self.init(
            content: id, number: count.content?.key ?? 0, asOf: count.asOf, tally: count.content?.tally ?? Tally(),
            description: count.content?.description ?? ContentDescription(), deleted: count.content?.deleted ?? .zero)
    }
}

/// Where the fence looks: Kafka's ends on a thread of its own, for librdkafka blocks, and PostgreSQL's positions.
package final class ClusterFencePorts: FencePorts {
    private struct Question {
        let partitions: [Int32]
        let continuation: CheckedContinuation<[Int32: Int64], any Error>
    }

    private let admin: KafkaAdmin
    private let servers: PostgresServers
    private let acknowledged: @Sendable () -> [Int32: Int64]
    private let questions = Mutex<(waiting: [Question], isEnded: Bool)>(([], false))
    private let signal = ThreadSignal()
    private let thread = Mutex<EngineThread?>(nil)

    /// Starts the thread; `stop` ends it. `acknowledged`: the ends that this node knows from its own events, which a broker
    /// may be slow to tell.
    package init(
        _ admin: KafkaAdmin, _ servers: PostgresServers, acknowledged: @escaping @Sendable () -> [Int32: Int64]
    ) {
        self.admin = admin
        self.servers = servers
        self.acknowledged = acknowledged
        let started = EngineThread(name: "kafka-ends") { [self] in run() }
        thread.withLock { $0 = started }
    }

    package func endOffsets(_ partitions: [Int32]) async throws -> [Int32: Int64] {
        try await withCheckedThrowingContinuation { continuation in
            let isEnded = questions.withLock { questions in
                if !questions.isEnded {
                    questions.waiting.append(Question(partitions: partitions, continuation: continuation))
                }
                return questions.isEnded
            }
            if isEnded { return continuation.resume(throwing: CancellationError()) }
            signal.signal()
        }
    }

    package func ledgerOffsets() async throws -> [Int32: Int64] {
        try await servers.positions().reduce(into: [:]) { $0[Int32($1.key)] = Int64($1.value) }
    }

    package func pause(milliseconds: UInt64) async {
        // Ends early only where the process does.
        try? await Task.sleep(nanoseconds: milliseconds * 1_000_000)
    }

    /// Ends the thread; who asks from now on is refused. Blocks for as long as a question under way takes.
    package func stop() {
        let left = questions.withLock { questions in
            questions.isEnded = true
            defer { questions.waiting = [] }
            return questions.waiting
        }
        for question in left { question.continuation.resume(throwing: CancellationError()) }
        signal.signal()
        let thread = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }

    private func run() {
        while true {
            signal.wait()
            let (waiting, isEnded) = questions.withLock { questions in
                defer { questions.waiting = [] }
                return (questions.waiting, questions.isEnded)
            }
            // What several ask at a time is asked once.
            let partitions = waiting.reduce(into: Set<Int32>()) { $0.formUnion($1.partitions) }
            if !partitions.isEmpty {
                let own = acknowledged()
                let answer = Result {
                    let ends = try admin.endOffsets(partitions.sorted())
                    return ends.reduce(into: [:]) { $0[$1.key] = max($1.value, own[$1.key] ?? 0) }
                }
                for question in waiting { question.continuation.resume(with: answer) }
            }
            if isEnded { return }
        }
    }
}
