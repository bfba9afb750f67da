package import LikewiseCore

/// What a rate limit is counted by. The order is the one in which they are asked.
package enum RateLimitKind: UInt8, CaseIterable, Sendable {
    /// Changes by one user on one content.
    case userContent
    /// Changes by one user.
    case user
    /// Calls from one address (of IPv6 its first 64 bits, which are one subscriber's).
    case address
    /// Calls with one API key.
    case key

    /// How many kinds there are.
    package static let count = 4

    /// Its name in settings, answers and metrics.
    package var name: String {
        switch self {
        case .userContent: "user-content"
        case .user: "user"
        case .address: "address"
        case .key: "key"
        }
    }

    /// The kind of that name; nil where it is none's.
    package init?(name: some StringProtocol) {
        guard let kind = RateLimitKind.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}

/// The limits that hold, at most one of each kind.
package struct RateLimitPolicy: Hashable, Sendable {
    private var userContent: RateLimit?
    private var user: RateLimit?
    private var address: RateLimit?
    private var key: RateLimit?

    /// No limits.
    package init() {}

    package subscript(kind: RateLimitKind) -> RateLimit? {
        get {
            switch kind {
            case .userContent: userContent
            case .user: user
            case .address: address
            case .key: key
            }
        }
        set {
            switch kind {
            case .userContent: userContent = newValue
            case .user: user = newValue
            case .address: address = newValue
            case .key: key = newValue
            }
        }
    }

    /// Whether there is no limit at all.
    package var isEmpty: Bool { self == RateLimitPolicy() }
}
