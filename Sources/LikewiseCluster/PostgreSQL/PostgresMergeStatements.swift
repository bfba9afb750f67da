// What a transaction of the ledger's writer is made of. All of them take arrays, so that their number does not depend
// on how much is merged, and all of them touch rows in the order of their keys, so that two transactions cannot wait
// for each other.

extension PostgresMerge {
    static let begin = PostgresStatement("begin", [], "BEGIN")
    static let commit = PostgresStatement("commit", [], "COMMIT")

    /// Everyone who merges holds the lock in common; who deletes a content holds it alone. A lock on each content's row
    /// would do the same, at the price of a changed row, and of a shared lock's record, a content and transaction.
    static let lockInCommon = PostgresStatement(
        "lock_in_common", [], "SELECT pg_advisory_xact_lock_shared(\(lockNumber))")
    static let lockAlone = PostgresStatement("lock_alone", [], "SELECT pg_advisory_xact_lock(\(lockNumber))")
    private static let lockNumber = "hashtextextended(current_schema(), 0)"
    /// Refuses where contents have moved since the epoch.
    static let checkEpoch = PostgresStatement("check_epoch", [.int8], "SELECT check_epoch($1)")

    static let addPositions = PostgresStatement(
        "add_positions", [.int4s],
        """
        INSERT INTO positions (shard, sequence, clock) SELECT shard, -1, 0 FROM unnest($1) AS p(shard)
        ON CONFLICT (shard) DO NOTHING
        """)
    static let lockPositions = PostgresStatement(
        "lock_positions", [.int4s],
        "SELECT shard, sequence FROM positions WHERE shard = ANY($1) ORDER BY shard FOR UPDATE")
    static let findPositions = PostgresStatement(
        "find_positions_of", [.int4s], "SELECT shard, sequence FROM positions WHERE shard = ANY($1)")
    static let findDeletions = PostgresStatement("find_deletions", [], "SELECT deletions FROM state")
    static let setPositions = PostgresStatement(
        "set_positions", [.int4s, .int8s, .int8s],
        """
        UPDATE positions p SET sequence = n.sequence, clock = greatest(p.clock, n.clock)
        FROM unnest($1, $2, $3) AS n(shard, sequence, clock) WHERE p.shard = n.shard
        """)

    // MARK: Contents

    /// Gives those that it added, with their numbers and whether they have a type.
    static let addContents = PostgresStatement(
        "add_contents", [.texts, .texts],
        """
        INSERT INTO contents (content_id, content_type) SELECT n.id, n.type FROM unnest($1, $2) AS n(id, type)
        WHERE NOT EXISTS (SELECT FROM contents c WHERE c.content_id = n.id)
        ON CONFLICT (content_id) DO NOTHING RETURNING content_id, id, content_type <> ''
        """)
    static let findContents = PostgresStatement(
        "find_contents", [.texts],
        """
        SELECT n.place::int4, c.id, c.deleted_reading, c.deleted_region, c.content_type <> ''
        FROM unnest($1) WITH ORDINALITY AS n(id, place) JOIN contents c ON c.content_id = n.id
        """)
    static let describeContents = PostgresStatement(
        "describe_contents", [.int8s, .texts, .int2s, .booleans],
        """
        UPDATE contents c SET content_type = n.type, visibility = n.visibility, registered = n.registered
        FROM unnest($1, $2, $3, $4) AS n(id, type, visibility, registered) WHERE c.id = n.id
        """)
    /// Gives contents that have none the type that a like told of.
    static let typeContents = PostgresStatement(
        "type_contents", [.int8s, .texts],
        """
        UPDATE contents c SET content_type = n.type FROM unnest($1, $2) AS n(id, type)
        WHERE c.id = n.id AND c.content_type = ''
        """)
    /// Gives deleted contents a new number. `state.deletions` tells the other writers that the numbers they remember
    /// are old.
    static let renewContents = PostgresStatement(
        "renew_contents", [.int8s, .int8s, .int4s],
        """
        WITH renewed AS (
            UPDATE contents c SET id = DEFAULT, content_type = '', visibility = 0, registered = false,
                deleted_reading = n.reading, deleted_region = n.region
            FROM unnest($1, $2, $3) AS n(id, reading, region) WHERE c.id = n.id RETURNING n.id AS old, c.id AS new),
        kept AS (INSERT INTO garbage SELECT old FROM renewed),
        forgotten AS (DELETE FROM tallies t USING renewed r WHERE t.content = r.old),
        told AS (UPDATE state SET deletions = deletions + 1)
        SELECT old, new FROM renewed
        """)
    /// Registers that are newer than the deletion come from another partition that was read further, and stay.
    static let keepRegisters = PostgresStatement(
        "keep_registers", [.int8s, .int8s, .int8s, .int4s, .int4],
        """
        WITH deleted AS (SELECT * FROM unnest($1, $2, $3, $4) AS d(old, new, reading, region)),
        kept AS (
            INSERT INTO registers (content, reading, region, reaction, prior, user_id)
            SELECT d.new, r.reading, r.region, r.reaction, 0, r.user_id FROM deleted d JOIN registers r
                ON r.content = d.old AND r.reaction <> 0 AND r.reading >= d.reading
                WHERE (r.reading, r.region) > (d.reading, d.region)
            UNION ALL
            SELECT d.new, r.reading, r.region, r.reaction, 0, r.user_id FROM deleted d JOIN registers r
                ON r.content = d.old AND r.reaction = 0 AND r.reading >= d.reading
                WHERE (r.reading, r.region) > (d.reading, d.region)
            RETURNING content, reaction)
        INSERT INTO tallies (content, shard, reaction, count)
        SELECT content, $5, reaction, count(*) FROM kept WHERE reaction BETWEEN 1 AND 127 GROUP BY content, reaction
        """)

    // MARK: Registers and tallies

    /// Merges registers, and moves the tallies by what that really changed. A row is locked before it is compared, so
    /// that the comparison and `prior` are of the row as it is, whatever other transactions do. The content's shard is
    /// found by a binary search in $6, because a join would cost more than all the rest of the tallies. Codes above 127 are
    /// held back, and count for nothing.
    ///
    /// Processor time of the server a register, batches of 10,000 new ones, ways taken in turn on the same machine:
    /// this 21.8 µs; first looking up which are new, and inserting those without ON CONFLICT, 22.6 µs.
    static let mergeRegisters = PostgresStatement(
        "merge_registers", [.int8s, .texts, .int8s, .int4s, .int2s, .int8s, .int4s],
        """
        WITH merged AS (
            INSERT INTO registers AS r (content, user_id, reading, region, reaction, prior)
            SELECT n.content, n.user_id, n.reading, n.region, n.reaction, 0
            FROM unnest($1, $2, $3, $4, $5) AS n(content, user_id, reading, region, reaction)
            ON CONFLICT (content, user_id) DO UPDATE SET reading = excluded.reading, region = excluded.region,
                reaction = excluded.reaction, prior = r.reaction
            WHERE (r.reading, r.region, r.reaction) < (excluded.reading, excluded.region, excluded.reaction)
            RETURNING r.content, r.reaction, r.prior),
        moved AS (
            SELECT content, reaction, sum(change) AS change FROM (
                SELECT content, reaction, 1 AS change FROM merged WHERE reaction BETWEEN 1 AND 127
                UNION ALL SELECT content, prior, -1 FROM merged WHERE prior BETWEEN 1 AND 127) AS each
            GROUP BY content, reaction HAVING sum(change) <> 0)
        INSERT INTO tallies AS t (content, shard, reaction, count)
        SELECT content, ($7)[width_bucket(content, $6)], reaction, change FROM moved ORDER BY content, reaction
        ON CONFLICT (content, shard, reaction) DO UPDATE SET count = t.count + excluded.count
        """)

    // MARK: Answers and trends

    static let setAnswers = PostgresStatement(
        "set_answers", [.byteStrings, .int8s, .int8s, .byteStrings],
        """
        INSERT INTO answers (key, fingerprint, expires, payload) SELECT * FROM unnest($1, $2, $3, $4)
        ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, expires = excluded.expires,
            payload = excluded.payload
        """)
    /// Those that another transaction holds are left to it, and what is beyond the limit to the next one.
    static let dropAnswers = PostgresStatement(
        "drop_answers", [.int8],
        """
        DELETE FROM answers WHERE key = ANY(ARRAY(
            SELECT key FROM answers WHERE expires < $1 ORDER BY expires LIMIT \(expiredAtOnce) FOR UPDATE SKIP LOCKED))
        """)
    static let setTrend = PostgresStatement(
        "set_trend", [.int8, .int8, .texts, .int8s],
        """
        INSERT INTO trends (start, length, contents, gains) VALUES ($1, $2, $3, $4)
        ON CONFLICT (start, length) DO UPDATE SET contents = excluded.contents, gains = excluded.gains
        """)
    static let dropTrend = PostgresStatement(
        "drop_trend", [.int8, .int8], "DELETE FROM trends WHERE start = $1 AND length = $2")
    static let dropTrends = PostgresStatement(
        "drop_trends", [.int8],
        """
        DELETE FROM trends WHERE (start, length) IN (
            SELECT start, length FROM trends WHERE start < $1 AND start + length < $1
            ORDER BY start, length LIMIT \(expiredAtOnce) FOR UPDATE SKIP LOCKED)
        """)

    /// Expired answers or trends that one transaction removes.
    private static let expiredAtOnce = 10_000
}
