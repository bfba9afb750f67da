import LikewiseCore
import LikewiseTestSupport
import Testing

/// The hashes of the byte strings 00, 00 01, 00 01 02 … of 0 to 64 bytes, under seed 0. A content's shard follows from its
/// hash, so a value that changes here moves every content of every data folder. The figures come from a second
/// implementation, in Python.
private let pinned: [UInt64] = [
    0x5993_3f98_7a0b_cd14, 0x4d78_8cf7_6607_7b19, 0x5e1d_5fdf_72be_bf7f, 0x6400_09ea_5bd0_901c,
    0x7e1a_5412_43b1_048e, 0x7d8d_8ce4_7893_6dc9, 0xe41c_c206_f271_af0d, 0x3f8a_40c8_2b63_b078,
    0x2903_5721_770f_3ef1, 0xa987_52e0_989c_c8f1, 0x33af_ebbb_9929_97c0, 0xccb0_abb9_caac_8be9,
    0x4339_ebf3_c0c0_a89b, 0x860b_2a43_37a5_3d5d, 0xe5f6_4fd3_63b4_08cf, 0x6647_314b_e4b2_3679,
    0x5833_2970_9702_9258, 0x794f_be7a_76c1_cfeb, 0x7d6a_33aa_732b_f679, 0x79d9_fdc0_733f_98db,
    0xbe08_6bc1_2c3f_5f91, 0xd445_b100_1153_90ef, 0x9be8_fb8f_d652_64f9, 0xa8fc_e140_b811_48cc,
    0x1065_08f8_3941_0755, 0xa9b4_30cc_200a_4b30, 0x4803_e889_0b0c_04d4, 0x2346_ad75_b18e_bc47,
    0x455a_4a2f_75ab_8d3f, 0xf17d_e298_8063_f57a, 0x2c5d_e41c_b084_942a, 0xa1be_601b_779f_adcc,
    0xd677_25c9_4e31_0f07, 0x6844_3932_ce75_9f1d, 0x0a96_e53a_4d4d_0afb, 0x4522_42b9_f535_48f6,
    0x14c4_a18e_c255_b277, 0x6c0e_636b_8fc6_08e7, 0x5cce_13ad_1a96_1888, 0x9df3_dd9c_b07b_f127,
    0x5089_82ca_c25e_404d, 0x36e0_70bc_c3ce_6faf, 0x0d41_aeac_acc4_717e, 0xd96f_0883_ad0d_ed31,
    0x3c6a_279c_2f42_bcc5, 0x759e_fd6f_eb12_2b76, 0xde02_792a_d656_de37, 0x9267_0ae7_b849_48d7,
    0x0aca_f089_cfa8_2720, 0xa143_6143_b190_877b, 0x371b_3d7e_748d_9997, 0x405c_0870_6d9e_0296,
    0x1654_b07e_d695_1d9e, 0x27f4_9a38_01a7_af6e, 0x8aac_5589_11c0_14a9, 0x3a01_17cd_ed96_da89,
    0x9b96_4146_d476_2229, 0xf811_94cd_855a_3c8e, 0xf367_2a5a_02c2_29c3, 0x39a0_ea97_152c_abc7,
    0x1ef1_0f81_0280_f980, 0x0109_0f75_30a8_fd8b, 0xe999_440c_621c_d227, 0x65a5_1e99_0d04_f7dd,
    0x2f29_fa44_b607_ff2a,
]

@Suite("Hash64")
struct Hash64Tests {
    @Test("The hash of every length from 0 to 64 bytes is what it always was")
    func pinnedLengths() {
        #expect(pinned.count == 65)
        for length in 0..<pinned.count {
            let hash = Hash64.of((0..<length).map(UInt8.init), seed: 0)
            #expect(hash == pinned[length], "\(length) bytes")
        }
    }

    @Test(
        "A content's hash and its shards are what they always were",
        arguments: [
            ("video_abc", 0x8667_f21a_3eb1_152d, [0, 0, 0, 0, 21, 563]),
            ("post_88", 0xff67_034c_310e_8f21, [0, 1, 1, 1, 26, 776]),
            ("user_1", 0x4f5a_8dc4_3896_13de, [0, 1, 2, 6, 43, 715]),
            ("a", 0x29ee_2ad1_6474_c77b, [0, 1, 2, 3, 55, 636]),
            ("https://example.org/watch?v=dQw4w9WgXcQ", 0x89f1_3d6a_33a8_03f8, [0, 1, 1, 1, 1, 980]),
            ("日本語", 0x9fb2_c3cb_d56e_f5aa, [0, 1, 1, 4, 9, 550]),
        ] as [(String, UInt64, [Int])])
    func pinnedContents(id: String, hash: UInt64, shards: [Int]) {
        #expect(Hash64.of(Array(id.utf8), seed: 0) == hash)
        #expect([1, 2, 3, 8, 64, 1_000].map { Hash64.jump(hash, shards: $0) } == shards)
    }

    @Test("Another seed gives another hash, and the same one always the same")
    func seeds() {
        let id = Array("video_abc".utf8)
        #expect(Hash64.of(id, seed: 1) == 0x61ed_9017_556b_97ae)
        let hashes = Set((0..<1_000).map { Hash64.of(id, seed: $0) })
        #expect(hashes.count == 1_000)
    }

    @Test("Where bytes lie in memory does not matter, nor what is around them", arguments: 0...64)
    func alignment(length: Int) {
        let bytes = (0..<length).map(UInt8.init)
        for shift in 0..<9 {
            let around = [UInt8](repeating: 0xaa, count: shift) + bytes + [UInt8](repeating: 0x55, count: 17)
            let hash = around.withUnsafeBytes { all in
                Hash64.of(UnsafeRawBufferPointer(rebasing: all[shift..<shift + length]), seed: 0)
            }
            #expect(hash == pinned[length], "\(shift) bytes into the memory")
        }
    }

    @Test("Zeros of different lengths have different hashes")
    func zeros() {
        let hashes = Set((0...256).map { Hash64.of([UInt8](repeating: 0, count: $0), seed: 0) })
        #expect(hashes.count == 257)
    }

    @Test("Ids that differ in a number only have no hash in common")
    func noCollisions() {
        var hashes = Set<UInt64>()
        for number in 0..<200_000 { hashes.insert(Hash64.of(Array("content_\(number)".utf8), seed: 0)) }
        #expect(hashes.count == 200_000)
    }

    @Test("Each bit of the input changes about half the bits of the hash", arguments: 1...64)
    func avalanche(length: Int) {
        var random = SeededRandom(seed: UInt64(length))
        var changed = 0
        var fewest = 64
        let samples = 64
        for _ in 0..<samples {
            var bytes = random.bytes(length)
            let hash = Hash64.of(bytes, seed: 0)
            for bit in 0..<length * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8)
                let differing = (hash ^ Hash64.of(bytes, seed: 0)).nonzeroBitCount
                bytes[bit / 8] ^= 1 << (bit % 8)
                changed += differing
                fewest = min(fewest, differing)
            }
        }
        let mean = Double(changed) / Double(samples * length * 8)
        #expect(abs(mean - 32) < 1, "\(mean) bits on average")
        #expect(fewest >= 6, "a bit that changed only \(fewest) bits of the hash")
    }

    @Test("Every bit of the hash is set for half the ids")
    func bitsAreEven() {
        var set = [Int](repeating: 0, count: 64)
        let ids = 20_000
        for number in 0..<ids {
            let hash = Hash64.of(Array("user_\(number)".utf8), seed: 0)
            for bit in 0..<64 { set[bit] += Int(hash >> UInt64(bit) & 1) }
        }
        // The standard deviation is 71, so this is seven of them.
        for bit in 0..<64 { #expect(abs(set[bit] - ids / 2) < 500, "bit \(bit) is set \(set[bit]) times of \(ids)") }
    }

    @Test("Two hashes combine to one in which their order matters")
    func combine() {
        #expect(Hash64.combine(1, 2) == 0x56de_2a33_62f2_8b26)
        #expect(Hash64.combine(2, 1) == 0x0162_f4ac_1e0f_58fa)
        var pairs = Set<UInt64>()
        for a in 0..<300 as Range<UInt64> { for b in 0..<300 as Range<UInt64> { pairs.insert(Hash64.combine(a, b)) } }
        #expect(pairs.count == 90_000)
    }
}
