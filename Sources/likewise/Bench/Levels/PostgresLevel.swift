/// Level 1: a transaction a like, on one row of PostgreSQL.
final class PostgresLevel: Level {
    static let number = 1
    static let name = "PostgreSQL, a transaction a like"
    static let needs: [String] = ["postgresql"]
    private static let sample = 200_000

    let victims: [LevelVictim]
    private let server: PostgresServer

    init(_ context: LevelContext) throws {
        server = try PostgresServer(
            context.resources, folder: context.resources.folder("postgres"), callers: context.callers)
        victims = [LevelVictim(name: "postgres", kills: context.kills, breaksConnections: true)]
        let connection = try server.connect()
        try connection.query(
            """
            create table videos(id text primary key, like_count bigint not null);
            create table likes(content_id text, user_id text, created_at timestamptz not null default now(),
                primary key(content_id, user_id));
            insert into videos values ('\(LoadNames.content)', 0)
            """)
    }

    func connect() throws -> (CallerSocket, PostgresCaller) {
        let connection = try server.connect()
        try connection.prepare(Postgres.like)
        return (connection.socket, PostgresCaller())
    }

    func count() throws -> Int {
        let text = try server.connect().query("select like_count from videos where id = '\(LoadNames.content)'")
        return text.flatMap { Int($0) } ?? 0
    }

    /// Of a table of the same shape filled at once: with few likes, what tables set aside would be most of it.
    func storedBytes(likes: Int) throws -> [StoredBytes] {
        let connection = try server.connect()
        try connection.query(
            """
            create table sample(like likes including all);
            insert into sample select '\(LoadNames.content)', 'user_' || i from generate_series(1, \(Self.sample)) i
            """)
        let text = try connection.query("select pg_total_relation_size('sample')")
        try connection.query("drop table sample")
        let bytes = Double(text.flatMap { Int($0) } ?? 0)
        return [StoredBytes(what: "disk, table and key", aLike: bytes / Double(Self.sample))]
    }

    func kill(_ victim: LevelVictim) { server.kill() }
    func restart(_ victim: LevelVictim) throws { try server.restart() }
    func stop() { server.stop() }
}
