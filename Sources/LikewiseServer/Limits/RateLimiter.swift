// The rate limits of this process: who may go on, and who waits how long.
//
// What is kept is spread over stripes by hash, each with a lock of its own that is held for the look at two cache lines.
// A request that several limits are for is counted by one after the other, and given back to those that let it pass where a
// later one refuses it. So no limit ever lets more pass than it should; less only while such a request is under way.
//
// In a cluster this is the first of two looks: what passes here is counted once more by all nodes together, with the other
// intents of its batch (`SharedLimit`), and given back here where it is refused there.

import Crypto
import LikewiseCore
package import LikewiseEngine
import Synchronization

/// Whom a request is counted for; nil where a limit of that kind is not for it.
package struct LimitedCaller {
    /// Set for changes alone, as is `content`.
    package var user: UnsafeRawBufferPointer?
    package var content: UnsafeRawBufferPointer?
    package var address: NetworkAddress?
    /// The name of an API key.
    package var key: [UInt8]?

    package init() {}
}

/// What limits say of a request.
package enum RateLimitDecision: Hashable, Sendable {
    /// None is for it.
    case unlimited
    /// It passes, and this is the limit that has least left.
    case passes(RateLimitStanding)
    case refused(RateLimitRefusal)
}

/// What a limit still has for a caller.
package struct RateLimitStanding: Hashable, Sendable {
    package var kind: RateLimitKind
    /// How many more would pass now.
    package var left: UInt32
}

/// Why a request may not pass now.
package struct RateLimitRefusal: Hashable, Sendable {
    package var kind: RateLimitKind
    /// Nanoseconds until one would pass.
    package var wait: UInt64

    /// Whole seconds until one would pass, rounded up.
    package var seconds: UInt64 { max(1, (wait + 999_999_999) / 1_000_000_000) }
}

/// Rate limits in bounded memory. Thread-safe.
package final class RateLimiter: Sendable {
    /// Bytes of all that is kept, where nothing else is said: a million callers.
    package static let usualBound = 16 << 20

    /// A power of two, which the upper bits of a hash choose from.
    private static let stripeCount = 64

    private struct State {
        var table: LimitTable
        /// Requests by kind.
        var passed = InlineArray<4, UInt64>(repeating: 0)
        var refused = InlineArray<4, UInt64>(repeating: 0)
    }

    private final class Stripe: Sendable {
        let state: Mutex<State>
        init(bound: Int) { state = Mutex(State(table: LimitTable(bound: bound))) }
    }

    package let policy: RateLimitPolicy
    /// Whether other nodes count too.
    package let isShared: Bool
    private let seed: UInt64
    private let stripes: [Stripe]

    /// - Parameters:
    ///   - bound: bytes of all that is kept.
    ///   - seed: keys the hashes, so that nobody can prepare callers that are taken for each other.
    package init(
        _ policy: RateLimitPolicy, isShared: Bool = false, bound: Int = RateLimiter.usualBound,
        seed: UInt64 = .random(in: .min ... .max)
    ) {
        self.policy = policy
        self.isShared = isShared
        self.seed = seed
        stripes = (0..<RateLimiter.stripeCount).map { _ in Stripe(bound: bound / RateLimiter.stripeCount) }
    }

    private init(_ other: RateLimiter) {
        policy = other.policy
        isShared = other.isShared
        seed = other.seed
        stripes = other.stripes.map(\.self)
    }

    /// The same limits, for one event loop: no two cores then count references to one object.
    func copy() -> RateLimiter { RateLimiter(self) }

    // MARK: Requests

    /// Counts a request if all limits let it pass; else it is counted by none, and the first that refused it is
    /// answered. `now`: nanoseconds of a clock that never goes back.
    package func take(_ caller: LimitedCaller, now: UInt64) -> RateLimitDecision {
        var standing: RateLimitStanding?
        for number in 0..<UInt8(RateLimitKind.count) {
            guard let kind = RateLimitKind(rawValue: number), let limit = policy[kind],
                let key = key(of: caller, kind)
            else { continue }
            switch take(key, kind, limit, now: now) {
            case .passes(let left):
                let left = UInt32(clamping: left)
                if left < standing?.left ?? .max { standing = RateLimitStanding(kind: kind, left: left) }
            case .refused(let wait):
                for earlier in 0..<number {
                    if let kind = RateLimitKind(rawValue: earlier), let key = self.key(of: caller, kind) {
                        giveBack(key, kind)
                    }
                }
                return .refused(RateLimitRefusal(kind: kind, wait: wait))
            }
        }
        return standing.map { .passes($0) } ?? .unlimited
    }

    /// What a request that passed here takes from the limits of all nodes; `intent` is its place in its group.
    package func shared(_ caller: LimitedCaller, intent: Int) -> [SharedLimit] {
        guard isShared else { return [] }
        return RateLimitKind.allCases.compactMap { kind in
            guard let limit = policy[kind], let key = key(of: caller, kind) else { return nil }
            let (high, low) = RateLimiter.digest(of: caller, kind)
            return SharedLimit(intent: intent, kind: kind.rawValue, local: key, high: high, low: low, limit: limit)
        }
    }

    /// Why the limits of all nodes refused an intent of `group`, which this node then counts as refused too; nil where they
    /// did not.
    package func refusal(of intent: Int, in group: IntentGroup) -> RateLimitRefusal? {
        guard let refusal = group.refusal(of: intent), let kind = RateLimitKind(rawValue: refusal.kind) else {
            return nil
        }
        for limit in group.limits(of: intent) {
            guard let taken = RateLimitKind(rawValue: limit.kind) else { continue }
            giveBack(limit.local, taken)
            guard taken == kind else { continue }
            stripe(limit.local).state.withLock { $0.refused[Int(kind.rawValue)] += 1 }
        }
        return RateLimitRefusal(kind: kind, wait: refusal.wait)
    }

    private func take(_ key: UInt64, _ kind: RateLimitKind, _ limit: RateLimit, now: UInt64) -> RateLimit.Answer {
        stripe(key).state.withLock { state in
            let answer = state.table.take(key, limit, now: now)
            switch answer {
            case .passes: state.passed[Int(kind.rawValue)] += 1
            case .refused: state.refused[Int(kind.rawValue)] += 1
            }
            return answer
        }
    }

    private func giveBack(_ key: UInt64, _ kind: RateLimitKind) {
        guard let limit = policy[kind] else { return }
        stripe(key).state.withLock { state in
            state.table.giveBack(key, limit)
            state.passed[Int(kind.rawValue)] -= 1
        }
    }

    // MARK: What there is

    /// Requests that a kind of limit let pass, and that it refused.
    package func counts(_ kind: RateLimitKind) -> (passed: UInt64, refused: UInt64) {
        stripes.reduce((0, 0)) { sum, stripe in
            stripe.state.withLock { (sum.0 + $0.passed[Int(kind.rawValue)], sum.1 + $0.refused[Int(kind.rawValue)]) }
        }
    }

    /// Bytes that are taken up now.
    package var bytes: Int { stripes.reduce(0) { $0 + $1.state.withLock { $0.table.bytes } } }
    /// Callers who were forgotten before their time, since the bound was reached.
    package var forgotten: Int { stripes.reduce(0) { $0 + $1.state.withLock { $0.table.forgotten } } }
    /// Callers who are kept and have not got back all that they may have.
    package func tracked(now: UInt64) -> Int {
        stripes.reduce(0) { $0 + $1.state.withLock { $0.table.count(now: now) } }
    }

    // MARK: Keys

    /// Whom a limit of this kind counts the caller as; nil where it is not for him.
    private func key(of caller: LimitedCaller, _ kind: RateLimitKind) -> UInt64? {
        switch kind {
        case .userContent:
            guard let user = caller.user, let content = caller.content else { return nil }
            return Hash64.combine(hash(content, kind), hash(user, kind))
        case .user: return caller.user.map { hash($0, kind) }
        case .address:
            guard let address = caller.address?.subscriber else { return nil }
            return withUnsafeBytes(of: (address.high, address.low)) { hash($0, kind) }
        case .key: return caller.key.map { key in key.withUnsafeBytes { hash($0, kind) } }
        }
    }

    private func hash(_ bytes: UnsafeRawBufferPointer, _ kind: RateLimitKind) -> UInt64 {
        Hash64.of(bytes, seed: seed ^ UInt64(kind.rawValue + 1))
    }

    /// The same on every node, which share no secret: so it takes a hash that nobody finds a second text for.
    private static func digest(of caller: LimitedCaller, _ kind: RateLimitKind) -> (high: UInt64, low: UInt64) {
        var hash = SHA256()
        hash.update(data: [kind.rawValue])
        func add(_ bytes: UnsafeRawBufferPointer?) {
            guard let bytes else { return }
            // Its length keeps two texts apart that are one when put together.
            hash.update(data: [UInt8(bytes.count >> 8 & 255), UInt8(bytes.count & 255)])
            hash.update(bufferPointer: bytes)
        }
        switch kind {
        case .userContent:
            add(caller.content)
            add(caller.user)
        case .user: add(caller.user)
        case .address:
            guard let address = caller.address?.subscriber else { break }
            withUnsafeBytes(of: (address.high.bigEndian, address.low.bigEndian)) { add($0) }
        case .key: caller.key?.withUnsafeBytes { add($0) }
        }
        return hash.finalize().withUnsafeBytes { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    private func stripe(_ key: UInt64) -> Stripe { stripes[Int(key >> 58)] }
}
