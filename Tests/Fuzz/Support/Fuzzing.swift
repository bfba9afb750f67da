// What the fuzzers share. Each is one function that libFuzzer calls with bytes of its making; where a rule is broken it
// ends the process with the rule, and libFuzzer keeps the bytes.

/// Ends the process unless a rule holds.
func require(_ holds: Bool, _ rule: @autoclosure () -> String) {
    if !holds { fatalError("broken: \(rule())") }
}

/// Hands `body` the bytes that libFuzzer calls with: in a block of their size, so that AddressSanitizer sees a read beyond.
func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> CInt {
    body(UnsafeRawBufferPointer(start: data, count: count))
    return 0
}

extension UnsafeRawBufferPointer {
    /// The first `count` bytes.
    func first(_ count: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[..<count]) }

    /// The bytes of a range.
    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }
}

/// Choices that follow from the input alone, so that the same input always fails alike (SplitMix64).
struct Choices {
    private var state: UInt64

    /// Choices for an input.
    init(_ input: UnsafeRawBufferPointer) {
        state = input.reduce(0x9e37_79b9_7f4a_7c15) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// A number below `bound`, which is above 0.
    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((z ^ (z >> 31)) >> 1) % bound
    }
}

/// The lengths at which an input of `count` bytes is cut in turn: each one of a short input, and of a longer one the first,
/// the last and some between.
func cuts(of count: Int, _ choices: inout Choices) -> [Int] {
    if count <= 256 { return Array(0..<count) }
    var found = Array(0..<32) + Array((count - 32)..<count)
    for _ in 0..<64 { found.append(choices.below(count)) }
    return found.sorted()
}
