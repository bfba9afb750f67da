// Level 3: the count and the users' keys live in a Redis without persistence, as a cache; a writer copies the count to
// PostgreSQL now and then. The writer writes the absolute count, which is kinder than adding differences: its own death
// then takes nothing. When Redis starts empty, the count is loaded from PostgreSQL, as a cache's miss would do.

final class WriteBehindLevel: Level {
    static let number = 3
    static let name = "Redis, written behind to PostgreSQL"
    static let needs: [String] = ["redis", "postgresql"]

    let victims: [LevelVictim]
    private let context: LevelContext
    private let script: String
    private let folder: String
    private let postgres: PostgresServer
    private var redis: RedisServer
    private var writer: ChildProcess?
    private let emptyMemory: Int

    init(_ context: LevelContext) throws {
        try Programs.require("redis-server", package: "redis-server")
        try Programs.require("psql", package: "postgresql-client")
        try Programs.require("python3", package: "python3")
        self.context = context
        script = try context.script("write_behind.py")
        folder = try context.resources.folder("write-behind")
        postgres = try PostgresServer(
            context.resources, folder: context.resources.folder("write-behind-postgres"), callers: 4)
        redis = try RedisServer(context.resources, folder: folder, appendOnly: false)
        emptyMemory = try redis.info("used_memory") ?? 0
        victims = [
            LevelVictim(
                name: "redis-server", kills: context.kills, breaksConnections: true,
                note: "at even distances between two writes; of likes since a write. The users' keys go too"),
            LevelVictim(name: "the writer", kills: 1, breaksConnections: false),
        ]
        try postgres.connect().query(
            """
            create table videos(id text primary key, like_count bigint not null);
            insert into videos values ('\(LoadNames.content)', 0)
            """)
        try startWriter()
    }

    func connect() throws -> (CallerSocket, RedisCaller) {
        (CallerSocket(try BenchConnection(port: redis.port)), RedisCaller(next: .increment))
    }

    func count() throws -> Int { try redis.count() }

    func storedBytes(likes: Int) throws -> [StoredBytes] {
        let memory = (try redis.info("used_memory") ?? 0) - emptyMemory
        return [StoredBytes(what: "memory", aLike: Double(memory) / Double(likes))]
    }

    /// The writer starts anew, and so its period does.
    func prepare(_ victim: LevelVictim, index: Int) throws -> Double {
        writer?.kill()
        try startWriter()
        guard victim.breaksConnections else { return 1.5 }
        return context.writeBehind * (Double(index) + 0.5) / Double(victim.kills)
    }

    func kill(_ victim: LevelVictim) {
        if victim.breaksConnections { redis.process.kill() } else { writer?.kill() }
    }

    func restart(_ victim: LevelVictim) throws {
        guard victim.breaksConnections else { return try startWriter() }
        // The writer ends too, lest it writes the empty count before the cache is filled.
        writer?.kill()
        redis = try RedisServer(context.resources, folder: folder, appendOnly: false)
        _ = try redis.answer(to: ["SET", RedisCaller.countKey, "\(try written())", "NX"])
    }

    func stop() {
        writer?.kill()
        redis.process.kill()
        postgres.stop()
    }

    /// Starts the writer, and waits until it has written for the first time.
    private func startWriter() throws {
        let log = "\(folder)/writer-\(UInt32.random(in: .min ... .max)).log"
        _ = try redis.answer(to: ["SET", RedisCaller.countKey, "0", "NX"])
        let writer = try context.resources.start(
            "python3", [script, "\(redis.port)", "\(postgres.port)", "\(context.writeBehind)", LoadNames.content],
            log: log)
        self.writer = writer
        let hasWritten = BenchClock.wait(seconds: 20) { ProcText.read(log).isEmpty ? nil : true }
        guard hasWritten != nil, writer.isRunning else {
            throw BenchError("the writer does not write; it printed:\n\(writer.lastWords)")
        }
    }

    private func written() throws -> Int {
        let text = try postgres.connect().query("select like_count from videos where id = '\(LoadNames.content)'")
        return text.flatMap { Int($0) } ?? 0
    }
}
