import Foundation
import LikewiseAPI
import Testing

// The scanner beside Foundation's parser, on bodies that were valid until something happened to them. Both must agree
// on what is JSON, except where the scanner differs on purpose:
//
// - Foundation takes a comma behind the last entry or field; RFC 8259 does not, so the scanner refuses it.
// - Foundation refuses numbers that no Double holds; the scanner does not ask what a number is worth.
// - Foundation takes a byte order mark, and guesses UTF-16 and UTF-32 from zero bytes; the scanner takes UTF-8 only.
// - Foundation goes 512 levels deep, the scanner 32.

private let bodies = [
    #"{"content_id":"video_abc","content_type":"video","user_id":"user_12345678"}"#,
    #" { "videoId" : "a\"b\\c\/\n" , "userId":"\u00e9\ud83d\ude00", "n":[0,-1,1.25,1e3,-0.5E-2], "t":true } "#,
    #"{"content_ids":["a","b","é€😀"],"user_id":"u","x":{"y":[{"z":null},[],{}]},"f":false}"#,
    #"[{"a":"\b\f\r\t"},[[["deep"]]],"plain",12345678901234567890,""]"#,
]

/// Bytes that are likely to make a difference where they come to stand.
private let spice =
    Array("{}[]\",:\\/0123456789.eE+-truefalsn \t\r\nudD8c\u{0}\u{1f}é😀".utf8) + [0x80, 0xc0, 0xed, 0xf4, 0xff]

private func mutate(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let at = Int.random(in: 0...max(0, bytes.count - 1), using: &generator)
        let byte = spice[Int.random(in: 0..<spice.count, using: &generator)]
        switch Int.random(in: 0..<5, using: &generator) {
        case 0 where !bytes.isEmpty: bytes[at] = byte
        case 1 where !bytes.isEmpty: bytes.remove(at: at)
        case 2 where !bytes.isEmpty: bytes.removeLast(Int.random(in: 0...min(8, bytes.count), using: &generator))
        case 3 where !bytes.isEmpty:
            let end = min(bytes.count, at + Int.random(in: 1...8, using: &generator))
            bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &generator))
        default: bytes.insert(byte, at: min(at, bytes.count))
        }
    }
    return bytes
}

private func foundationTakes(_ bytes: [UInt8]) -> Bool {
    (try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])) != nil
}

/// Whether the two may differ on `bytes`: they agree once what they differ on has been taken out.
private func mayDiffer(_ bytes: [UInt8], ours: BodyProblem?) -> Bool {
    if bytes.prefix(4).contains(0) { return true }
    switch ours {
    case nil:
        let text = String(decoding: bytes, as: UTF8.self)
        let tame = text.replacing(/([0-9])[eE]\+?[0-9]{3,}/) { "\($0.output.1)e1" }
        return tame != text && foundationTakes(Array(tame.utf8))
    case .syntax(.unexpectedByte, let at) where bytes[at] == UInt8(ascii: "]") || bytes[at] == UInt8(ascii: "}"):
        let blanks = Array(" \t\r\n".utf8)
        guard let comma = bytes[..<at].lastIndex(where: { !blanks.contains($0) }), bytes[comma] == UInt8(ascii: ",")
        else { return false }
        var without = bytes
        without.remove(at: comma)
        let problem = jsonProblem(without)
        return problem == nil || mayDiffer(without, ours: problem)
    default: return false
    }
}

@Suite("The JSON scanner beside Foundation")
struct JSONDifferentialTests {
    @Test("takes and refuses the same, but for the listed differences")
    func sameVerdict() {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        var taken = 0
        for round in 0..<60_000 {
            let bytes = mutate(Array(bodies[round % bodies.count].utf8), using: &generator)
            let ours = jsonProblem(bytes)
            let theirs = foundationTakes(bytes)
            if ours == nil { taken += 1 }
            if (ours == nil) != theirs, !mayDiffer(bytes, ours: ours) {
                let text = String(decoding: bytes, as: UTF8.self).debugDescription
                let verdicts = "the scanner says \(String(describing: ours)), Foundation takes it: \(theirs)"
                Issue.record("LIKEWISE_TEST_SEED=\(seed), round \(round): \(verdicts): \(text)")
            }
        }
        #expect(taken > 1_000 && taken < 59_000, "\(taken) of 60,000 taken: the mutations prove little")
    }

    @Test(
        "differ where they are listed to differ",
        arguments: [
            ("[1,]", false), ("{\"a\":1,}", false), ("\u{feff}[]", false), ("[1e999]", true),
            ("[\u{0}1\u{0}]\u{0}", false),
            (String(repeating: "[", count: 33) + String(repeating: "]", count: 33), false),
        ])
    func listedDifferences(_ text: String, _ isTaken: Bool) {
        #expect((jsonProblem(Array(text.utf8)) == nil) == isTaken)
        #expect(foundationTakes(Array(text.utf8)) != isTaken)
    }
}
