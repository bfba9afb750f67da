// The tables of SQLite's ledger, by version. docs/ledger.md explains them to whoever opens the file with `sqlite3`.
//
// A register is stored under its content's number, not its name: names may be 256 bytes long, and a deletion has only
// to give the content a new number to let go of all its registers at once. The rows of the old number are garbage,
// which `purge` takes away bit by bit. A number is never used twice (AUTOINCREMENT), so late garbage can harm nobody.

import GRDB

enum SQLiteLedgerSchema {
    /// "LIKE": how the file says whose it is (`PRAGMA application_id`).
    static let applicationID: Int64 = 0x4c49_4b45

    /// All versions of the schema, oldest first. One that was released is never edited.
    static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v1") { db in try db.execute(sql: version1) }
        migrator.registerMigration("v2") { db in try db.execute(sql: version2) }
        return migrator
    }()

    /// Throws unless the file is new and empty, or a ledger of this version or an older one.
    static func check(_ db: Database, path: String, readOnly: Bool) throws {
        let application = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        if application != applicationID {
            let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            if application == 0, tables == 0, !readOnly { return }
            throw LedgerError.unusable(
                "\(path) is not a ledger of Likewise: name another data directory, or move the file away")
        }
        if try migrator.hasBeenSuperseded(db) {
            throw LedgerError.unusable(
                """
                the ledger \(path) was written by a newer version of Likewise: run that version or a later one, \
                or rebuild the ledger for this one with `likewise replay --data-dir D --into E`
                """)
        }
        if readOnly, try !migrator.hasCompletedMigrations(db) {
            throw LedgerError.unusable(
                "the ledger \(path) was written by an older version of Likewise: run `likewise serve` once to update it"
            )
        }
    }

    private static let version1 = """
        PRAGMA application_id = \(applicationID);

        CREATE TABLE contents (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            content_id TEXT NOT NULL UNIQUE,
            content_type TEXT NOT NULL DEFAULT '',
            visibility INTEGER NOT NULL DEFAULT 0,
            registered INTEGER NOT NULL DEFAULT 0,
            deleted_reading INTEGER NOT NULL DEFAULT 0,
            deleted_region INTEGER NOT NULL DEFAULT 0
        ) STRICT;

        CREATE TABLE registers (
            content INTEGER NOT NULL,
            user_id TEXT NOT NULL,
            reaction INTEGER NOT NULL,
            reading INTEGER NOT NULL,
            region INTEGER NOT NULL,
            PRIMARY KEY (content, user_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX registers_by_user ON registers (user_id, reading, region, reaction) WHERE reaction <> 0;
        CREATE INDEX registers_by_content ON registers (content, reading, region, reaction) WHERE reaction <> 0;

        CREATE TABLE tallies (
            content INTEGER NOT NULL,
            reaction INTEGER NOT NULL,
            count INTEGER NOT NULL CHECK (count >= 0),
            PRIMARY KEY (content, reaction)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE positions (shard INTEGER PRIMARY KEY, sequence INTEGER NOT NULL) STRICT;
        CREATE TABLE reactions (code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE clock (only INTEGER PRIMARY KEY CHECK (only = 1), reading INTEGER NOT NULL) STRICT;
        INSERT INTO clock VALUES (1, 0);

        CREATE TABLE answers (
            key BLOB PRIMARY KEY,
            fingerprint INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            payload BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX answers_by_expiry ON answers (expires);

        CREATE TABLE trends (
            start INTEGER NOT NULL,
            length INTEGER NOT NULL,
            place INTEGER NOT NULL,
            content_id TEXT NOT NULL,
            gained INTEGER NOT NULL,
            PRIMARY KEY (start, length, place)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE garbage (content INTEGER PRIMARY KEY) STRICT;

        CREATE VIEW likes AS
            SELECT c.content_id, r.user_id, coalesce(n.name, r.reaction) AS reaction,
                strftime('%Y-%m-%dT%H:%M:%fZ', (r.reading >> 16) / 1000.0, 'unixepoch') AS liked_at
            FROM registers r JOIN contents c ON c.id = r.content LEFT JOIN reactions n ON n.code = r.reaction
            WHERE r.reaction <> 0;
        CREATE VIEW counts AS
            SELECT c.content_id, coalesce(n.name, t.reaction) AS reaction, t.count
            FROM tallies t JOIN contents c ON c.id = t.content LEFT JOIN reactions n ON n.code = t.reaction
            WHERE t.count > 0;
        """

    /// Likes that are held back: their reaction's code plus 128. They count in no tally, and others do not see them.
    private static let version2 = """
        CREATE INDEX registers_held ON registers (reading, region, content, user_id, reaction) WHERE reaction > 127;

        DROP VIEW likes;
        CREATE VIEW likes AS
            SELECT c.content_id, r.user_id, coalesce(n.name, r.reaction) AS reaction,
                strftime('%Y-%m-%dT%H:%M:%fZ', (r.reading >> 16) / 1000.0, 'unixepoch') AS liked_at
            FROM registers r JOIN contents c ON c.id = r.content LEFT JOIN reactions n ON n.code = r.reaction
            WHERE r.reaction BETWEEN 1 AND 127;
        CREATE VIEW held_likes AS
            SELECT c.content_id, r.user_id, coalesce(n.name, r.reaction - 128) AS reaction,
                strftime('%Y-%m-%dT%H:%M:%fZ', (r.reading >> 16) / 1000.0, 'unixepoch') AS liked_at
            FROM registers r JOIN contents c ON c.id = r.content LEFT JOIN reactions n ON n.code = r.reaction - 128
            WHERE r.reaction > 127;
        """
}
