import LikewiseCore
package import LikewiseEngine

extension PostgresLedger {
    /// Counts every register again and compares with every tally: what `likewise verify` does. It sees the ledger as it
    /// was when the call began, and keeps nobody waiting. `progress` is called with the number of registers counted so
    /// far, after each partition. Registers and tallies of deleted contents count for nothing.
    package static func recount(
        _ options: PostgresOptions, progress: (UInt64) -> Void = { _ in }
    ) throws(LedgerError) -> RecountResult {
        let problem: LedgerError?
        do throws(PostgresError) {
            let connection = try PostgresConnection(options, for: .upkeep)
            problem = try PostgresSchema.problem(connection)
            if problem == nil { return try count(connection, progress) }
        } catch {
            throw error.ledgerError
        }
        throw problem ?? .failed("the ledger cannot be counted")
    }

    private static func count(
        _ connection: PostgresConnection, _ progress: (UInt64) -> Void
    ) throws(PostgresError) -> RecountResult {
        var result = RecountResult()
        let opened = try connection.run([beginSnapshot(), countContents()])
        result.contents = opened[1].unsigned(0, 0)
        for partition in 0..<PostgresSchema.partitions {
            let found = try connection.run(countPartition(partition)())
            for row in 0..<found.count {
                if found.isNull(row, 0) {
                    result.registers += found.unsigned(row, 3)
                    result.likes += found.unsigned(row, 4)
                    result.held += found.unsigned(row, 5)
                } else {
                    result.driftCount += found.unsigned(row, 5)
                    result.drifts.append(drift(found, row))
                }
            }
            progress(result.registers)
        }
        result.drifts.sort { ($0.key, $0.reaction.rawValue) < ($1.key, $1.reaction.rawValue) }
        result.drifts.removeLast(max(0, result.drifts.count - RecountResult.driftLimit))
        try connection.execute("COMMIT")
        return result
    }

    private static func drift(_ found: PostgresResult, _ row: Int) -> RecountResult.Drift {
        RecountResult.Drift(
            content: found.isNull(row, 1) ? nil : found.bytes(row, 1), key: found.int(row, 0),
            reaction: .init(rawValue: UInt8(truncatingIfNeeded: found.int(row, 2))), counted: found.unsigned(row, 3),
            tallied: UInt64(clamping: found.int(row, 4)))
    }

    private static let beginSnapshot = PostgresStatement(
        "begin_snapshot", [], "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    private static let countContents = PostgresStatement("count_contents", [], "SELECT count(*) FROM contents")

    /// A row with NULLs, the partition's registers, likes, and what is held back; then its first drifts, of which the first row says how
    /// many there are.
    private static func countPartition(_ number: Int) -> PostgresStatement {
        PostgresStatement(
            "count_partition_\(number)", [],
            """
            WITH counted AS MATERIALIZED (
                SELECT content, reaction, count(*) AS number FROM registers_\(number) r
                WHERE NOT EXISTS (SELECT FROM garbage g WHERE g.content = r.content) GROUP BY content, reaction),
            told AS MATERIALIZED (
                SELECT content, reaction, sum(count)::bigint AS number FROM tallies t
                WHERE satisfies_hash_partition('registers'::regclass, \(PostgresSchema.partitions), \(number), content)
                    AND NOT EXISTS (SELECT FROM garbage g WHERE g.content = t.content) GROUP BY content, reaction),
            drifts AS (
                SELECT content, reaction, coalesce(c.number, 0) AS counted, coalesce(t.number, 0) AS told
                FROM (SELECT * FROM counted WHERE reaction <= 127) c FULL JOIN told t USING (content, reaction)
                WHERE reaction <> 0 AND coalesce(c.number, 0) <> coalesce(t.number, 0))
            SELECT NULL::bigint, NULL::text, 0::smallint, coalesce(sum(number), 0)::bigint,
                coalesce(sum(number) FILTER (WHERE reaction BETWEEN 1 AND 127), 0)::bigint,
                coalesce(sum(number) FILTER (WHERE reaction > 127), 0)::bigint FROM counted
            UNION ALL (
                SELECT d.content, c.content_id, d.reaction, d.counted, d.told,
                    CASE WHEN row_number() OVER (ORDER BY d.content, d.reaction) = 1
                        THEN count(*) OVER () ELSE 0 END
                FROM drifts d LEFT JOIN contents c ON c.id = d.content
                ORDER BY d.content, d.reaction LIMIT \(RecountResult.driftLimit))
            """)
    }
}
