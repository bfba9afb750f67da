// Who is asking, and the rules of what he may do: the table of docs/identity.md, written once for both ways that a
// request can take.

import LikewiseAPI

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Somebody who asks. A class, so that passing it on copies nothing; each event loop has its own (`copy`), so that no
/// two cores count references to the same one.
package final class Caller: Sendable {
    private enum Kind {
        /// The server believes what a request says: it has no identity, and stands behind a backend.
        case trusted
        /// Nobody in particular: the request carries no credential.
        case anonymous
        /// The bearer of a token or a key.
        case known
    }

    private let kind: Kind
    /// The user that a token stands for; nil for keys, and where nobody is known.
    package let user: [UInt8]?
    /// The name of an API key; nil for others.
    package let key: [UInt8]?
    package let scopes: Scopes
    /// Tells callers apart: no two of them have the same; empty where nobody is known.
    package let name: String
    /// Milliseconds since 1970 from which the credential must be looked at again.
    package let expires: UInt64

    private init(
        _ kind: Kind, user: [UInt8]?, key: [UInt8]? = nil, scopes: Scopes, name: String, expires: UInt64
    ) {
        self.kind = kind
        self.user = user
        self.key = key
        self.scopes = scopes
        self.name = name
        self.expires = expires
    }

    /// The bearer of a user's token.
    package convenience init(user: [UInt8], scopes: Scopes, expires: UInt64) {
        self.init(
            .known, user: user, scopes: scopes, name: "user:" + String(decoding: user, as: UTF8.self), expires: expires)
    }

    /// The bearer of an API key.
    package convenience init(key id: String, scopes: Scopes, expires: UInt64) {
        self.init(.known, user: nil, key: Array(id.utf8), scopes: scopes, name: "key:" + id, expires: expires)
    }

    /// Any caller of a server without identity, who is believed.
    package static func trusted() -> Caller {
        Caller(.trusted, user: nil, scopes: [.likesWrite, .likesRead, .usersRead, .admin], name: "", expires: .max)
    }

    /// A caller without a credential, on a server with identity.
    package static func anonymous() -> Caller { Caller(.anonymous, user: nil, scopes: [], name: "", expires: .max) }

    /// The same, sharing no memory with this one.
    package func copy() -> Caller {
        Caller(
            kind, user: user.map { $0.map(\.self) }, key: key.map { $0.map(\.self) }, scopes: scopes, name: name,
            expires: expires)
    }

    // MARK: Rules

    /// Why a caller may not do something.
    package enum Refusal: Error, Equatable, Sendable {
        case unauthenticated
        case notYourself
        case forbidden(Scopes)
    }

    /// What is asked about a user.
    package enum UserAccess: Sendable {
        case write
        case read

        /// The scope that allows it for every user.
        package var scope: Scopes { self == .write ? .likesWrite : .usersRead }
    }

    /// Whether contents that are private are there for this caller.
    package var seesPrivate: Bool { scopes.contains(.likesRead) }

    /// Why the caller may not do `access` for a user; nil where he may. `isOwn`: the user is the token's own.
    package func refusal(_ access: UserAccess, isOwn: Bool) -> Refusal? {
        if isOwn || scopes.contains(access.scope) { return nil }
        if kind == .anonymous { return .unauthenticated }
        return user == nil ? .forbidden(access.scope) : .notYourself
    }

    /// Why the caller may not do what takes `scope`; nil where he may.
    package func refusal(without scope: Scopes) -> Refusal? {
        if scopes.contains(scope) { return nil }
        return kind == .anonymous ? .unauthenticated : .forbidden(scope)
    }

    /// Whether likes of a user that are held back are there for this caller: for the user himself, and for backends, which
    /// ask in users' names; not for another user who may see what he likes.
    package func seesHeld(of user: UnsafeRawBufferPointer) -> Bool { self.user == nil || isSelf(user) }

    /// The same for an id of its own.
    package func seesHeld(of user: [UInt8]) -> Bool { user.withUnsafeBytes { seesHeld(of: $0) } }

    /// Whether a user is the token's own.
    package func isSelf(_ user: UnsafeRawBufferPointer) -> Bool {
        guard let own = self.user, own.count == user.count, let given = user.baseAddress else { return false }
        return own.withUnsafeBytes { own in own.baseAddress.map { memcmp($0, given, own.count) == 0 } ?? false }
    }
}

extension Caller {
    /// The user that a request is for: the one that it names, else the token's own; nil where neither says one.
    func user(named: [UInt8]?, for access: UserAccess) throws(APIProblem) -> [UInt8]? {
        let isOwn = named.map { $0.withUnsafeBytes(isSelf) } ?? (user != nil)
        if let refusal = refusal(access, isOwn: isOwn) { throw APIProblem(refusal) }
        return named ?? user
    }

    /// Throws unless the caller has `scope`.
    func require(_ scope: Scopes) throws(APIProblem) {
        if let refusal = refusal(without: scope) { throw APIProblem(refusal) }
    }
}

extension APIProblem {
    /// The answer to a caller who may not: 401 or 403, with the challenge of RFC 6750, section 3.
    init(_ refusal: Caller.Refusal) {
        switch refusal {
        case .unauthenticated: self = .unauthenticated(challenge: "Bearer realm=\"likewise\"")
        case .notYourself:
            self.init(.notYourself, "The token is another user's: it acts for its own subject only.")
        case .forbidden(let scopes):
            let names = scopes.names.joined(separator: " ")
            self.init(.forbidden, "The token or key lacks the scope \(names).")
            headers.append(
                ("WWW-Authenticate", "Bearer realm=\"likewise\", error=\"insufficient_scope\", scope=\"\(names)\""))
        }
    }

    /// The answer to a credential that does not hold. It does not say why.
    static var invalidToken: APIProblem {
        .unauthenticated(challenge: "Bearer realm=\"likewise\", error=\"invalid_token\"")
    }

    private static func unauthenticated(challenge: String) -> APIProblem {
        var problem = APIProblem(
            .unauthenticated, "Send Authorization: Bearer, with a token or a key that holds.")
        problem.headers.append(("WWW-Authenticate", challenge))
        return problem
    }
}
