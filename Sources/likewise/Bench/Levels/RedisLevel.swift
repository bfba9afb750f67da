/// Level 2: `SET NX` of a key a user and `INCR`, in a Redis that appends to a file and syncs it every second.
final class RedisLevel: Level {
    static let number = 2
    static let name = "Redis, SET NX and INCR"
    static let needs: [String] = ["redis"]

    let victims: [LevelVictim]
    private let resources: BenchResources
    private let folder: String
    private var server: RedisServer
    private let emptyMemory: Int

    init(_ context: LevelContext) throws {
        try Programs.require("redis-server", package: "redis-server")
        resources = context.resources
        folder = try context.resources.folder("redis-level")
        server = try RedisServer(context.resources, folder: folder)
        emptyMemory = try server.info("used_memory") ?? 0
        victims = [
            LevelVictim(
                name: "redis-server", kills: context.kills, breaksConnections: true,
                note: "the kernel keeps what was written; a power loss would take up to a second")
        ]
    }

    func connect() throws -> (CallerSocket, RedisCaller) {
        (CallerSocket(try BenchConnection(port: server.port)), RedisCaller(next: .increment))
    }

    func count() throws -> Int { try server.count() }

    func storedBytes(likes: Int) throws -> [StoredBytes] {
        let memory = (try server.info("used_memory") ?? 0) - emptyMemory
        let disk = FileBytes.written(below: "\(folder)/appendonlydir")
        return [
            StoredBytes(what: "memory", aLike: Double(memory) / Double(likes)),
            StoredBytes(what: "disk, append-only file", aLike: Double(disk) / Double(likes)),
        ]
    }

    func kill(_ victim: LevelVictim) { server.process.kill() }
    func restart(_ victim: LevelVictim) throws { server = try RedisServer(resources, folder: folder) }
    func stop() { server.process.kill() }
}

extension RedisServer {
    /// The answer to one command, told by its kind.
    func answer(to words: [String]) throws -> Redis.Answer {
        let connection = try BenchConnection(port: port)
        try connection.send(RedisCommand.bytes(words))
        var room = [UInt8](repeating: 0, count: 4096)
        var input = ReplyBuffer()
        while true {
            if let answer = Redis.takeAnswer(from: &input) { return answer }
            let count = try room.withUnsafeMutableBytes { room in try connection.receive(room) }
            input.append(room[..<count])
        }
    }

    /// The count of the load's content; 0 where Redis has none.
    func count() throws -> Int {
        guard case .text(let text) = try answer(to: ["GET", RedisCaller.countKey]) else { return 0 }
        return Int(text) ?? 0
    }
}
