// The rate limits of this process: who may go on, and who waits how long.
//
// What is kept is spread over stripes by hash, each with a lock of its own that is held for the look at two cache lines.
// A request that several limits are for is counted by one after the other, and given back to those that let it pass where a
// later one refuses it. So no limit ever lets more pass than it should; less only while such a request is under way.

package import LikewiseCore
import Synchronization

/// Whom a request is counted for; nil where a limit of that kind is not for it.
package struct LimitedCaller {
    package var user: UnsafeRawBufferPointer?
    /// Set for changes alone.
    package var content: UnsafeRawBufferPointer?
    package var address: UnsafeRawBufferPointer?
    package var key: UnsafeRawBufferPointer?

    package init() {}
}

/// Why a request may not pass now.
package struct RateLimitRefusal: Hashable, Sendable {
    package var kind: RateLimitKind
    package var limit: RateLimit
    /// Nanoseconds until one would pass.
    package var wait: UInt64
}

/// Rate limits in bounded memory. Thread-safe.
package final class RateLimiter: Sendable {
    /// Bytes of all that is kept, where nothing else is said: a million callers.
    package static let usualBound = 16 << 20

    /// A power of two, which the upper bits of a hash choose from.
    private static let stripeCount = 64

    private final class Stripe: Sendable {
        let table: Mutex<LimitTable>
        init(bound: Int) { table = Mutex(LimitTable(bound: bound)) }
    }

    package let policy: RateLimitPolicy
    private let seed: UInt64
    private let stripes: [Stripe]

    /// - Parameters:
    ///   - bound: bytes of all that is kept.
    ///   - seed: keys the hashes, so that nobody can prepare callers that are taken for each other.
    package init(
        _ policy: RateLimitPolicy, bound: Int = RateLimiter.usualBound, seed: UInt64 = .random(in: .min ... .max)
    ) {
        self.policy = policy
        self.seed = seed
        stripes = (0..<RateLimiter.stripeCount).map { _ in Stripe(bound: bound / RateLimiter.stripeCount) }
    }

    /// Counts a request, and answers nil, if all limits let it pass; else it is counted by none, and the first that refused
    /// it is answered. `now`: nanoseconds of a clock that never goes back.
    package func take(_ caller: LimitedCaller, now: UInt64) -> RateLimitRefusal? {
        for kind in RateLimitKind.allCases {
            guard let limit = policy[kind], let key = key(of: caller, kind) else { continue }
            let answer = stripe(key).table.withLock { $0.take(key, limit, now: now) }
            guard case .refused(let wait) = answer else { continue }
            for earlier in RateLimitKind.allCases.prefix(while: { $0 != kind }) { giveBack(caller, earlier) }
            return RateLimitRefusal(kind: kind, limit: limit, wait: wait)
        }
        return nil
    }

    /// Bytes that are taken up now.
    package var bytes: Int { stripes.reduce(0) { $0 + $1.table.withLock { $0.bytes } } }
    /// Callers who were forgotten before their time, since the bound was reached.
    package var forgotten: Int { stripes.reduce(0) { $0 + $1.table.withLock { $0.forgotten } } }

    /// Whom a limit of this kind counts the caller as; nil where it is not for him.
    private func key(of caller: LimitedCaller, _ kind: RateLimitKind) -> UInt64? {
        switch kind {
        case .userContent:
            guard let user = caller.user, let content = caller.content else { return nil }
            return Hash64.combine(hash(content, kind), hash(user, kind))
        case .user: return caller.user.map { hash($0, kind) }
        case .address: return caller.address.map { hash($0, kind) }
        case .key: return caller.key.map { hash($0, kind) }
        }
    }

    private func hash(_ bytes: UnsafeRawBufferPointer, _ kind: RateLimitKind) -> UInt64 {
        Hash64.of(bytes, seed: seed ^ UInt64(kind.index + 1))
    }

    private func stripe(_ key: UInt64) -> Stripe { stripes[Int(key >> 58)] }

    private func giveBack(_ caller: LimitedCaller, _ kind: RateLimitKind) {
        guard let limit = policy[kind], let key = key(of: caller, kind) else { return }
        stripe(key).table.withLock { $0.giveBack(key, limit) }
    }
}
