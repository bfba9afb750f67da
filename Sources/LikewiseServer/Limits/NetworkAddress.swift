// Addresses of callers, in the 16 bytes of IPv6; those of IPv4 as RFC 4291 maps them (::ffff:a.b.c.d).

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// An address on the internet.
package struct NetworkAddress: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The address that a text such as `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]` says; nil where it says none. A port
    /// behind it (`192.0.2.1:4711`, `[2001:db8::1]:4711`) is passed over, as some proxies add it.
    package init?(_ text: some StringProtocol) {
        // The C library would read up to a zero byte, and pass over what follows it.
        guard text.utf8.count <= 64, !text.utf8.contains(0) else { return nil }
        var text = Substring(text)
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]"), Self.isPort(text[text.index(after: end)...]) else { return nil }
            text = text[text.index(after: text.startIndex)..<end]
            guard text.contains(":") else { return nil }
        } else if let colon = text.firstIndex(of: ":"), text.lastIndex(of: ":") == colon {
            guard Self.isPort(text[colon...]) else { return nil }
            text = text[..<colon]
        }
        let read = withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { bytes -> NetworkAddress? in
            if inet_pton(AF_INET, String(text), bytes.baseAddress) == 1 {
                return NetworkAddress(v4: UInt32(bigEndian: bytes.load(as: UInt32.self)))
            }
            guard inet_pton(AF_INET6, String(text), bytes.baseAddress) == 1 else { return nil }
            return NetworkAddress(bytes: UnsafeRawBufferPointer(bytes))
        }
        guard let read else { return nil }
        self = read
    }

    /// An address of IPv4, in the machine's order of bytes.
    package init(v4: UInt32) { self.init(high: 0, low: 0xffff_0000_0000 | UInt64(v4)) }

    /// The 16 bytes of an address of IPv6, as they go over the wire.
    package init(bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == 16, "an address of \(bytes.count) bytes")
        self.init(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }

    package var isV4: Bool { high == 0 && low >> 32 == 0xffff }

    /// Whom it stands for where callers are told apart: of IPv6 the first 64 bits, since a subscriber has all the rest.
    package var subscriber: NetworkAddress { isV4 ? self : NetworkAddress(high: high, low: 0) }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || (text.first == ":" && UInt16(text.dropFirst()).map { "\($0)" == text.dropFirst() } ?? false)
    }
}

/// A range of addresses: those that begin with the same bits.
package struct NetworkRange: Hashable, Sendable {
    private let base: NetworkAddress
    /// How many bits, of 128.
    private let bits: Int

    /// The range that a text such as `10.0.0.0/8`, `2001:db8::/32` or `192.0.2.1` says; nil where it says none, or has bits
    /// beyond its length, which is more often a slip than a wish.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, !first.contains("["), let address = NetworkAddress(first) else { return nil }
        var bits = 128
        if parts.count == 2 {
            guard let given = UInt8(parts[1]), "\(given)" == parts[1], given <= (address.isV4 ? 32 : 128) else {
                return nil
            }
            bits = Int(given) + (address.isV4 ? 96 : 0)
        }
        (self.base, self.bits) = (address, bits)
        guard Self.masked(address, bits) == address else { return nil }
    }

    package func contains(_ address: NetworkAddress) -> Bool { Self.masked(address, bits) == base }

    private static func masked(_ address: NetworkAddress, _ bits: Int) -> NetworkAddress {
        NetworkAddress(
            high: bits >= 64 ? address.high : address.high & ~(UInt64.max >> UInt64(bits)),
            low: bits <= 64 ? 0 : address.low & ~(bits == 128 ? 0 : UInt64.max >> UInt64(bits - 64)))
    }
}

/// Who stands between the callers and this server.
package struct TrustedProxies: Hashable, Sendable {
    package var ranges: [NetworkRange]

    /// None: the address of the connection is the caller's.
    package init(_ ranges: [NetworkRange] = []) { self.ranges = ranges }

    package func contains(_ address: NetworkAddress) -> Bool { ranges.contains { $0.contains(address) } }

    /// The caller's address: that of the connection, or where that is a trusted proxy's, the last one in `X-Forwarded-For`
    /// that is not. What stands before it the caller may have made up. Where the field says nothing sound, it is as far as
    /// one got.
    package func caller(peer: NetworkAddress, forwardedFor field: UnsafeRawBufferPointer?) -> NetworkAddress {
        guard let field, contains(peer) else { return peer }
        var caller = peer
        var end = field.count
        while true {
            let start = field[..<end].lastIndex(of: UInt8(ascii: ",")).map { $0 + 1 } ?? 0
            let text = String(decoding: field[start..<end], as: UTF8.self)
            guard let address = NetworkAddress(text.drop { $0 == " " || $0 == "\t" }.trimmingEnd()) else {
                return caller
            }
            caller = address
            guard contains(address), start > 0 else { return caller }
            end = start - 1
        }
    }
}

extension Substring {
    fileprivate func trimmingEnd() -> Substring {
        var text = self
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
