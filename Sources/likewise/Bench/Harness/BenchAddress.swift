import Glibc

/// Where a server takes connections.
struct BenchAddress: Sendable {
    /// An address as the system's calls take it.
    private struct Candidate: Sendable {
        var family: Int32
        /// A `sockaddr` of the family, byte by byte.
        var bytes: [UInt8]
    }

    /// Host and port, for messages.
    let name: String
    private let candidates: [Candidate]

    /// A port of 127.0.0.1.
    init(loopback port: UInt16) {
        name = "127.0.0.1:\(port)"
        var address = BenchAddress.loopback(port)
        candidates = [Candidate(family: AF_INET, bytes: withUnsafeBytes(of: &address) { Array($0) })]
    }

    /// The addresses that a host's name stands for, in the system's order; throws where there are none.
    init(host: String, port: UInt16) throws {
        name = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0 else {
            throw BenchError("the host \(host) is not known: \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        candidates = sequence(first: list) { $0?.pointee.ai_next }.prefix { $0 != nil }.compactMap { entry in
            guard let entry = entry?.pointee, let address = entry.ai_addr else { return nil }
            let bytes = UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen))
            return Candidate(family: entry.ai_family, bytes: Array(bytes))
        }
    }

    /// A socket that is connected; small writes are sent at once. Throws what the last of its addresses said.
    func connect() throws -> Int32 {
        var reason = "it has no address"
        for candidate in candidates {
            let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            let descriptor = socket(candidate.family, kind, 0)
            var on: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
            let code = candidate.bytes.withUnsafeBytes { bytes in
                guard let address = bytes.baseAddress else { return Int32(-1) }
                return Glibc.connect(
                    descriptor, address.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
            }
            if code == 0 { return descriptor }
            reason = lastError()
            close(descriptor)
        }
        throw BenchError("\(name) does not take connections: \(reason)")
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    /// A port of loopback that nobody listens on just now.
    static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 ? getsockname(descriptor, pointer, &length) : -1
            }
        }
        guard code == 0 else { throw BenchError("there is no free port on 127.0.0.1: \(lastError())") }
        return UInt16(bigEndian: address.sin_port)
    }
}
