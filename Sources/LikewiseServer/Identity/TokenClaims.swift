// What a token says, and whether that holds here and now: RFC 7519, RFC 9068, and the advice of RFC 8725. Without keys
// and without a clock.

import LikewiseCore

/// Why a token is refused. For the log at debug level alone: a caller is never told.
package enum TokenFault: String, Error, Sendable {
    case form, header, algorithm, critical, bringsKey, unknownKey, signature, claims
    case expired, notYetValid, issuer, audience, subject, scope
}

/// What a token must say to be taken.
package struct TokenRules: Sendable {
    /// Who made it: the claim `iss`, to the letter.
    package var issuer: String
    /// Whom it is for: must be in the claim `aud`.
    package var audience: String
    /// Milliseconds by which clocks may differ.
    package var leeway: UInt64

    package init(issuer: String, audience: String, leeway: UInt64) {
        self.issuer = issuer
        self.audience = audience
        self.leeway = leeway
    }

    /// Seconds since 1970 beyond which a moment is taken for a mistake: the year 33658.
    private static let lastSecond = 1e12

    /// The caller that these claims stand for at `now` (milliseconds since 1970).
    func caller(_ claims: JSONMembers, now: UInt64) throws(TokenFault) -> Caller {
        guard claims["iss"] == .string(issuer) else { throw .issuer }
        switch claims["aud"] {
        case .string(let one): guard one == audience else { throw .audience }
        case .strings(let some): guard some.contains(audience) else { throw .audience }
        default: throw .audience
        }
        guard case .number(let expiry) = claims["exp"], expiry > 0, expiry < TokenRules.lastSecond else {
            throw .claims
        }
        let expires = UInt64(expiry * 1000) + leeway
        guard now < expires else { throw .expired }
        if let given = claims["nbf"] {
            guard case .number(let begin) = given, begin >= 0, begin < TokenRules.lastSecond else { throw .claims }
            guard now + leeway >= UInt64(begin * 1000) else { throw .notYetValid }
        }
        var scopes: Scopes = []
        if let given = claims["scope"] {
            guard case .string(let names) = given else { throw .scope }
            scopes = Scopes(claim: names)
        }
        return Caller(user: try TokenRules.subject(claims), scopes: scopes, expires: expires)
    }

    private static func subject(_ claims: JSONMembers) throws(TokenFault) -> [UInt8] {
        guard case .string(let subject) = claims["sub"] else { throw .subject }
        let user = Array(subject.utf8)
        let isSound = user.withUnsafeBytes { bytes in
            do throws(IDRules.Problem) {
                try IDRules.check(bytes, limit: IDRules.userBytes)
                return true
            } catch { return false }
        }
        guard isSound else { throw .subject }
        return user
    }
}
