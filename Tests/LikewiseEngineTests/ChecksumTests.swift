import CPlatform
import LikewiseTestSupport
import Testing

@Suite("CRC-32C")
struct ChecksumTests {
    /// The command of RFC 3720, B.4, "an iSCSI - SCSI Read (10) Command PDU".
    private static let command: [UInt8] = [
        0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0,
        0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
    ]

    private static let vectors: [(bytes: [UInt8], crc: UInt32)] = [
        ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
        ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
        (Array(0..<32), 0x46dd_794e),
        (Array((0..<32).reversed()), 0x113f_db5c),
        (command, 0xd996_3a56),
        (Array("123456789".utf8), 0xe306_9283),
        ([], 0),
    ]

    @Test("The vectors of RFC 3720 come out, by the instruction and in portable code", arguments: vectors)
    func known(bytes: [UInt8], crc: UInt32) {
        #expect(likewise_crc32c(0, bytes, bytes.count) == crc)
        #expect(likewise_crc32c_portable(0, bytes, bytes.count) == crc)
    }

    @Test("Both give the same for every length and alignment, in one go and continued")
    func same() {
        var random = SeededRandom(seed: 1)
        let bytes = random.bytes(4_096)
        bytes.withUnsafeBytes { p in
            for length in 0..<600 {
                let start = p.baseAddress.map { $0 + random.below(64) }
                let whole = likewise_crc32c(0, start, length)
                #expect(whole == likewise_crc32c_portable(0, start, length))
                let cut = random.within(0...length)
                let first = likewise_crc32c(0, start, cut)
                #expect(whole == likewise_crc32c(first, start.map { $0 + cut }, length - cut))
                #expect(whole == likewise_crc32c_portable(first, start.map { $0 + cut }, length - cut))
            }
        }
    }
}
