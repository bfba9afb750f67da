import LikewiseAPI
import Testing

private func decode(_ text: some Collection<UInt8>) -> Result<Cursor, CursorProblem> {
    do throws(CursorProblem) {
        return .success(try Cursor(decoding: text))
    } catch {
        return .failure(error)
    }
}

private func decode(_ text: String) -> Result<Cursor, CursorProblem> { decode(Array(text.utf8)) }

@Suite("A cursor")
struct CursorTests {
    @Test(
        "comes back as it was given out",
        arguments: [
            Cursor(reading: 0, region: 0, id: [0x61]), Cursor(reading: .max, region: .max, id: [0xff]),
            Cursor(reading: 0x0123_4567_89ab_cdef, region: 0xfedc, id: Array("video_abc".utf8)),
            Cursor(reading: 1, region: 2, id: Array("é€😀/+?&=".utf8)),
            Cursor(reading: 3, region: 4, id: [UInt8](repeating: 0x7a, count: 255)),
            Cursor(reading: 3, region: 4, id: [UInt8](repeating: 0x7a, count: 256)),
        ])
    func roundTrip(_ cursor: Cursor) {
        let text = cursor.encoded()
        #expect(decode(text) == .success(cursor))
        #expect(text.utf8.count <= Cursor.encodedBytes)
        #expect(text.wholeMatch(of: /[A-Za-z0-9_-]+/) != nil)
    }

    @Test("has one form that does not change")
    func form() {
        let cursor = Cursor(reading: 1_795_297_778_123 << 16, region: 1, id: Array("video_abc".utf8))
        #expect(cursor.encoded() == "AQGiABYZywAAAAF2aWRlb19hYmOlWA")
    }

    @Test("is refused when one character of it is another, missing, doubled or swapped with the next")
    func mangled() {
        let text = Array(Cursor(reading: 0x1234_5678_9abc, region: 7, id: Array("user_123".utf8)).encoded().utf8)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ %".utf8) + [0, 0xff]
        func isRefused(_ other: [UInt8]) -> Bool {
            if case .failure = decode(other) { return true }
            return other == text
        }
        for at in text.indices {
            for character in alphabet {
                #expect(isRefused(text[..<at] + [character] + text[(at + 1)...]))
            }
            #expect(isRefused(Array(text[..<at]) + text[(at + 1)...]))
            #expect(isRefused(Array(text[...at]) + text[at...]))
            #expect(isRefused(Array(text[..<at])))
            if at + 1 < text.count { #expect(isRefused(text[..<at] + [text[at + 1], text[at]] + text[(at + 2)...])) }
        }
    }

    @Test(
        "is refused with the reason",
        arguments: [
            ("", .badLength), ("A", .notBase64URL), ("AQ", .badLength), ("AA", .unknownVersion),
            ("Ag", .unknownVersion),
            ("AQ==", .notBase64URL), ("AR", .notBase64URL), ("A Q", .notBase64URL), ("A+Q/", .notBase64URL),
            ("AQAAAAAAAAAAAAAAAA", .badLength), ("AQGiABYZywAAAAF2aWRlb19hYmOlWB", .notBase64URL),
            ("AQGiABYZywAAAAF2aWRlb19hYmOlWQ", .badChecksum), ("AQGiABYZywAAAAF2aWRlb19hYmOlXA", .badChecksum),
            (String(repeating: "A", count: 10_000), .badLength),
        ] as [(String, CursorProblem)])
    func reasons(_ text: String, _ problem: CursorProblem) {
        #expect(decode(text) == .failure(problem))
    }

    @Test("is refused, and does no harm, whatever the bytes are")
    func anything() {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        for _ in 0..<5_000 {
            let length = Int.random(in: 0...400, using: &generator)
            let text = (0..<length).map { _ in alphabet[Int.random(in: 0..<64, using: &generator)] }
            if case .success(let cursor) = decode(text) {
                #expect(Array(cursor.encoded().utf8) == text, "LIKEWISE_TEST_SEED=\(seed)")
            }
        }
    }
}
