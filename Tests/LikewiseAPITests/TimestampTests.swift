import Foundation
import LikewiseAPI
import Testing

@Suite("A moment")
struct TimestampTests {
    @Test(
        "is written as RFC 3339 has it, in UTC with milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"), (86_399_999, "1970-01-01T23:59:59.999Z"),
            (86_400_000, "1970-01-02T00:00:00.000Z"), (68_169_599_999, "1972-02-28T23:59:59.999Z"),
            (68_169_600_000, "1972-02-29T00:00:00.000Z"), (68_256_000_000, "1972-03-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (978_307_199_999, "2000-12-31T23:59:59.999Z"), (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (1_709_251_199_000, "2024-02-29T23:59:59.000Z"), (1_740_787_199_999, "2025-02-28T23:59:59.999Z"),
            (1_740_787_200_000, "2025-03-01T00:00:00.000Z"), (1_795_297_778_123, "2026-11-21T21:49:38.123Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (13_574_563_200_000, "2400-02-29T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "9999-12-31T23:59:59.999Z"), (.max, "9999-12-31T23:59:59.999Z"),
        ] as [(UInt64, String)])
    func table(_ milliseconds: UInt64, _ expected: String) {
        #expect(Timestamp.string(milliseconds: milliseconds) == expected)
    }

    @Test("falls on the same date as Foundation's calendar says")
    func beside() {
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = .gmt
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            let milliseconds = UInt64.random(in: 0...Timestamp.lastMilliseconds, using: &generator)
            let date = Date(timeIntervalSince1970: Double(milliseconds / 1_000))
            let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
            let numbers = [parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second].map { $0 ?? -1 }
            let written = Timestamp.string(milliseconds: milliseconds)
            let read = written.dropLast(5).split { "-T:".contains($0) }.compactMap { Int($0) }
            #expect(read == numbers, "LIKEWISE_TEST_SEED=\(seed), \(milliseconds): \(written)")
        }
    }
}
