// The servers that are measured: Likewise, as a process of the same binary, and Redis.

/// A `likewise serve` on a free port with a data folder of its own.
struct LikewiseServer {
    let process: ChildProcess
    let port: UInt16
    let dataDirectory: String
    /// From the start of the process until it listened.
    let startup: Duration

    /// Starts it and waits until it listens. `flags` are further settings.
    init(_ resources: BenchResources, dataDirectory: String, flags: [String] = []) throws {
        let begin = ContinuousClock.now
        // A log of its own for each start, so that the port found is that of this one.
        let log = "\(resources.root)/likewise-\(UInt32.random(in: .min ... .max)).log"
        let process = try resources.start(
            "/proc/self/exe",
            ["serve", "--host", "127.0.0.1", "--port", "0", "--data-dir", dataDirectory, "--log-format", "json"]
                + flags, log: log)
        let port = try BenchClock.wait(seconds: 300) { () throws -> UInt16? in
            if let port = LikewiseServer.port(in: ProcText.read(log)) { return port }
            guard process.isRunning else {
                throw BenchError("`likewise serve` ended at its start; it printed:\n\(process.lastWords)")
            }
            return nil
        }
        guard let port else {
            process.kill()
            throw BenchError("`likewise serve` did not listen within 300 s; it printed:\n\(process.lastWords)")
        }
        self.process = process
        self.port = port
        self.dataDirectory = dataDirectory
        startup = ContinuousClock.now - begin
    }

    /// The sum of a gauge of `GET /metrics` over its labels; nil where it is not there.
    func metric(_ name: String) throws -> Double? {
        var connection = try BenchConnection(port: port)
        let page = try connection.request("GET", "/metrics").text
        var sum: Double?
        for line in page.split(separator: "\n") where line.hasPrefix(name) {
            let rest = line.dropFirst(name.count)
            guard rest.first == "{" || rest.first == " ", let value = rest.split(separator: " ").last else { continue }
            sum = (sum ?? 0) + (Double(value) ?? 0)
        }
        return sum
    }

    /// Waits until the ledger holds all that was liked, which is the steady state; answers how long that took.
    func waitForLedger(seconds: Double) throws -> Duration {
        let begin = ContinuousClock.now
        let isDone = try BenchClock.wait(seconds: seconds) { () throws -> Bool? in
            let lag = try metric("likewise_ledger_lag_records") ?? 0
            if lag == 0 { return true }
            BenchClock.rest(nanoseconds: 200_000_000)
            return nil
        }
        guard isDone == true else { throw BenchError("the ledger did not take all likes within \(Int(seconds)) s") }
        return ContinuousClock.now - begin
    }

    /// Resident memory in bytes once it has not fallen for four seconds: an idle server gives back what it kept for a next
    /// transaction.
    func quietResidentBytes() -> Int {
        var (least, since) = (process.residentBytes, ContinuousClock.now)
        while ContinuousClock.now - since < .seconds(4) {
            BenchClock.rest(nanoseconds: 200_000_000)
            let now = process.residentBytes
            if now < least { (least, since) = (now, .now) }
        }
        return least
    }

    /// The count of a content.
    func count(of content: String) throws -> Int? {
        var connection = try BenchConnection(port: port)
        let text = try connection.request("GET", "/v1/likes/count/\(content)").text
        return LikewiseServer.number(after: "\"count\":", in: text)
    }

    /// The port in the log line that says that the server listens.
    private static func port(in log: String) -> UInt16? {
        let line = log.split(separator: "\n").first { $0.contains("\"listening\"") }
        return line.flatMap { number(after: "\"port\":", in: String($0)) }.flatMap { UInt16(exactly: $0) }
    }

    /// The number behind the first `key` in a text of JSON, with or without quotes.
    private static func number(after key: String, in text: String) -> Int? {
        let parts = text.split(separator: key, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        return Int(parts[1].drop { $0 == "\"" }.prefix { $0.isNumber })
    }
}

/// A `redis-server` on a free port.
struct RedisServer {
    let process: ChildProcess
    let port: UInt16

    /// Starts it and waits until it answers. With `appendOnly` it keeps an append-only file that is synced every second, as
    /// those do who want to keep what they count.
    init(_ resources: BenchResources, folder: String, appendOnly: Bool = true) throws {
        port = try BenchAddress.freePort()
        let port = port
        let flags = [
            "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--dir", folder, "--appendonly",
            appendOnly ? "yes" : "no", "--appendfsync", "everysec",
        ]
        do {
            process = try resources.start("redis-server", flags, log: "\(folder)/redis.log")
        } catch {
            throw BenchError(
                "\(error): install it (Debian: apt-get install redis-server) or leave it out with --without redis")
        }
        let process = process
        let isReady = try BenchClock.wait(seconds: 30) { () throws -> Bool? in
            guard process.isRunning else { throw BenchError("redis-server ended; it printed:\n\(process.lastWords)") }
            return (try? RedisServer.command(["PING"], port: port, seconds: 1)) == "PONG" ? true : nil
        }
        guard isReady == true else {
            process.kill()
            throw BenchError("redis-server did not answer within 30 s; it printed:\n\(process.lastWords)")
        }
    }

    /// One of the numbers of `INFO memory`, such as `used_memory`.
    func info(_ name: String) throws -> Int? {
        ProcText.value(of: name, in: try command(["INFO", "memory"])).flatMap { Int($0) }
    }

    /// Sends a command and waits for its reply: a number or a text, without what marks it as such.
    func command(_ words: [String]) throws -> String { try RedisServer.command(words, port: port) }

    private static func command(_ words: [String], port: UInt16, seconds: Int = 60) throws -> String {
        let connection = try BenchConnection(port: port, seconds: seconds)
        try connection.send(RedisCommand.bytes(words))
        var reply: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try room.withUnsafeMutableBytes { room in try connection.receive(room) }
            reply += room[..<count].filter { $0 != UInt8(ascii: "\r") }
            let lines = reply.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
            guard lines.count == 2, let mark = lines[0].first else { continue }
            let first = String(decoding: lines[0].dropFirst(), as: UTF8.self)
            if mark == UInt8(ascii: "-") { throw BenchError("redis-server: \(first)") }
            guard mark == UInt8(ascii: "$") else { return first }
            if isComplete(lines[1], announced: first) { return String(decoding: lines[1].dropLast(), as: UTF8.self) }
        }
    }

    /// Whether a text of `announced` bytes has arrived. Its carriage returns were taken out on the way, one a line.
    private static func isComplete(_ text: ArraySlice<UInt8>, announced: String) -> Bool {
        let lineFeeds = text.count { $0 == UInt8(ascii: "\n") }
        return text.count + lineFeeds >= (Int(announced) ?? 0) + 2
    }
}
