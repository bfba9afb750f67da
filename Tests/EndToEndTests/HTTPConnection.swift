// A small blocking HTTP/1.1 client that hides nothing: requests are sent as the bytes that a test wants, as many at once
// as it wants, and answers are read one by one. A client library would put requests right, or refuse to send them.

import Foundation
import Glibc

/// One connection to a server. It is used by one thread.
final class HTTPConnection {
    enum Failure: Error, Equatable {
        case cannotConnect(code: Int32)
        /// The server closed the connection between two answers.
        case closed
        /// The server closed the connection in the middle of an answer.
        case cutOff
        /// Nothing came for `receiveSeconds`.
        case timedOut
        case malformed(String)
    }

    /// Longer than any answer takes on a busy machine.
    static let receiveSeconds = 30

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var position = 0
    private var chunk = [UInt8](repeating: 0, count: 1 << 16)
    /// Whether the answers still to come have no body because HEAD asked for them.
    private var awaitsHead: [Bool] = []

    /// Connects to `port` on loopback.
    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure.cannotConnect(code: errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // From here on `deinit` closes it, also when this throws. Closed twice, it might be another thread's by then.
        guard connected == 0 else { throw Failure.cannotConnect(code: errno) }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        var limit = timeval(tv_sec: Self.receiveSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { Glibc.close(descriptor) }

    /// Sends `call` and waits for its answer.
    func answer(_ call: HTTPCall) throws -> HTTPAnswer {
        try send([call])
        return try receive()
    }

    /// Sends a call with a body of JSON, or without one, and waits for its answer.
    func answer(
        _ method: String, _ target: String, _ json: JSON? = nil, headers: [(name: String, value: String)] = []
    ) throws -> HTTPAnswer {
        try answer(HTTPCall(method, target, json, headers: headers))
    }

    /// Sends several requests in one go, before any of them is answered.
    func send(_ calls: [HTTPCall]) throws {
        awaitsHead += calls.map { $0.method == "HEAD" }
        try send(bytes: calls.flatMap(\.bytes))
    }

    /// Sends bytes, whatever they are.
    func send(bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw errno == EAGAIN ? Failure.timedOut : Failure.closed }
            sent += count
        }
    }

    /// Says that no more requests come. Answers can still be read.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Whether the server has closed the connection; waits for it, and for nothing to come before.
    func isClosedByServer() throws -> Bool {
        guard position == buffer.count else { return false }
        do {
            return try fill() == 0
        } catch Failure.closed {
            return true
        }
    }

    /// What comes until `end` does, with it; for an answer that is looked at before it is whole.
    func text(until end: String) throws -> String {
        while true {
            let text = String(decoding: buffer[position...], as: UTF8.self)
            if let found = text.range(of: end) {
                let seen = text[..<found.upperBound]
                position += seen.utf8.count
                return String(seen)
            }
            try more(beforeAnswer: false)
        }
    }

    /// The next answer. Interim ones (1xx) are passed over.
    func receive() throws -> HTTPAnswer {
        var (status, headers) = try head()
        while (100..<200).contains(status) { (status, headers) = try head() }
        var answer = HTTPAnswer(status: status, headers: headers, body: [])
        let isHead = awaitsHead.isEmpty ? false : awaitsHead.removeFirst()
        if isHead || status == 204 || status == 304 { return answer }
        if answer.header("transfer-encoding")?.lowercased() == "chunked" {
            answer.body = try chunks()
        } else if let text = answer.header("content-length") {
            guard let length = Int(text), length >= 0 else { throw Failure.malformed("content-length: \(text)") }
            answer.body = try take(length)
        } else {
            while try fill() > 0 {}
            answer.body = Array(buffer[position...])
            position = buffer.count
        }
        return answer
    }
}

extension HTTPConnection {
    private func head() throws -> (Int, [(name: String, value: String)]) {
        let lines = try line(isFirst: true)
        let parts = lines.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else {
            throw Failure.malformed(lines)
        }
        var headers: [(name: String, value: String)] = []
        while true {
            let field = try line()
            if field.isEmpty { return (status, headers) }
            guard let colon = field.firstIndex(of: ":") else { throw Failure.malformed(field) }
            let value = field[field.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.append((field[..<colon].lowercased(), String(value)))
        }
    }

    private func chunks() throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let size = try line()
            guard let count = Int(size.prefix { $0 != ";" }, radix: 16) else { throw Failure.malformed(size) }
            if count == 0 { break }
            body += try take(count)
            guard try line().isEmpty else { throw Failure.malformed("a chunk without its end") }
        }
        while try !line().isEmpty {}
        return body
    }

    /// The next line without its end.
    private func line(isFirst: Bool = false) throws -> String {
        var scanned = 0
        while true {
            if let end = buffer[(position + scanned)...].firstIndex(of: UInt8(ascii: "\n")) {
                let text = buffer[position..<end]
                position = end + 1
                guard text.last == UInt8(ascii: "\r") else { throw Failure.malformed("a line that ends without CR") }
                return String(decoding: text.dropLast(), as: UTF8.self)
            }
            scanned = buffer.count - position
            try more(beforeAnswer: isFirst && scanned == 0)
        }
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while buffer.count - position < count { try more(beforeAnswer: false) }
        defer { position += count }
        return Array(buffer[position..<position + count])
    }

    private func more(beforeAnswer: Bool) throws {
        do {
            if try fill() > 0 { return }
        } catch Failure.closed {}
        throw beforeAnswer ? Failure.closed : Failure.cutOff
    }

    /// Reads what is there, waiting for it; answers how many bytes came, 0 at the end.
    private func fill() throws -> Int {
        if position > 1 << 16 {
            buffer.removeFirst(position)
            position = 0
        }
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw errno == EAGAIN ? Failure.timedOut : Failure.closed }
            buffer += chunk[..<count]
            return count
        }
    }
}
