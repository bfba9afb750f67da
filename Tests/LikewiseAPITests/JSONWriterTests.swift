import Foundation
import LikewiseAPI
import Testing

private func text(_ build: (inout JSONWriter) -> Void) -> String {
    String(decoding: JSONWriter.bytes(build), as: UTF8.self)
}

@Suite("The JSON writer")
struct JSONWriterTests {
    @Test("sets commas between fields and entries, and nowhere else")
    func structure() {
        let written = text { writer in
            writer.object { object in
                object.field("a", 1)
                object.field("b", object: { $0.field("c", true) })
                object.field(
                    "d",
                    list: { list in
                        list.number(1)
                        list.object { _ in }
                        list.list { $0.null() }
                        list.string("x")
                    })
                object.field("e", object: { _ in })
                object.name("f\"" as String)
                object.boolean(false)
                object.field("g", "h")
            }
        }
        #expect(written == #"{"a":1,"b":{"c":true},"d":[1,{},[null],"x"],"e":{},"f\"":false,"g":"h"}"#)
    }

    @Test(
        "writes whole numbers",
        arguments: [
            0, 1, 9, 10, 99, 100, 12_345, 999_999_999, 9_999_999_999_999_999_999, 10_000_000_000_000_000_000, .max,
        ] as [UInt64])
    func numbers(_ value: UInt64) {
        #expect(text { $0.number(value) } == String(value))
    }

    @Test("writes signed numbers", arguments: [0, -1, 42, .min, .max] as [Int])
    func signedNumbers(_ value: Int) {
        #expect(text { $0.number(value) } == String(value))
    }

    @Test("writes short counts and moments")
    func shortForms() {
        let written = text { writer in
            writer.object { object in
                object.field("display", display: 12_899)
                object.field("since", moment: 1_795_297_778_123)
            }
        }
        #expect(written == #"{"display":"12.8K","since":"2026-11-21T21:49:38.123Z"}"#)
    }

    @Test(
        "escapes what a string must not hold",
        arguments: [
            ("", ""), ("plain", "plain"), ("\"\\/", #"\"\\/"#), ("\u{8}\t\n\u{c}\r", #"\b\t\n\f\r"#),
            ("\u{0}\u{1f}\u{b}\u{10}", #"\u0000\u001f\u000b\u0010"#), ("\u{7f}é€😀", "\u{7f}é€😀"),
            ("eight bytes and then a \" quote", #"eight bytes and then a \" quote"#),
        ])
    func strings(_ value: String, _ inner: String) {
        #expect(text { $0.string(value) } == "\"\(inner)\"")
    }

    @Test(
        "writes U+FFFD for bytes that are not UTF-8, so that the answer is JSON all the same",
        arguments: [
            ([0xff], "\u{fffd}"), ([0x61, 0xc3], "a\u{fffd}"), ([0xc3, 0x22], "\u{fffd}\\\""),
            ([0xed, 0xa0, 0x80], "\u{fffd}\u{fffd}\u{fffd}"), ([0x80, 0xc3, 0xa9], "\u{fffd}é"),
        ] as [([UInt8], String)])
    func notUTF8(_ bytes: [UInt8], _ inner: String) {
        #expect(text { writer in bytes.withUnsafeBytes { writer.string($0) } } == "\"\(inner)\"")
    }

    @Test("begins anew after removeAll, and grows as far as it must")
    func reuse() {
        var writer = JSONWriter(capacity: 1)
        for length in [0, 1, 300, 70_000, 2] {
            writer.removeAll()
            let value = String(repeating: "é", count: length)
            writer.list { $0.string(value) }
            #expect(writer.count == length * 2 + 4)
            #expect(writer.withBytes { String(decoding: $0, as: UTF8.self) } == "[\"\(value)\"]")
        }
    }

    @Test("writes what the scanner reads, and what Foundation reads, whatever the strings are")
    func roundTrip() throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        for round in 0..<5_000 {
            let intent = IntentStrings.random(using: &generator)
            let bytes = JSONWriter.bytes { intent.write(to: &$0, using: &generator) }
            #expect(jsonProblem(bytes) == nil, "LIKEWISE_TEST_SEED=\(seed), round \(round)")
            #expect(scanIntent(bytes) == .success(intent), "LIKEWISE_TEST_SEED=\(seed), round \(round)")
            let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
            #expect(object?["content_id"] as? String == intent.content, "LIKEWISE_TEST_SEED=\(seed), round \(round)")
        }
    }
}

extension IntentStrings {
    /// Strings of 0 to 40 scalars, many of them awkward; about one field in four is not there.
    static func random(using generator: inout SeededGenerator) -> IntentStrings {
        func string() -> String? {
            if Int.random(in: 0..<4, using: &generator) == 0 { return nil }
            var scalars = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...40, using: &generator) {
                let ranges: [ClosedRange<UInt32>] = [
                    0x20...0x7e, 0x61...0x7a, 0...0x7f, 0x80...0xd7ff, 0xe000...0x10_ffff,
                ]
                let range = ranges[Int.random(in: 0..<ranges.count, using: &generator)]
                if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &generator)) { scalars.append(scalar) }
            }
            return String(scalars)
        }
        return IntentStrings(
            content: string(), user: string(), type: string(), reaction: string(), action: string(),
            visibility: string())
    }

    /// Writes the fields, in some order, among fields that nobody asked for.
    func write(to writer: inout JSONWriter, using generator: inout SeededGenerator) {
        var fields: [(StaticString, String?)] = [
            ("content_id", content), ("user_id", user), ("content_type", type), ("reaction", reaction),
            ("action", action), ("visibility", visibility),
        ]
        fields.shuffle(using: &generator)
        writer.object { object in
            for (name, value) in fields {
                if Bool.random(using: &generator) { object.field("extra", list: { $0.number(generator.next()) }) }
                if let value { object.field(name, value) }
            }
        }
    }
}
