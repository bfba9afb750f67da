// Redis behind the ports of an API node. Whatever Redis cannot say is as if it did not hold it.

package import LikewiseCore
package import LikewiseEngine
package import Logging
import Metrics
import Synchronization

/// The registers in Redis.
package final class RedisRegisterCache: RegisterCache {
    /// Milliseconds after a node of Redis came back in which the aggregators write what it missed; they do so every second.
    private static let settling: UInt64 = 5_000

    private let registers: RedisRegisters
    private let client: RedisClient
    private let clock: any EngineClock
    private let seen: Mutex<(epoch: UInt64, at: UInt64)>
    private let errors = Metrics.Counter(label: "likewise_redis_errors", dimensions: [("path", "registers")])

    /// - Parameter client: the one behind `registers`.
    package init(_ registers: RedisRegisters, client: RedisClient, clock: any EngineClock) {
        self.registers = registers
        self.client = client
        self.clock = clock
        seen = Mutex((client.epoch, clock.nanoseconds()))
    }

    package var isSettled: Bool {
        let (epoch, now) = (client.epoch, clock.nanoseconds())
        return seen.withLock { seen in
            if epoch != seen.epoch { seen = (epoch, now) }
            return now - min(now, seen.at) > Self.settling * 1_000_000
        }
    }

    package func find(_ keys: [RegisterKey]) async -> [Register?] {
        guard !keys.isEmpty else { return [] }
        var failures = 0
        let found = await registers.get(keys).map { result -> Register? in
            switch result {
            case .success(let register): return register
            case .failure:
                failures += 1
                return nil
            }
        }
        if failures > 0 { errors.increment(by: failures) }
        return found
    }

    package func put(_ entries: [(key: RegisterKey, register: Register)]) async {
        guard !entries.isEmpty else { return }
        let failures = await registers.put(entries).count { if case .failure = $0 { true } else { false } }
        // The aggregators write what was acknowledged once more.
        if failures > 0 { errors.increment(by: failures) }
    }
}

/// The counts in Redis, in front of the ledger's, behind the node's own.
package final class RedisContentCache: ContentCache {
    private let counts: CountCache
    private let clock: any EngineClock
    private let logger: Logger
    private let errors = Metrics.Counter(label: "likewise_count_read_errors")
    private let limit = Mutex(LogLimit())

    /// `logger` is told of counts that cannot be had, every ten seconds at most.
    package init(_ counts: CountCache, clock: any EngineClock, logger: Logger) {
        self.counts = counts
        self.clock = clock
        self.logger = logger
    }

    package func published(_ content: UnsafeRawBufferPointer) -> ClusterContent? {
        counts.cached(content).map { ClusterContent($0) }
    }

    package func contents(_ ids: [[UInt8]]) async -> [ClusterContent?] {
        var failures = 0
        var reason: (any Error)?
        let found = zip(ids, await counts.results(of: ids)).map { id, result -> ClusterContent? in
            switch result {
            case .success(let count): return ClusterContent(count)
            case .failure(let error):
                (failures, reason) = (failures + 1, error)
                return id.withUnsafeBytes { counts.stale($0) }.map { ClusterContent($0) }
            }
        }
        if let reason { report(failures, reason) }
        return found
    }

    private func report(_ failures: Int, _ reason: any Error) {
        errors.increment(by: failures)
        guard let count = limit.withLock({ $0.note(failures, at: clock.nanoseconds()) }) else { return }
        logger.warning(
            "counts could not be read; what this node saw last is shown, or 503 where it saw nothing",
            metadata: ["counts": "\(count)", "reason": "\(reason)"])
    }

    package func note(_ content: ClusterContent, of id: [UInt8]) {
        counts.adjust(id) { count in
            count.tally = content.tally
            count.description = content.description
            count.deleted = content.deleted
        }
    }
}

extension ClusterContent {
    init(_ count: CachedCount) {
        self.init(tally: count.tally, description: count.description, deleted: count.deleted)
    }
}
