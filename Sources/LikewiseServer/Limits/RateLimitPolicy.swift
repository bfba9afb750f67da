package import LikewiseCore

/// What a rate limit is counted by.
package enum RateLimitKind: String, CaseIterable, Sendable {
    /// Changes by one user on one content.
    case userContent = "user-content"
    /// Calls of one user.
    case user
    /// Calls from one address (of IPv6 its first 64 bits, which are one subscriber's).
    case address
    /// Calls with one API key.
    case key
}

/// The limits that hold, at most one of each kind.
package struct RateLimitPolicy: Hashable, Sendable {
    private var limits: [RateLimit?] = Array(repeating: nil, count: RateLimitKind.allCases.count)

    /// No limits.
    package init() {}

    package subscript(kind: RateLimitKind) -> RateLimit? {
        get { limits[kind.index] }
        set { limits[kind.index] = newValue }
    }

    /// Whether there is no limit at all.
    package var isEmpty: Bool { limits.allSatisfy { $0 == nil } }
}

extension RateLimitKind {
    /// A number of its own, 0 and up.
    package var index: Int {
        switch self {
        case .userContent: 0
        case .user: 1
        case .address: 2
        case .key: 3
        }
    }
}
