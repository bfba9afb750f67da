package import LikewiseCore
package import LikewiseEngine
package import Logging

/// The pools of a ledger on several servers: what API nodes and the writer of Redis ask, with one round trip a server,
/// all of them at once.
package final class PostgresServers: Sendable {
    /// The pools, in the order of the servers' numbers.
    package let pools: [PostgresPool]

    /// A pool a server. The order must be the one of `ShardedLedger`.
    package init(_ servers: [PostgresOptions], limits: PostgresPool.Limits = .init(), logger: Logger) {
        precondition((1...ShardedLedger.serverLimit).contains(servers.count), "a ledger on \(servers.count) servers")
        pools = servers.map { PostgresPool($0, limits: limits, logger: logger) }
    }

    /// The server of a content.
    package func server(of content: [UInt8]) -> Int { ShardedLedger.server(of: content, servers: pools.count) }

    /// Registers in the order asked; `PostgresReader.registers(of:)`. Throws where any of the servers fails.
    package func registers(of keys: [(content: [UInt8], user: [UInt8])]) async throws -> [Register] {
        try await ask(keys, by: \.content) { reader, keys in try reader.registers(of: keys) }
    }

    /// A content with the order of the snapshot that it was read in; `PostgresReader.Counts.asOf`.
    package struct Count: Hashable, Sendable {
        package var content: LedgerContent?
        package var asOf: UInt64
    }

    /// Contents in the order asked; `PostgresReader.counts(_:)`. Throws where any of the servers fails.
    package func counts(_ ids: [[UInt8]]) async throws -> [Count] {
        try await ask(ids, by: \.self) { reader, ids in
            let counts = try reader.counts(ids)
            return counts.contents.map { Count(content: $0, asOf: counts.asOf) }
        }
    }

    /// What a user likes, newest first, from all servers.
    package func likes(ofUser user: [UInt8], behind position: LikePosition?, limit: Int) async throws -> [LedgerLike] {
        let found = try await onAll(Array(pools.indices)) { _, reader in
            try reader.likes(ofUser: user, behind: position, limit: limit)
        }
        let likes = found.values.flatMap { $0 }.map {
            (like: $0, place: LikePosition(version: $0.register.version, id: $0.content))
        }
        return likes.sorted { $0.place.precedes($1.place) }.prefix(limit).map(\.like)
    }

    /// Who likes a content, newest first.
    package func likes(
        ofContent id: [UInt8], behind position: LikePosition?, limit: Int
    ) async throws -> [LedgerLike] {
        try await pools[server(of: id)].run { try $0.likes(ofContent: id, behind: position, limit: limit) }
    }

    /// Closes all pools. Not for the cooperative pool.
    package func close() {
        for pool in pools { pool.close() }
    }

    // MARK: Routing

    /// Asks each key's server, and puts the answers in the order of the keys.
    private func ask<Key: Sendable, Answer: Sendable>(
        _ keys: [Key], by content: (Key) -> [UInt8],
        _ body: @escaping @Sendable (PostgresReader, [Key]) throws -> [Answer]
    ) async throws -> [Answer] {
        var places: [Int: [Int]] = [:]
        for (place, key) in keys.enumerated() { places[server(of: content(key)), default: []].append(place) }
        let asked = places.mapValues { $0.map { keys[$0] } }
        let found = try await onAll(Array(places.keys)) { server, reader in try body(reader, asked[server] ?? []) }
        var result = [Answer?](repeating: nil, count: keys.count)
        for (server, answers) in found {
            for (place, answer) in zip(places[server] ?? [], answers) { result[place] = answer }
        }
        return result.compactMap { $0 }
    }

    private func onAll<Answer: Sendable>(
        _ servers: [Int], _ body: @escaping @Sendable (Int, PostgresReader) throws -> Answer
    ) async throws -> [Int: Answer] {
        try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
            for server in servers {
                let pool = pools[server]
                group.addTask { (server, try await pool.run { try body(server, $0) }) }
            }
            var result: [Int: Answer] = [:]
            for try await (server, answer) in group { result[server] = answer }
            return result
        }
    }
}
