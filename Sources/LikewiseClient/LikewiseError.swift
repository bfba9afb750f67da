public import LikewiseAPI

/// Why a call failed, after all attempts. A task that was cancelled gets `CancellationError` instead.
public struct LikewiseError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, in the large.
    public enum Kind: String, Sendable {
        /// The server, or a proxy in front of it, answered with an error: see `status`, `code` and `detail`.
        case problem
        /// There was no connection, or it was lost.
        case connection
        /// There was no whole answer within the time of an attempt.
        case timeout
        /// The answer is not one that this version understands: something else may be listening there.
        case answer
        /// An argument is not as the contract has it; nothing was sent.
        case argument
        /// The token could not be had; nothing was sent.
        case token
    }

    /// What went wrong, in the large.
    public var kind: Kind
    /// The status of the answer; nil where there was none.
    public var status: Int?
    /// The server's code, by which to decide; nil where the answer had none, or one that this version does not know.
    public var code: ProblemCode?
    /// A sentence for people who read logs.
    public var detail: String
    /// How long the server asked to wait before the next attempt.
    public var retryAfter: Duration?
    /// How many requests were sent for the call.
    public var attempts = 0
    /// Whether a write may have taken effect although it failed: an attempt was sent, and what became of it is not
    /// known. Sent again it does no harm, as nothing counts twice; a read tells.
    public var mayHaveTakenEffect = false
    /// Of bulk intake: what came to an end before the failure.
    public var taken: BulkResult?
    /// What the transport or the token's callback threw.
    public var underlying: (any Error)?

    package init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }

    /// One line; it has the server's own words in it, and no ids.
    public var description: String {
        let answer = status.map { " \($0)" } ?? ""
        let code = code.map { " \($0.rawValue)" } ?? ""
        let tries = attempts > 1 ? " (\(attempts) attempts)" : ""
        return "\(kind.rawValue)\(answer)\(code): \(detail)\(tries)"
    }
}
