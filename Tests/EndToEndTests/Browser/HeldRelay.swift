import Foundation
import Glibc
import LikewiseTestSupport

/// A port of loopback behind which a server is, whose answers can be held back: requests arrive, and what the server says
/// waits until it is let through.
final class HeldRelay: Sendable {
    struct CannotListen: Error {
        var code: Int32
    }

    private struct State {
        var isHeld = false
        var hasStopped = false
    }

    let port: UInt16
    private let listener: Int32
    private let state = Monitor(State())

    /// Listens before the server on `target`.
    init(to target: UInt16) throws {
        let listener = Self.socket()
        self.listener = listener
        port = EdgePorts.next()
        guard Self.withAddress(port, { bind(listener, $0, $1) }) == 0, listen(listener, 64) == 0 else {
            throw CannotListen(code: errno)
        }
        let state = state
        Thread.detachNewThread {
            while true {
                let client = accept(listener, nil, nil)
                if client < 0 && errno == EINTR { continue }
                guard client >= 0 else { break }
                Thread.detachNewThread { Self.relay(client, target, state) }
            }
            close(listener)
        }
    }

    deinit { stop() }

    /// Takes no more connections, and lets all answers through.
    func stop() {
        let isFirst = state.update { state in
            defer { (state.hasStopped, state.isHeld) = (true, false) }
            return !state.hasStopped
        }
        if isFirst { shutdown(listener, Int32(SHUT_RDWR)) }
    }

    /// Holds answers back from now on.
    func hold() { state.update { $0.isHeld = true } }

    /// Lets through what waits, and what comes.
    func letGo() { state.update { $0.isHeld = false } }

    private static func relay(_ client: Int32, _ target: UInt16, _ state: Monitor<State>) {
        let server = socket()
        defer {
            close(client)
            close(server)
        }
        guard withAddress(target, { connect(server, $0, $1) }) == 0 else { return }
        let isDone = Monitor(false)
        Thread.detachNewThread {
            copy(client, server) {}
            isDone.update { $0 = true }
        }
        copy(server, client) {
            _ = state.wait(seconds: Double(HTTPConnection.receiveSeconds)) { $0.isHeld ? nil : true }
        }
        // Wakes the other direction; the descriptors are closed when it has ended.
        shutdown(client, Int32(SHUT_RDWR))
        _ = isDone.wait(seconds: Double(HTTPConnection.receiveSeconds)) { $0 ? true : nil }
    }

    /// Copies until the source ends, waiting before each piece is passed on; then tells the other side that it has ended.
    private static func copy(_ source: Int32, _ destination: Int32, _ wait: () -> Void) {
        var piece = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = recv(source, &piece, piece.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            wait()
            var sent = 0
            while sent < count {
                let more = piece[sent..<count].withUnsafeBytes { bytes in
                    send(destination, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
                }
                if more < 0 && errno == EINTR { continue }
                guard more > 0 else { return }
                sent += more
            }
        }
        shutdown(destination, Int32(SHUT_WR))
    }

    private static func socket() -> Int32 {
        Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }

    private static func withAddress(
        _ port: UInt16, _ use: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                use($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
