import LikewiseCore
import LikewiseServer
import Synchronization
import Testing

@Suite("Rate limits")
struct RateLimiterTests {
    private static let second: UInt64 = 1_000_000_000

    private static func policy(_ limits: [(RateLimitKind, UInt64)]) throws -> RateLimitPolicy {
        var policy = RateLimitPolicy()
        for (kind, count) in limits { policy[kind] = try #require(RateLimit(count, in: 60 * second)) }
        return policy
    }

    /// Asks for one request.
    private func take(
        _ limiter: RateLimiter, user: String? = nil, content: String? = nil, address: UInt64? = nil,
        key: String? = nil, now: UInt64 = 1_000 * second
    ) -> RateLimitRefusal? {
        func with<R>(_ text: String?, _ body: (UnsafeRawBufferPointer?) -> R) -> R {
            guard let text else { return body(nil) }
            return Array(text.utf8).withUnsafeBytes { body($0) }
        }
        return with(user) { user in
            with(content) { content in
                var caller = LimitedCaller()
                (caller.user, caller.content) = (user, content)
                caller.address = address.map { NetworkAddress(high: $0, low: 0) }
                caller.key = key.map { Array($0.utf8) }
                guard case .refused(let refusal) = limiter.take(caller, now: now) else { return nil }
                return refusal
            }
        }
    }

    @Test(
        "over ten minutes each of 10,000 users passes exactly as often on a content as is allowed, in 64 bytes a pair or less"
    )
    func exactNumber() throws {
        let limiter = RateLimiter(try Self.policy([(.userContent, 10)]), seed: 1)
        let users = (0..<10_000).map { Array("user_\($0)".utf8) }
        var passed = Array(repeating: 0, count: users.count)
        let content = Array("video_abc".utf8)
        content.withUnsafeBytes { content in
            // Each tries three times in two seconds, so nearly twice as often as is allowed.
            for second in 0..<600 {
                for (number, user) in users.enumerated() where (second + number) % 2 == 0 {
                    user.withUnsafeBytes { user in
                        var caller = LimitedCaller()
                        (caller.user, caller.content) = (user, content)
                        for _ in 0..<3 {
                            let decision = limiter.take(caller, now: (1_000 + UInt64(second)) * Self.second)
                            if case .passes = decision { passed[number] += 1 }
                        }
                    }
                }
            }
        }
        // Ten at once, and one each six seconds of the time between the first try and the last.
        #expect(passed.enumerated().allSatisfy { $0.element == 10 + 598 / 6 })
        #expect(limiter.forgotten == 0)
        #expect(limiter.bytes <= 64 * users.count)
    }

    @Test("each kind counts what it is for, and nobody else")
    func kinds() throws {
        let limiter = RateLimiter(try Self.policy([(.userContent, 1), (.user, 3), (.address, 5), (.key, 6)]))
        #expect(take(limiter, user: "u", content: "a", address: 1, key: "k") == nil)
        #expect(take(limiter, user: "u", content: "a", address: 1, key: "k")?.kind == .userContent)
        #expect(take(limiter, user: "u", content: "b", address: 1, key: "k") == nil)
        #expect(take(limiter, user: "u", address: 1, key: "k") == nil)
        #expect(take(limiter, user: "u", content: "c", address: 1, key: "k")?.kind == .user)
        #expect(take(limiter, user: "v", content: "a", address: 1, key: "k") == nil)
        #expect(take(limiter, user: "w", content: "a", address: 1, key: "k") == nil)
        #expect(take(limiter, user: "x", content: "a", address: 1, key: "k")?.kind == .address)
        #expect(
            take(limiter, user: "x", content: "a", address: 2, key: "k") == nil, "the refused one was not counted")
        #expect(take(limiter, user: "y", content: "a", address: 2, key: "k")?.kind == .key)
        #expect(take(limiter, user: "y", content: "a", address: 2, key: "l") == nil)
    }

    @Test("a request that a later limit refuses is not counted by an earlier one")
    func givenBack() throws {
        let limiter = RateLimiter(try Self.policy([(.user, 2), (.address, 1)]))
        #expect(take(limiter, user: "u", address: 1) == nil)
        for _ in 0..<10 { #expect(take(limiter, user: "u", address: 1)?.kind == .address) }
        #expect(take(limiter, user: "u", address: 2) == nil)
        #expect(take(limiter, user: "u", address: 3)?.kind == .user)
    }

    @Test("a refusal says when the next one would pass")
    func wait() throws {
        let limiter = RateLimiter(try Self.policy([(.user, 10)]))
        for _ in 0..<10 { #expect(take(limiter, user: "u") == nil) }
        let refusal = try #require(take(limiter, user: "u"))
        #expect(refusal.wait == 6 * Self.second && refusal.kind == .user && refusal.seconds == 6)
        #expect(take(limiter, user: "u", now: 1_000 * Self.second + refusal.wait) == nil)
    }

    @Test("at the bound of the memory those who are nearest to a clean slate are forgotten, and that is counted")
    func bound() throws {
        let limiter = RateLimiter(try Self.policy([(.user, 1)]), bound: 64 * 1_024)
        for number in 0..<20_000 { #expect(take(limiter, user: "u\(number)") == nil) }
        #expect(limiter.bytes <= 64 * 1_024)
        #expect(limiter.forgotten >= 20_000 - 4_096)
        #expect(take(limiter, user: "u19999")?.kind == .user)
    }

    @Test("a flood of new callers does not give one who has used up his limit more than his due")
    func flood() throws {
        let limiter = RateLimiter(try Self.policy([(.userContent, 10)]), bound: 256 << 10)
        let worst = (0..<64).map { "worst_\($0)" }
        for user in worst {
            for _ in 0..<10 { #expect(take(limiter, user: user, content: "v") == nil) }
        }
        // Each comes once, so that he is nearer to a clean slate than those who used up all of theirs.
        for number in 0..<200_000 { #expect(take(limiter, user: "new_\(number)", content: "v") == nil) }
        #expect(limiter.bytes <= 256 << 10)
        #expect(limiter.forgotten > 100_000)
        #expect(worst.allSatisfy { take(limiter, user: $0, content: "v") != nil })
    }

    @Test("what is told of a limit is how much the scarcest one has left, and what passed and was refused is counted")
    func standing() throws {
        let limiter = RateLimiter(try Self.policy([(.user, 3), (.key, 2)]))
        var caller = LimitedCaller()
        caller.key = Array("k".utf8)
        #expect(limiter.take(LimitedCaller(), now: Self.second) == .unlimited)
        func ask() -> RateLimitDecision {
            Array("u".utf8).withUnsafeBytes { user in
                caller.user = user
                return limiter.take(caller, now: Self.second)
            }
        }
        guard case .passes(let standing) = ask(), case .passes = ask(), case .refused(let refusal) = ask() else {
            Issue.record("two of three pass")
            return
        }
        #expect(standing.kind == .key && standing.left == 1)
        #expect(refusal.kind == .key && refusal.wait == 30 * Self.second)
        #expect(limiter.counts(.user) == (2, 0))
        #expect(limiter.counts(.key) == (2, 1))
        #expect(limiter.tracked(now: Self.second) == 2)
        #expect(limiter.tracked(now: 100 * Self.second) == 0)
    }

    @Test("time that has passed makes room without growing")
    func room() throws {
        let limiter = RateLimiter(try Self.policy([(.user, 1)]), bound: 1 << 20)
        for round in 0..<50 {
            for number in 0..<2_000 {
                #expect(take(limiter, user: "\(round)-\(number)", now: UInt64(1_000 + 60 * round) * Self.second) == nil)
            }
        }
        #expect(limiter.forgotten == 0)
        #expect(limiter.bytes <= 64 * 2_000)
    }

    @Test("callers on several threads get exactly the number together")
    func threads() async throws {
        let limiter = RateLimiter(try Self.policy([(.user, 1_000)]))
        let passed = await withTaskGroup(of: Int.self) { tasks in
            for _ in 0..<8 {
                tasks.addTask { (0..<500).count { _ in take(limiter, user: "u") == nil } }
            }
            return await tasks.reduce(0, +)
        }
        #expect(passed == 1_000)
    }
}
