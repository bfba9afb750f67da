/// How much room text takes on a terminal. Ids are whatever people named their contents.
package enum TextWidth {
    /// Columns of `text`: two for what East Asian fonts and emoji draw wide (Unicode Standard Annex 11, roughly), one
    /// for the rest.
    package static func columns(_ text: String) -> Int { text.reduce(0) { $0 + columns($1) } }

    private static func columns(_ character: Character) -> Int {
        let isWide = character.unicodeScalars.contains { scalar in
            switch scalar.value {
            case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe0f,
                0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1faff, 0x20000...0x3fffd:
                true
            default: false
            }
        }
        return isWide ? 2 : 1
    }

    /// `text` in at most `width` columns, its end cut off where it is longer. What a terminal would obey or turn around
    /// (controls, and marks of direction) is shown as `?`.
    package static func fitted(_ text: String, to width: Int) -> String {
        var out = ""
        var used = 0
        let plain = text.map { $0.unicodeScalars.contains(where: isUnfit) ? "?" : $0 }
        let isTooLong = plain.reduce(0) { $0 + columns($1) } > width
        for character in plain {
            let columns = columns(character)
            guard used + columns <= (isTooLong ? width - 1 : width) else { break }
            out.append(character)
            used += columns
        }
        return isTooLong && width > 0 ? out + "…" : out
    }

    private static func isUnfit(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: true
        case .format: scalar.value != 0x200d
        default: false
        }
    }

    /// `text` in exactly `width` columns, at the left or at the right of them.
    package static func padded(_ text: String, to width: Int, atRight: Bool = false) -> String {
        let text = fitted(text, to: width)
        let space = String(repeating: " ", count: max(0, width - columns(text)))
        return atRight ? space + text : text + space
    }
}

/// A line of small bars.
package enum Sparkline {
    private static let bars = Array("▁▂▃▄▅▆▇█")

    /// A bar for each of the last `width` values, the highest as high as a line; nothing where all are 0.
    package static func text(_ values: [Double], width: Int) -> String {
        let shown = values.suffix(max(0, width))
        guard let highest = shown.max(), highest > 0 else {
            return String(repeating: bars[0], count: shown.count)
        }
        return String(shown.map { bars[Int(($0 / highest * Double(bars.count - 1)).rounded())] })
    }
}

/// Figures for people, short.
package enum Figure {
    /// A rate or a size: `0`, `0.4`, `12`, `1,234`.
    package static func number(_ value: Double) -> String {
        if value > 0, value < 9.95 { return tenths(value) }
        var digits = String(Int(value.rounded()))
        var out = ""
        while digits.count > 3 {
            out = "," + digits.suffix(3) + out
            digits.removeLast(3)
        }
        return digits + out
    }

    /// A time of so many seconds: `85 us`, `1.2 ms`, `13 ms`, `2.5 s`; `-` for none.
    package static func time(_ seconds: Double?) -> String {
        guard let seconds else { return "-" }
        if seconds < 0.000_999_5 { return "\(Int((seconds * 1e6).rounded())) us" }
        if seconds < 0.009_95 { return "\(tenths(seconds * 1e3)) ms" }
        if seconds < 0.999_5 { return "\(Int((seconds * 1e3).rounded())) ms" }
        return "\(tenths(seconds)) s"
    }

    /// So many bytes: `0 B`, `512 B`, `1.5 MiB`.
    package static func bytes(_ bytes: Double) -> String {
        var (rest, unit) = (bytes, 0)
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while rest >= 1023.5, unit < units.count - 1 {
            rest /= 1024
            unit += 1
        }
        return "\(unit > 0 && rest < 9.95 ? tenths(rest) : String(Int(rest.rounded()))) \(units[unit])"
    }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
