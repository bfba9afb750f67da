// What limits say in answers, by the fields of draft-ietf-httpapi-ratelimit-headers: put together once, so that a hot answer
// appends bytes and one number.

import LikewiseAPI
import LikewiseCore

/// The fields and problems of a policy.
struct RateLimitTexts: Sendable {
    private struct Kind: Sendable {
        /// `RateLimit: "user";r=`, which the number left follows.
        var lead: [UInt8]
        /// `;t=6` and the line's end.
        var tail: [UInt8]
        /// The problem that tells of a refusal.
        var problem: [UInt8]
    }

    /// The value of RateLimit-Policy.
    private let policy: String
    private let policyLine: [UInt8]
    private let kinds: [Kind]
    /// Seconds until one more passes, by kind.
    private let steps: [UInt64]

    init(_ limits: RateLimitPolicy) {
        policy = RateLimitKind.allCases.compactMap { kind in
            limits[kind].map { "\"\(kind.name)\";q=\($0.count);w=\(RateLimitTexts.seconds($0.period))" }
        }.joined(separator: ", ")
        policyLine = Array("RateLimit-Policy: \(policy)\r\n".utf8)
        let steps = RateLimitKind.allCases.map { kind in limits[kind].map { RateLimitTexts.seconds($0.interval) } ?? 1 }
        self.steps = steps
        kinds = RateLimitKind.allCases.map { kind in
            Kind(
                lead: Array("RateLimit: \"\(kind.name)\";r=".utf8),
                tail: Array(";t=\(steps[Int(kind.rawValue)])\r\n".utf8),
                problem: APIProblem(.rateLimited, RateLimitTexts.detail(kind)).response.body)
        }
    }

    private static func seconds(_ nanoseconds: UInt64) -> UInt64 { max(1, (nanoseconds + 999_999_999) / 1_000_000_000) }

    /// What a refusal says to people.
    static func detail(_ kind: RateLimitKind) -> String {
        let what =
            switch kind {
            case .userContent: "changes by this user on this content"
            case .user: "changes by this user"
            case .address: "calls from this address"
            case .key: "calls with this key"
            }
        return "Too many \(what). Nothing was changed; Retry-After says in how many seconds to try again."
    }

    // MARK: The full stack

    /// The fields of an answer to a call that passed.
    func fields(_ standing: RateLimitStanding) -> [(name: String, value: String)] {
        let step = steps[Int(standing.kind.rawValue)]
        return [("RateLimit-Policy", policy), ("RateLimit", "\"\(standing.kind.name)\";r=\(standing.left);t=\(step)")]
    }

    /// The answer to a call that was refused.
    func problem(_ refusal: RateLimitRefusal) -> APIProblem {
        var problem = APIProblem(.rateLimited, RateLimitTexts.detail(refusal.kind))
        problem.headers = [
            ("Retry-After", "\(refusal.seconds)"), ("RateLimit-Policy", policy),
            ("RateLimit", "\"\(refusal.kind.name)\";r=0;t=\(refusal.seconds)"),
        ]
        return problem
    }

    // MARK: Hot calls

    /// Appends the fields of an answer to a call that passed.
    func append(_ standing: RateLimitStanding, to buffer: inout GrowingBytes) {
        let kind = kinds[Int(standing.kind.rawValue)]
        policyLine.withUnsafeBytes { buffer.put($0) }
        kind.lead.withUnsafeBytes { buffer.put($0) }
        buffer.put(decimal: UInt64(standing.left))
        kind.tail.withUnsafeBytes { buffer.put($0) }
    }

    /// Appends the fields of an answer to a call that was refused.
    func append(_ refusal: RateLimitRefusal, to buffer: inout GrowingBytes) {
        let kind = kinds[Int(refusal.kind.rawValue)]
        buffer.put("Retry-After: ")
        buffer.put(decimal: refusal.seconds)
        buffer.put("\r\n")
        policyLine.withUnsafeBytes { buffer.put($0) }
        kind.lead.withUnsafeBytes { buffer.put($0) }
        buffer.put("0;t=")
        buffer.put(decimal: refusal.seconds)
        buffer.put("\r\n")
    }

    /// The body of an answer to a call that was refused.
    func withProblem(_ refusal: RateLimitRefusal, _ use: (UnsafeRawBufferPointer) -> Void) {
        kinds[Int(refusal.kind.rawValue)].problem.withUnsafeBytes(use)
    }
}
