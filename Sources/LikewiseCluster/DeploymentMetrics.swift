// How the engines that a role stands on are, through swift-metrics. Asked for when the page is: a number on it is of
// that moment, nothing runs in between, and no call pays for it. Names and labels are listed in docs/operations.md.

import Metrics
import Synchronization

/// Measures of a process' connections to PostgreSQL and Redis.
package final class DeploymentMetrics: Sendable {
    private let servers: PostgresServers
    private let redis: [(deployment: String, client: RedisClient)]
    /// By series: what its counter has been told so far.
    private let told = Mutex<[String: UInt64]>([:])

    /// - Parameters:
    ///   - registers: Redis of the write path.
    ///   - counts: Redis of the display path; the same client where there is one Redis.
    package init(_ servers: PostgresServers, registers: RedisClient, counts: RedisClient) {
        self.servers = servers
        redis = [("redis", registers)] + (counts === registers ? [] : [("redis-counts", counts)])
    }

    /// Records how everything is now. From any thread; does not wait.
    package func report() {
        for (number, pool) in servers.pools.enumerated() { report(pool.health, [("server", "\(number + 1)")]) }
        for (name, client) in redis { report(client, [("deployment", name)]) }
    }

    private func report(_ health: PostgresPool.Health, _ labels: [(String, String)]) {
        gauge("likewise_postgresql_connections", labels, health.connected)
        gauge("likewise_postgresql_running_calls", labels, health.running)
        gauge("likewise_postgresql_waiting_calls", labels, health.waiting)
        gauge("likewise_postgresql_breaker", labels, health.breaker.level)
        for (outcome, total) in [
            ("answered", health.answered), ("lost", health.lost), ("refused", health.refused),
        ] {
            counter("likewise_postgresql_calls", labels + [("outcome", outcome)], total)
        }
    }

    private func report(_ client: RedisClient, _ labels: [(String, String)]) {
        let nodes = client.health.filter { !$0.isSentinel }
        gauge("likewise_redis_nodes", labels, nodes.count)
        gauge("likewise_redis_connected_nodes", labels, nodes.count { $0.connected > 0 })
        gauge("likewise_redis_open_breakers", labels, nodes.count { $0.breaker.isOpen })
        let statistics = client.statistics
        counter("likewise_redis_commands", labels, statistics.commands)
        counter("likewise_redis_redirects", labels, statistics.redirects)
        counter("likewise_redis_retries", labels, statistics.retries)
    }

    private func gauge(_ label: String, _ labels: [(String, String)], _ value: Int) {
        Gauge(label: label, dimensions: labels).record(value)
    }

    /// Brings a counter up to `total`. Pages that are made at the same time share what is new.
    private func counter(_ label: String, _ labels: [(String, String)], _ total: UInt64) {
        let series = label + labels.map { ",\($0.0)=\($0.1)" }.joined()
        let new = told.withLock { told in
            let last = told[series] ?? 0
            told[series] = max(last, total)
            return total - min(last, total)
        }
        Counter(label: label, dimensions: labels).increment(by: Int64(clamping: new))
    }
}

extension CircuitBreaker.State {
    /// 0: closed, 1: one caller tries, 2: open.
    fileprivate var level: Int {
        switch self {
        case .closed: 0
        case .halfOpen: 1
        case .open: 2
        }
    }
}

extension RedisBreaker.State {
    /// Whether the node is left alone, but for a trial.
    fileprivate var isOpen: Bool {
        if case .closed = self { false } else { true }
    }
}
