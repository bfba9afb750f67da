// Shows in Redis what a window changed: the counts, read from the ledger in one snapshot a server, and the registers.

import LikewiseCore
import LikewiseEngine
package import Logging
import Metrics

/// Writes windows to Redis.
package final class RedisWindowWriter: WindowWriter {
    /// Contents that are asked of the ledger in one go.
    private static let contentsAtOnce = 5_000
    /// Registers that are written in one go: about a dozen a script call.
    private static let registersAtOnce = 12_000

    private let servers: PostgresServers
    private let counts: RedisCounts
    private let registers: RedisRegisters
    private let clients: [RedisClient]
    private let logger: Logger
    private let contentsWritten = Metrics.Counter(label: "likewise_window_contents")
    private let errors = Metrics.Counter(label: "likewise_redis_errors", dimensions: [("path", "window")])

    /// - Parameter clients: those behind `counts` and `registers`.
    package init(
        _ servers: PostgresServers, counts: RedisCounts, registers: RedisRegisters, clients: [RedisClient],
        logger: Logger
    ) {
        self.servers = servers
        self.counts = counts
        self.registers = registers
        self.clients = clients
        self.logger = logger
    }

    package var epoch: UInt64 { clients.reduce(0) { $0 + $1.epoch } }

    package func write(_ window: CountWindow.Changes) async -> CountWindow.Changes {
        async let counts = writeCounts(Array(window.contents))
        var left = CountWindow.Changes()
        left.registers = await writeRegisters(window.registers)
        left.contents = await counts
        return left
    }

    /// Answers the contents whose counts could not be written.
    private func writeCounts(_ contents: [[UInt8]]) async -> Set<[UInt8]> {
        var left: Set<[UInt8]> = []
        var rest = contents[...]
        while !rest.isEmpty {
            let ids = Array(rest.prefix(RedisWindowWriter.contentsAtOnce))
            rest = rest.dropFirst(ids.count)
            do {
                let found = try await servers.counts(ids)
                let results = await counts.put(zip(ids, found).map { CachedCount($1, of: $0) })
                var failures = 0
                for (id, result) in zip(ids, results) {
                    guard case .failure = result else { continue }
                    failures += 1
                    left.insert(id)
                }
                contentsWritten.increment(by: ids.count - failures)
                if failures > 0 { errors.increment(by: failures) }
            } catch {
                errors.increment(by: ids.count)
                left.formUnion(ids)
            }
        }
        return left
    }

    /// Answers the registers that could not be written.
    private func writeRegisters(_ table: RegisterTable) async -> RegisterTable {
        var left = RegisterTable()
        for start in stride(from: 0, to: table.count, by: RedisWindowWriter.registersAtOnce) {
            let part = table.rows[start..<min(table.count, start + RedisWindowWriter.registersAtOnce)]
            let before = left.count
            for (row, result) in zip(part, await registers.refresh(part, of: table)) {
                guard case .failure = result else { continue }
                left.copy(row, of: table)
            }
            if left.count > before { errors.increment(by: left.count - before) }
        }
        return left
    }
}
