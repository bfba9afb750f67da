// What the JSON scanner and the JSON writer both ask of bytes: how far a string goes on without anything that needs
// care, and whether the bytes from there are UTF-8.

enum ByteRuns {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// The first offset in `start ..< end` whose byte is a quote, a backslash, a control character (below 0x20) or not
    /// ASCII; `end` where there is none.
    ///
    /// Eight bytes at a time. In `word &- ones * n` the high bit of each byte below n comes up; a borrow can bring it
    /// up wrongly in a higher byte only, so the lowest one is right, and no other is asked for.
    @inline(__always)
    static func plainEnd(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Int {
        var at = start
        while end - at >= 8 {
            let marks = marks(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
            if marks != 0 { return at + marks.trailingZeroBitCount / 8 }
            at += 8
        }
        while at < end {
            let byte = bytes[at]
            if byte < 0x20 || byte == 0x22 || byte == 0x5c || byte >= 0x80 { return at }
            at += 1
        }
        return end
    }

    @inline(__always)
    private static func marks(_ word: UInt64) -> UInt64 {
        let quotes = (word ^ (ones &* 0x22)) &- ones
        let backslashes = (word ^ (ones &* 0x5c)) &- ones
        let controls = word &- (ones &* 0x20)
        return (quotes | backslashes | controls | word) & highBits
    }

    /// The length, 2 to 4, of the UTF-8 sequence (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF)
    /// that begins at `at` with a byte that is not ASCII; 0 where there is none.
    static func sequenceLength(_ bytes: UnsafeRawBufferPointer, at: Int, end: Int) -> Int {
        func byte(_ offset: Int) -> UInt8 { bytes[at + offset] }
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xbf
        switch byte(0) {
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
        default: return 0
        }
        guard length <= end - at, byte(1) >= low, byte(1) <= high else { return 0 }
        for offset in 2..<max(2, length) where byte(offset) & 0xc0 != 0x80 { return 0 }
        return length
    }
}
