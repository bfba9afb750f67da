import LikewiseAPI
import Testing

/// `text` with `bytes` where it says `<>`.
private func around(_ bytes: [UInt8], in text: String = "[\"<>\"]") -> [UInt8] {
    let all = Array(text.utf8)
    guard let at = all.indices.first(where: { all[$0...].starts(with: Array("<>".utf8)) }) else { return all }
    return all[..<at] + bytes + all[(at + 2)...]
}

/// Lists within each other, `depth` of them.
private func nested(_ depth: Int) -> [UInt8] {
    Array(repeating: UInt8(ascii: "["), count: depth) + Array(repeating: UInt8(ascii: "]"), count: depth)
}

@Suite("The JSON scanner")
struct JSONScannerTests {
    @Test(
        "takes what RFC 8259 allows",
        arguments: [
            "0", "-0", "1", "-1", "10", "1.0", "-1.50", "1e1", "1E+1", "1e-1", "0e0", "0.0e00", "123456789012345678901",
            "1e999", "true", "false", "null", "\"\"", "\"a\"", "[]", "{}", "[[]]", "[{}]", "{\"a\":[]}",
            " \t\r\n[ ] \n",
            "[1,2]", "[ 1 , 2 ]", "{\"a\":1,\"b\":2}", "{\"a\":1,\"a\":2}", "{\"\":0}",
            "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
            "\"\\u0000\"", "\"\\u00e9\"", "\"\\uD834\\uDD1E\"", "\"\\ud834\\udd1e\"", "\"\\uFFFF\"", "\"\u{7f}\"",
            "\"\u{e9}\u{20ac}\u{1f600}\"", "\"\u{2028}\"", "\"a long string that is longer than one word of eight\"",
        ])
    func valid(_ text: String) {
        #expect(jsonProblem(Array(text.utf8)) == nil)
    }

    @Test(
        "refuses what RFC 8259 does not allow, and says where",
        arguments: [
            ("", .unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("01", .badNumber, 1), ("-01", .badNumber, 2),
            ("-", .unexpectedEnd, 1), ("-a", .badNumber, 1), ("1.", .unexpectedEnd, 2), ("[1.]", .badNumber, 3),
            (".5", .unexpectedByte, 0), ("1e", .unexpectedEnd, 2), ("1e+", .unexpectedEnd, 3), ("1ea", .badNumber, 2),
            ("+1", .unexpectedByte, 0), ("0x1", .trailingBytes, 1), ("1 2", .trailingBytes, 2), ("--1", .badNumber, 1),
            ("1.e1", .badNumber, 2), ("Infinity", .unexpectedByte, 0), ("-Infinity", .badNumber, 1),
            ("NaN", .unexpectedByte, 0), ("nan", .unexpectedByte, 1), ("tru", .unexpectedEnd, 3),
            ("trux", .unexpectedByte, 3), ("truee", .trailingBytes, 4), ("True", .unexpectedByte, 0),
            ("nul", .unexpectedEnd, 3), ("fals3", .unexpectedByte, 4), ("[", .unexpectedEnd, 1),
            ("]", .unexpectedByte, 0),
            ("[1", .unexpectedEnd, 2), ("[1,", .unexpectedEnd, 3), ("[1,]", .unexpectedByte, 3),
            ("[,1]", .unexpectedByte, 1),
            ("[1 2]", .unexpectedByte, 3), ("[1}", .unexpectedByte, 2), ("[]]", .trailingBytes, 2),
            ("{", .unexpectedEnd, 1), ("{]", .unexpectedByte, 1), ("{\"a\"", .unexpectedEnd, 4),
            ("{\"a\":", .unexpectedEnd, 5), ("{\"a\"}", .unexpectedByte, 4), ("{\"a\" 1}", .unexpectedByte, 5),
            ("{\"a\":1,}", .unexpectedByte, 7), ("{a:1}", .unexpectedByte, 1), ("{1:1}", .unexpectedByte, 1),
            ("{'a':1}", .unexpectedByte, 1), ("{\"a\":1 \"b\":2}", .unexpectedByte, 7), ("{,}", .unexpectedByte, 1),
            ("{\"a\"::1}", .unexpectedByte, 5), ("{}{}", .trailingBytes, 2), ("[]#", .trailingBytes, 2),
            ("/**/[]", .unexpectedByte, 0), ("[]//", .trailingBytes, 2), ("\u{feff}[]", .unexpectedByte, 0),
            ("\u{a0}[]", .unexpectedByte, 0), ("[\u{0b}]", .unexpectedByte, 1), ("[\u{0c}1]", .unexpectedByte, 1),
            ("\"", .unexpectedEnd, 1), ("\"a", .unexpectedEnd, 2), ("\"\\\"", .unexpectedEnd, 3),
            ("\"\\", .unexpectedEnd, 2),
            ("\"\\x\"", .badEscape, 1), ("\"\\'\"", .badEscape, 1), ("\"\\u\"", .badEscape, 1),
            ("\"\\u00", .unexpectedEnd, 5),
            ("\"\\u00g0\"", .badEscape, 1), ("\"\\u+123\"", .badEscape, 1), ("\"\\U0041\"", .badEscape, 1),
            ("\"\\a\"", .badEscape, 1), ("\"\u{1f}\"", .controlCharacter, 1), ("\"a\nb\"", .controlCharacter, 2),
            ("\"\t\"", .controlCharacter, 1), ("\"\u{0}\"", .controlCharacter, 1), ("\u{0}", .unexpectedByte, 0),
            ("[]\u{0}", .trailingBytes, 2), ("[\u{0}]", .unexpectedByte, 1), ("'a'", .unexpectedByte, 0),
            ("\"\\ud800\"", .loneSurrogate, 1), ("\"\\udc00\"", .loneSurrogate, 1), ("\"\\ud800a\"", .loneSurrogate, 1),
            ("\"\\ud800\\n\"", .loneSurrogate, 1), ("\"\\ud800\\u0041\"", .loneSurrogate, 1),
            ("\"\\ud800\\ud800\"", .loneSurrogate, 1), ("\"\\udd1e\\ud834\"", .loneSurrogate, 1),
            ("\"\\ud83d", .unexpectedEnd, 7), ("\"\\ud83d\\", .unexpectedEnd, 8), ("\"\\ud83d\\ud", .unexpectedEnd, 10),
        ] as [(String, BodyProblem.Syntax, Int)])
    func invalid(_ text: String, _ syntax: BodyProblem.Syntax, _ offset: Int) {
        #expect(jsonProblem(Array(text.utf8)) == .syntax(syntax, at: offset))
    }

    @Test(
        "refuses strings that are not UTF-8",
        arguments: [
            [0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xc3], [0xc3, 0x28], [0xe0, 0x80, 0x80], [0xe0, 0x9f, 0xbf],
            [0xe2, 0x82], [0xe2, 0x28, 0xa1], [0xe2, 0x82, 0x28], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf],
            [0xf0, 0x80, 0x80, 0x80], [0xf0, 0x8f, 0xbf, 0xbf], [0xf0, 0x9f, 0x98], [0xf0, 0x9f, 0x28, 0x80],
            [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xfe], [0xff],
        ] as [[UInt8]])
    func notUTF8(_ bytes: [UInt8]) {
        #expect(jsonProblem(around(bytes)) == .syntax(.notUTF8, at: 2))
        #expect(jsonProblem(around(bytes, in: "{\"<>\":1}")) == .syntax(.notUTF8, at: 2))
        #expect(jsonProblem(around(bytes, in: "{\"known\":[\"0123456789<>\"]}")) == .syntax(.notUTF8, at: 21))
    }

    @Test("judges every scalar at every place in a word of eight bytes", arguments: 0..<9)
    func everyByte(_ padding: Int) {
        let pad = [UInt8](repeating: UInt8(ascii: "x"), count: padding)
        for byte in UInt8.min...0x7f {
            let problem = jsonProblem(around(pad + [byte, UInt8(ascii: "y")]))
            switch byte {
            case 0..<0x20: #expect(problem == .syntax(.controlCharacter, at: padding + 2))
            case UInt8(ascii: "\""): #expect(problem == .syntax(.unexpectedByte, at: padding + 3))
            case UInt8(ascii: "\\"): #expect(problem == .syntax(.badEscape, at: padding + 2))
            default: #expect(problem == nil)
            }
        }
        for scalar in [0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x1_0000, 0x10_ffff] as [UInt32] {
            let encoded = Unicode.Scalar(scalar).flatMap { UTF8.encode($0) }.map { Array($0) } ?? []
            #expect(!encoded.isEmpty && jsonProblem(around(pad + encoded)) == nil)
        }
    }

    @Test("goes 32 levels deep and no deeper, in lists, objects and both")
    func depth() {
        #expect(JSONScanner.depthLimit == 32)
        #expect(jsonProblem(nested(32)) == nil)
        #expect(jsonProblem(nested(33)) == .syntax(.tooDeep, at: 32))
        #expect(jsonProblem(nested(100_000)) == .syntax(.tooDeep, at: 32))
        let objects = String(repeating: "{\"a\":", count: 32)
        #expect(jsonProblem(Array((objects + "1" + String(repeating: "}", count: 32)).utf8)) == nil)
        #expect(jsonProblem(Array((objects + "[]").utf8)) == .syntax(.tooDeep, at: 160))
        #expect(jsonProblem(Array("[\(String(repeating: "[],", count: 100))[]]".utf8)) == nil)
    }

    @Test("refuses a valid value cut off at any byte")
    func truncated() {
        let whole = Array(#"{"a":[1.5e+3,"\u00e9\ud83d\ude00é\n",{"b":null}],"c":true,"d":{"":[[]]},"e":-0}"#.utf8)
        #expect(jsonProblem(whole) == nil)
        for end in whole.indices {
            let problem = jsonProblem(Array(whole[..<end]))
            #expect(problem != nil, "cut at \(end)")
        }
    }
}
