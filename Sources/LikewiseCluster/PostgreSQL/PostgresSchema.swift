package import LikewiseEngine

/// The ledger's tables in a PostgreSQL database, in versions.
package enum PostgresSchema {
    /// The version that this build reads and writes.
    package static var newest: Int { versions.count }

    /// Brings the schema up to date, and makes it where there is none. May be called at any time, by several processes
    /// at once: it waits for the others, and each version is put in place in a transaction of its own. Answers the
    /// versions that it added. Throws `.unusable` where the schema is newer than this build.
    @discardableResult
    package static func migrate(_ options: PostgresOptions) throws(LedgerError) -> Range<Int> {
        let held: Int
        do throws(PostgresError) {
            let connection = try PostgresConnection(options, for: .upkeep)
            let schema = quoted(options.schema)
            // Until the connection ends. Two schemas of one database wait for each other, which does no harm.
            try connection.execute("SELECT pg_advisory_lock(\(migrationLock))")
            if try connection.run(findSchema(.bytes(Array(options.schema.utf8)))).count == 0 {
                try connection.execute("CREATE SCHEMA \(schema)")
            }
            try connection.execute(
                """
                CREATE TABLE IF NOT EXISTS \(schema).likewise_schema
                    (version integer PRIMARY KEY, since timestamptz NOT NULL DEFAULT now())
                """)
            held = try version(connection)
            for number in min(held, newest)..<newest {
                try connection.execute(
                    "BEGIN; \(versions[number]); INSERT INTO likewise_schema VALUES (\(number + 1)); COMMIT")
            }
        } catch {
            throw error.ledgerError
        }
        guard held <= newest else { throw newer(held) }
        return held..<newest
    }

    /// What keeps this build from using the schema, with what to run; nil where nothing does.
    static func problem(_ connection: PostgresConnection) throws(PostgresError) -> LedgerError? {
        let held: Int
        do throws(PostgresError) { held = try version(connection) } catch {
            guard case .refused(let state) = error.kind, ["42P01", "3F000"].contains(state) else { throw error }
            return .unusable("there is no ledger in this database: run `likewise migrate`")
        }
        if held > newest { return newer(held) }
        guard held < newest else { return nil }
        return .unusable(
            "the ledger's tables are of version \(held), and this build needs \(newest): run `likewise migrate`")
    }

    private static func newer(_ held: Int) -> LedgerError {
        .unusable(
            """
            the ledger's tables are of version \(held), which is newer than this build's \(newest): run a newer build \
            of Likewise; tables are never converted back
            """)
    }

    private static func version(_ connection: PostgresConnection) throws(PostgresError) -> Int {
        Int(try connection.run(findVersion()).int(0, 0))
    }

    /// "likewise", as a number.
    private static let migrationLock: Int64 = 0x6c69_6b65_7769_7365

    private static let findSchema = PostgresStatement(
        "find_schema", [.text], "SELECT 1 FROM pg_namespace WHERE nspname = $1")
    private static let findVersion = PostgresStatement(
        "find_version", [], "SELECT coalesce(max(version), 0) FROM likewise_schema")

    /// A name as SQL has it.
    static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
