// A request and an answer as the calls see them: no server library in sight.

package import HTTPTypes
package import LikewiseAPI

/// A request, complete with its body.
package struct APIRequest: Sendable {
    package var method: HTTPRequest.Method
    /// The path as sent, without the query.
    package var path: String
    /// The query as sent, without `?`.
    package var query: String
    package var headers: HTTPFields
    package var body: [UInt8]
    /// Who asks.
    package var caller: Caller
    /// The address that it came from.
    package var address: NetworkAddress
    /// Who is at the connection's other end: the caller himself, or who speaks for him.
    package var peer: NetworkAddress

    package init(
        method: HTTPRequest.Method, path: String, query: String = "", headers: HTTPFields = [:], body: [UInt8] = [],
        caller: Caller, address: NetworkAddress = NetworkAddress(high: 0, low: 0), peer: NetworkAddress? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.caller = caller
        self.address = address
        self.peer = peer ?? address
    }
}

/// An answer, complete with its body.
package struct APIResponse: Sendable {
    package var status: Int
    package var contentType: String
    package var cacheControl: String? = nil
    /// Further header fields.
    package var headers: [(name: String, value: String)] = []
    package var body: [UInt8]

    /// JSON that must not be kept by anyone.
    package static func json(_ status: Int = 200, _ build: (inout JSONWriter) -> Void) -> APIResponse {
        APIResponse(
            status: status, contentType: "application/json", cacheControl: "no-store", body: JSONWriter.bytes(build))
    }
}

/// A call ends with this instead of an answer of its own.
package struct APIProblem: Error, Sendable {
    package var code: ProblemCode
    package var detail: String?
    package var field: String?
    package var headers: [(name: String, value: String)] = []
    /// Further members of the problem, as the fields of a count.
    package var members: (@Sendable (inout JSONWriter) -> Void)?

    package init(_ code: ProblemCode, _ detail: String? = nil, field: String? = nil) {
        self.code = code
        self.detail = detail
        self.field = field
        if code.status == 503 || code == .rateLimited { headers.append(("Retry-After", "1")) }
    }

    package init(_ problem: BodyProblem) {
        self.init(.invalidRequest, problem.detail, field: problem.field)
    }

    package var response: APIResponse {
        APIResponse(
            status: code.status, contentType: Problem.mediaType, cacheControl: "no-store", headers: headers,
            body: JSONWriter.bytes { writer in
                Problem.write(code, detail: detail, to: &writer) { problem in
                    if let field { problem.field("field", field) }
                    members?(&problem)
                }
            })
    }
}
