// What a call answers, as the calls see it: no server library in sight.

package import LikewiseAPI
import LikewiseCore

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

extension IDRules.Problem {
    /// What an id must be or must not have, as the end of a sentence.
    var words: String {
        switch self {
        case .empty: "must not be empty"
        case .tooLong(let limit): "must have at most \(limit) bytes"
        case .notUTF8: "must be UTF-8"
        case .controlCharacter: "must not have control characters"
        }
    }
}
