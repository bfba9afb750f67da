// Verifies a cluster: the ledger's tallies against its registers, on every server, whether each content lies on the
// server that owns it, and what Redis shows against the ledger.

import ArgumentParser
import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import Logging

/// `likewise verify --cluster`.
struct ClusterVerify {
    /// Contents that are compared at a time.
    private static let portion = 1_000

    let file: ClusterFile
    let logger: Logger

    /// Prints what was found; answers whether nothing differs.
    func run() async throws -> Bool {
        let pools = file.pools(logger: logger)
        try await file.checkPlacement(pools, logger: logger)
        let layout: Layout
        do { layout = try await pools.placement().layout } catch { throw Failure.exit("\(error)") }
        let servers = Array(file.postgres.prefix(layout.count))
        let ledger = try ledgerIsExact(servers)
        let placement = try placementIsExact(servers, layout)
        return try await redisIsExact(servers, pools) && placement && ledger
    }

    private func placementIsExact(_ servers: [PostgresOptions], _ layout: Layout) throws -> Bool {
        var progress = Progress("contents placed")
        var total = PlacementCheck()
        for (number, server) in servers.enumerated() {
            do {
                let found = try PlacementCheck(server)
                total.contents += found.contents
                total.copies += found.copies
                total.strays += found.strays
                progress.show(total.contents)
                for id in found.first {
                    print(
                        "drift: \(String(decoding: id, as: UTF8.self)) lies on server \(number + 1), which does not own it"
                    )
                }
            } catch { throw Failure.exit("\(error)") }
        }
        progress.end()
        let moves = layout.isSettled ? "" : ", a move to \(layout.target) under way with \(total.copies) copies"
        print("placement: \(total.contents) contents on \(layout.servers) servers\(moves): drift \(total.strays)")
        return total.strays == 0
    }

    private func ledgerIsExact(_ servers: [PostgresOptions]) throws -> Bool {
        var progress = Progress("registers counted")
        var total = RecountResult()
        do {
            for server in servers {
                let before = total.registers
                let found = try PostgresLedger.recount(server) { progress.show(before + $0) }
                total.contents += found.contents
                total.registers += found.registers
                total.likes += found.likes
                total.held += found.held
                total.driftCount += found.driftCount
                total.drifts += found.drifts
            }
        } catch { throw Failure.exit("\(error)") }
        progress.end()
        Verify.report(total)
        return total.driftCount == 0
    }

    /// A count that changed while it was looked at is looked at again, so that this may run beside the cluster.
    private func redisIsExact(_ ledger: [PostgresOptions], _ servers: PostgresServers) async throws -> Bool {
        let redis = try file.redis(logger: logger)
        let counts = RedisCounts(redis.counts, reactions: try file.reactions(known: try knownReactions()))
        var (compared, missing, drift) = (0, 0, 0)
        do {
            for (number, server) in ledger.enumerated() {
                let reader = try PostgresReader(server)
                var after: Int64? = 0
                while let start = after {
                    var ids: [[UInt8]] = []
                    after = try reader.contents(after: start, limit: Self.portion) { ids.append(Array($0)) }
                    guard !ids.isEmpty else { continue }
                    let found = try await compare(ids, counts, servers)
                    compared += ids.count - found.missing
                    missing += found.missing
                    drift += found.drift.count
                    for line in found.drift.prefix(max(0, 100 - drift + found.drift.count)) { print("drift: \(line)") }
                }
                logger.debug("server compared", metadata: ["server": "\(number + 1)"])
            }
        } catch { throw Failure.exit("\(error)") }
        print("redis: \(compared) counts compared, \(missing) not held: drift \(drift)")
        await redis.registers.shutdown()
        if redis.registers !== redis.counts { await redis.counts.shutdown() }
        return drift == 0
    }

    private func knownReactions() throws -> [String] {
        do { return try PostgresReader(file.postgres[0]).reactions() } catch { throw Failure.exit("\(error)") }
    }

    private func compare(
        _ ids: [[UInt8]], _ counts: RedisCounts, _ servers: PostgresServers
    ) async throws -> (missing: Int, drift: [String]) {
        var open = ids
        var missing = 0
        var words: [String] = []
        // A window lasts a second: what differs is looked at again until two have passed.
        for attempt in 0..<4 where !open.isEmpty {
            if attempt > 0 { try await Task.sleep(for: .seconds(1)) }
            words = []
            var still: [[UInt8]] = []
            missing = 0
            let shown = await counts.get(open)
            for (id, (held, result)) in zip(open, zip(try await servers.counts(open), shown)) {
                guard let cached = try result.get() else {
                    missing += 1
                    continue
                }
                let tally = held.content?.tally ?? Tally()
                guard cached.tally != tally else { continue }
                still.append(id)
                words.append(
                    "\(String(decoding: id, as: UTF8.self)): redis \(cached.tally.total), ledger \(tally.total)")
            }
            open = still
        }
        return (missing, words)
    }
}
