/// The value of an Authorization field, as RFC 6750, section 2.1, has it: `Bearer`, a space, and the credential.
package enum BearerField {
    /// Bytes of a credential.
    package static let maxTokenBytes = 8 << 10

    /// The credential in `value`, where it has the form of one; nil otherwise.
    package static func token(in value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let token = candidate(in: value), isSound(token) else { return nil }
        return token
    }

    /// What stands in the place of the credential, in bounded length: a table is asked for that before it is looked at
    /// byte by byte.
    static func candidate(in value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let scheme: StaticString = "bearer "
        let length = scheme.utf8CodeUnitCount
        guard value.count > length else { return nil }
        for i in 0..<length {
            let byte = value[i]
            let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            if (isUpper ? byte | 0x20 : byte) != scheme.utf8Start[i] { return nil }
        }
        var start = length
        while start < value.count, value[start] == 0x20 { start += 1 }
        let token = UnsafeRawBufferPointer(rebasing: value[start...])
        return token.isEmpty || token.count > maxTokenBytes ? nil : token
    }

    /// Whether all bytes are those of a credential.
    static func isSound(_ token: UnsafeRawBufferPointer) -> Bool { token.allSatisfy(isTokenByte) }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}
