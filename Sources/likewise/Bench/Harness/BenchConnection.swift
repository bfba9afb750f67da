// A blocking connection over loopback with a deadline on every call, for requests that are sent one after the other and
// for the bodies of bulk intake. The generators of many small requests have their own loop.

import Glibc

/// `~Copyable`, since it owns its socket.
struct BenchConnection: ~Copyable {
    /// An answer of HTTP.
    struct Answer {
        var status: Int
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// A head longer than this is none.
    private static let maxHeadBytes = 16 << 10

    let descriptor: Int32
    private let port: UInt16
    private var received: [UInt8] = []

    /// Connects to a port of 127.0.0.1. A call that waits longer than `seconds` fails.
    init(port: UInt16, seconds: Int = 60) throws {
        self.port = port
        descriptor = try BenchAddress(loopback: port).connect()
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit { close(descriptor) }

    /// Sends all of `bytes`.
    func send(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            let count = Glibc.send(descriptor, part.baseAddress, part.count, Int32(MSG_NOSIGNAL))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw BenchError("127.0.0.1:\(port) took no more bytes: \(lastError())") }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends all of `bytes`.
    func send(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { bytes in try send(bytes) }
    }

    /// Reads up to `room.count` bytes; at least one.
    func receive(_ room: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let count = recv(descriptor, room.baseAddress, room.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count != 0 else { throw BenchError("127.0.0.1:\(port) closed the connection") }
            guard count > 0 else { throw BenchError("127.0.0.1:\(port) sent nothing: \(lastError())") }
            return count
        }
    }

    /// Sends a request and waits for its answer. `target` and `body` are sent as they are.
    mutating func request(_ method: String, _ target: String, body: String? = nil) throws -> Answer {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        try send(Array((head + "\r\n" + (body ?? "")).utf8))
        return try answer()
    }

    /// Waits for the next answer: a head and a body with Content-Length, which is what Likewise sends.
    mutating func answer() throws -> Answer {
        var head: HTTPHead?
        while true {
            head = received.withUnsafeBytes { HTTPHead(scanning: $0) }
            if head != nil { break }
            guard received.count < BenchConnection.maxHeadBytes else { throw BenchError("an answer without end") }
            try receiveMore()
        }
        guard let head, head.status > 0 else { throw BenchError("127.0.0.1:\(port) answered what is not HTTP") }
        while received.count < head.totalBytes { try receiveMore() }
        defer { received.removeFirst(head.totalBytes) }
        return Answer(status: head.status, body: Array(received[head.headBytes..<head.totalBytes]))
    }

    private mutating func receiveMore() throws {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = try chunk.withUnsafeMutableBytes { room in try receive(room) }
        received += chunk[..<count]
    }
}

/// The words of the last failed call.
func lastError() -> String { String(cString: strerror(errno)) }
