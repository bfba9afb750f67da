// What a proxy says before a connection's first byte: for whom it asks (the PROXY protocol of HAProxy, versions 1 and 2).
//
// The parser is given all that has come so far and answers anew each time; what it reads is bounded by `maxBytes`.

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What the bytes that a proxied connection begins with come to.
package enum ProxyPreamble: Equatable, Sendable {
    /// It has not come whole.
    case partial
    /// It is so many bytes long, and the connection is that of `client`; nil: it is the proxy's own, or it does not know.
    case whole(client: NetworkAddress?, length: Int)
    /// It is none.
    case malformed

    /// Bytes of a preamble, with what version 2 may add to the addresses.
    package static let maxBytes = 4096
    /// Bytes of one of version 1, its line end among them.
    private static let maxLineBytes = 107
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]
    private static let keyword = Array("PROXY".utf8)

    /// Looks at what a connection begins with.
    package static func scan(_ bytes: UnsafeRawBufferPointer) -> ProxyPreamble {
        guard let first = bytes.first else { return .partial }
        return first == signature[0] ? binary(bytes) : line(bytes)
    }

    // MARK: Version 1

    /// `PROXY TCP4 192.0.2.1 198.51.100.1 4711 443`, ended by CR LF.
    private static func line(_ bytes: UnsafeRawBufferPointer) -> ProxyPreamble {
        let known = min(bytes.count, keyword.count)
        guard bytes[..<known].elementsEqual(keyword[..<known]) else { return .malformed }
        let window = bytes[..<min(bytes.count, maxLineBytes)]
        guard let feed = window.firstIndex(of: 0x0a) else {
            return bytes.count >= maxLineBytes ? .malformed : .partial
        }
        guard bytes[feed - 1] == 0x0d else { return .malformed }
        let text = String(decoding: bytes[..<(feed - 1)], as: UTF8.self)
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words[0] == "PROXY", words.count >= 2 else { return .malformed }
        let length = feed + 1
        // Whatever follows UNKNOWN is to be passed over.
        if words[1] == "UNKNOWN" { return .whole(client: nil, length: length) }
        guard words.count == 6, isPort(words[4]), isPort(words[5]), let client = address(words[2], words[1]),
            address(words[3], words[1]) != nil
        else { return .malformed }
        return .whole(client: client, length: length)
    }

    private static func isPort(_ word: Substring) -> Bool {
        guard let port = UInt16(word) else { return false }
        return "\(port)" == word
    }

    /// An address of the family that the line names, without a port or brackets.
    private static func address(_ word: Substring, _ family: Substring) -> NetworkAddress? {
        guard !word.contains("["), let address = NetworkAddress(word) else { return nil }
        switch family {
        case "TCP4": return word.contains(":") ? nil : address
        // With one colon alone it is an address of IPv4 with a port.
        case "TCP6": return word.firstIndex(of: ":") != word.lastIndex(of: ":") ? address : nil
        default: return nil
        }
    }

    // MARK: Version 2

    /// The signature, a byte of version and command, one of the family, two of the length of what follows.
    private static func binary(_ bytes: UnsafeRawBufferPointer) -> ProxyPreamble {
        let known = min(bytes.count, signature.count)
        guard bytes[..<known].elementsEqual(signature[..<known]) else { return .malformed }
        guard bytes.count >= 16 else { return .partial }
        let command = bytes[12]
        guard command == 0x20 || command == 0x21 else { return .malformed }
        let length = 16 + (Int(bytes[14]) << 8 | Int(bytes[15]))
        guard length <= maxBytes else { return .malformed }
        guard bytes.count >= length else { return .partial }
        // LOCAL: the proxy asks for itself, to see whether the server lives.
        if command == 0x20 { return .whole(client: nil, length: length) }
        switch bytes[13] {
        case 0x11:
            guard length >= 16 + 12 else { return .malformed }
            let address = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
            return .whole(client: NetworkAddress(v4: address), length: length)
        case 0x21:
            guard length >= 16 + 36 else { return .malformed }
            return .whole(
                client: NetworkAddress(bytes: UnsafeRawBufferPointer(rebasing: bytes[16..<32])), length: length)
        // Families that have no address of the internet, and those that the proxy does not know.
        case 0x00, 0x12, 0x22, 0x31, 0x32: return .whole(client: nil, length: length)
        default: return .malformed
        }
    }
}
