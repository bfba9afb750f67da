// Where a page of a list ended, for the caller to hand back: opaque, so that it can change.
//
//     1 byte   version of this form, 1
//     8 bytes  the last entry's version: its clock reading, big-endian
//     2 bytes  and its region
//     n bytes  the last entry's id, 1 to 385
//     2 bytes  CRC-16 of all before (polynomial 0x1021, start 0xffff)
//
// in base64url without padding (RFC 4648, section 5). The checksum is against accident, not intent: a cursor that was
// cut or mistyped is refused instead of leading to some other page. Each byte string has one form only, so unused bits
// of the last character must be zero.

/// A cursor that this server did not give out, or not like this.
package enum CursorProblem: Error, Equatable, Sendable {
    /// Not base64url without padding.
    case notBase64URL
    /// Too short or too long to be one.
    case badLength
    /// Of a form that this server does not know.
    case unknownVersion
    /// Mangled on the way.
    case badChecksum
}

/// The last entry of a page: the next page begins behind it.
package struct Cursor: Hashable, Sendable {
    /// The clock reading of the entry's version.
    package var reading: UInt64
    /// The region of the entry's version.
    package var region: UInt16
    /// The entry's id: a content's, a user's or both, as the list has it. 1 to `idBytes`.
    package var id: [UInt8]

    /// Bytes of an id, at most: a content's and a user's with a byte between them.
    package static let idBytes = 256 + 1 + 128

    private static let version: UInt8 = 1
    private static let headBytes = 11
    private static let checksumBytes = 2
    /// Characters of a cursor, at most.
    package static let encodedBytes = (headBytes + idBytes + checksumBytes) * 4 / 3 + 1

    package init(reading: UInt64, region: UInt16, id: [UInt8]) {
        precondition(1...Self.idBytes ~= id.count, "a cursor's id has 1 to \(Self.idBytes) bytes, not \(id.count)")
        self.reading = reading
        self.region = region
        self.id = id
    }

    /// The cursor as it goes to the caller: ASCII that needs no escape in a URI or in JSON.
    package func encoded() -> String {
        var bytes: [UInt8] = [Self.version]
        bytes.reserveCapacity(Self.headBytes + id.count + Self.checksumBytes)
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: reading >> shift)) }
        bytes.append(UInt8(region >> 8))
        bytes.append(UInt8(truncatingIfNeeded: region))
        bytes.append(contentsOf: id)
        let checksum = Self.checksum(bytes[...])
        bytes.append(UInt8(checksum >> 8))
        bytes.append(UInt8(truncatingIfNeeded: checksum))
        return String(decoding: Base64URL.encode(bytes), as: UTF8.self)
    }

    /// The cursor that `text`, from a caller, stands for.
    package init(decoding text: some Collection<UInt8>) throws(CursorProblem) {
        guard text.count <= Self.encodedBytes else { throw .badLength }
        guard let bytes = Base64URL.decode(text) else { throw .notBase64URL }
        guard let version = bytes.first else { throw .badLength }
        guard version == Self.version else { throw .unknownVersion }
        let idBytes = bytes.count - Self.headBytes - Self.checksumBytes
        guard 1...Self.idBytes ~= idBytes else { throw .badLength }
        let body = bytes.dropLast(Self.checksumBytes)
        let checksum = bytes.suffix(Self.checksumBytes).reduce(0 as UInt16) { $0 << 8 | UInt16($1) }
        guard checksum == Self.checksum(body) else { throw .badChecksum }
        reading = bytes[1..<9].reduce(0) { $0 << 8 | UInt64($1) }
        region = UInt16(bytes[9]) << 8 | UInt16(bytes[10])
        id = Array(body[Self.headBytes...])
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        var crc: UInt16 = 0xffff
        for byte in bytes {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
        }
        return crc
    }
}
