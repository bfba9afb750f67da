// Header fields that have nothing to do with the call: security, and what other origins may see. Those that are the same for
// every answer are prepared once.

import HTTPTypes

/// What every answer carries.
package struct AnswerFields: Sendable {
    /// On all answers, in this order.
    let fixed: [(name: String, value: String)]
    let cors: CORSPolicy?

    /// - Parameters:
    ///   - cors: which pages may ask; nil: those of this origin alone.
    ///   - transportSecurity: for so many seconds browsers come by HTTPS alone; nil: nothing is said of it.
    package init(cors: CORSPolicy? = nil, transportSecurity: Int? = nil) {
        self.cors = cors
        var fields = [
            ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ]
        if let transportSecurity { fields.append(("Strict-Transport-Security", "max-age=\(transportSecurity)")) }
        fixed = fields + (cors?.fixedFields ?? [])
    }

    /// The fixed ones as lines of HTTP/1.1.
    var lines: String { fixed.map { "\($0.name): \($0.value)\r\n" }.joined() }

    /// Puts all of them onto the answer to a request with these fields.
    func put(on headers: inout HTTPFields, answering request: HTTPFields) {
        set(fixed, on: &headers)
        guard let cors, let origin = request[.origin] else { return }
        set(cors.fields(for: origin), on: &headers)
    }

    /// The answer to a browser that asks beforehand, where that is what the request is.
    func preflight(_ method: HTTPRequest.Method, _ request: HTTPFields) -> HTTPFields? {
        guard let cors, method == .options, let origin = request[.origin],
            request[.accessControlRequestMethod] != nil
        else { return nil }
        var headers = HTTPFields()
        set(fixed, on: &headers)
        set(cors.preflightFields(for: origin), on: &headers)
        return headers
    }

    private func set(_ fields: [(name: String, value: String)], on headers: inout HTTPFields) {
        for (name, value) in fields {
            if let field = HTTPField.Name(name) { headers[field] = value }
        }
    }
}
