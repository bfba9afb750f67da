package import LikewiseEngine

/// How the batches of a call are shared out among the connections that write to one server.
package enum PostgresShares {
    /// At most `count` shares, none of them empty. A shard's batches stay together and in order, since its position is moved
    /// by one transaction; the shares have about the same number of registers. Largest first, each to the share that has
    /// least so far: no share gets more than its due and the largest shard's.
    package static func of(_ batches: [LedgerBatch], among count: Int) -> [[LedgerBatch]] {
        var sizes: [UInt16: Int] = [:]
        for batch in batches {
            // A content costs about as much as a register, and a position something as well.
            sizes[batch.shard, default: 1] += batch.contents.reduce(0) { $0 + 1 + $1.rows.count }
        }
        guard count > 1, sizes.count > 1 else { return batches.isEmpty ? [] : [batches] }
        var loads = [Int](repeating: 0, count: min(count, sizes.count))
        var places: [UInt16: Int] = [:]
        for (shard, size) in sizes.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            let least = loads.indices.min { loads[$0] < loads[$1] } ?? 0
            loads[least] += size
            places[shard] = least
        }
        var shares = [[LedgerBatch]](repeating: [], count: loads.count)
        for batch in batches { shares[places[batch.shard] ?? 0].append(batch) }
        return shares
    }
}
