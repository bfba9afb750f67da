package import LikewiseCore
package import LikewiseEngine
package import Logging
import Synchronization

/// The pools of a ledger on several servers: what API nodes and the writer of Redis ask, with one round trip a server,
/// all of them at once.
///
/// Where contents lie is read from the servers when it is first needed, and again when one of them answers that it has
/// changed; the question is then asked again. So nothing is missed for having just moved.
package final class PostgresServers: Sendable {
    /// The pools, in the order of the cluster's file; some may be of servers that hold nothing yet.
    package let pools: [PostgresPool]
    private let known = Mutex<Placement?>(nil)
    private let problem = Mutex<LedgerError?>(nil)
    private let logger: Logger

    /// How often a question is asked while contents move.
    private static let attempts = 20

    /// A pool a server. The order must be the one of `ShardedLedger`.
    package init(_ servers: [PostgresOptions], limits: PostgresPool.Limits = .init(), logger: Logger) {
        precondition((1...ShardedLedger.serverLimit).contains(servers.count), "a ledger on \(servers.count) servers")
        pools = servers.map { PostgresPool($0, limits: limits, logger: logger) }
        self.logger = logger
    }

    // MARK: Placement

    /// Where contents lie, as far as is known. Throws `LedgerError.unusable`, with what to do, where the file does not
    /// name the servers that the ledger lies on, and what the pools throw.
    package func placement() async throws -> Placement {
        if let placement = known.withLock({ $0 }) { return placement }
        return try await load()
    }

    private func load() async throws -> Placement {
        let first = await row(0)
        if case .failure(let error as LedgerError) = first, case .unusable = error {
            tell(error)
            throw error
        }
        let before = try? first.get()
        // A server that is named and holds nothing yet is not asked; all are, where the first one is away.
        let count = min(pools.count, before?.layout.count ?? pools.count)
        var rows = await withTaskGroup(of: (Int, PlacementRow?).self) { group in
            for number in 0..<count where number > 0 {
                group.addTask { (number, try? await self.row(number).get()) }
            }
            return await group.reduce(into: [PlacementRow?](repeating: nil, count: pools.count)) { $0[$1.0] = $1.1 }
        }
        rows[0] = before
        // Between begin and end of a move the first row stands still, but for what its own server gives or takes.
        if count > 1, await (try? row(0).get()) != before { throw LedgerError.moved }
        do throws(LedgerError) {
            let placement = try Placement(rows)
            known.withLock { $0 = placement }
            problem.withLock { $0 = nil }
            return placement
        } catch {
            tell(error)
            throw error
        }
    }

    private func row(_ server: Int) async -> Result<PlacementRow, any Error> {
        do { return .success(try await pools[server].run { try $0.placement() }) } catch { return .failure(error) }
    }

    /// Says what is wrong, once.
    private func tell(_ error: LedgerError) {
        guard case .unusable = error else { return }
        let isNew = problem.withLock { problem in
            defer { problem = error }
            return problem != error
        }
        if isNew { logger.error("the ledger cannot be read", metadata: ["reason": "\(error)"]) }
    }

    // MARK: Questions

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
        try await asking { placement in
            let found = try await onAll(Array(0..<placement.layout.count), placement) { server, reader in
                try reader.likes(ofUser: user, behind: position, limit: limit) { placement.server(of: $0) == server }
            }
            return ShardedReader.newest(found.values.flatMap { $0 }, limit: limit)
        }
    }

    /// Who likes a content, newest first.
    package func likes(
        ofContent id: [UInt8], behind position: LikePosition?, limit: Int
    ) async throws -> [LedgerLike] {
        try await asking { placement in
            let found = try await onAll([placement.server(of: id)], placement) { _, reader in
                try reader.likes(ofContent: id, behind: position, limit: limit)
            }
            return found.values.flatMap { $0 }
        }
    }

    /// What is held back, newest first, from all servers.
    package func heldLikes(
        of filter: HeldFilter, behind position: LikePosition?, limit: Int
    ) async throws -> [LedgerLike] {
        try await asking { placement in
            let found = try await onAll(Array(0..<placement.layout.count), placement) { server, reader in
                try reader.heldLikes(of: filter, behind: position, limit: limit) {
                    placement.server(of: $0) == server
                }
            }
            return ShardedReader.newestHeld(found.values.flatMap { $0 }, limit: limit)
        }
    }

    /// For each shard that wrote to every server, the position that all of them have reached. Not told while a server
    /// does not own yet what it was given: its positions are about to go back.
    package func positions() async throws -> [UInt16: UInt64] {
        try await asking { placement in
            guard placement.pending.isEmpty else { throw LedgerError.moved }
            let held = try await onAll(Array(0..<placement.layout.count), placement) { _, reader in
                try reader.positions()
            }
            let first = held[0] ?? [:]
            return held.values.reduce(first) { ShardedReader.lowest($0, $1) }
        }
    }

    /// Closes all pools. Not for the cooperative pool.
    package func close() {
        for pool in pools { pool.close() }
    }

    // MARK: Routing

    /// Runs `body` by the placement that is known, and again by a new one where that is not so any more.
    private func asking<Answer>(_ body: (Placement) async throws -> Answer) async throws -> Answer {
        for _ in 0..<Self.attempts {
            let isFresh = known.withLock { $0 == nil }
            do { return try await body(try await placement()) } catch LedgerError.moved {
                known.withLock { $0 = nil }
            } catch is WasAway {
                if isFresh { throw PostgresPoolError.unavailable }
                known.withLock { $0 = nil }
            }
        }
        throw LedgerError.moved
    }

    /// A server could not be asked for its epoch when the placement was read.
    private struct WasAway: Error {}

    /// Asks each key's server, and puts the answers in the order of the keys.
    private func ask<Key: Sendable, Answer: Sendable>(
        _ keys: [Key], by content: (Key) -> [UInt8],
        _ body: @escaping @Sendable (PostgresReader, [Key]) throws -> [Answer]
    ) async throws -> [Answer] {
        try await asking { placement in
            var places: [Int: [Int]] = [:]
            for (place, key) in keys.enumerated() {
                places[placement.server(of: content(key)), default: []].append(place)
            }
            let asked = places.mapValues { $0.map { keys[$0] } }
            let found = try await onAll(Array(places.keys), placement) { server, reader in
                try body(reader, asked[server] ?? [])
            }
            var result = [Answer?](repeating: nil, count: keys.count)
            for (server, answers) in found {
                for (place, answer) in zip(places[server] ?? [], answers) { result[place] = answer }
            }
            return result.compactMap { $0 }
        }
    }

    /// Asks servers, each of which must be as the placement has it.
    private func onAll<Answer: Sendable>(
        _ servers: [Int], _ placement: Placement, _ body: @escaping @Sendable (Int, PostgresReader) throws -> Answer
    ) async throws -> [Int: Answer] {
        try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
            for server in servers {
                let pool = pools[server]
                guard let epoch = placement.epochs[server] else { throw WasAway() }
                group.addTask { (server, try await pool.run { try $0.at(epoch) { try body(server, $0) } }) }
            }
            var result: [Int: Answer] = [:]
            for try await (server, answer) in group { result[server] = answer }
            return result
        }
    }
}
