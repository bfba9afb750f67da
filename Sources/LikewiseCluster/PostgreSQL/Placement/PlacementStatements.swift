// What is asked about, and done to, a server's row of the placement.

package import LikewiseEngine

extension PlacementRow {
    static let find = PostgresStatement(
        "find_placement", [],
        """
        SELECT p.number, p.servers, p.target, p.epoch, h.other, h.through, h.is_end, h.prepared, h.prepared_end
        FROM placement p LEFT JOIN handovers h ON true
        """)

    /// What `find` gave.
    init(_ found: PostgresResult) {
        var handovers: [Int: Handover] = [:]
        for row in 0..<found.count where !found.isNull(row, 4) {
            handovers[Int(found.int(row, 4))] = Handover(
                mark: Watermark(through: found.bytes(row, 5), isEnd: found.flag(row, 6)),
                prepared: Watermark(through: found.bytes(row, 7), isEnd: found.flag(row, 8)))
        }
        self.init(
            number: found.isNull(0, 0) ? nil : Int(found.int(0, 0)),
            layout: Layout(servers: Int(found.int(0, 1)), target: Int(found.int(0, 2))), epoch: found.int(0, 3),
            handovers: handovers)
    }
}

extension PostgresLedger {
    /// What the server says of its place among the others.
    package func placement() throws(LedgerError) -> PlacementRow {
        try perform("read the placement") { (connection, _) throws(PostgresError) in
            PlacementRow(try connection.run(PlacementRow.find()))
        }
    }

    /// Makes this server the owner of what `source` has given it through `mark`, if it is not yet; durable on return.
    /// Whoever finds that missing may do it: all that it takes was prepared before `source` gave it away.
    package func takeOver(from source: Int, through mark: Watermark) throws(LedgerError) {
        try perform("take over contents") { (connection, _) throws(PostgresError) in
            try Self.takeOver(connection, from: source, through: mark)
        }
    }

    static func takeOver(
        _ connection: PostgresConnection, from source: Int, through mark: Watermark
    ) throws(PostgresError) {
        try connection.run([
            PostgresMerge.begin(), keepCommit(), PostgresMerge.lockAlone(),
            takeOver(.int4(Int32(source)), .bytes(mark.through), .bytes([mark.isEnd ? 1 : 0])), PostgresMerge.commit(),
        ])
    }

    private static let keepCommit = PostgresStatement("keep_commit", [], "SET LOCAL synchronous_commit = on")
    /// The positions go back to where the giver's were: what came since then was not counted for these contents here.
    private static let takeOver = PostgresStatement(
        "take_over", [.int4, .text, .boolean],
        """
        WITH taken AS (
            UPDATE handovers SET through = prepared, is_end = prepared_end
            WHERE other = $1 AND prepared = $2 AND prepared_end = $3 AND (through, is_end) <> (prepared, prepared_end)
            RETURNING shards, sequences, clocks),
        given AS (SELECT g.* FROM taken, unnest(shards, sequences, clocks) AS g(shard, sequence, clock)),
        lowered AS (
            UPDATE positions p SET
                sequence = least(p.sequence, coalesce((SELECT sequence FROM given g WHERE g.shard = p.shard), -1)),
                clock = greatest(p.clock, (SELECT clock FROM given g WHERE g.shard = p.shard))
            WHERE EXISTS (SELECT FROM taken))
        UPDATE placement SET epoch = epoch + 1 WHERE EXISTS (SELECT FROM taken)
        """)
}
