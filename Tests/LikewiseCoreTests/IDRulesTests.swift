import LikewiseCore
import LikewiseTestSupport
import Testing

private func check(_ bytes: UnsafeRawBufferPointer, limit: Int = IDRules.contentBytes) -> IDRules.Problem? {
    do {
        try IDRules.check(bytes, limit: limit)
        return nil
    } catch {
        return error
    }
}

private func check(_ bytes: [UInt8], limit: Int = IDRules.contentBytes) -> IDRules.Problem? {
    bytes.withUnsafeBytes { check($0, limit: limit) }
}

/// Whether the rules and the standard library agree on `bytes`, 1 to 256 of them. Of two faults either may be named.
private func agrees(_ bytes: [UInt8]) -> Bool {
    let text = String(validating: bytes, as: UTF8.self)
    let control = (text ?? String(decoding: bytes, as: UTF8.self)).unicodeScalars
        .contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) }
    switch check(bytes) {
    case nil: return text != nil && !control
    case .notUTF8: return text == nil
    case .controlCharacter: return control
    case .empty, .tooLong: return false
    }
}

@Suite("Rules for ids")
struct IDRulesTests {
    @Test(
        "What callers name things is taken",
        arguments: [
            "a", " ", "video_abc", "a/b", "https://example.org/watch?v=1&t=2", "..", "%00", "日本語", "👍🏽", "e\u{301}",
            "\u{a0}",
            "\u{2028}", "\u{fffd}", "\u{ffff}", "\u{10ffff}", "\u{d7ff}", "\u{e000}", "\u{feff}id", "\u{202e}", "\"\\",
        ])
    func valid(id: String) {
        #expect(check(Array(id.utf8)) == nil)
    }

    @Test(
        "Bytes that are not UTF-8 are refused",
        arguments: [
            [0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xc2], [0xc2, 0x41], [0xc2, 0xc0], [0xdf], [0xe0, 0x80, 0x80],
            [0xe0, 0x9f, 0xbf], [0xe0, 0xa0], [0xe2, 0x82], [0xe2, 0x82, 0x41], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf],
            [0xf0, 0x80, 0x80, 0x80], [0xf0, 0x8f, 0xbf, 0xbf], [0xf0, 0x9f, 0x91], [0xf0, 0x9f, 0x91, 0x41],
            [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xfe], [0xff],
            [0x61, 0xff, 0x62], [0x61, 0xe2, 0x82, 0xac, 0x80], [0xed, 0xa0, 0xbd, 0xed, 0xb1, 0x8d],
        ] as [[UInt8]])
    func notUTF8(bytes: [UInt8]) {
        #expect(check(bytes) == .notUTF8)
    }

    @Test("A control character is refused at the beginning, inside and at the end", arguments: Array(0..<0x20) + [0x7f])
    func controlASCII(code: UInt8) {
        for bytes in [[code], [code, 0x61], [0x61, code, 0x61], [0x61, code]] {
            #expect(check(bytes) == .controlCharacter)
        }
    }

    @Test(
        "The control characters U+0080 to U+009F are refused, and U+00A0 is not",
        arguments: 0x80...0xbf as ClosedRange<UInt8>)
    func controlC1(second: UInt8) {
        let want: IDRules.Problem? = second < 0xa0 ? .controlCharacter : nil
        #expect(check([0xc2, second]) == want)
        #expect(check([0x61, 0xc2, second, 0x61]) == want)
    }

    @Test(
        "Lengths are counted in bytes and end at the limit", arguments: [IDRules.contentBytes, IDRules.userBytes, 1, 4])
    func lengths(limit: Int) {
        #expect(check([], limit: limit) == .empty)
        #expect(check([0x61], limit: limit) == nil)
        #expect(check([UInt8](repeating: 0x61, count: limit), limit: limit) == nil)
        #expect(check([UInt8](repeating: 0x61, count: limit + 1), limit: limit) == .tooLong(limit: limit))
        let euros = Array(String(repeating: "€", count: limit / 3 + 1).utf8)
        #expect(check(euros, limit: limit) == .tooLong(limit: limit))
        #expect(check(euros, limit: euros.count) == nil)
    }

    @Test("The limits are those of the contract")
    func limits() {
        #expect(IDRules.contentBytes == 256 && IDRules.userBytes == 128 && IDRules.nameBytes == 32)
    }

    @Test("A character that is cut off by the end is refused, though the memory goes on")
    func cutOff() {
        let memory = Array("aaa€👍".utf8)
        for end in 1...memory.count {
            let problem = memory.withUnsafeBytes { check(UnsafeRawBufferPointer(rebasing: $0[..<end])) }
            #expect(problem == ([1, 2, 3, 6, 10].contains(end) ? nil : .notUTF8), "\(end) bytes")
        }
    }

    @Test("Every character of Unicode is taken unless it is a control character")
    func allScalars() {
        var wrong: [UInt32] = []
        for value in 0...0x10ffff as ClosedRange<UInt32> {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let control = value < 0x20 || (0x7f...0x9f).contains(value)
            if (check(Array(UTF8.encode(scalar) ?? .init())) == nil) == control { wrong.append(value) }
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(5))")
    }

    @Test("It agrees with the standard library on all one and two bytes")
    func differentialShort() {
        for a in 0...255 as ClosedRange<UInt8> {
            if !agrees([a]) { Issue.record("\([a])") }
            for b in 0...255 as ClosedRange<UInt8> where !agrees([a, b]) { Issue.record("\([a, b])") }
        }
    }

    @Test("It agrees with the standard library on three and four bytes at the edges of UTF-8's ranges")
    func differentialEdges() {
        let edges: [UInt8] = [
            0x00, 0x1f, 0x20, 0x7e, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
            0xed,
            0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
        ]
        let last: [UInt8] = [0x1f, 0x61, 0x7f, 0x80, 0xbf, 0xc2]
        for a in edges {
            for b in edges {
                for c in edges {
                    if !agrees([a, b, c]) { Issue.record("\([a, b, c])") }
                    for d in last where a >= 0xe0 && !agrees([a, b, c, d]) { Issue.record("\([a, b, c, d])") }
                }
            }
        }
    }

    @Test("It agrees with the standard library on random text with random damage", arguments: SeededRandom.seeds(8))
    func differentialRandom(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let scalars: [ClosedRange<Int>] = [
            0x20...0x7e, 0x20...0x7e, 0xa0...0x7ff, 0x800...0xd7ff, 0x1_0000...0x10_ffff,
        ]
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<random.within(1...12) {
                let value = random.within(random.pick(scalars))
                bytes += Unicode.Scalar(UInt32(value)).flatMap { UTF8.encode($0) }.map(Array.init) ?? []
            }
            for _ in 0..<random.below(3) where !bytes.isEmpty {
                let at = random.below(bytes.count)
                switch random.below(3) {
                case 0: bytes[at] = UInt8(random.below(256))
                case 1: bytes.remove(at: at)
                default: bytes.insert(UInt8(random.below(256)), at: at)
                }
            }
            if !bytes.isEmpty && !agrees(bytes) {
                Issue.record("seed \(seed): \(bytes)")
                return
            }
        }
    }

    @Test("A name is 1 to 32 of a-z 0-9 _ -", arguments: 0...255 as ClosedRange<UInt8>)
    func nameCharacters(byte: UInt8) {
        let allowed = Array("abcdefghijklmnopqrstuvwxyz0123456789_-".utf8).contains(byte)
        #expect(IDRules.isName([byte]) == allowed)
        #expect(IDRules.isName([0x61, byte, 0x61]) == allowed)
    }

    @Test("A name's length ends at 32", arguments: [(0, false), (1, true), (31, true), (32, true), (33, false)])
    func nameLength(count: Int, allowed: Bool) {
        #expect(IDRules.isName([UInt8](repeating: 0x61, count: count)) == allowed)
    }
}
