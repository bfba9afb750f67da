/// The rules for what callers may name things.
public enum IDRules {
    /// Bytes of a content's id: 1 to this.
    public static let contentBytes = 256
    /// Bytes of a user's id: 1 to this.
    public static let userBytes = 128
    /// Bytes of a content's type or a reaction's name: 1 to this.
    public static let nameBytes = 32

    /// What is wrong with an id.
    public enum Problem: Error, Equatable {
        case empty
        case tooLong(limit: Int)
        case notUTF8
        case controlCharacter
    }

    /// Throws unless `bytes` are 1 to `limit` bytes of UTF-8 (RFC 3629) without control characters (U+0000–1F, 7F–9F).
    public static func check(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(Problem) {
        if bytes.isEmpty { throw .empty }
        if bytes.count > limit { throw .tooLong(limit: limit) }
        var i = 0
        while i < bytes.count {
            let b = bytes[i]
            if b < 0x80 {
                if b < 0x20 || b == 0x7f { throw .controlCharacter }
                i += 1
                continue
            }
            let length: Int
            var low: UInt8 = 0x80
            var high: UInt8 = 0xbf
            switch b {
            case 0xc2...0xdf: length = 2
            case 0xe0:
                length = 3
                low = 0xa0
            case 0xed:
                length = 3
                high = 0x9f
            case 0xe1...0xef: length = 3
            case 0xf0:
                length = 4
                low = 0x90
            case 0xf4:
                length = 4
                high = 0x8f
            case 0xf1...0xf3: length = 4
            default: throw .notUTF8
            }
            guard i + length <= bytes.count, bytes[i + 1] >= low, bytes[i + 1] <= high else { throw .notUTF8 }
            for k in 2..<max(2, length) where bytes[i + k] & 0xc0 != 0x80 { throw .notUTF8 }
            if b == 0xc2 && bytes[i + 1] < 0xa0 { throw .controlCharacter }
            i += length
        }
    }

    /// Whether `bytes` are 1–32 of `a-z 0-9 _ -`: a content's type, a reaction's name.
    @inlinable public static func isName(_ bytes: some Collection<UInt8>) -> Bool {
        guard !bytes.isEmpty, bytes.count <= nameBytes else { return false }
        return bytes.allSatisfy { b in
            (b >= 0x61 && b <= 0x7a) || (b >= 0x30 && b <= 0x39) || b == 0x5f || b == 0x2d
        }
    }
}
