import Glibc
import LikewiseCluster
import LikewiseEngine
import LikewiseTestSupport
import Logging
import Synchronization
import Testing

/// A schema of a test's own on the server that all tests of this process share, or on one of its own.
struct PostgresBed {
    let server: PostgresCluster
    let options: PostgresOptions

    /// A fresh schema on `server`, or on the shared one.
    init(_ server: PostgresCluster? = nil) throws {
        let server = try server ?? Self.shared.get()
        self.server = server
        let name = "test \(Self.number.add(1, ordering: .relaxed).newValue)"
        var options = Self.options(of: server, schema: name)
        options.parameters["application_name"] = name
        self.options = options
        try PostgresSchema.migrate(options)
    }

    /// Schemas that are the servers of one ledger, on the shared server.
    static func numbered(_ count: Int) throws -> [PostgresBed] {
        let beds = try (0..<count).map { _ in try PostgresBed() }
        #expect(try RebalanceLayout.number(beds.map(\.options)) == count)
        return beds
    }

    /// By as many connections as an aggregator has, unless said otherwise.
    func ledger(writers: Int = 2) throws(LedgerError) -> PostgresLedger {
        try PostgresLedger(options, writers: writers, logger: Self.logger)
    }

    /// Where the tables of the schema are, for SQL.
    func psql(_ sql: String) throws -> String {
        try server.psql("SET search_path = \"\(options.schema)\"; \(sql)")
    }

    static func options(of server: PostgresCluster, schema: String) -> PostgresOptions {
        var options = PostgresOptions(
            host: "127.0.0.1", port: server.port, database: PostgresCluster.database, user: PostgresCluster.user)
        options.schema = schema
        return options
    }

    /// Says nothing: what fails is thrown.
    static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    private static let number = Atomic(0)
    /// Killed when the process of the tests ends.
    private static let shared: Result<PostgresCluster, any Error> = Result {
        let server = try PostgresCluster(settings: ["fsync=off", "shared_buffers=64MB"])
        atexit { try? PostgresBed.shared.get().kill() }
        return server
    }
}

extension PostgresBed {
    /// Ends all connections to this schema: they are called like it.
    func dropConnections() throws {
        _ = try server.psql(
            """
            SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
            WHERE application_name = '\(options.parameters["application_name"] ?? "")'
            """)
    }
}
