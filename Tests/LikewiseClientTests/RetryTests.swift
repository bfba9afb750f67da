import LikewiseAPI
import LikewiseClient
import LikewiseTestSupport
import Testing

@Suite("What is tried again")
struct RetryTests {
    private static func problem(_ status: Int, _ code: ProblemCode? = nil, retryAfter: Duration? = nil) -> LikewiseError
    {
        let body = code.map { "{\"code\":\"\($0.rawValue)\"}" } ?? ""
        return LikewiseError(status: status, body: Array(body.utf8), retryAfter: retryAfter)
    }

    @Test(
        "is what may be answered otherwise a little later",
        arguments: [
            (LikewiseError(.connection, ""), true), (LikewiseError(.timeout, ""), true),
            (LikewiseError(.answer, ""), false), (LikewiseError(.argument, ""), false),
            (LikewiseError(.token, ""), false),
            (RetryTests.problem(503, .overloaded), true), (RetryTests.problem(503, .shuttingDown), true),
            (RetryTests.problem(503, .storageFull), true),
            (RetryTests.problem(503, .storageFailed), false), (RetryTests.problem(500, .internal), true),
            (RetryTests.problem(429, .rateLimited), true),
            (RetryTests.problem(409, .idempotencyKeyInUse), true), (RetryTests.problem(409, .alreadyLiked), false),
            (RetryTests.problem(422, .idempotencyKeyReused), false), (RetryTests.problem(400, .invalidRequest), false),
            (RetryTests.problem(401, .unauthenticated), false), (RetryTests.problem(403, .forbidden), false),
            (RetryTests.problem(404, .contentNotFound), false), (RetryTests.problem(502), true),
            (RetryTests.problem(503), true), (RetryTests.problem(504), true),
            (RetryTests.problem(404), false), (RetryTests.problem(501), false),
        ] as [(LikewiseError, Bool)])
    func worth(error: LikewiseError, isWorth: Bool) { #expect(error.isWorthRepeating == isWorth, "\(error)") }

    @Test(
        "may have taken effect only where nobody knows",
        arguments: [
            (LikewiseError(.timeout, ""), true), (LikewiseError(.answer, ""), true),
            (LikewiseError(.connection, ""), false), (LikewiseError(.argument, ""), false),
            (RetryTests.problem(503, .overloaded), false), (RetryTests.problem(503, .storageFailed), true),
            (RetryTests.problem(500, .internal), true),
            (RetryTests.problem(429, .rateLimited), false), (RetryTests.problem(502), true),
            (RetryTests.problem(400), false),
        ] as [(LikewiseError, Bool)])
    func unknown(error: LikewiseError, isUnknown: Bool) { #expect(error.isOutcomeUnknown == isUnknown, "\(error)") }

    @Test("Waits are spread from zero to a bound that doubles up to the longest")
    func jitter() {
        let (first, longest) = (Duration.milliseconds(100), Duration.seconds(5))
        func wait(_ failures: Int, _ random: UInt64) -> Duration {
            Backoff.wait(failures, first: first, longest: longest, random: random)
        }
        for (failures, bound) in [(1, 0.1), (2, 0.2), (3, 0.4), (6, 3.2), (7, 5.0), (1_000, 5.0)] {
            #expect(wait(failures, 0) == .zero)
            #expect(wait(failures, .max) < .seconds(bound))
            #expect(wait(failures, .max) > .seconds(bound * 0.999_999))
            // Half of it, but for roundings of the fraction.
            let half = wait(failures, 1 << 63) - .seconds(bound / 2)
            #expect(half < .nanoseconds(1) && half > .nanoseconds(-1))
        }
    }

    @Test("A call ends after its attempts, and never waits beyond its time", arguments: SeededRandom.seeds(50))
    func bounds(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var policy = RetryPolicy()
        policy.attempts = random.within(1...8)
        policy.time = .milliseconds(random.within(1...20_000))
        var plan = RetryPlan(policy)
        var (elapsed, attempts) = (Duration.zero, 1)
        while true {
            elapsed += .milliseconds(random.below(1_000))
            let asked = random.chance(oneIn: 2) ? Duration.seconds(random.below(4)) : nil
            let error = Self.problem(503, .overloaded, retryAfter: asked)
            guard let wait = plan.wait(after: error, elapsed: elapsed, random: random.next()) else { break }
            #expect(wait >= asked ?? .zero, "LIKEWISE_SEED=\(seed)")
            elapsed += wait
            #expect(elapsed < policy.time, "LIKEWISE_SEED=\(seed)")
            attempts += 1
        }
        #expect(attempts <= policy.attempts, "LIKEWISE_SEED=\(seed)")
        #expect(plan.failures == attempts, "LIKEWISE_SEED=\(seed)")
    }

    @Test("A live stream that was there is never given up; one that never was is, after the attempts of a call")
    func live() {
        let refused = LikewiseError(.connection, "")
        var never = LivePlan(RetryPolicy())
        for _ in 1..<RetryPolicy().attempts { #expect(never.wait(after: refused, random: 7) != nil) }
        #expect(never.wait(after: refused, random: 7) == nil)
        var plan = LivePlan(RetryPolicy())
        plan.heard()
        plan.serverWait = .milliseconds(1_500)
        #expect(plan.wait(after: nil, random: 0) == .milliseconds(1_500))
        #expect((plan.wait(after: refused, random: .max) ?? .zero) > .milliseconds(4_400))
        for _ in 0..<1_000 {
            let wait = plan.wait(after: refused, random: .max)
            #expect(wait.map { $0 <= .milliseconds(31_500) } == true)
        }
        plan.heard()
        #expect(plan.wait(after: Self.problem(503, .overloaded, retryAfter: .seconds(9)), random: 0) == .seconds(9))
        #expect(plan.wait(after: Self.problem(403, .forbidden), random: 0) == nil)
    }
}
