/// Writes commands as Redis reads them (RESP: an array of texts, each with its length).
enum RedisCommand {
    /// One command.
    static func bytes(_ words: [String]) -> [UInt8] {
        var out: [UInt8] = []
        append(words, to: &out)
        return out
    }

    /// Adds a command to `out`.
    static func append(_ words: [String], to out: inout [UInt8]) {
        out += "*\(words.count)\r\n".utf8
        for word in words { out += "$\(word.utf8.count)\r\n\(word)\r\n".utf8 }
    }
}

/// Commands in chunks that are each sent at once: a client that pipelines.
struct RedisPipeline: Sendable {
    /// Commands of a chunk: enough that neither side waits for the other's packets.
    static let depth = 1000

    /// The bytes of each chunk, and how many commands it has.
    private(set) var chunks: [(bytes: [UInt8], commands: Int)] = []

    /// Builds `count` commands, all ahead.
    init(count: Int, _ words: (Int) -> [String]) {
        for start in stride(from: 0, to: count, by: RedisPipeline.depth) {
            let end = min(count, start + RedisPipeline.depth)
            var bytes: [UInt8] = []
            for i in start..<end { RedisCommand.append(words(i), to: &bytes) }
            chunks.append((bytes, end - start))
        }
    }

    /// Sends all of it over `connections`, each with one chunk on its way; answers the seconds from the first byte to the
    /// last reply. A reply that is an error ends it.
    func run(port: UInt16, connections: Int) throws -> Double {
        let begin = BenchClock.now()
        _ = try BenchThread.forEach(connections) { thread in
            let connection = try BenchConnection(port: port)
            var room = [UInt8](repeating: 0, count: 1 << 16)
            for i in stride(from: thread, to: chunks.count, by: connections) {
                try connection.send(chunks[i].bytes)
                try RedisPipeline.takeReplies(chunks[i].commands, connection, &room)
            }
        }
        return Double(BenchClock.now() - begin) / 1e9
    }

    /// Every reply of the commands used here is one line.
    private static func takeReplies(_ count: Int, _ connection: borrowing BenchConnection, _ room: inout [UInt8]) throws
    {
        var lines = 0
        var last = UInt8(ascii: "\n")
        while lines < count {
            let received = try room.withUnsafeMutableBytes { room in try connection.receive(room) }
            for i in 0..<received {
                if last == UInt8(ascii: "\n") && room[i] == UInt8(ascii: "-") {
                    throw BenchError("redis-server: \(String(decoding: room[i..<received].prefix(200), as: UTF8.self))")
                }
                last = room[i]
                if last == UInt8(ascii: "\n") { lines += 1 }
            }
        }
    }
}
