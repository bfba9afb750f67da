// Bodies for `POST /v1/likes/batch`, built ahead, and their way to the server over a few connections.

import Synchronization

/// Requests of bulk intake, head and body, ready to be sent.
struct BulkBodies: Sendable {
    /// Lines of one body: the most that the server takes.
    static let linesPerBody = 100_000

    private(set) var requests: [[UInt8]] = []
    private(set) var lines: [Int] = []
    let likes: Int

    /// A line for each number in `range`, with the user of that number and the content that `content` answers. Digits have a
    /// fixed width, so all lines are as long as those of large numbers.
    init(likes range: Range<Int>, content: (Int) -> Int) {
        likes = range.count
        for start in stride(from: range.lowerBound, to: range.upperBound, by: BulkBodies.linesPerBody) {
            let end = min(range.upperBound, start + BulkBodies.linesPerBody)
            var body: [UInt8] = []
            body.reserveCapacity((end - start) * 80)
            for i in start..<end {
                body += BulkBodies.prefix
                BulkBodies.appendDigits(content(i), &body)
                body += BulkBodies.middle
                BulkBodies.appendDigits(i, &body)
                body += BulkBodies.suffix
            }
            let head =
                "POST /v1/likes/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
                + "Content-Length: \(body.count)\r\n\r\n"
            requests.append(Array(head.utf8) + body)
            lines.append(end - start)
        }
    }

    /// `likes` lines for one content.
    init(likes: Int, ofContent number: Int) { self.init(likes: 0..<likes) { _ in number } }

    /// The id of content `number`.
    static func content(_ number: Int) -> String {
        var digits: [UInt8] = []
        appendDigits(number, &digits)
        return "video_" + String(decoding: digits, as: UTF8.self)
    }

    private static let prefix = Array("{\"content_id\":\"video_".utf8)
    private static let middle = Array("\",\"user_id\":\"user_".utf8)
    private static let suffix = Array("\",\"action\":\"like\"}\n".utf8)
    private static let digits = 9

    private static func appendDigits(_ number: Int, _ out: inout [UInt8]) {
        let start = out.count
        for _ in 0..<digits { out.append(UInt8(ascii: "0")) }
        var (rest, i) = (number, start + digits - 1)
        while rest > 0 && i >= start {
            out[i] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
            i -= 1
        }
    }
}

/// Sends bodies over several connections, each with one on its way.
final class BulkPour: Sendable {
    /// What is done when the server has no room (503).
    enum AtBound: Sendable {
        /// The measurement is void.
        case fail
        /// The body is sent again a little later. What was taken of it is not counted twice.
        case waitForRoom
    }

    private let bodies: BulkBodies
    private let port: UInt16
    private let connections: Int
    private let atBound: AtBound
    /// Likes a second; nil: as many as are taken.
    private let rate: Double?
    private let next = Atomic(0)
    private let taken = Atomic(0)
    private let isStopped = Atomic(false)

    init(_ bodies: BulkBodies, port: UInt16, connections: Int, atBound: AtBound, rate: Double? = nil) {
        self.bodies = bodies
        self.port = port
        self.connections = connections
        self.atBound = atBound
        self.rate = rate
    }

    /// Likes that are answered so far.
    var likes: Int { taken.load(ordering: .relaxed) }

    /// Lets the bodies that are on their way be the last.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Sends until all is answered, or it is stopped; answers the seconds from before the first byte to the last answer.
    func run() throws -> Double {
        let begin = BenchClock.now()
        _ = try BenchThread.forEach(connections) { _ in
            var connection = try BenchConnection(port: self.port)
            while !self.isStopped.load(ordering: .relaxed) {
                let i = self.next.add(1, ordering: .relaxed).oldValue
                guard i < self.bodies.requests.count else { break }
                if let rate = self.rate {
                    let due = begin + UInt64(Double(i * self.bodies.lines[0]) / rate * 1e9)
                    let now = BenchClock.now()
                    if due > now { BenchClock.rest(nanoseconds: due - now) }
                }
                try self.send(i, &connection)
                self.taken.add(self.bodies.lines[i], ordering: .relaxed)
            }
        }
        return Double(BenchClock.now() - begin) / 1e9
    }

    private func send(_ i: Int, _ connection: inout BenchConnection) throws {
        while true {
            try connection.send(bodies.requests[i])
            let answer = try connection.answer()
            if answer.status == 503 && atBound == .waitForRoom {
                BenchClock.rest(nanoseconds: 100_000_000)
                continue
            }
            guard answer.status == 200, answer.text.contains("\"accepted\":\(bodies.lines[i]),") else {
                throw BenchError(
                    "a body of bulk intake was answered with \(answer.status): \(answer.text.prefix(300))"
                        + (answer.status == 503 ? "; give the server more room with --memory" : ""))
            }
            return
        }
    }
}
