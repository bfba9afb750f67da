// The text exposition format 0.0.4 of Prometheus ("Exposition formats" in its documentation): names, escaping, numbers.

/// What the `# TYPE` line says.
enum MetricType: String, Sendable {
    case counter
    case gauge
    case histogram
}

/// A page in the making.
struct PrometheusText {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// The two comment lines in front of a family.
    mutating func family(_ name: String, help: String, type: MetricType) {
        bytes += Array("# HELP \(name) \(Self.escapedHelp(help))\n# TYPE \(name) \(type.rawValue)\n".utf8)
    }

    /// One sample. `labels` are as they are rendered, without braces; `bound` is the upper bound of a histogram's bucket.
    mutating func sample(_ name: String, _ labels: String, bound: String? = nil, _ value: String) {
        bytes += Array(name.utf8)
        let bucket = bound.map { "le=\"\($0)\"" } ?? ""
        if !labels.isEmpty || !bucket.isEmpty {
            let comma = labels.isEmpty || bucket.isEmpty ? "" : ","
            bytes += Array("{\(labels)\(comma)\(bucket)}".utf8)
        }
        bytes += Array(" \(value)\n".utf8)
    }

    /// A number as Go's ParseFloat reads it.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if let whole = Int64(exactly: value), abs(value) < 1e15 { return "\(whole)" }
        return value.description
    }

    private static func escapedHelp(_ text: String) -> String {
        escaped(text) { $0 == "\n" ? "\\n" : $0 == "\\" ? "\\\\" : nil }
    }

    static func escaped(_ text: String, _ escape: (Unicode.Scalar) -> String?) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            if let escaped = escape(scalar) { out += escaped } else { out.unicodeScalars.append(scalar) }
        }
        return out
    }
}

/// Names and labels as the format allows them.
enum PrometheusName {
    /// `label` with every character that a metric's name cannot have as an underscore.
    static func metric(_ label: String) -> String { name(label, alsoAllowed: ":") }

    /// `dimensions` as they stand between the braces, sorted by name. A name given twice keeps its first value; `le`,
    /// which histograms need for themselves, becomes `le_`.
    static func labels(_ dimensions: [(String, String)]) -> String {
        var named: [String: String] = [:]
        for (label, value) in dimensions {
            let name = name(label, alsoAllowed: nil)
            let free = name == "le" ? "le_" : name
            if named[free] == nil { named[free] = value }
        }
        return named.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(escapedValue($0.value))\"" }.joined(separator: ",")
    }

    private static func escapedValue(_ value: String) -> String {
        PrometheusText.escaped(value) { $0 == "\n" ? "\\n" : $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : nil }
    }

    private static func name(_ label: String, alsoAllowed: Unicode.Scalar?) -> String {
        var out = ""
        for scalar in label.unicodeScalars {
            let letter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
            let digit = ("0"..."9").contains(scalar)
            if digit && out.isEmpty { out = "_" }
            out.unicodeScalars.append(letter || digit || scalar == alsoAllowed ? scalar : "_")
        }
        return out.isEmpty ? "_" : out
    }
}
