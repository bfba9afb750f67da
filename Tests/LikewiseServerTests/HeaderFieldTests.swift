import LikewiseServer
import Testing

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

@Suite("Entity tags")
struct EntityTagTests {
    @Test("A tag is sixteen hexadecimal digits in quotation marks, leading zeros too")
    func form() {
        for i in 0..<5_000 {
            let tag = EntityTag.of(Array("\(i)".utf8))
            #expect(tag.utf8.count == 18)
            #expect(tag.first == "\"" && tag.last == "\"")
            #expect(tag.dropFirst().dropLast().utf8.allSatisfy { ("0"..."9").contains($0) || ("a"..."f").contains($0) })
        }
    }

    @Test("The same body has the same tag, another body another one")
    func ofBody() {
        let bodies = (0..<2_000).map { Array(#"{"content_id":"v","count":\#($0)}"#.utf8) }
        #expect(Set(bodies.map { EntityTag.of($0) }).count == bodies.count)
        for body in bodies { #expect(EntityTag.of(body) == body.withUnsafeBytes { EntityTag.of($0) }) }
    }

    @Test("An empty body has a tag of its own")
    func empty() {
        #expect(EntityTag.of([]) != EntityTag.of([0]))
    }

    @Test(
        "If-None-Match names a tag alone, in a list, weakly, or as any",
        arguments: [
            "\"ab\"", "W/\"ab\"", "*", " \"ab\" ", "\"x\", \"ab\"", "\"x\",\"ab\"", "\"x\" ,\t W/\"ab\" , \"y\"",
            ",, \"ab\"", "* ",
        ])
    func matches(_ field: String) {
        #expect(EntityTag.matches(field, "\"ab\""))
    }

    @Test(
        "If-None-Match does not name a tag that only resembles one in it",
        arguments: [
            "", " ", ",", "ab", "\"AB\"", "\"a\"", "\"abc\"", "w/\"ab\"", "W/ \"ab\"", "\"a b\"", "**", "\"ab\"x",
        ])
    func matchesNot(_ field: String) {
        #expect(!EntityTag.matches(field, "\"ab\""))
    }
}

extension ClosedRange<Character> {
    fileprivate func contains(_ byte: UInt8) -> Bool { contains(Character(Unicode.Scalar(byte))) }
}

@Suite("HTTP dates")
struct HTTPDateTests {
    @Test(
        "Moments that are known have the form of RFC 9110",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (1, "Thu, 01 Jan 1970 00:00:01 GMT"),
            (86_399, "Thu, 01 Jan 1970 23:59:59 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_000_000_000, "Sun, 09 Sep 2001 01:46:40 GMT"), (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"), (2_147_483_647, "Tue, 19 Jan 2038 03:14:07 GMT"),
            (4_102_444_800, "Fri, 01 Jan 2100 00:00:00 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] as [(UInt64, String)])
    func known(_ seconds: UInt64, _ expected: String) {
        #expect(HTTPDate.string(seconds) == expected)
    }

    @Test("Every day until 2400 is what the C library says")
    func likeTheLibrary() {
        for day in UInt64(0)..<157_054 {
            var moment = time_t(day * 86_400 + day % 86_400)
            var parts = tm()
            gmtime_r(&moment, &parts)
            var text = [CChar](repeating: 0, count: 64)
            let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
            let expected = String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard HTTPDate.string(UInt64(moment)) == expected else {
                Issue.record("\(HTTPDate.string(UInt64(moment))) should be \(expected)")
                return
            }
        }
    }
}
