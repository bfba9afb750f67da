import Glibc

/// A port of 127.0.0.1 that refuses connections: it is taken, so that no server of another test comes to listen there, and
/// nobody listens.
package final class ClosedPort: Sendable {
    /// There is no free port.
    package struct NoPort: Error {}

    package let number: UInt16
    private let descriptor: Int32

    package init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let code = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 ? getsockname(descriptor, pointer, &length) : -1
            }
        }
        number = UInt16(bigEndian: address.sin_port)
        guard code == 0 else { throw NoPort() }
    }

    deinit { close(descriptor) }
}
