// One ledger on several servers. Contents map to them by jump hash, as they map to an engine's shards, so that a
// further server takes over only its share of them.
//
// Each server holds positions of its own, in the transaction that took what they speak of. A batch is split, and every
// server gets its part, also where that is empty: so the position of a shard, the minimum over the servers, says what
// all of them hold. Where one fails the call throws, and the batches, taken again, are skipped by those that have them.

import LikewiseCore
package import LikewiseEngine
import Synchronization

/// A ledger whose contents are spread over several ledgers. Calls go to the servers side by side, and return when all
/// have answered.
package final class ShardedLedger: Ledger {
    private let servers: [any Ledger]

    /// The most servers that there may be.
    package static let serverLimit = 1 << (63 - ShardedReader.numberBits)

    /// The ledgers in the order of their numbers, which must stay the same for as long as they hold anything.
    package init(_ servers: [any Ledger]) {
        precondition((1...Self.serverLimit).contains(servers.count), "a ledger on \(servers.count) servers")
        self.servers = servers
    }

    /// The server of a content, 0 ..< `servers`.
    package static func server(of content: [UInt8], servers: Int) -> Int {
        Hash64.jump(Hash64.of(content, seed: 0), shards: servers)
    }

    /// As the port says, with one transaction a server. Throws the first server's error where any fails; others may
    /// have taken their part then, durably, and skip it when the batches come again.
    package func apply(_ batches: [LedgerBatch]) throws(LedgerError) {
        for batch in batches { try PostgresFold.check([batch]) }
        let parts = Self.split(batches, servers: servers.count)
        try onAll { (server, number) throws(LedgerError) in try server.apply(parts[number]) }
    }

    /// Each server's part of the batches. Answers and trends, which belong to no content, are the first server's.
    static func split(_ batches: [LedgerBatch], servers: Int) -> [[LedgerBatch]] {
        if servers == 1 { return [batches] }
        var parts = [[LedgerBatch]](repeating: [], count: servers)
        for batch in batches {
            for server in 0..<servers {
                var part = LedgerBatch(shard: batch.shard, through: batch.through, now: batch.now)
                part.userBytes = batch.userBytes
                if server == 0 { (part.answers, part.trends) = (batch.answers, batch.trends) }
                parts[server].append(part)
            }
            for change in batch.contents {
                let server = Self.server(of: change.id, servers: servers)
                parts[server][parts[server].count - 1].contents.append(change)
            }
        }
        return parts
    }

    package func makeReader() throws(LedgerError) -> any LedgerReader {
        var readers: [any LedgerReader] = []
        for server in servers { readers.append(try server.makeReader()) }
        return ShardedReader(readers)
    }

    package func setReactions(_ names: [String]) throws(LedgerError) {
        for server in servers { try server.setReactions(names) }
    }

    package func save(_ trends: [TrendBucket]) throws(LedgerError) { try servers[0].save(trends) }

    package func purge(limit: Int) throws(LedgerError) -> Bool {
        var isLeft = false
        for server in servers where try server.purge(limit: limit) { isLeft = true }
        return isLeft
    }

    package func releaseMemory() {
        for server in servers { server.releaseMemory() }
    }

    /// Runs `body` for all servers, each but the first on a thread made for it: a call takes a hundred times as long.
    private func onAll(_ body: @escaping @Sendable (any Ledger, Int) throws(LedgerError) -> Void) throws(LedgerError) {
        let failures = Failures()
        func run(_ number: Int) -> @Sendable () -> Void {
            let server = servers[number]
            return {
                do throws(LedgerError) { try body(server, number) } catch { failures.add(error, number) }
            }
        }
        let threads = servers.indices.dropFirst().map { EngineThread(name: "ledger-\($0)", run($0)) }
        run(0)()
        for thread in threads { thread.join() }
        if let first = failures.first { throw first }
    }

    private final class Failures: Sendable {
        private let errors = Mutex<[Int: LedgerError]>([:])

        func add(_ error: LedgerError, _ server: Int) { errors.withLock { $0[server] = error } }

        var first: LedgerError? { errors.withLock { errors in errors.min { $0.key < $1.key }?.value } }
    }
}
