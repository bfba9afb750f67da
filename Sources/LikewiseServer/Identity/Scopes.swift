/// What a caller may do beyond acting for himself.
package struct Scopes: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Likes and unlikes for any user, and bulk intake.
    package static let likesWrite = Scopes(rawValue: 1)
    /// Sees contents that are private.
    package static let likesRead = Scopes(rawValue: 2)
    /// Sees what any user likes.
    package static let usersRead = Scopes(rawValue: 4)
    /// Registers and deletes contents, and reads the metrics.
    package static let admin = Scopes(rawValue: 8)

    /// All scopes with their names, in the order in which they are shown.
    package static let named: [(name: String, scope: Scopes)] = [
        ("likes:write", .likesWrite), ("likes:read", .likesRead), ("users:read", .usersRead), ("admin", .admin),
    ]

    /// The scope of this name; nil where there is none.
    package init?(named name: some StringProtocol) {
        guard let found = Scopes.named.first(where: { $0.name == name }) else { return nil }
        self = found.scope
    }

    /// The scopes of a token's `scope` claim (RFC 9068, section 2.2.3): names with spaces between them. Those of other
    /// services are passed over.
    package init(claim: String) {
        self = claim.split(separator: " ").reduce(into: []) { scopes, name in
            if let scope = Scopes(named: name) { scopes.formUnion(scope) }
        }
    }

    /// The names, in the order of `named`.
    package var names: [String] { Scopes.named.filter { contains($0.scope) }.map(\.name) }
}
