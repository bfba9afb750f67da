// The tables of the cluster's ledger, by version. One that was released is never edited.
//
// A register is stored under its content's number, not its name: a deletion has only to give the content a new number
// to let go of all its registers at once. The rows of the old number are garbage, which `purge` takes away bit by bit.
//
// `prior` is the reaction that the row's last change replaced: PostgreSQL before 18 cannot return the old value of a
// row that ON CONFLICT DO UPDATE changed, and one read beforehand would be stale where two transactions merge the same
// register. Set inside of the update from the very row that it locked, and returned by it, it says exactly what a tally
// has to move from.
//
// What it costs, in the server's processor time a new register (batches of 10,000 over Zipf contents, ways taken in
// turn on the same two cores, so that the ratios count): 21.8 µs in all, of which the list by user 6.3, the list by
// content 3.9. Users as bytea: 20.8, not worth what it takes from whoever looks into the tables with psql. Less sure,
// because not taken in turn: users by numbers of their own (16 to 33 µs in three runs, against 14 to 21) need a table
// that is looked up for every register; and no difference beyond the noise between 16 partitions, 4 and none.
//
// The two lists' indexes end with the reading; ties are sorted as they are met. `registers_taken_back` is small and is
// there for deletions alone: registers that are newer than the deletion stay, also those that hold nothing.

extension PostgresSchema {
    /// Partitions of `registers`, by hash of the content's number: smaller indexes, and vacuums that run side by side.
    static let partitions = 16

    /// All versions, oldest first; the first is number 1.
    static let versions = [version1, version2, version3]

    private static let version1 = """
        CREATE TABLE contents (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            content_id text COLLATE "C" NOT NULL UNIQUE,
            content_type text COLLATE "C" NOT NULL DEFAULT '',
            visibility smallint NOT NULL DEFAULT 0,
            registered boolean NOT NULL DEFAULT false,
            deleted_reading bigint NOT NULL DEFAULT 0 CHECK (deleted_reading >= 0),
            deleted_region integer NOT NULL DEFAULT 0
        );

        CREATE TABLE registers (
            content bigint NOT NULL,
            reading bigint NOT NULL CHECK (reading >= 0),
            region integer NOT NULL,
            reaction smallint NOT NULL,
            prior smallint NOT NULL,
            user_id text COLLATE "C" NOT NULL,
            PRIMARY KEY (content, user_id)
        ) PARTITION BY HASH (content);
        \((0..<partitions).map {
            """
            CREATE TABLE registers_\($0) PARTITION OF registers
                FOR VALUES WITH (MODULUS \(partitions), REMAINDER \($0));
            """
        }.joined(separator: "\n"))
        CREATE INDEX registers_by_user ON registers (user_id, reading) WHERE reaction <> 0;
        CREATE INDEX registers_by_content ON registers (content, reading) WHERE reaction <> 0;
        CREATE INDEX registers_taken_back ON registers (content, reading) WHERE reaction = 0;

        CREATE TABLE tallies (
            content bigint NOT NULL,
            shard integer NOT NULL,
            reaction smallint NOT NULL,
            count bigint NOT NULL,
            PRIMARY KEY (content, shard, reaction)
        ) WITH (fillfactor = 70);

        CREATE TABLE positions (
            shard integer PRIMARY KEY,
            sequence bigint NOT NULL,
            clock bigint NOT NULL CHECK (clock >= 0)
        );
        CREATE TABLE reactions (code smallint PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE);
        CREATE TABLE garbage (content bigint PRIMARY KEY);

        CREATE TABLE answers (
            key bytea PRIMARY KEY,
            fingerprint bigint NOT NULL,
            expires bigint NOT NULL CHECK (expires >= 0),
            payload bytea NOT NULL
        );
        CREATE INDEX answers_by_expiry ON answers (expires);

        CREATE TABLE trends (
            start bigint NOT NULL CHECK (start >= 0),
            length bigint NOT NULL CHECK (length >= 0),
            contents text[] NOT NULL,
            gains bigint[] NOT NULL,
            PRIMARY KEY (start, length)
        );

        CREATE TABLE state (
            single boolean PRIMARY KEY DEFAULT true CHECK (single),
            deletions bigint NOT NULL,
            as_of_base bigint NOT NULL
        );
        INSERT INTO state (deletions, as_of_base)
            SELECT 0, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - \(completedTransactions);

        CREATE VIEW likes AS
            SELECT c.content_id, r.user_id, coalesce(n.name, r.reaction::text) AS reaction,
                to_timestamp((r.reading >> 16) / 1000.0) AS liked_at
            FROM registers r JOIN contents c ON c.id = r.content LEFT JOIN reactions n ON n.code = r.reaction
            WHERE r.reaction <> 0;
        CREATE VIEW counts AS
            SELECT c.content_id, coalesce(n.name, t.reaction::text) AS reaction, t.count
            FROM (SELECT content, reaction, sum(count)::bigint AS count FROM tallies GROUP BY 1, 2) t
                JOIN contents c ON c.id = t.content LEFT JOIN reactions n ON n.code = t.reaction
            WHERE t.count > 0;
        """

    /// Where contents lie when there are several servers, as each of them sees it: `Placement` has the words. A
    /// handover's positions are those of the server that gave, as of what was copied.
    private static let version2 = """
        CREATE TABLE placement (
            single boolean PRIMARY KEY DEFAULT true CHECK (single),
            number integer CHECK (number >= 0),
            servers integer NOT NULL DEFAULT 0,
            target integer NOT NULL DEFAULT 0,
            epoch bigint NOT NULL DEFAULT 0
        );
        INSERT INTO placement DEFAULT VALUES;

        CREATE TABLE handovers (
            other integer PRIMARY KEY,
            through text COLLATE "C" NOT NULL DEFAULT '',
            is_end boolean NOT NULL DEFAULT false,
            prepared text COLLATE "C" NOT NULL DEFAULT '',
            prepared_end boolean NOT NULL DEFAULT false,
            shards integer[] NOT NULL DEFAULT '{}',
            sequences bigint[] NOT NULL DEFAULT '{}',
            clocks bigint[] NOT NULL DEFAULT '{}'
        );

        CREATE FUNCTION check_epoch(expected bigint) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT epoch FROM placement) <> expected THEN
                RAISE EXCEPTION 'contents have moved' USING ERRCODE = '\(movedState)';
            END IF;
        END $$;
        """

    /// Likes that are held back: their reaction's code plus 128. They count in no tally, and others do not see them.
    private static let version3 = """
        CREATE INDEX registers_held ON registers (reading) WHERE reaction > 127;

        CREATE OR REPLACE VIEW likes AS
            SELECT c.content_id, r.user_id, coalesce(n.name, r.reaction::text) AS reaction,
                to_timestamp((r.reading >> 16) / 1000.0) AS liked_at
            FROM registers r JOIN contents c ON c.id = r.content LEFT JOIN reactions n ON n.code = r.reaction
            WHERE r.reaction BETWEEN 1 AND 127;
        CREATE VIEW held_likes AS
            SELECT c.content_id, r.user_id, coalesce(n.name, (r.reaction - 128)::text) AS reaction,
                to_timestamp((r.reading >> 16) / 1000.0) AS liked_at
            FROM registers r JOIN contents c ON c.id = r.content LEFT JOIN reactions n ON n.code = r.reaction - 128
            WHERE r.reaction > 127;
        """

    /// The SQLSTATE of `check_epoch`'s refusal; its class is none of PostgreSQL's.
    static let movedState = "LW001"

    /// How many transactions are finished in the statement's own snapshot: of two snapshots of one server, the later
    /// one's is never lower, and is equal only where both see the same. `clock_timestamp()` cannot do that, because it
    /// is read before or after the snapshot is taken, and another statement may come between.
    ///
    /// A crash may set it back by the transactions that were under way then, or that the disk did not have yet, and a
    /// standby that takes over by those that had not reached it. So whoever opens a connection to write, as he must after
    /// either, first raises the base to the server's clock (`renewOrder`). That is ahead of all that was given out
    /// before, unless the new server's clock is behind the old one's by more than has passed since it was raised last.
    static let completedTransactions = """
        (SELECT pg_snapshot_xmax(s)::text::bigint - (SELECT count(*) FROM pg_snapshot_xip(s))
            FROM pg_current_snapshot() AS s)
        """

    /// Raises the order of snapshots to the server's clock.
    static let renewOrder = PostgresStatement(
        "renew_order", [],
        """
        UPDATE state SET as_of_base = greatest(
            as_of_base, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - \(completedTransactions))
        """)
}
