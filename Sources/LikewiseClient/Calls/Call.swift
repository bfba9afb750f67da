import LikewiseAPI
import NIOHTTP1

/// One call: what is sent, the same in all attempts.
struct Call: Sendable {
    var method = HTTPMethod.GET
    /// Path and query, escaped.
    var target: String
    var body: [UInt8] = []
    var contentType = "application/json"
    /// The Idempotency-Key of a write.
    var key: String?
    /// Whether it changes anything.
    var isWrite = false
    /// Further header fields.
    var fields: [(name: String, value: String)] = []

    /// A read.
    init(segments: [String], query: [(name: String, value: String)] = []) {
        target = Call.target(segments, query)
    }

    /// A read.
    init(_ segments: String..., query: [(name: String, value: String)] = []) {
        self.init(segments: segments, query: query)
    }

    /// A call with a body of JSON.
    init(_ method: HTTPMethod, _ segments: String..., body build: (inout JSONWriter) -> Void) {
        self.method = method
        target = Call.target(segments, [])
        body = JSONWriter.bytes { $0.object(build) }
    }

    private static func target(_ segments: [String], _ query: [(name: String, value: String)]) -> String {
        let path = segments.map { "/" + URIText.escaped($0) }.joined()
        let pairs = query.map { "\($0.name)=\(URIText.escaped($0.value))" }
        return pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&")
    }
}

/// Ids as the contract has them, checked before they are sent together with those of others.
enum IDRules {
    /// Throws unless `id` has 1 to 256 bytes and no control character.
    static func check(content id: String) throws(LikewiseError) { try check(id, limit: 256, "a content's id") }

    /// Throws unless `id` has 1 to 128 bytes and no control character.
    static func check(user id: String) throws(LikewiseError) { try check(id, limit: 128, "a user's id") }

    private static func check(_ id: String, limit: Int, _ what: String) throws(LikewiseError) {
        guard 1...limit ~= id.utf8.count else {
            throw LikewiseError(.argument, "\(what) has 1 to \(limit) bytes of UTF-8, not \(id.utf8.count)")
        }
        let isPlain = id.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f..<0xa0 ~= $0.value) }
        guard isPlain else { throw LikewiseError(.argument, "\(what) has a control character in it") }
    }
}
