/// What went wrong, as a code that does not change: clients decide by it, not by words.
public enum ProblemCode: String, CaseIterable, Sendable {
    /// Something in the request is not as the contract has it; `detail` and `field` say what.
    case invalidRequest = "invalid_request"
    /// The call needs an identity and carries none that holds.
    case unauthenticated
    /// The identity may not do this.
    case forbidden
    /// The identity acts for another user than itself.
    case notYourself = "not_yourself"
    /// No such path.
    case notFound = "not_found"
    /// The like was not taken: it looks like abuse.
    case refused
    /// There is no like held back here.
    case notHeld = "not_held"
    /// There is no like to take back.
    case notLiked = "not_liked"
    /// The content is not registered, and the server takes likes for registered ones only.
    case contentNotFound = "content_not_found"
    /// The path is there, for other methods; `Allow` names them.
    case methodNotAllowed = "method_not_allowed"
    /// That very reaction is held already.
    case alreadyLiked = "already_liked"
    /// The first request with this idempotency key is still being answered.
    case idempotencyKeyInUse = "idempotency_key_in_use"
    /// A body without a length.
    case lengthRequired = "length_required"
    /// The body is longer than the call takes.
    case bodyTooLarge = "body_too_large"
    /// The path and query are longer than the server takes.
    case uriTooLong = "uri_too_long"
    /// The body is of a kind that the call does not take.
    case unsupportedMediaType = "unsupported_media_type"
    /// The idempotency key came with another request before.
    case idempotencyKeyReused = "idempotency_key_reused"
    /// Too many requests; `Retry-After` says when there is room.
    case rateLimited = "rate_limited"
    /// The header fields are longer than the server takes.
    case headersTooLarge = "headers_too_large"
    /// A fault of the server's own.
    case `internal`
    /// A queue is full; nothing was changed, and `Retry-After` says when to come again.
    case overloaded
    /// The disk has no room left; nothing was changed.
    case storageFull = "storage_full"
    /// The disk did not take the change; whether it holds is unknown until the server has started again.
    case storageFailed = "storage_failed"
    /// The server is stopping; nothing was changed.
    case shuttingDown = "shutting_down"

    /// The HTTP status that goes with the code.
    public var status: Int {
        switch self {
        case .invalidRequest: 400
        case .unauthenticated: 401
        case .forbidden, .notYourself, .refused: 403
        case .notFound, .notLiked, .notHeld, .contentNotFound: 404
        case .methodNotAllowed: 405
        case .alreadyLiked, .idempotencyKeyInUse: 409
        case .lengthRequired: 411
        case .bodyTooLarge: 413
        case .uriTooLong: 414
        case .unsupportedMediaType: 415
        case .idempotencyKeyReused: 422
        case .rateLimited: 429
        case .headersTooLarge: 431
        case .internal: 500
        case .overloaded, .storageFull, .storageFailed, .shuttingDown: 503
        }
    }

    /// A few words for people, the same for every problem with this code.
    public var title: String {
        switch self {
        case .invalidRequest: "Invalid request"
        case .unauthenticated: "Not authenticated"
        case .forbidden: "Not allowed"
        case .notYourself: "Not allowed for another user"
        case .refused: "Not taken"
        case .notFound: "No such path"
        case .notHeld: "Not held back"
        case .notLiked: "Not liked"
        case .contentNotFound: "No such content"
        case .methodNotAllowed: "Method not allowed"
        case .alreadyLiked: "Already liked"
        case .idempotencyKeyInUse: "Idempotency key in use"
        case .lengthRequired: "Length required"
        case .bodyTooLarge: "Body too large"
        case .uriTooLong: "URI too long"
        case .unsupportedMediaType: "Unsupported media type"
        case .idempotencyKeyReused: "Idempotency key used for another request"
        case .rateLimited: "Too many requests"
        case .headersTooLarge: "Header fields too large"
        case .internal: "Internal error"
        case .overloaded: "Overloaded"
        case .storageFull: "Storage full"
        case .storageFailed: "Storage failed"
        case .shuttingDown: "Shutting down"
        }
    }

    /// The problem's type as a URI. It is a name, not an address, so that it holds wherever a server runs.
    public var type: String { "urn:likewise:problem:" + rawValue }
}

/// Answers that say what went wrong, as RFC 9457 has them.
package enum Problem {
    /// What the answer's `Content-Type` says.
    package static let mediaType = "application/problem+json"

    /// Writes one problem: `type`, `title`, `status`, `code`, then `detail`, then what `members` writes, such as the
    /// fields of a count. `detail` is for people; it holds no path, no address and nothing of another user's.
    package static func write(
        _ code: ProblemCode, detail: String? = nil, to writer: inout JSONWriter,
        members: (inout JSONWriter) -> Void = { _ in }
    ) {
        writer.object { problem in
            problem.field("type", code.type)
            problem.field("title", code.title)
            problem.field("status", code.status)
            problem.field("code", code.rawValue)
            if let detail { problem.field("detail", detail) }
            members(&problem)
        }
    }

    /// Writes that a body is not as the call wants it, with the field's name where it is one field's fault.
    package static func write(_ problem: BodyProblem, to writer: inout JSONWriter) {
        write(.invalidRequest, detail: problem.detail, to: &writer) { members in
            if let field = problem.field { members.field("field", field) }
        }
    }
}
