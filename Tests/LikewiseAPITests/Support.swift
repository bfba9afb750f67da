import Foundation
import LikewiseAPI

/// A small generator whose whole state is its seed (SplitMix64: Steele, Lea and Flood, 2014).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

/// The seed of this run: `LIKEWISE_TEST_SEED`, or drawn and printed so that the run can be repeated.
func testSeed(_ name: String = #function) -> UInt64 {
    let given = ProcessInfo.processInfo.environment["LIKEWISE_TEST_SEED"].flatMap { UInt64($0) }
    let seed = given ?? UInt64.random(in: 0 ..< .max)
    print("\(name): LIKEWISE_TEST_SEED=\(seed)")
    return seed
}

/// What is wrong with `bytes` as JSON, or nil.
func jsonProblem(_ bytes: [UInt8]) -> BodyProblem? {
    bytes.withUnsafeBytes { input in
        do throws(BodyProblem) {
            try JSONScanner.check(input)
            return nil
        } catch {
            return error
        }
    }
}

/// An intent's fields as strings.
struct IntentStrings: Equatable {
    var content: String?
    var user: String?
    var type: String?
    var reaction: String?
    var action: String?
    var visibility: String?
}

/// The fields of an intent's body, or what is wrong with it.
func scanIntent(_ bytes: [UInt8]) -> Result<IntentStrings, BodyProblem> {
    bytes.withUnsafeBytes { body in
        var scratch: [UInt8] = []
        do throws(BodyProblem) {
            let fields = try IntentBody.scan(body, scratch: &scratch)
            func string(_ slice: Slice?) -> String? { slice?.string(body: body, scratch: scratch) }
            return .success(
                IntentStrings(
                    content: string(fields.content), user: string(fields.user), type: string(fields.type),
                    reaction: string(fields.reaction), action: string(fields.action),
                    visibility: string(fields.visibility)))
        } catch {
            return .failure(error)
        }
    }
}

/// The fields of an intent's body, or what is wrong with it.
func scanIntent(_ text: String) -> Result<IntentStrings, BodyProblem> { scanIntent(Array(text.utf8)) }
