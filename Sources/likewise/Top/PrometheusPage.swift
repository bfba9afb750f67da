// A page of metrics, read back: the text exposition format 0.0.4 of Prometheus ("Exposition formats" in its
// documentation).

/// What a server said of itself at one moment.
package struct PrometheusPage: Sendable {
    /// One series: a name with its labels.
    package struct Series: Hashable, Sendable {
        package var name: String
        package var labels: [String: String]

        package init(_ name: String, _ labels: [String: String] = [:]) { (self.name, self.labels) = (name, labels) }
    }

    /// A line that is none of the format.
    package struct Problem: Error, CustomStringConvertible, Equatable {
        /// From 1.
        package var line: Int

        package init(line: Int) { self.line = line }

        package var description: String { "line \(line) is none of Prometheus' text format" }
    }

    /// The series by name, with their values.
    private var values: [String: [[String: String]: Double]] = [:]

    /// The page that `text` is. Comments, types and times of samples are passed over.
    package init(parsing text: some StringProtocol) throws(Problem) {
        var number = 0
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            var scanner = Scanner(rest: Array(line)[...])
            scanner.skipBlanks()
            if scanner.rest.isEmpty || scanner.rest.first == UInt8(ascii: "#") { continue }
            guard let (series, value) = scanner.sample() else { throw Problem(line: number) }
            values[series.name, default: [:]][series.labels] = value
        }
    }

    /// The value of a series; nil where it is not on the page.
    package subscript(series: Series) -> Double? { values[series.name]?[series.labels] }

    /// All series of a name, with their values.
    package func all(_ name: String) -> [[String: String]: Double] { values[name] ?? [:] }

    /// The values that a label has in the series of a name, in order; numbers by their size.
    package func values(of label: String, in name: String) -> [String] {
        Set(all(name).keys.compactMap { $0[label] }).sorted { a, b in
            if let a = Int(a), let b = Int(b) { a < b } else { a < b }
        }
    }

    /// Reads one line.
    private struct Scanner {
        var rest: ArraySlice<UInt8>

        mutating func skipBlanks() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d } }

        mutating func take(_ byte: Character) -> Bool {
            guard rest.first == byte.asciiValue else { return false }
            rest = rest.dropFirst()
            return true
        }

        mutating func name() -> String? {
            let name = rest.prefix { byte in
                byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_")
                    || byte == UInt8(ascii: ":")
            }
            guard let first = name.first, first &- 0x30 >= 10 else { return nil }
            rest = rest[name.endIndex...]
            return String(decoding: name, as: UTF8.self)
        }

        /// A value of a label, from quote to quote.
        mutating func quoted() -> String? {
            guard take("\"") else { return nil }
            var bytes: [UInt8] = []
            while let byte = rest.first {
                rest = rest.dropFirst()
                switch byte {
                case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let escaped = rest.first else { return nil }
                    rest = rest.dropFirst()
                    switch escaped {
                    case UInt8(ascii: "n"): bytes.append(0x0a)
                    case UInt8(ascii: "\\"), UInt8(ascii: "\""): bytes.append(escaped)
                    default: return nil
                    }
                default: bytes.append(byte)
                }
            }
            return nil
        }

        mutating func labels() -> [String: String]? {
            var labels: [String: String] = [:]
            while true {
                skipBlanks()
                if take("}") { return labels }
                guard let name = name() else { return nil }
                skipBlanks()
                guard take("=") else { return nil }
                skipBlanks()
                guard let value = quoted() else { return nil }
                labels[name] = value
                skipBlanks()
                if !take(","), rest.first != UInt8(ascii: "}") { return nil }
            }
        }

        mutating func sample() -> (Series, Double)? {
            guard let name = name() else { return nil }
            var labels: [String: String] = [:]
            skipBlanks()
            if take("{") {
                guard let found = self.labels() else { return nil }
                labels = found
            }
            let words = String(decoding: rest, as: UTF8.self).split(whereSeparator: \.isWhitespace)
            guard 1...2 ~= words.count, let value = PrometheusPage.number(words[0]) else { return nil }
            if words.count == 2, Int64(words[1]) == nil { return nil }
            return (Series(name, labels), value)
        }
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "+Inf", "Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: text.utf8.allSatisfy { $0 &- 0x30 < 10 || "+-.eE".utf8.contains($0) } ? Double(text) : nil
        }
    }
}
