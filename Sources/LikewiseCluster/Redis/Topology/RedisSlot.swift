/// Which of a cluster's 16,384 slots a key belongs to (redis.io, "Redis cluster specification").
package enum RedisSlot {
    /// How many there are.
    package static let count = 16_384

    /// CRC16 (polynomial 0x1021, from 0) of the key's hash tag modulo the number of slots.
    package static func of(_ key: UnsafeRawBufferPointer) -> UInt16 {
        let table = Self.table
        var crc: UInt16 = 0
        for byte in UnsafeRawBufferPointer(rebasing: key[hashTag(in: key)]) {
            crc = crc << 8 ^ table[Int(UInt8(truncatingIfNeeded: crc >> 8) ^ byte)]
        }
        return crc & UInt16(count - 1)
    }

    /// The slot of a key.
    package static func of(_ key: [UInt8]) -> UInt16 {
        key.withUnsafeBytes { of($0) }
    }

    /// What lies between the first `{` and the first `}` behind it, if anything does; else the whole key. Keys with equal
    /// tags share a slot.
    package static func hashTag(in key: UnsafeRawBufferPointer) -> Range<Int> {
        let whole = 0..<key.count
        guard let open = key.firstIndex(of: UInt8(ascii: "{")),
            let close = key[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        else { return whole }
        return (open + 1)..<close
    }

    private static let table: [UInt16] = (0..<256).map { byte in
        (0..<8).reduce(UInt16(byte) << 8) { crc, _ in crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
    }
}
