/// What a report line holds: JSON without a parser, objects in the order in which they are written.
package indirect enum BenchValue: Sendable, Hashable {
    case number(Double)
    case text(String)
    case flag(Bool)
    case list([BenchValue])
    case object([BenchField])

    /// The value as JSON. What no JSON number can say (not a number, infinite) is null.
    package var json: String {
        switch self {
        case .number(let value): BenchValue.json(value)
        case .text(let text): BenchValue.json(text)
        case .flag(let flag): flag ? "true" : "false"
        case .list(let values): "[\(values.map(\.json).joined(separator: ","))]"
        case .object(let fields):
            "{\(fields.map { "\(BenchValue.json($0.name)):\($0.value.json)" }.joined(separator: ","))}"
        }
    }

    /// Whole from 1,000 on, three decimals below: more would be noise in a measurement.
    private static func json(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        let shown = abs(value) >= 1000 ? value.rounded() : (value * 1000).rounded() / 1000
        return Int(exactly: shown).map(String.init) ?? "\(shown)"
    }

    private static func json(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}

/// A name and its value in an object.
package struct BenchField: Sendable, Hashable {
    package let name: String
    package let value: BenchValue

    package init(_ name: String, _ value: BenchValue) {
        self.name = name
        self.value = value
    }
}

extension BenchValue: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByStringInterpolation, ExpressibleByDictionaryLiteral
{
    package init(integerLiteral value: Int) { self = .number(Double(value)) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(booleanLiteral value: Bool) { self = .flag(value) }
    package init(stringLiteral value: String) { self = .text(value) }
    package init(dictionaryLiteral elements: (String, BenchValue)...) {
        self = .object(elements.map { BenchField($0, $1) })
    }

    /// A whole number. Beyond 2⁵³ the nearest that JSON's readers hold.
    package static func count(_ value: some BinaryInteger) -> BenchValue { .number(Double(value)) }
}
