// Credentials that were found to hold, so that a signature is checked once and not with every request.
//
// Found by a hash under a seed of this cache, so that nobody can prepare collisions, and then compared whole. Two halves
// bound it without a list of what was used when: a new entry goes into the young half; when that is full it becomes the
// old one, whose entries come back when they are asked for, and else go with the next turn. What does not hold is
// never kept.

import LikewiseCore

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A bounded table from credentials to callers; has one owner.
package struct CallerCache {
    /// What the cache may hold at most; twice that with the old half.
    package struct Limits: Sendable {
        package var entries = 8_192
        /// Bytes of credentials.
        package var bytes = 4 << 20

        package init() {}
    }

    private struct Entry {
        var token: [UInt8]
        var caller: Caller
    }

    private let limits: Limits
    private let seed: UInt64
    private var young: [UInt64: Entry] = [:]
    private var old: [UInt64: Entry] = [:]
    private var youngBytes = 0
    /// Which keys the entries were checked with.
    private var generation: UInt64 = 0

    /// - Parameter seed: drawn at random for each cache.
    package init(_ limits: Limits = Limits(), seed: UInt64) {
        self.limits = limits
        self.seed = seed
    }

    /// How many credentials are held.
    package var count: Int { young.count + old.count }

    /// The caller of a credential that was found to hold with the keys of `generation`, and still does at `now`
    /// (milliseconds since 1970).
    package mutating func find(_ token: UnsafeRawBufferPointer, generation: UInt64, now: UInt64) -> Caller? {
        if generation != self.generation { removeAll(for: generation) }
        let hash = Hash64.of(token, seed: seed)
        if let entry = young[hash] {
            guard CallerCache.isSame(entry.token, token) else { return nil }
            return now < entry.caller.expires ? entry.caller : nil
        }
        guard let entry = old[hash], CallerCache.isSame(entry.token, token) else { return nil }
        guard now < entry.caller.expires else { return nil }
        put(entry, hash)
        return entry.caller
    }

    /// Keeps a credential that was checked with the keys of `generation`, unless others have come since.
    package mutating func insert(_ token: [UInt8], _ caller: Caller, generation: UInt64) {
        if generation > self.generation { removeAll(for: generation) }
        guard generation == self.generation else { return }
        put(Entry(token: token, caller: caller), Hash64.of(token, seed: seed))
    }

    private mutating func put(_ entry: Entry, _ hash: UInt64) {
        if young.count >= limits.entries || youngBytes + entry.token.count > limits.bytes {
            old = young
            young = [:]
            youngBytes = 0
        }
        youngBytes += entry.token.count
        if let before = young.updateValue(entry, forKey: hash) { youngBytes -= before.token.count }
    }

    private mutating func removeAll(for generation: UInt64) {
        young = [:]
        old = [:]
        youngBytes = 0
        self.generation = generation
    }

    private static func isSame(_ kept: [UInt8], _ token: UnsafeRawBufferPointer) -> Bool {
        guard kept.count == token.count, let base = token.baseAddress else { return false }
        return kept.withUnsafeBytes { kept in
            guard let start = kept.baseAddress else { return false }
            return memcmp(start, base, token.count) == 0
        }
    }
}
