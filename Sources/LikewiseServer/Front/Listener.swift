import NIOCore

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A socket that is listened on.
struct Listener {
    /// Connections that the kernel keeps until they are accepted.
    static let backlog: Int32 = 4096

    let descriptor: Int32
    /// The port; the one that was asked for, or the free one that the kernel chose.
    let port: Int

    init(_ address: SocketAddress) throws {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = address.withSockAddr { address, _ in socket(Int32(address.pointee.sa_family), kind, 0) }
        guard descriptor >= 0 else { throw FrontError("socket", errno) }
        do {
            var on: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
            let bound = address.withSockAddr { address, size in bind(descriptor, address, socklen_t(size)) }
            guard bound == 0 else { throw FrontError("bind to \(address)", errno) }
            guard listen(descriptor, Listener.backlog) == 0 else { throw FrontError("listen", errno) }
            port = try Listener.port(of: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    private static func port(of descriptor: Int32) throws(FrontError) -> Int {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutableBytes(of: &storage) { bytes in
            getsockname(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
        }
        guard code == 0 else { throw FrontError("getsockname", errno) }
        return withUnsafeBytes(of: storage) { bytes in
            // The port is at the same place in addresses of both versions of IP.
            Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
        }
    }
}
