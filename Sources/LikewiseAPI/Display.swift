/// A count, short for people: `999`, `1.2K`, `12.8K`, `128K`, `1.2M`, `3.4B`, `1T`.
///
/// One decimal below 100 of a unit, none from 100 on, and never `.0`. Always rounded down, so that nobody is shown more
/// than there is: 999,999 is `999K`. `T` is the last unit; beyond 999T its number grows.
package enum Display {
    /// `count` as people read it.
    package static func short(_ count: UInt64) -> String {
        var bytes = GrowingBytes(capacity: 24)
        append(count, to: &bytes)
        return bytes.withBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// Appends `count` as people read it, in ASCII.
    package static func append(_ count: UInt64, to bytes: inout GrowingBytes) {
        let unit: UInt64
        let letter: UInt8
        switch count {
        case 0..<1_000:
            bytes.put(decimal: count)
            return
        case 0..<1_000_000: (unit, letter) = (1_000, UInt8(ascii: "K"))
        case 0..<1_000_000_000: (unit, letter) = (1_000_000, UInt8(ascii: "M"))
        case 0..<1_000_000_000_000: (unit, letter) = (1_000_000_000, UInt8(ascii: "B"))
        default: (unit, letter) = (1_000_000_000_000, UInt8(ascii: "T"))
        }
        let (whole, rest) = count.quotientAndRemainder(dividingBy: unit)
        bytes.put(decimal: whole)
        let tenths = rest / (unit / 10)
        if whole < 100, tenths > 0 {
            bytes.put(UInt8(ascii: "."))
            bytes.put(decimal: tenths)
        }
        bytes.put(letter)
    }
}
