// What a move between servers asks of the one that gives and the one that takes. Arrays and a cursor carry the rows, in
// portions; ages of rows (`age(xmin)`) tell what was written since a snapshot, so that little is left to copy under the
// lock. A transaction number that was reused makes a row look newer than it is, which costs a copy and no more.

enum RebalanceStatements {
    // MARK: Placement

    /// One who moves contents at a time, for as long as his connections last.
    static let lockMoves = PostgresStatement(
        "lock_moves", [], "SELECT pg_try_advisory_lock(hashtextextended(current_schema() || ' moves', 0))")
    static let setLayout = PostgresStatement(
        "set_layout", [.int4, .int4, .int4],
        """
        WITH none AS (DELETE FROM handovers)
        UPDATE placement SET number = $1, servers = $2, target = $3, epoch = epoch + 1
        """)
    static let dropNumber = PostgresStatement(
        "drop_number", [],
        """
        WITH none AS (DELETE FROM handovers)
        UPDATE placement SET number = NULL, servers = 0, target = 0, epoch = epoch + 1
        """)
    static let hasContents = PostgresStatement("has_contents", [], "SELECT EXISTS (SELECT FROM contents)")
    static let findPositions = PostgresStatement(
        "find_positions_to_give", [], "SELECT shard, sequence, clock FROM positions")
    static let dropPositions = PostgresStatement("drop_positions", [], "DELETE FROM positions")
    static let addPositions = PostgresStatement(
        "add_positions_given", [.int4s, .int8s, .int8s], "INSERT INTO positions SELECT * FROM unnest($1, $2, $3)")

    static let addReactions = PostgresStatement(
        "add_reactions_given", [.int2s, .texts],
        "INSERT INTO reactions (code, name) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING")

    /// What is about to be copied up to here may be found here by the next attempt.
    static let announce = PostgresStatement(
        "announce", [.int4, .text, .boolean],
        """
        INSERT INTO handovers (other, prepared, prepared_end) VALUES ($1, $2, $3)
        ON CONFLICT (other) DO UPDATE SET prepared = excluded.prepared, prepared_end = excluded.prepared_end
        """)
    static let keepPositions = PostgresStatement(
        "keep_positions", [.int4, .int4s, .int8s, .int8s],
        "UPDATE handovers SET shards = $2, sequences = $3, clocks = $4 WHERE other = $1")
    /// The counts' order goes on from where the giver's was (`PostgresReader.Counts.asOf`).
    static let raiseOrder = PostgresStatement(
        "raise_order", [.int8],
        "UPDATE state SET as_of_base = greatest(as_of_base, $1 - \(PostgresSchema.completedTransactions))")
    static let findOrder = PostgresStatement(
        "find_order", [], "SELECT as_of_base + \(PostgresSchema.completedTransactions) FROM state")
    static let giveAway = PostgresStatement(
        "give_away", [.int4, .text, .boolean, .int8s],
        """
        WITH marked AS (
            INSERT INTO handovers (other, through, is_end) VALUES ($1, $2, $3)
            ON CONFLICT (other) DO UPDATE SET through = excluded.through, is_end = excluded.is_end),
        gone AS (DELETE FROM contents WHERE id = ANY($4)),
        uncounted AS (DELETE FROM tallies WHERE content = ANY($4)),
        kept AS (INSERT INTO garbage SELECT * FROM unnest($4)),
        told AS (UPDATE state SET deletions = deletions + 1)
        UPDATE placement SET epoch = epoch + 1
        """)

    // MARK: Contents

    static let walk = PostgresStatement(
        "walk_to_move", [.text, .int4], "SELECT content_id, id FROM contents WHERE content_id > $1 ORDER BY 1 LIMIT $2")
    static let countLeft = PostgresStatement(
        "count_left", [.text], "SELECT count(*) FROM contents WHERE content_id > $1")
    static let findSizes = PostgresStatement(
        "find_sizes", [.int8s],
        """
        SELECT n.place::int4, coalesce(sum(t.count), 0)::bigint FROM unnest($1) WITH ORDINALITY AS n(id, place)
            LEFT JOIN tallies t ON t.content = n.id GROUP BY n.place ORDER BY n.place
        """)
    static let findSnapshot = PostgresStatement(
        "find_snapshot", [], "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text")
    /// Stands for a snapshot before everything: of no row is this the transaction.
    static let everything = "0"
    /// Contents behind $1, up to $2 (to the end where $3), that were written since the snapshot $4.
    static let findContents = PostgresStatement(
        "find_contents_to_move", [.text, .text, .boolean, .text, .int4],
        """
        SELECT content_id, id, content_type, visibility, registered, deleted_reading, deleted_region FROM contents
        WHERE content_id > $1 AND ($3 OR content_id <= $2) AND age(xmin) <= age($4::xid)
        ORDER BY content_id LIMIT $5
        """)
    static let addContents = PostgresStatement(
        "add_moved_contents", [.texts, .texts, .int2s, .booleans, .int8s, .int4s],
        """
        INSERT INTO contents (content_id, content_type, visibility, registered, deleted_reading, deleted_region)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6) RETURNING content_id, id
        """)
    static let dropContents = PostgresStatement(
        "drop_copies", [.int8s],
        """
        WITH gone AS (DELETE FROM contents WHERE id = ANY($1)),
        uncounted AS (DELETE FROM tallies WHERE content = ANY($1)),
        kept AS (INSERT INTO garbage SELECT * FROM unnest($1))
        UPDATE state SET deletions = deletions + 1
        """)
    static let describe = PostgresStatement(
        "describe_moved_contents", [.int8s, .texts, .int2s, .booleans],
        """
        UPDATE contents c SET content_type = n.type, visibility = n.visibility, registered = n.registered
        FROM unnest($1, $2, $3, $4) AS n(id, type, visibility, registered) WHERE c.id = n.id
        """)

    // MARK: Registers and tallies

    /// Opens a cursor over the registers of the contents, those that were written since the snapshot.
    static func openRegisters(_ numbers: [Int64], since snapshot: String) -> String {
        """
        DECLARE moving NO SCROLL CURSOR FOR SELECT r.content, r.user_id, r.reading, r.region, r.reaction
        FROM unnest('{\(numbers.map(String.init).joined(separator: ","))}'::bigint[]) AS n(id)
            JOIN registers r ON r.content = n.id WHERE age(r.xmin) <= age('\(snapshot)'::xid)
        """
    }
    static func fetchRegisters(_ limit: Int) -> PostgresStatement {
        PostgresStatement("fetch_registers_\(limit)", [], "FETCH \(limit) FROM moving")
    }
    static let closeRegisters = "CLOSE moving"
    static let addRegisters = PostgresStatement(
        "add_moved_registers", [.int8s, .texts, .int8s, .int4s, .int2s],
        """
        INSERT INTO registers AS r (content, user_id, reading, region, reaction, prior)
        SELECT n.content, n.user_id, n.reading, n.region, n.reaction, 0
        FROM unnest($1, $2, $3, $4, $5) AS n(content, user_id, reading, region, reaction)
        ON CONFLICT (content, user_id) DO UPDATE SET reading = excluded.reading, region = excluded.region,
            reaction = excluded.reaction, prior = 0
        """)
    static let findTallies = PostgresStatement(
        "find_tallies_to_move", [.int8s, .text],
        """
        SELECT t.content, t.shard, t.reaction, t.count FROM unnest($1) AS n(id) JOIN tallies t ON t.content = n.id
        WHERE age(t.xmin) <= age($2::xid)
        """)
    static let addTallies = PostgresStatement(
        "add_moved_tallies", [.int8s, .int4s, .int2s, .int8s],
        """
        INSERT INTO tallies (content, shard, reaction, count) SELECT * FROM unnest($1, $2, $3, $4)
        ON CONFLICT (content, shard, reaction) DO UPDATE SET count = excluded.count
        """)
}
