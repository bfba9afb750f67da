// Redis behind the ports of an API node. Whatever Redis cannot say is as if it did not hold it.

package import LikewiseCore
package import LikewiseEngine
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
package struct RedisContentCache: ContentCache {
    private let counts: CountCache

    package init(_ counts: CountCache) { self.counts = counts }

    package func published(_ content: UnsafeRawBufferPointer) -> ClusterContent? {
        counts.cached(content).map { ClusterContent($0) }
    }

    package func contents(_ ids: [[UInt8]]) async -> [ClusterContent?] {
        if let found = try? await counts.counts(of: ids) { return found.map { ClusterContent($0) } }
        // One that cannot be had must not take the others with it.
        var found: [ClusterContent?] = []
        for id in ids {
            let count = try? await counts.counts(of: [id]).first
            found.append((count ?? id.withUnsafeBytes { counts.stale($0) }).map { ClusterContent($0) })
        }
        return found
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
