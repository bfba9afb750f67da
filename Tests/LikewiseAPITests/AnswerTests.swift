import Foundation
import LikewiseAPI
import Testing

@Suite("What clients read of answers")
struct AnswerTests {
    @Test("A value of JSON is there with all that is in it, and counts lose no digit")
    func value() throws {
        let text =
            #"{"count":18446744073709551615,"a":[1,"b",null,true,{}],"t":"ö\u00e9\ud83d\udc4d\n","e":{"x":{"y":-1.5e3}},"#
            + #""liked":false,"a\u0062":2,"twice":1,"twice":2}"#
        let json = try JSONValue(parsing: Array(text.utf8))
        #expect(json["count"]?.count == .max)
        #expect(json["a"]?.entries == [.number("1"), .string("b"), .null, .boolean(true), .object([:])])
        #expect(json["t"]?.text == "öé👍\n")
        #expect(json["e"]?["x"]?["y"] == .number("-1.5e3"))
        #expect(json["e"]?["x"]?["y"]?.count == nil)
        #expect(json["liked"]?.flag == false)
        #expect(json["ab"]?.count == 2)
        #expect(json["twice"]?.count == 2)
        #expect(json["none"] == nil && json["count"]?["a"] == nil && json["count"]?.text == nil)
    }

    @Test(
        "What is not JSON, or too deep, is none",
        arguments: ["", "{", "[1,]", "{\"a\":}", "1 2", "nul", String(repeating: "[", count: 40)])
    func malformed(text: String) {
        #expect(throws: BodyProblem.self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test("What a writer writes is read as it was")
    func roundTrip() throws {
        let bytes = JSONWriter.bytes { writer in
            writer.object { body in
                body.field("text", "a\"b\\c\u{1}é👍")
                body.field("count", UInt64.max)
                body.field("flag", true)
                body.field("list", list: { list in for i in 0..<3 { list.number(i) } })
            }
        }
        let expected: [String: JSONValue] = [
            "text": .string("a\"b\\c\u{1}é👍"), "count": .number("\(UInt64.max)"), "flag": .boolean(true),
            "list": .list([.number("0"), .number("1"), .number("2")]),
        ]
        #expect(try JSONValue(parsing: bytes).fields == expected)
    }

    @Test("A moment that was written is read as it was")
    func moments() {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let edges: [UInt64] = [0, 1, 951_782_400_000, 4_107_542_399_999, Timestamp.lastMilliseconds]
        let drawn = (0..<5_000).map { _ in UInt64.random(in: 0...Timestamp.lastMilliseconds, using: &generator) }
        for milliseconds in edges + drawn {
            let text = Timestamp.string(milliseconds: milliseconds)
            #expect(Timestamp.milliseconds(of: text) == milliseconds, "LIKEWISE_TEST_SEED=\(seed)")
        }
    }

    @Test(
        "A moment that nobody writes like this is none",
        arguments: [
            "", "2026-11-21T21:49:38Z", "2026-11-21 21:49:38.123Z", "2026-13-21T21:49:38.123Z",
            "2026-00-21T21:49:38.123Z",
            "2026-02-29T21:49:38.123Z", "2026-04-31T21:49:38.123Z", "2026-11-21T24:49:38.123Z",
            "2026-11-21T21:60:38.123Z",
            "2026-11-21T21:49:38.12xZ", "1969-12-31T23:59:59.999Z", "2026-11-21T21:49:38.123z",
            "+026-11-21T21:49:38.123Z",
        ])
    func noMoments(text: String) { #expect(Timestamp.milliseconds(of: text) == nil) }

    @Test(
        "Ids are escaped so that paths and queries have them whole",
        arguments: [
            ("video_1", "video_1"), ("a/b?c=d&e#f", "a%2Fb%3Fc%3Dd%26e%23f"), ("100% +", "100%25%20%2B"),
            ("ö", "%C3%B6"),
            ("a.b~c-d", "a.b~c-d"), (".", "%2E"), ("..", "%2E%2E"), ("...", "%2E%2E%2E"), (".a", ".a"), ("", ""),
        ])
    func escaped(text: String, expected: String) {
        #expect(URIText.escaped(text) == expected)
        #expect(URIText.escaped(text).removingPercentEncoding == text)
    }
}
