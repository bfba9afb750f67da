/// Why a count cannot be told.
package enum CountCacheError: Error, Hashable, Sendable {
    /// Too many contents are being fetched already.
    case overloaded
    /// The ledger's answer has no count for a content that it was asked for.
    case missingFromLoad
}

/// The ledger could tell some of the contents that it was asked for: what a `CountCache.Load` throws then.
package struct CountLoadFailure: Error {
    /// What it could tell.
    package var found: [CachedCount]
    /// Why it could not tell the others.
    package var reason: any Error

    /// The counts, where all are there; throws otherwise: the reason where none is.
    package static func unlessAll(_ results: [Result<CachedCount, any Error>]) throws -> [CachedCount] {
        var found: [CachedCount] = []
        var reason: (any Error)?
        for result in results {
            switch result {
            case .success(let count): found.append(count)
            case .failure(let error): reason = error
            }
        }
        guard let reason else { return found }
        throw found.isEmpty ? reason : CountLoadFailure(found: found, reason: reason)
    }
}
