// A blocking HTTP client that sends exactly the bytes that a test wants, cut where it wants, and reads answers one by
// one. Every wait ends at a deadline. It is used from a thread of its own (`onThread`), never from the cooperative pool,
// which the server's tasks need.

import Dispatch

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// An answer as it came.
struct RawAnswer {
    var line: String
    var status: Int
    /// In the order in which they came, with the names as sent.
    var fields: [(name: String, value: String)]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The value of the only field of this name, whatever its case.
    func field(_ name: String) -> String? {
        let values = fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.count == 1 ? values[0] : nil
    }

    /// Whether the body says `"name":value` with this value as JSON.
    func says(_ name: String, _ json: String) -> Bool {
        text.contains("\"\(name)\":\(json),") || text.contains("\"\(name)\":\(json)}")
    }
}

final class RawConnection {
    enum Failure: Error, Equatable {
        case cannotConnect(Int32)
        /// The other side closed the connection where more was due.
        case closed
        /// Nothing happened for `deadlineMilliseconds`.
        case deadline
        case malformed(String)
    }

    /// Longer than anything takes on a busy machine.
    static let deadlineMilliseconds: Int32 = 30_000

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var position = 0
    /// The other side sends no more.
    private var hasEnded = false
    private var chunk = [UInt8](repeating: 0, count: 1 << 16)

    /// Connects to `port` on loopback, with this bound of what the kernel receives for it, if given.
    init(port: Int, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure.cannotConnect(errno) }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else {
            let code = errno
            close(descriptor)
            throw Failure.cannotConnect(code)
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(descriptor) }

    // MARK: Sending

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends all of `bytes`. What comes meanwhile is taken in, so that neither side waits for the other.
    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                sendAtOnce(descriptor, $0)
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                let events = Int16(hasEnded ? POLLOUT : POLLIN | POLLOUT)
                if try wait(for: events) & Int16(POLLIN) != 0 { _ = try fill() }
            } else if errno != EINTR {
                throw Failure.closed
            }
        }
    }

    /// Sends what can be sent at once, reading nothing; answers how much that was.
    func sendWithoutReading(_ bytes: ArraySlice<UInt8>) -> Int {
        let count = bytes.withUnsafeBytes {
            sendAtOnce(descriptor, $0)
        }
        return max(0, count)
    }

    /// Says that no more requests come.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    // MARK: Receiving

    /// The next answer. `toHead`: to a HEAD request, so without a body.
    func receive(toHead: Bool = false) throws -> RawAnswer {
        let line = try nextLine()
        let parts = line.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else {
            throw Failure.malformed(line)
        }
        var answer = RawAnswer(line: line, status: status, fields: [], body: [])
        while case let field = try nextLine(), !field.isEmpty {
            guard let colon = field.firstIndex(of: ":") else { throw Failure.malformed(field) }
            let value = field[field.index(after: colon)...].drop { $0 == " " }
            answer.fields.append((String(field[..<colon]), String(value)))
        }
        if toHead || status < 200 || status == 204 || status == 304 { return answer }
        guard let text = answer.field("content-length"), let length = Int(text) else {
            throw Failure.malformed("an answer without Content-Length")
        }
        while buffer.count - position < length { guard try fill() else { throw Failure.closed } }
        answer.body = Array(buffer[position..<position + length])
        position += length
        return answer
    }

    /// The next chunk of an answer whose head was received; nil behind the last one.
    func receiveChunk() throws -> String? {
        let line = try nextLine()
        guard let length = Int(line, radix: 16) else { throw Failure.malformed(line) }
        while buffer.count - position < length + 2 { guard try fill() else { throw Failure.closed } }
        let chunk = String(decoding: buffer[position..<position + length], as: UTF8.self)
        position += length + 2
        return length == 0 ? nil : chunk
    }

    /// Sends a request and waits for its answer.
    func ask(_ request: RawRequest) throws -> RawAnswer {
        try send(request.bytes)
        return try receive(toHead: request.method == "HEAD")
    }

    /// Waits until the server closes; throws where it sends something before that.
    func expectEnd() throws {
        while try fill() {}
        guard position == buffer.count else {
            throw Failure.malformed(String(decoding: buffer[position...], as: UTF8.self))
        }
    }

    /// Whether something has come that was not read, without waiting.
    var hasSomething: Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return position < buffer.count || poll(&poller, 1, 0) > 0
    }

    private func nextLine() throws -> String {
        var looked = position
        while true {
            if let feed = buffer[looked...].firstIndex(of: 0x0a) {
                let line = buffer[position..<feed]
                position = feed + 1
                guard line.last == 0x0d else { throw Failure.malformed("a line that ends without CR") }
                return String(decoding: line.dropLast(), as: UTF8.self)
            }
            let unread = buffer.count - position
            guard try fill() else { throw Failure.closed }
            looked = position + unread
        }
    }

    /// Takes in what is there, waiting for it; false at the end.
    private func fill() throws -> Bool {
        if position > 1 << 18 {
            buffer.removeFirst(position)
            position = 0
        }
        _ = try wait(for: Int16(POLLIN))
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else {
            hasEnded = true
            return false
        }
        buffer += chunk[..<count]
        return true
    }

    private func wait(for events: Int16) throws -> Int16 {
        var poller = pollfd(fd: descriptor, events: events, revents: 0)
        while true {
            let count = poll(&poller, 1, RawConnection.deadlineMilliseconds)
            if count > 0 { return poller.revents }
            if count == 0 { throw Failure.deadline }
            guard errno == EINTR else { throw Failure.closed }
        }
    }
}

/// Outside the connection, whose own `send` would hide the system's.
private func sendAtOnce(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
}

/// A request, as it goes onto the wire.
struct RawRequest {
    var method: String
    var target: String
    var fields: [(name: String, value: String)] = []
    /// Nil: no body, and nothing said of one.
    var body: [UInt8]?

    init(_ method: String, _ target: String, _ json: String? = nil, _ fields: [(name: String, value: String)] = []) {
        self.method = method
        self.target = target
        body = json.map { Array($0.utf8) }
        if json != nil { self.fields.append(("content-type", "application/json")) }
        self.fields += fields
    }

    /// A request whose body is anything, of no type that is not among `fields`.
    init(_ method: String, _ target: String, body: [UInt8], _ fields: [(name: String, value: String)]) {
        (self.method, self.target, self.body, self.fields) = (method, target, body, fields)
    }

    /// The same request with one more field.
    func with(_ name: String, _ value: String) -> RawRequest {
        var request = self
        request.fields.append((name, value))
        return request
    }

    var bytes: [UInt8] {
        var head = "\(method) \(target) HTTP/1.1\r\nhost: localhost\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if let body { head += "content-length: \(body.count)\r\n" }
        return Array((head + "\r\n").utf8) + (body ?? [])
    }
}

/// Runs `body` on a thread of its own, which may wait.
func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "test client").async { continuation.resume(with: Result { try body() }) }
    }
}
