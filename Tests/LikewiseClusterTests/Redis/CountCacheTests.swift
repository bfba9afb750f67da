import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Logging
import Synchronization
import Testing

/// A ledger that counts how often each content is asked for. It can be held, so that all who want something are there
/// before it answers.
private final class TestLedger: Sendable {
    struct Down: Error {}

    private struct State {
        var asked: [[UInt8]: Int] = [:]
        var calls = 0
        var isDown = false
        var isHeld = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var calls: Int { state.withLock { $0.calls } }
    func asked(_ content: String) -> Int { state.withLock { $0.asked[Array(content.utf8)] ?? 0 } }
    func setDown(_ isDown: Bool) { state.withLock { $0.isDown = isDown } }

    /// From now on answers wait for `release`.
    func hold() { state.withLock { $0.isHeld = true } }

    func release() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.isHeld = false
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Content `c7` has 7 likes.
    func load(_ contents: [[UInt8]]) async throws -> [CachedCount] {
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                state.calls += 1
                for content in contents { state.asked[content, default: 0] += 1 }
                if state.isHeld { state.waiting.append(continuation) }
                return state.isHeld
            }
            if !isHeld { continuation.resume() }
        }
        if state.withLock({ $0.isDown }) { throw Down() }
        return contents.map { TestLedger.count($0) }
    }

    static func count(_ content: [UInt8], asOf: UInt64 = 1_000_000) -> CachedCount {
        var tally = Tally()
        let likes = Int64(String(decoding: content.dropFirst(), as: UTF8.self)) ?? 0
        if likes > 0 { tally.add(likes, to: .like) }
        return CachedCount(content: content, number: likes, asOf: asOf, tally: tally)
    }
}

private func content(_ text: String) -> [UInt8] { Array(text.utf8) }

struct RedisCountsTests {
    @Test(arguments: [false, true])
    func `a count is written unless a later one is held`(isCluster: Bool) async throws {
        let servers = try await RedisBed.started { try TestRedis(isCluster: isCluster) }
        try await withRedis(servers.topology) { client async throws in
            let counts = RedisCounts(client, reactions: RedisBed.reactions())
            var second = TestLedger.count(content("c2"), asOf: 20)
            #expect(await counts.put([TestLedger.count(content("c2"), asOf: 20)]) == [.success(true)])
            #expect(await counts.put([TestLedger.count(content("c2"), asOf: 19)]) == [.success(false)])
            second.tally.add(1, to: .like)
            #expect(await counts.put([second]) == [.success(true)])
            let held = try #require(try await counts.get([content("c2")])[0].get())
            #expect(held.tally == second.tally)
            #expect(held.asOf == 20)
            let many = (1...300).map { TestLedger.count(content("c\($0)"), asOf: 30) }
            #expect(await counts.put(many).allSatisfy { $0 == .success(true) })
            let read = try await counts.get(many.map(\.content) + [content("none")]).map { try $0.get() }
            #expect(read.map { $0?.tally } == many.map(\.tally) + [nil])
        }
    }

    @Test func `expiries are spread by ten percent, and what the ledger does not know is kept for a minute`()
        async throws
    {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology) { client async throws in
            let counts = RedisCounts(client, reactions: RedisBed.reactions(), expiry: .seconds(1_000))
            _ = await counts.put((0...50).map { TestLedger.count(content("c\($0)")) })
            func left(_ name: String) throws -> Int {
                try RedisBed.number(
                    server.say("PTTL", String(decoding: RedisCounts.key(of: content(name)), as: UTF8.self)))
            }
            let all = try (1...50).map { try left("c\($0)") }
            #expect(all.allSatisfy { (850_000...1_100_000).contains($0) })
            #expect((all.max() ?? 0) - (all.min() ?? 0) > 50_000)
            #expect(try left("c0") <= 66_000)
        }
    }

    @Test func `a lease is one's own until it is given back or runs out, and nobody gets one for what is there`()
        async throws
    {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology) { client async throws in
            let counts = RedisCounts(client, reactions: RedisBed.reactions())
            func take(_ token: String, _ milliseconds: UInt64 = 60_000) async throws -> String {
                let answer = await counts.takeLeases([content("c1")], token: content(token), milliseconds: milliseconds)
                return switch try answer[0].get() {
                case .taken: "taken"
                case .held: "held"
                case .filled(let count): "\(count.tally.total)"
                }
            }
            #expect(try await take("a") == "taken")
            #expect(try await take("b") == "held")
            await counts.releaseLeases([content("c1")], token: content("b"))
            #expect(try await take("b") == "held")
            await counts.releaseLeases([content("c1")], token: content("a"))
            #expect(try await take("b", 30) == "taken")
            #expect(await RedisBed.eventually { (try? await take("c")) == "taken" })
            _ = await counts.put([TestLedger.count(content("c1"))])
            await counts.releaseLeases([content("c1")], token: content("c"))
            #expect(try await take("d") == "1")
            #expect(
                try server.say("EXISTS", String(decoding: RedisCounts.leaseKey(of: content("c1")), as: UTF8.self))
                    == ":0\r\n")
        }
    }
}

struct CountCacheTests {
    /// As many as a test wants to wait for.
    private static func wait(_ isSo: () -> Bool) async -> Bool { await RedisBed.eventually { isSo() } }

    @Test(arguments: [false, true])
    func `two hundred readers at once on two nodes ask the ledger once`(isCluster: Bool) async throws {
        let servers = try await RedisBed.started { try TestRedis(isCluster: isCluster) }
        let ledger = TestLedger()
        try await withRedis(servers.topology) { first async throws in
            try await withRedis(servers.topology) { second async throws in
                let caches = [first, second].map { client in
                    CountCache(RedisCounts(client, reactions: RedisBed.reactions()), load: ledger.load)
                }
                let names = (1...20).map { content("c\($0)") }
                for cache in caches { _ = try await cache.counts(of: [content("c99")]) }
                let before = ledger.asked("c99")
                #expect(before == 1)
                try await withThrowingTaskGroup(of: [UInt64].self) { group in
                    for reader in 0..<200 {
                        group.addTask {
                            let mixed = Array(names[(reader % 20)...] + names[..<(reader % 20)])
                            return try await caches[reader % 2].counts(of: mixed).map(\.tally.total).sorted()
                        }
                    }
                    for try await totals in group { #expect(totals == (1...20).map { UInt64($0) }) }
                }
                for index in 1...20 { #expect(ledger.asked("c\(index)") == 1) }
            }
        }
    }

    @Test func `without Redis two hundred readers of a node ask the ledger once`() async throws {
        let port = try ServerPrograms.freePort()
        let ledger = TestLedger()
        try await withRedis(.standalone(RedisAddress("127.0.0.1", port))) { client async throws in
            for redis in [RedisCounts(client, reactions: RedisBed.reactions()), nil] {
                let cache = CountCache(redis, load: ledger.load)
                let before = ledger.asked("c5")
                ledger.hold()
                try await withThrowingTaskGroup(of: UInt64.self) { group in
                    for _ in 0..<200 {
                        group.addTask { try await cache.counts(of: [content("c5")]).first?.tally.total ?? 0 }
                    }
                    #expect(await Self.wait { ledger.asked("c5") == before + 1 })
                    ledger.release()
                    for try await total in group { #expect(total == 5) }
                }
                #expect(ledger.asked("c5") == before + 1)
                #expect(cache.statistics.loads == 1)
            }
        }
    }

    @Test func `a holder of the lease that does not deliver is waited for a bounded time`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        let ledger = TestLedger()
        try await withRedis(server.topology) { client async throws in
            let counts = RedisCounts(client, reactions: RedisBed.reactions())
            var options = CountCacheOptions()
            (options.rereads, options.rereadDelay) = (3, .milliseconds(1))
            let cache = CountCache(counts, options: options, load: ledger.load)
            _ = await counts.takeLeases([content("c3")], token: content("dead"), milliseconds: 60_000)
            #expect(try await cache.counts(of: [content("c3")]).map(\.tally.total) == [3])
            #expect(cache.statistics.leaseWaits == 1)
            #expect(cache.statistics.leaseTimeouts == 1)
            #expect(ledger.asked("c3") == 1)
            #expect(await RedisBed.eventually { (try? await counts.get([content("c3")])[0].get())??.tally.total == 3 })
        }
    }

    @Test func `a count is answered from memory for its time and then from Redis`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        let (ledger, clock) = (TestLedger(), SimulatedClock())
        try await withRedis(server.topology) { client async throws in
            let counts = RedisCounts(client, reactions: RedisBed.reactions(), clock: clock)
            let cache = CountCache(counts, clock: clock, load: ledger.load)
            let name = content("c4")
            #expect(name.withUnsafeBytes { cache.cached($0) } == nil)
            #expect(try await cache.counts(of: [name]).map(\.tally.total) == [4])
            #expect(await RedisBed.eventually { (try? await counts.get([name])[0].get()) != .some(nil) })
            var newer = TestLedger.count(name, asOf: 2_000_000)
            newer.tally.add(1, to: .like)
            #expect(await counts.put([newer]) == [.success(true)])
            clock.advance(milliseconds: 999)
            #expect(name.withUnsafeBytes { cache.cached($0) }?.tally.total == 4)
            clock.advance(milliseconds: 1)
            #expect(name.withUnsafeBytes { cache.cached($0) } == nil)
            #expect(try await cache.counts(of: [name]).map(\.tally.total) == [5])
            #expect(ledger.asked("c4") == 1)
            #expect(cache.statistics.redisHits == 1)
            #expect(cache.statistics.nodeHits == 1)
        }
    }

    @Test func `a count near its end is answered as it is and fetched anew by one`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        let (ledger, clock) = (TestLedger(), SimulatedClock())
        try await withRedis(server.topology) { client async throws in
            let counts = RedisCounts(client, reactions: RedisBed.reactions(), expiry: .seconds(100), clock: clock)
            let caches = (0..<4).map { _ in
                CountCache(counts, clock: clock, random: { 0.99 }, load: ledger.load)
            }
            let name = content("c6")
            #expect(await counts.put([TestLedger.count(name)]) == [.success(true)])
            for cache in caches { #expect(try await cache.counts(of: [name]).map(\.tally.total) == [6]) }
            #expect(ledger.calls == 0)
            // Past the end by the nodes' clock; the server's own goes on as it does, so the value is there still.
            clock.advance(milliseconds: 120_000)
            ledger.hold()
            for cache in caches { #expect(try await cache.counts(of: [name]).map(\.tally.total) == [6]) }
            #expect(await Self.wait { ledger.asked("c6") == 1 })
            ledger.release()
            #expect(await Self.wait { caches.map(\.statistics.earlyRefreshes).reduce(0, +) == 1 })
            #expect(ledger.asked("c6") == 1)
        }
    }

    @Test func `a ledger that is down is an error for all who wait, and asked again by the next`() async throws {
        let ledger = TestLedger()
        let cache = CountCache(nil, load: ledger.load)
        ledger.setDown(true)
        await #expect(throws: TestLedger.Down.self) { try await cache.counts(of: [content("c1"), content("c2")]) }
        ledger.setDown(false)
        #expect(
            try await cache.counts(of: [content("c2"), content("c2"), content("c1")]).map(\.tally.total) == [2, 2, 1])
    }

    @Test
    func `what a part of the ledger can tell is told, the rest has that part's error, and the ledger is asked once`()
        async throws
    {
        let calls = Atomic<Int>(0)
        let cache = CountCache(nil) { ids in
            calls.add(1, ordering: .relaxed)
            return try CountLoadFailure.unlessAll(
                ids.map { $0 == content("c2") ? .failure(TestLedger.Down()) : .success(TestLedger.count($0)) })
        }
        let results = await cache.results(of: ["c1", "c2", "c3"].map { content($0) })
        #expect(results.map { try? $0.get().tally.total } == [1, nil, 3])
        #expect(throws: TestLedger.Down.self) { try results[1].get() }
        #expect(calls.load(ordering: .relaxed) == 1)
    }

    @Test func `a node shows what it saw last where a count cannot be had, and asks for all of them in one call`() async
    {
        let ledger = TestLedger()
        var options = CountCacheOptions()
        options.nodeLife = .zero
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let cache = RedisContentCache(
            CountCache(nil, options: options, load: ledger.load), clock: SystemClock(), logger: logger)
        #expect(await cache.contents([content("c1")]).map { $0?.tally.total } == [1])
        ledger.setDown(true)
        #expect(await cache.contents(["c1", "c2", "c3"].map { content($0) }).map { $0?.tally.total } == [1, nil, nil])
        #expect(ledger.calls == 2)
    }

    @Test func `beyond the bound of fetches a call is refused`() async throws {
        let ledger = TestLedger()
        var options = CountCacheOptions()
        options.fetches = 2
        let cache = CountCache(nil, options: options, load: ledger.load)
        await #expect(throws: CountCacheError.overloaded) {
            try await cache.counts(of: [content("c1"), content("c2"), content("c3")])
        }
        #expect(try await cache.counts(of: [content("c1"), content("c2")]).count == 2)
    }

    @Test func `a content that the ledger leaves out is an error and not a wait`() async throws {
        let cache = CountCache(nil) { _ in [] }
        await #expect(throws: CountCacheError.missingFromLoad) { try await cache.counts(of: [content("c1")]) }
    }
}

struct NodeCountCacheTests {
    @Test func `it keeps so many and drops what came first`() {
        let cache = NodeCountCache(entries: 64, life: 100)
        for index in 0..<1_000 { cache.put(TestLedger.count(content("c\(index)")), now: 0) }
        let kept = (0..<1_000).filter { index in content("c\(index)").withUnsafeBytes { cache.get($0, now: 1) } != nil }
        #expect(kept.count == 64)
        // Which part a content falls into is drawn, so how far back each reaches is not.
        #expect(kept.reduce(0, +) / kept.count > 900)
    }

    @Test func `an older count does not replace a younger one`() {
        let cache = NodeCountCache(entries: 64, life: 100)
        cache.put(TestLedger.count(content("c1"), asOf: 5), now: 0)
        cache.put(TestLedger.count(content("c1"), asOf: 4), now: 0)
        #expect(content("c1").withUnsafeBytes { cache.get($0, now: 1) }?.asOf == 5)
        cache.put(TestLedger.count(content("c1"), asOf: 4), now: 100)
        #expect(content("c1").withUnsafeBytes { cache.get($0, now: 101) }?.asOf == 4)
    }
}
