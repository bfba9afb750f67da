/// Which PostgreSQL server, and how to use it.
package struct PostgresOptions: Sendable {
    /// A name, an address, or the folder of a local socket.
    package var host: String
    package var port: UInt16
    package var database: String
    package var user: String
    /// Nil where the server asks for none, or libpq finds one (`PGPASSFILE`, a client certificate).
    package var password: String?
    /// The schema that holds the ledger's tables; made by `PostgresSchema.migrate`.
    package var schema = "likewise"
    /// libpq's own parameters (`sslmode`, `sslrootcert`, …), which win over the ones above.
    package var parameters: [String: String] = [:]
    /// Where libpq is.
    package var libraryPath = "libpq.so.5"

    /// How long opening a connection may take.
    package var connectTimeout: Duration = .seconds(3)
    /// How long a reader waits for an answer; a writer waits ten times as long.
    package var statementTimeout: Duration = .seconds(5)
    /// Whether a commit waits for the server's disk. `apply` says what it means to do without.
    package var synchronousCommit = true
    /// How often `PostgresLedger` tries a transaction that lost to another one, or its connection, before it throws.
    package var attempts = 6
    /// Contents whose numbers a writer remembers (about 150 bytes each), so that it need not ask for them.
    package var rememberedContents = 200_000

    /// The server at `host`, with everything else as it usually is.
    package init(
        host: String, port: UInt16 = 5_432, database: String = "likewise", user: String = "likewise",
        password: String? = nil
    ) {
        self.host = host
        self.port = port
        self.database = database
        self.user = user
        self.password = password
    }
}

extension Duration {
    /// Whole milliseconds; at least 1, because 0 means 'for ever' to PostgreSQL.
    var timeoutMilliseconds: Int64 {
        max(1, components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000)
    }
}
