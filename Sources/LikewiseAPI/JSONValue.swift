/// One value of JSON with all that is in it, for readers who want some fields of an answer and pass over the rest.
/// Answers are short and bounded; the bodies of requests, which are many, are scanned in place instead (`JSONScanner`).
package enum JSONValue: Equatable, Sendable {
    case null
    case boolean(Bool)
    /// As it is written, so that no digit of a 64-bit count is lost.
    case number(String)
    case string(String)
    case list([JSONValue])
    /// Of a field that is given twice, the last.
    case object([String: JSONValue])

    /// The value that `input` is; throws for what is not one value of JSON, and for one deeper than
    /// `JSONScanner.depthLimit`.
    package init(parsing input: UnsafeRawBufferPointer) throws(BodyProblem) {
        var scanner = JSONScanner(input)
        self = try JSONValue.take(&scanner, input)
        try scanner.finish()
    }

    /// The value that `bytes` are; throws as the other does.
    package init(parsing bytes: [UInt8]) throws(BodyProblem) {
        let result = bytes.withUnsafeBytes { input in
            Result<JSONValue, BodyProblem> { () throws(BodyProblem) in try JSONValue(parsing: input) }
        }
        self = try result.get()
    }

    private static func take(
        _ scanner: inout JSONScanner, _ input: UnsafeRawBufferPointer
    ) throws(BodyProblem) -> JSONValue {
        switch scanner.peek() {
        case UInt8(ascii: "\""): return .string(try text(try scanner.takeString(), scanner, input))
        case UInt8(ascii: "{"):
            try scanner.enter(UInt8(ascii: "{"))
            var fields: [String: JSONValue] = [:]
            var first = true
            while let name = try scanner.nextField(first: &first) {
                fields[try text(name, scanner, input)] = try take(&scanner, input)
            }
            return .object(fields)
        case UInt8(ascii: "["):
            try scanner.enter(UInt8(ascii: "["))
            var entries: [JSONValue] = []
            var first = true
            while try scanner.nextEntry(first: &first) { entries.append(try take(&scanner, input)) }
            return .list(entries)
        default:
            let start = scanner.at
            try scanner.skipValue()
            let word = String(decoding: UnsafeRawBufferPointer(rebasing: input[start..<scanner.at]), as: UTF8.self)
            switch word {
            case "null": return .null
            case "true": return .boolean(true)
            case "false": return .boolean(false)
            default: return .number(word)
            }
        }
    }

    private static func text(
        _ string: JSONString, _ scanner: JSONScanner, _ input: UnsafeRawBufferPointer
    ) throws(BodyProblem) -> String {
        guard string.hasEscapes else {
            return String(decoding: UnsafeRawBufferPointer(rebasing: input[string.start..<string.end]), as: UTF8.self)
        }
        var bytes: [UInt8] = []
        try scanner.unescape(string, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Reading

    /// The field of this name; nil where there is none, and where this is no object.
    package subscript(_ name: String) -> JSONValue? {
        guard case .object(let fields) = self else { return nil }
        return fields[name]
    }

    /// The string that this is.
    package var text: String? { if case .string(let text) = self { text } else { nil } }
    /// The boolean that this is.
    package var flag: Bool? { if case .boolean(let flag) = self { flag } else { nil } }
    /// The whole number from 0 on that this is, where 64 bits hold it.
    package var count: UInt64? { if case .number(let digits) = self { UInt64(digits) } else { nil } }
    /// The entries of the list that this is.
    package var entries: [JSONValue]? { if case .list(let entries) = self { entries } else { nil } }
    /// The fields of the object that this is.
    package var fields: [String: JSONValue]? { if case .object(let fields) = self { fields } else { nil } }
}
