/// A field that a request body may carry, by its name on the wire.
package enum BodyField: String, CaseIterable, Sendable {
    case contentID = "content_id"
    case userID = "user_id"
    case contentType = "content_type"
    case reaction
    case action
    case visibility
    case contentIDs = "content_ids"
    case items
}

/// What is wrong with a request body, before anyone looked at what its values mean. Offsets count bytes from 0.
package enum BodyProblem: Error, Equatable, Sendable {
    /// The body is valid so far, and its value is not an object.
    case notAnObject
    /// The body is not JSON as RFC 8259 has it.
    case syntax(Syntax, at: Int)
    /// A field that must be a string, or a list of strings, is something else; `null` is something else too.
    case wrongType(BodyField)
    /// A field is there twice, under one name or under two names that mean the same.
    case duplicate(BodyField)
    /// A field that the call cannot do without is not there.
    case missing(BodyField)
    /// A list has no entry.
    case emptyList(BodyField)
    /// A list has more entries than `limit`.
    case tooManyEntries(BodyField, limit: Int)

    /// How the bytes are not JSON.
    package enum Syntax: Equatable, Sendable {
        /// The body ends inside a value.
        case unexpectedEnd
        /// A byte that cannot be here.
        case unexpectedByte
        /// Something follows the value.
        case trailingBytes
        /// Objects and lists within each other, deeper than `JSONScanner.depthLimit`.
        case tooDeep
        /// A number that is not written as JSON wants it, such as `01` or `1.`.
        case badNumber
        /// An escape that JSON does not know.
        case badEscape
        /// Half of a surrogate pair.
        case loneSurrogate
        /// A control character in a string that is not escaped.
        case controlCharacter
        /// Bytes in a string that are not UTF-8 (RFC 3629).
        case notUTF8
    }

    /// The field's name on the wire, where the problem is with one field.
    package var field: String? {
        switch self {
        case .notAnObject, .syntax: nil
        case .wrongType(let field), .duplicate(let field), .missing(let field), .emptyList(let field),
            .tooManyEntries(let field, limit: _):
            field.rawValue
        }
    }

    /// One plain sentence for the caller; it repeats nothing of what was sent.
    package var detail: String {
        switch self {
        case .notAnObject: "The body must be one JSON object."
        case .syntax(let syntax, let offset): "The body is not valid JSON: \(syntax.words) at byte \(offset)."
        case .wrongType(.contentIDs): "content_ids must be a list of strings."
        case .wrongType(.items): "items must be a list of objects."
        case .wrongType(let field): "\(field.rawValue) must be a string."
        case .duplicate(let field): "\(field.rawValue) is given more than once."
        case .missing(let field): "\(field.rawValue) is missing."
        case .emptyList(let field): "\(field.rawValue) must have at least one entry."
        case .tooManyEntries(let field, let limit): "\(field.rawValue) must have at most \(limit) entries."
        }
    }
}

extension BodyProblem.Syntax {
    fileprivate var words: String {
        switch self {
        case .unexpectedEnd: "it ends too early"
        case .unexpectedByte: "unexpected byte"
        case .trailingBytes: "something follows the value"
        case .tooDeep: "more than \(JSONScanner.depthLimit) levels deep"
        case .badNumber: "malformed number"
        case .badEscape: "unknown escape"
        case .loneSurrogate: "half of a surrogate pair"
        case .controlCharacter: "control character in a string"
        case .notUTF8: "a string that is not UTF-8"
        }
    }
}
