import Foundation
import Glibc
import LikewiseTestSupport

/// A node that does what a test wants of one, above all go wrong. It listens on a port of loopback and takes one
/// request's head from each connection.
final class MadeUpNode: Sendable {
    struct CannotListen: Error {
        var code: Int32
    }

    /// What it does with a request.
    enum Deed: Sendable {
        /// Answers with these bytes, and closes the connection.
        case answer(String)
        /// Closes the connection, as a process does that is killed in the middle of a request.
        case breakOff
        /// Sends the first part; the second when the test says `goOn`.
        case inTwoParts(String, String)
    }

    let port: UInt16
    private let listener: Int32
    private let state = Monitor(State())

    private struct State {
        var heads: [String] = []
        var mayGoOn = false
        var hasStopped = false
    }

    /// Listens, and does with each request what `deed` says of its head.
    init(_ deed: @escaping @Sendable (_ head: String) -> Deed) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        port = EdgePorts.next()
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        address.sin_port = port.bigEndian
        let listener = listener
        let listens = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 && listen(listener, 64) == 0
            }
        }
        guard listens else { throw CannotListen(code: errno) }
        let state = state
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                if connection < 0 && errno == EINTR { continue }
                guard connection >= 0 else { break }
                Thread.detachNewThread { Self.serve(connection, state, deed) }
            }
            close(listener)
        }
    }

    deinit { stop() }

    /// Takes no more connections. One that is being answered goes on.
    func stop() {
        let isFirst = state.update { state in
            defer { (state.hasStopped, state.mayGoOn) = (true, true) }
            return !state.hasStopped
        }
        if isFirst { shutdown(listener, Int32(SHUT_RDWR)) }
    }

    /// Lets answers in two parts go on.
    func goOn() { state.update { $0.mayGoOn = true } }

    /// The heads of the requests that came and whose first line begins so.
    func heads(_ start: String) -> [String] { state.update { $0.heads.filter { $0.hasPrefix(start) } } }

    private static func serve(_ connection: Int32, _ state: Monitor<State>, _ deed: (String) -> Deed) {
        defer { close(connection) }
        guard let head = readHead(connection) else { return }
        state.update { $0.heads.append(head) }
        switch deed(head) {
        case .breakOff: break
        case .answer(let text): send(text, connection)
        case .inTwoParts(let first, let second):
            send(first, connection)
            if state.wait(seconds: 30, for: { $0.mayGoOn ? true : nil }) == true { send(second, connection) }
        }
        // What is still unread would turn the close into a reset, which may overtake the answer.
        shutdown(connection, Int32(SHUT_WR))
        var rest = [UInt8](repeating: 0, count: 1 << 12)
        while recv(connection, &rest, rest.count, Int32(MSG_DONTWAIT)) > 0 {}
    }

    private static func readHead(_ connection: Int32) -> String? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while bytes.count < 1 << 16 {
            let count = recv(connection, &chunk, chunk.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
            let text = String(decoding: bytes, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n") { return String(text[..<end.lowerBound]) }
        }
        return nil
    }

    private static func send(_ text: String, _ connection: Int32) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}

extension MadeUpNode.Deed {
    /// A sound answer with this body.
    static func json(_ status: Int, _ body: String) -> Self {
        .answer(
            "HTTP/1.1 \(status) X\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
                + "content-length: \(body.utf8.count)\r\nconnection: close\r\n\r\n\(body)")
    }
}
