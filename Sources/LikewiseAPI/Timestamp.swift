/// Moments as RFC 3339 writes them, in UTC and with milliseconds: `2026-11-21T21:49:38.123Z`.
package enum Timestamp {
    /// The last moment that RFC 3339's four digits of a year can say, 9999-12-31T23:59:59.999Z. What lies behind it is
    /// written as this.
    package static let lastMilliseconds: UInt64 = 253_402_300_799_999

    /// The moment `milliseconds` after 1970 began.
    package static func string(milliseconds: UInt64) -> String {
        var bytes = GrowingBytes(capacity: 24)
        append(milliseconds: milliseconds, to: &bytes)
        return bytes.withBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// Appends the moment `milliseconds` after 1970 began, in 24 bytes of ASCII.
    package static func append(milliseconds: UInt64, to bytes: inout GrowingBytes) {
        let (days, inDay) = min(milliseconds, lastMilliseconds).quotientAndRemainder(dividingBy: 86_400_000)
        let date = date(days: days)
        bytes.put(decimal: date.year, digits: 4)
        bytes.put(UInt8(ascii: "-"))
        bytes.put(decimal: date.month, digits: 2)
        bytes.put(UInt8(ascii: "-"))
        bytes.put(decimal: date.day, digits: 2)
        bytes.put(UInt8(ascii: "T"))
        bytes.put(decimal: inDay / 3_600_000, digits: 2)
        bytes.put(UInt8(ascii: ":"))
        bytes.put(decimal: inDay / 60_000 % 60, digits: 2)
        bytes.put(UInt8(ascii: ":"))
        bytes.put(decimal: inDay / 1_000 % 60, digits: 2)
        bytes.put(UInt8(ascii: "."))
        bytes.put(decimal: inDay % 1_000, digits: 3)
        bytes.put(UInt8(ascii: "Z"))
    }

    /// The Gregorian date `days` after 1 January 1970.
    ///
    /// Counted in years that begin on 1 March, so that the leap day is a year's last, within eras of 400 years, which
    /// all have 146,097 days (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013).
    private static func date(days: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        let (era, day) = (days + 719_468).quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfMonth)
    }
}
