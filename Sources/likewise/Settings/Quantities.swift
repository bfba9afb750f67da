/// Sizes in bytes as people write them: powers of 1024, with the unit spelled as IEC does.
package enum ByteSize {
    private static let units: [(name: String, shift: Int)] = [
        ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0),
    ]

    /// The bytes of `1048576`, `64KiB` or `1GiB`; nil for anything else, and for what does not fit 63 bits. Case and one
    /// space before the unit do not matter; `MB` is refused, because it is read as 10⁶ by some and 2²⁰ by others.
    package static func parse(_ text: String) -> Int? {
        guard let (number, unit) = split(text) else { return nil }
        if unit.isEmpty { return number }
        guard let known = units.first(where: { $0.name.lowercased() == unit.lowercased() }) else { return nil }
        let (value, overflow) = number.multipliedReportingOverflow(by: 1 << known.shift)
        return overflow ? nil : value
    }

    /// The shortest exact text of `bytes`.
    package static func text(_ bytes: Int) -> String {
        let unit = units.first { bytes >= 1 << $0.shift && bytes % (1 << $0.shift) == 0 }
        guard let unit, unit.shift > 0 else { return "\(bytes)" }
        return "\(bytes >> unit.shift)\(unit.name)"
    }
}

/// Times as people write them: one whole number and one unit.
package enum DurationText {
    private static let units: [(name: String, nanoseconds: Int)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1000),
    ]

    /// The time of `250ms`, `1s`, `10m`, `12h` or `7d`; nil for anything else, a number without unit among it.
    package static func parse(_ text: String) -> Duration? {
        guard let (number, unit) = split(text) else { return nil }
        guard let known = units.first(where: { $0.name == unit }) else { return nil }
        let (value, overflow) = number.multipliedReportingOverflow(by: known.nanoseconds)
        return overflow ? nil : .nanoseconds(value)
    }

    /// The shortest exact text of `duration`, in whole microseconds.
    package static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        if nanoseconds == 0 { return "0s" }
        let unit = units.first { nanoseconds % $0.nanoseconds == 0 } ?? ("us", 1000)
        return "\(nanoseconds / unit.nanoseconds)\(unit.name)"
    }
}

extension Duration {
    /// Whole nanoseconds; 0 for negative ones.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return seconds < 0 ? 0 : UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }

    /// Whole milliseconds.
    var milliseconds: UInt64 { nanoseconds / 1_000_000 }
}

/// The number and the unit of a text such as `64KiB`; the number is made of digits alone and fits 63 bits.
private func split(_ text: String) -> (number: Int, unit: Substring)? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits) else { return nil }
    let rest = text[digits.endIndex...]
    return (number, rest.hasPrefix(" ") ? rest.dropFirst() : rest)
}
