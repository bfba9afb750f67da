// Rate limits that nodes count together, with a real Redis.

import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseServer
import LikewiseTestSupport
import Logging
import Synchronization
import Testing

@Suite("Rate limits of several nodes")
struct SharedLimitTests {
    private static let minute: UInt64 = 60_000_000_000

    private static func policy(_ limits: [(RateLimitKind, UInt64)]) throws -> RateLimitPolicy {
        var policy = RateLimitPolicy()
        for (kind, count) in limits { policy[kind] = try #require(RateLimit(count, in: minute)) }
        return policy
    }

    private static func with<T>(
        _ content: String, _ user: String, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> T
    ) -> T {
        Array(content.utf8).withUnsafeBytes { content in Array(user.utf8).withUnsafeBytes { body(content, $0) } }
    }

    /// Moves by the test's word; microseconds since 1970.
    private final class Time: Sendable {
        private let value = Atomic<UInt64>(1_773_478_000_000_000)
        var now: UInt64 { value.load(ordering: .relaxed) }
        func advance(seconds: UInt64) { value.wrappingAdd(seconds * 1_000_000, ordering: .relaxed) }
        func goBack(seconds: UInt64) { value.wrappingSubtract(seconds * 1_000_000, ordering: .relaxed) }
    }

    @Test(
        "over ten simulated minutes each of 10,000 users passes at two nodes together exactly as often as is allowed",
        .timeLimit(.minutes(5)))
    func exactNumber() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology) { client in
            let time = Time()
            let shared = RedisLimits(client, now: { time.now })
            let policy = try Self.policy([(.userContent, 10)])
            let nodes = [RateLimiter(policy, isShared: true), RateLimiter(policy, isShared: true)]
            var passed = [Int](repeating: 0, count: 10_000)
            for step in 0...30 {
                // As many as are allowed by then, and one more.
                for attempt in 0..<(step == 0 ? 11 : 5) {
                    let group = IntentGroup()
                    var asking: [(user: Int, node: Int)] = []
                    for user in passed.indices {
                        let node = (user + step + attempt) % 2
                        Self.with("video_abc", "user_\(user)") { content, id in
                            var caller = LimitedCaller()
                            (caller.user, caller.content) = (id, content)
                            guard case .passes = nodes[node].take(caller, now: time.now * 1_000) else { return }
                            group.sharedLimits += nodes[node].shared(caller, intent: asking.count)
                            asking.append((user, node))
                        }
                    }
                    for (intent, wait) in await shared.take(group.sharedLimits).enumerated() {
                        let wait = try #require(wait, "Redis did not answer")
                        if wait == 0 {
                            passed[asking[intent].user] += 1
                        } else {
                            group.refusals.append(
                                SharedRefusal(intent: intent, kind: RateLimitKind.userContent.rawValue, wait: wait))
                        }
                    }
                    for refusal in group.refusals {
                        let limiter = nodes[asking[refusal.intent].node]
                        #expect(limiter.refusal(of: refusal.intent, in: group)?.wait == refusal.wait)
                    }
                }
                time.advance(seconds: 20)
            }
            #expect(passed.allSatisfy { $0 == 10 + 600 / 6 })
            let bytes = await client.send(RedisCommand("DBSIZE"))
            #expect(try bytes.get().number == 10_000)
        }
    }

    @Test("a Redis whose clock is set back keeps nobody waiting for longer than he who has used up his limit")
    func clockBack() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology) { client in
            let time = Time()
            let shared = RedisLimits(client, now: { time.now })
            let limiter = RateLimiter(try Self.policy([(.user, 2)]), isShared: true)
            let limits = Self.with("v", "ann") { _, user in
                var caller = LimitedCaller()
                caller.user = user
                return limiter.shared(caller, intent: 0)
            }
            #expect(await shared.take(limits + limits + limits) == [0, 0, 30_000_000_000])
            time.goBack(seconds: 3_600)
            #expect(await shared.take(limits) == [30_000_000_000])
            time.advance(seconds: 30)
            #expect(await shared.take(limits) == [0])
            #expect(await shared.take(limits) == [30_000_000_000])
        }
    }

    @Test("what is taken goes by the clock of Redis, expires by itself, and is given back")
    func redisTime() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology) { client in
            let shared = RedisLimits(client)
            var policy = RateLimitPolicy()
            policy[.user] = try #require(RateLimit(2, in: 400_000_000))
            let limiter = RateLimiter(policy, isShared: true)
            let limits = Self.with("v", "ann") { _, user in
                var caller = LimitedCaller()
                caller.user = user
                return limiter.shared(caller, intent: 0)
            }
            let waits = await shared.take(limits + limits + limits)
            #expect(waits[0] == 0 && waits[1] == 0)
            #expect(try #require(waits[2]) > 0 && waits[2] ?? 0 <= 200_000_000)
            shared.giveBack(limits)
            #expect(await RedisBed.eventually { await shared.take(limits) == [0] })
            #expect(
                await RedisBed.eventually { (try? await client.send(RedisCommand("DBSIZE")).get().number) == 0 })
        }
    }

    // MARK: Nodes

    /// A node over a cluster in memory, with limits of its own that it shares through Redis.
    private struct Node {
        let node: ClusterNode
        let limiter: RateLimiter

        init(_ cluster: SimulatedCluster, _ client: RedisClient, _ policy: RateLimitPolicy) throws {
            var options = ClusterNodeOptions(reactions: try ReactionSet(ReactionSet.standard))
            options.lanes = 2
            node = ClusterNode(
                options, registers: cluster, contents: cluster, ledger: cluster, publisher: cluster, trends: cluster,
                limits: RedisLimits(client), clock: SystemClock(), seed: 1,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            limiter = RateLimiter(policy, isShared: node.sharesLimits)
        }

        /// Asks as a server does: this node's own limits first.
        func ask(_ action: Intent.Action, _ content: String, _ user: String) async -> Outcome.Status {
            await withCheckedContinuation { continuation in
                let group = IntentGroup { [limiter] group in
                    let isRefused = limiter.refusal(of: 0, in: group) != nil
                    precondition(isRefused == (group.outcomes[0].status == .rateLimited), "a refusal says why")
                    continuation.resume(returning: group.outcomes[0].status)
                }
                SharedLimitTests.with(content, user) { content, user in
                    var caller = LimitedCaller()
                    (caller.user, caller.content) = (user, content)
                    if case .refused = limiter.take(caller, now: SystemClock().nanoseconds()) {
                        return continuation.resume(returning: .rateLimited)
                    }
                    group.append(
                        action, content: content, user: user, reaction: action == .react ? .like : .none,
                        seed: node.seed)
                    group.sharedLimits = limiter.shared(caller, intent: 0)
                    node.submit(group, to: node.shard(of: content))
                }
            }
        }
    }

    @Test(
        "two nodes let together pass what one would; what they refuse changes nothing; without Redis each counts alone")
    func nodes() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology, { $0.commandTimeout = .milliseconds(500) }) { client in
            let cluster = SimulatedCluster(seed: 1)
            // Far apart, so that nothing comes back while the test runs.
            var policy = RateLimitPolicy()
            policy[.userContent] = try #require(RateLimit(3, in: 3_000 * Self.minute))
            policy[.user] = try #require(RateLimit(5, in: 5_000 * Self.minute))
            let nodes = [try Node(cluster, client, policy), try Node(cluster, client, policy)]
            var statuses: [Outcome.Status] = []
            for step in 0..<8 {
                statuses.append(await nodes[step % 2].ask(step % 2 == 0 ? .react : .clear, "v", "ann"))
            }
            #expect(statuses == [.done, .done, .done] + Array(repeating: .rateLimited, count: 5))
            #expect(cluster.state.withLock { $0.acknowledged.count } == 3)
            // What one limit refused the other has back: of five two are left.
            statuses = []
            for step in 0..<4 { statuses.append(await nodes[step % 2].ask(.react, "w\(step)", "ann")) }
            #expect(statuses == [.done, .done, .rateLimited, .rateLimited])
            #expect(await nodes[0].ask(.react, "v", "bob") == .done)
            server.kill9()
            statuses = []
            for step in 0..<8 { statuses.append(await nodes[step % 2].ask(.react, "v", "eve")) }
            #expect(statuses == Array(repeating: .done, count: 6) + [.rateLimited, .rateLimited])
            for node in nodes { await node.node.stop() }
        }
    }
}
