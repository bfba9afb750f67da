import Glibc

/// A port of loopback that answers no connection: its queue of connections is full and nobody takes any from it, so the kernel
/// passes over what else comes (listen(2)).
final class DeafPort: Sendable {
    let port: UInt16
    private let sockets: [Int32]

    struct CannotListen: Error {
        var code: Int32
    }

    init() throws {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let listener = socket(AF_INET, kind, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var sockets = [listener]
        let listens = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, length) == 0 && listen(listener, 0) == 0
                    && getsockname(listener, pointer, &length) == 0
            }
        }
        guard listens else {
            close(listener)
            throw CannotListen(code: errno)
        }
        // A backlog of 0 has room for one; the others wait on their own side.
        for _ in 0..<4 {
            let filler = socket(AF_INET, kind, 0)
            sockets.append(filler)
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    _ = connect(filler, pointer, length)
                }
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        self.sockets = sockets
    }

    deinit { for socket in sockets { close(socket) } }
}
