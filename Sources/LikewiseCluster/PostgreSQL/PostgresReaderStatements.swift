// The reader's statements. A list's index goes by reading and is walked backwards; likes with equal readings are rare,
// and are sorted as they are met (an incremental sort), so that a page costs what it shows.

extension PostgresReader {
    static let findPositions = PostgresStatement(
        "find_positions", [], "SELECT shard, sequence FROM positions WHERE sequence >= 0")
    static let findEpoch = PostgresStatement("find_epoch", [], "SELECT epoch FROM placement")
    static let findReactions = PostgresStatement(
        "find_reactions", [], "SELECT code, name FROM reactions ORDER BY code")
    static let findClock = PostgresStatement("find_clock", [], "SELECT coalesce(max(clock), 0) FROM positions")

    /// `OFFSET 0` keeps each lookup one of its own, by the whole key. As a plain join the planner took a content to have a
    /// dozen registers, read all of them for each key and threw away those of other users: 5,000 keys of a content with
    /// 200,000 registers took 511 s, and take 0.05 s.
    static let findRegisters = PostgresStatement(
        "find_registers", [.texts, .texts],
        """
        SELECT k.place::int4, r.reading, r.region, r.reaction
        FROM unnest($1, $2) WITH ORDINALITY AS k(content_id, user_id, place)
            CROSS JOIN LATERAL (SELECT id FROM contents WHERE content_id = k.content_id OFFSET 0) c
            CROSS JOIN LATERAL (
                SELECT reading, region, reaction FROM registers WHERE content = c.id AND user_id = k.user_id OFFSET 0) r
        """)
    /// One row a content, shard and reaction, or one with a NULL place where nothing is known, for the sake of the snapshot.
    /// Whoever reads adds up: an aggregate of its own for each content cost more than all the lookups.
    static let findContents = PostgresStatement(
        "find_counts", [.texts],
        """
        SELECT n.place, n.id, n.content_type, n.visibility, n.deleted_reading, n.deleted_region, n.reaction, n.count,
            s.as_of_base + \(PostgresSchema.completedTransactions), n.registered
        FROM state s LEFT JOIN LATERAL (
            SELECT k.place::int4 AS place, c.*, t.reaction, t.count
            FROM unnest($1) WITH ORDINALITY AS k(name, place) JOIN contents c ON c.content_id = k.name
                LEFT JOIN tallies t ON t.content = c.id
        ) n ON true
        """)
    static let findRegister = PostgresStatement(
        "find_register", [.int8, .text],
        "SELECT reading, region, reaction FROM registers WHERE content = $1 AND user_id = $2")
    static let findUsers = PostgresStatement(
        "find_users", [.int8, .text, .int8],
        "SELECT user_id FROM registers WHERE content = $1 AND user_id > $2 ORDER BY user_id LIMIT $3")
    static let walkContents = PostgresStatement(
        "walk_contents", [.int8, .int8], "SELECT id, content_id FROM contents WHERE id > $1 ORDER BY id LIMIT $2")

    static let findLikesOfUser = PostgresStatement(
        "find_likes_of_user", [.text, .int8, .int4, .text, .int8],
        """
        SELECT c.content_id, r.reading, r.region, r.reaction FROM registers r JOIN contents c ON c.id = r.content
        WHERE r.user_id = $1 AND r.reaction <> 0 AND r.reading <= $2 AND (r.reading, r.region) <= ($2, $3)
            AND NOT (r.reading = $2 AND r.region = $3 AND c.content_id <= $4)
        ORDER BY r.reading DESC, r.region DESC, c.content_id LIMIT $5
        """)
    static let findLikesOfContent = PostgresStatement(
        "find_likes_of_content", [.text, .int8, .int4, .text, .int8],
        """
        SELECT r.user_id, r.reading, r.region, r.reaction FROM registers r
        WHERE r.content = (SELECT id FROM contents WHERE content_id = $1)
            AND r.reaction <> 0 AND r.reaction <= 127 AND r.reading <= $2 AND (r.reading, r.region) <= ($2, $3)
            AND NOT (r.reading = $2 AND r.region = $3 AND r.user_id <= $4)
        ORDER BY r.reading DESC, r.region DESC, r.user_id LIMIT $5
        """)

    /// An empty id is no id: nothing is asked of that column then.
    static let findHeld = PostgresStatement(
        "find_held", [.int8, .int4, .text, .text, .text, .text, .int8],
        """
        SELECT c.content_id, r.user_id, r.reading, r.region, r.reaction
        FROM registers r JOIN contents c ON c.id = r.content
        WHERE r.reaction > 127 AND r.reading <= $1 AND (r.reading, r.region) <= ($1, $2)
            AND NOT (r.reading = $1 AND r.region = $2 AND (c.content_id, r.user_id) <= ($3, $4))
            AND ($5 = '' OR c.content_id = $5) AND ($6 = '' OR r.user_id = $6)
        ORDER BY r.reading DESC, r.region DESC, c.content_id, r.user_id LIMIT $7
        """)

    static let findAnswers = PostgresStatement(
        "find_answers", [.int8], "SELECT key, fingerprint, expires, payload FROM answers WHERE expires > $1")
    static let findTrends = PostgresStatement(
        "find_trends", [.int8],
        """
        SELECT t.start, t.length, e.content, e.gained
        FROM trends t CROSS JOIN LATERAL unnest(t.contents, t.gains) WITH ORDINALITY AS e(content, gained, place)
        WHERE t.start >= $1 ORDER BY t.start, t.length, e.place
        """)
}
