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

    /// The milliseconds since 1970 of a moment that is written as `append` writes it; nil for any other text.
    package static func milliseconds(of text: String) -> UInt64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 24 else { return nil }
        for (place, mark) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, "."), (23, "Z")] {
            guard bytes[place] == mark.utf8.first else { return nil }
        }
        func number(_ places: Range<Int>) -> UInt64? {
            places.reduce(0 as UInt64?) { value, i in
                let digit = bytes[i] &- UInt8(ascii: "0")
                return digit < 10 ? value.map { $0 * 10 + UInt64(digit) } : nil
            }
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), let thousandth = number(20..<23),
            year >= 1970, 1...12 ~= month, 1...31 ~= day, hour < 24, minute < 60, second < 60
        else { return nil }
        let days = days(year: year, month: month, day: day)
        // A day that its month does not have comes out as another one.
        guard date(days: days) == (year, month, day) else { return nil }
        return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + thousandth
    }

    /// The days from 1 January 1970 to a date of the Gregorian calendar: the reverse of `date`.
    private static func days(year: UInt64, month: UInt64, day: UInt64) -> UInt64 {
        let year = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = year.quotientAndRemainder(dividingBy: 400)
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
