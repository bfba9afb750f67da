/// A script in Lua that Redis runs as one step. It is called by the digest of its text; a server that has not met it yet
/// gets the text once (`RedisClient` sees to that).
package final class RedisScript: Sendable {
    /// The script itself.
    let text: [UInt8]
    /// The SHA-1 of the text, in 40 hexadecimal digits.
    let digest: [UInt8]

    /// A script of `text`.
    package init(_ text: String) {
        self.text = Array(text.utf8)
        digest = SHA1.hexadecimalDigest(of: self.text)
    }

    /// A call on one key.
    package func call(key: [UInt8], _ arguments: [[UInt8]]) -> RedisCommand {
        let size = arguments.reduce(key.count + 16) { $0 + $1.count + 16 }
        var writer = RedisCommandWriter(calling: self, keys: 1, arguments: arguments.count, capacity: size)
        writer.appendKey(key)
        for argument in arguments { writer.append(argument) }
        return writer.command
    }
}

/// SHA-1 (FIPS 180-4): the name that Redis gives a script, nothing that secrets depend on.
package enum SHA1 {
    /// The digest of `message`, in 40 lower-case hexadecimal digits.
    package static func hexadecimalDigest(of message: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        let bits = UInt64(message.count) * 8
        for shift in stride(from: 56, through: 0, by: -8) { padded.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        for start in stride(from: 0, to: padded.count, by: 64) { mix(padded[start..<(start + 64)], into: &state) }
        let digits = Array("0123456789abcdef".utf8)
        return state.flatMap { word in
            stride(from: UInt32(28), through: 0, by: -4).map { digits[Int(word >> $0 & 15)] }
        }
    }

    private static func mix(_ block: ArraySlice<UInt8>, into state: inout [UInt32]) {
        var words = stride(from: block.startIndex, to: block.endIndex, by: 4).map { at in
            block[at..<(at + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 { word << count | word >> (32 - count) }
        for index in 16..<80 {
            words.append(rotated(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1))
        }
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for index in 0..<80 {
            let (choice, constant): (UInt32, UInt32) =
                switch index {
                case 0..<20: (b & c | ~b & d, 0x5a82_7999)
                case 20..<40: (b ^ c ^ d, 0x6ed9_eba1)
                case 40..<60: (b & c | b & d | c & d, 0x8f1b_bcdc)
                default: (b ^ c ^ d, 0xca62_c1d6)
                }
            let next = rotated(a, 5) &+ choice &+ e &+ constant &+ words[index]
            (a, b, c, d, e) = (next, a, rotated(b, 30), c, d)
        }
        state = zip(state, [a, b, c, d, e]).map { $0 &+ $1 }
    }
}
