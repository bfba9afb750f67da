/// A request, as it goes onto the wire.
struct HTTPCall: Sendable {
    var method: String
    var target: String
    var headers: [(name: String, value: String)] = []
    /// Nil where the request has no body and says nothing of one.
    var body: [UInt8]?

    /// A request with a body of JSON, or without one.
    init(_ method: String, _ target: String, _ json: JSON? = nil, headers: [(name: String, value: String)] = []) throws
    {
        self.method = method
        self.target = target
        self.headers = headers
        guard let json else { return }
        body = try json.bytes
        self.headers.append(("content-type", "application/json"))
    }

    /// A request whose body is anything.
    init(_ method: String, _ target: String, contentType: String, body: [UInt8]) {
        self.method = method
        self.target = target
        self.body = body
        headers = [("content-type", contentType)]
    }

    /// The same request with an `Idempotency-Key`.
    func with(key: String) -> HTTPCall {
        var call = self
        call.headers.append(("idempotency-key", key))
        return call
    }

    var bytes: [UInt8] {
        var head = "\(method) \(target) HTTP/1.1\r\nhost: localhost\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body { head += "content-length: \(body.count)\r\n" }
        return Array((head + "\r\n").utf8) + (body ?? [])
    }
}

/// An answer, complete with its body.
struct HTTPAnswer: Sendable {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    /// The value of the first header field of this name, in lower case.
    func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    /// The body as JSON; null where it is none.
    var json: JSON { (try? JSON(parsing: body)) ?? .null }

    var text: String { String(decoding: body, as: UTF8.self) }
}

/// The targets of calls, with ids percent-encoded.
enum Target {
    static let likes = "/v1/likes"
    static let bulk = "/v1/likes/batch"
    static let counts = "/v1/likes/count/batch"

    static func count(_ content: String, user: String? = nil) -> String {
        "/v1/likes/count/\(encoded(content))" + (user.map { "?user_id=\(encoded($0))" } ?? "")
    }

    static func likes(_ content: String) -> String { "/v1/likes/\(encoded(content))" }
    static func like(_ user: String, _ content: String) -> String {
        "/v1/users/\(encoded(user))/likes/\(encoded(content))"
    }
    static func likesOfUser(_ user: String) -> String { "/v1/users/\(encoded(user))/likes" }
    static func likesOfContent(_ content: String) -> String { "/v1/content/\(encoded(content))/likes" }
    static func content(_ content: String) -> String { "/v1/content/\(encoded(content))" }

    /// `text` with all but unreserved characters percent-encoded (RFC 3986).
    static func encoded(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return out
    }
}
