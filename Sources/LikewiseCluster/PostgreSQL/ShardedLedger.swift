// One ledger on several servers. Contents map to them by jump hash, as they map to an engine's shards, so that a
// further server takes over only its share of them.
//
// Each server holds positions of its own, in the transaction that took what they speak of. A batch is split, and every
// server gets its part, also where that is empty: so the position of a shard, the minimum over the servers, says what
// all of them hold. Where one fails the call throws, and the batches, taken again, are skipped by those that have them.
//
// PostgreSQL's servers know themselves what they own, for contents may move between them (`Placement`). A part goes
// there with the epoch of the placement by which it was split, and is refused where that has changed. The new placement
// is read before `.moved` is thrown, and so before the caller reads the positions, which may have gone back: this order
// is what keeps events from being passed over. For the same reason no batch is taken by a placement that the same call
// has read.

import LikewiseCore
package import LikewiseEngine
import Synchronization

/// A ledger whose contents are spread over several ledgers. Calls go to the servers side by side, and return when all
/// have answered.
package final class ShardedLedger: Ledger {
    private let servers: [any Ledger]
    /// The same servers, where they know what they own.
    private let placed: [PostgresLedger]?
    private let placement: Mutex<LedgerPlacement>

    /// The most servers that there may be.
    package static let serverLimit = 1 << (63 - ShardedReader.numberBits)

    /// The ledgers in the order of their numbers, which must stay the same for as long as they hold anything.
    package init(_ servers: [any Ledger]) {
        precondition((1...Self.serverLimit).contains(servers.count), "a ledger on \(servers.count) servers")
        self.servers = servers
        placed = nil
        placement = Mutex(LedgerPlacement())
    }

    /// PostgreSQL's servers in the order of the cluster's file, which may name some that hold nothing yet. Throws
    /// `.unusable`, with what to do, where they are not those that the ledger lies on.
    package init(placed servers: [PostgresLedger]) throws(LedgerError) {
        precondition((1...Self.serverLimit).contains(servers.count), "a ledger on \(servers.count) servers")
        self.servers = servers
        placed = servers
        var placement = LedgerPlacement()
        _ = try Self.load(&placement, servers)
        self.placement = Mutex(placement)
    }

    /// The server of a content where nothing moves, 0 ..< `servers`.
    package static func server(of content: [UInt8], servers: Int) -> Int {
        Hash64.jump(Hash64.of(content, seed: 0), shards: servers)
    }

    /// As the port says, with one transaction a server. Throws the first server's error where any fails; others may
    /// have taken their part then, durably, and skip it when the batches come again. Throws `.moved` where contents
    /// have moved between the servers; the caller reads the positions again and goes on from there.
    package func apply(_ batches: [LedgerBatch]) throws(LedgerError) {
        for batch in batches { try PostgresFold.check([batch]) }
        guard let placed else {
            let parts = Self.split(batches, Placement(fixed: servers.count))
            return try onAll(servers.count) { (server, number) throws(LedgerError) in try server.apply(parts[number]) }
        }
        try placement.withLock { (placement) throws(LedgerError) in
            guard let known = placement.current else {
                _ = try Self.load(&placement, placed)
                throw .moved
            }
            let parts = Self.split(batches, known)
            do throws(LedgerError) {
                try onAll(known.layout.count) { (_, number) throws(LedgerError) in
                    try placed[number].apply(parts[number], epoch: known.epochs[number])
                }
            } catch {
                if error == .moved { _ = try Self.load(&placement, placed) }
                throw error
            }
        }
    }

    private static func load(
        _ placement: inout LedgerPlacement, _ servers: [PostgresLedger]
    ) throws(LedgerError) -> Placement {
        try placement.load(
            servers: servers.count, row: { (number) throws(LedgerError) in try servers[number].placement() },
            takeOver: { (target, source, mark) throws(LedgerError) in
                try servers[target].takeOver(from: source, through: mark)
            })
    }

    /// Each server's part of the batches. Answers and trends, which belong to no content, are the first server's.
    static func split(_ batches: [LedgerBatch], _ placement: Placement) -> [[LedgerBatch]] {
        let servers = placement.layout.count
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
                let server = placement.server(of: change.id)
                parts[server][parts[server].count - 1].contents.append(change)
            }
        }
        return parts
    }

    package func makeReader() throws(LedgerError) -> any LedgerReader {
        if let placed {
            var readers: [PostgresReader] = []
            for server in placed { readers.append(try server.reader()) }
            return try ShardedReader(placed: readers)
        }
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

    /// Runs `body` for the first `count` servers, side by side.
    private func onAll(
        _ count: Int, _ body: @escaping @Sendable (any Ledger, Int) throws(LedgerError) -> Void
    ) throws(LedgerError) {
        try SideBySide.run(count, name: "ledger") { [servers] (number) throws(LedgerError) in
            try body(servers[number], number)
        }
    }
}
