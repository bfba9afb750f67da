import LikewiseAPI

/// The members of one JSON object, as tokens have them. A name that is there twice makes it unsound, for then two
/// readers may see different things in it.
struct JSONMembers {
    enum Value: Equatable {
        case string(String)
        case number(Double)
        /// A list of strings.
        case strings([String])
        /// Anything else.
        case other
    }

    /// Members of an object, and entries of a list.
    private static let maxMembers = 256

    private var members: [String: Value] = [:]

    /// nil where `bytes` are not one object in strict JSON, or a name is there twice.
    init?(_ bytes: [UInt8]) {
        let parsed = bytes.withUnsafeBytes { bytes in
            Result<[String: Value]?, BodyProblem> { () throws(BodyProblem) in try JSONMembers.parse(bytes) }
        }
        guard case .success(.some(let members)) = parsed else { return nil }
        self.members = members
    }

    subscript(_ name: String) -> Value? { members[name] }

    private static func parse(_ bytes: UnsafeRawBufferPointer) throws(BodyProblem) -> [String: Value]? {
        var scanner = JSONScanner(bytes)
        var members: [String: Value] = [:]
        var first = true
        try scanner.enter(UInt8(ascii: "{"))
        while let name = try scanner.nextField(first: &first) {
            let name = try text(name, scanner)
            guard members.count < maxMembers else { return nil }
            guard members.updateValue(try value(&scanner, bytes), forKey: name) == nil else { return nil }
        }
        try scanner.finish()
        return members
    }

    private static func value(
        _ scanner: inout JSONScanner, _ bytes: UnsafeRawBufferPointer
    ) throws(BodyProblem) -> Value {
        switch scanner.peek() {
        case UInt8(ascii: "\""): return .string(try text(try scanner.takeString(), scanner))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let start = scanner.at
            try scanner.skipValue()
            return Double(String(decoding: bytes[start..<scanner.at], as: UTF8.self)).map { .number($0) } ?? .other
        case UInt8(ascii: "["): return try list(&scanner)
        default:
            try scanner.skipValue()
            return .other
        }
    }

    private static func list(_ scanner: inout JSONScanner) throws(BodyProblem) -> Value {
        try scanner.enter(UInt8(ascii: "["))
        var strings: [String] = []
        var isSound = true
        var first = true
        while try scanner.nextEntry(first: &first) {
            if scanner.peek() == UInt8(ascii: "\""), strings.count < maxMembers {
                strings.append(try text(try scanner.takeString(), scanner))
            } else {
                isSound = false
                try scanner.skipValue()
            }
        }
        return isSound ? .strings(strings) : .other
    }

    private static func text(_ string: JSONString, _ scanner: JSONScanner) throws(BodyProblem) -> String {
        var bytes: [UInt8] = []
        try scanner.unescape(string, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
