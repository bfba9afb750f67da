// Which pages of other origins may ask from a browser (Fetch, "HTTP CORS protocol"). Cookies mean nothing here, so that
// credentials are never allowed: a page sends its token in Authorization by itself.

/// Who may ask from a browser, and what of an answer pages see.
package struct CORSPolicy: Hashable, Sendable {
    package enum Origins: Hashable, Sendable {
        /// Every page.
        case any
        /// Those of these origins, as browsers write them: `https://app.example`.
        case listed(Set<String>)
    }

    /// Seconds for which a browser keeps the answer to a preflight; none keeps it longer than a day.
    private static let maxAge = 7200
    private static let methods = "GET, HEAD, POST, PUT, DELETE"
    // Pages that follow a stream by fetch, to send a token, send Last-Event-ID themselves.
    private static let requestFields = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID"
    private static let exposedFields = "ETag, Retry-After, RateLimit, RateLimit-Policy"

    package let origins: Origins

    package init(_ origins: Origins) { self.origins = origins }

    /// Whether an answer depends on the request's Origin.
    package var dependsOnOrigin: Bool { origins != .any }

    /// The fields of every answer, whatever the request says.
    package var fixedFields: [(name: String, value: String)] {
        switch origins {
        case .any: [("Access-Control-Allow-Origin", "*"), exposed]
        case .listed: [("Vary", "Origin")]
        }
    }

    /// The fields of an answer to a page of `origin`, beside those of every answer.
    package func fields(for origin: String) -> [(name: String, value: String)] {
        guard case .listed(let known) = origins, known.contains(origin) else { return [] }
        return [("Access-Control-Allow-Origin", origin), exposed]
    }

    /// The fields of the answer to a browser that asks beforehand, beside those of every answer; an origin that may not
    /// ask gets none, and the browser tells its page.
    package func preflightFields(for origin: String) -> [(name: String, value: String)] {
        if case .listed(let known) = origins, !known.contains(origin) { return [] }
        return fields(for: origin) + [
            ("Access-Control-Allow-Methods", CORSPolicy.methods),
            ("Access-Control-Allow-Headers", CORSPolicy.requestFields),
            ("Access-Control-Max-Age", "\(CORSPolicy.maxAge)"),
        ]
    }

    private var exposed: (name: String, value: String) {
        ("Access-Control-Expose-Headers", CORSPolicy.exposedFields)
    }

    /// `text` as a browser would write it as an origin, or nil where none would: a scheme of http or https, a host in lower
    /// case, a port where it is not the scheme's own, and nothing else.
    package static func origin(_ text: String) -> String? {
        let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "https" || parts[0] == "http" else { return nil }
        let authority = parts[1]
        var host = authority
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            host = authority[..<colon]
            let digits = authority[authority.index(after: colon)...]
            guard let port = UInt16(digits), "\(port)" == digits, port != (parts[0] == "https" ? 443 : 80) else {
                return nil
            }
        }
        if host.hasPrefix("["), host.hasSuffix("]") { return NetworkAddress(host) == nil ? nil : text }
        let isName = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return !host.isEmpty && isName ? text : nil
    }
}
