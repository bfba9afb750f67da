import LikewiseAPI
import Testing

@Suite("A short count")
struct DisplayTests {
    @Test(
        "is what people read",
        arguments: [
            (0, "0"), (1, "1"), (999, "999"), (1_000, "1K"), (1_099, "1K"), (1_100, "1.1K"), (1_234, "1.2K"),
            (9_999, "9.9K"), (10_000, "10K"), (12_899, "12.8K"), (99_999, "99.9K"), (100_000, "100K"),
            (128_412, "128K"), (999_999, "999K"), (1_000_000, "1M"), (1_099_999, "1M"), (1_200_000, "1.2M"),
            (99_999_999, "99.9M"), (999_999_999, "999M"), (1_000_000_000, "1B"), (3_400_000_000, "3.4B"),
            (999_999_999_999, "999B"), (1_000_000_000_000, "1T"), (1_250_000_000_000, "1.2T"),
            (999_999_999_999_999, "999T"), (1_000_000_000_000_000, "1000T"), (.max, "18446744T"),
        ] as [(UInt64, String)])
    func table(_ count: UInt64, _ expected: String) {
        #expect(Display.short(count) == expected)
    }

    @Test("never shows more than there is, nor less by more than a tenth")
    func roundedDown() {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            let count = generator.next() >> UInt64.random(in: 0..<64, using: &generator)
            let shown = value(Display.short(count))
            #expect(shown <= count && count - shown <= count / 10, "LIKEWISE_TEST_SEED=\(seed), \(count)")
        }
    }

    /// The count that a short form says.
    private func value(_ short: String) -> UInt64 {
        let units: [Character: UInt64] = ["K": 1_000, "M": 1_000_000, "B": 1_000_000_000, "T": 1_000_000_000_000]
        guard let last = short.last, let unit = units[last] else { return UInt64(short) ?? .max }
        let parts = short.dropLast().split(separator: ".").compactMap { UInt64($0) }
        return parts[0] * unit + (parts.count > 1 ? parts[1] * unit / 10 : 0)
    }
}
