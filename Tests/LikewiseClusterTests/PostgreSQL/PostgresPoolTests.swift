import Dispatch
import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("The pool of PostgreSQL readers")
struct PostgresPoolTests {
    @Test("many tasks share a few connections, each with its own answer")
    func shared() async throws {
        let bed = try PostgresBed()
        let ledger = try bed.ledger()
        var batch = LedgerBatch(shard: 0, through: 1, now: 0)
        for content in 0..<50 {
            let like = Register(version: Version(reading: 1, region: 1), reaction: .like)
            for user in 0...content { batch.row("c\(content)", "u\(user)", like) }
        }
        try ledger.apply([batch])
        let pool = PostgresPool(bed.options, logger: PostgresBed.logger)
        let totals = try await withThrowingTaskGroup(of: (Int, UInt64?).self) { group in
            for content in 0..<200 {
                group.addTask {
                    (content, try await pool.run { try $0.content(Array("c\(content)".utf8))?.tally.total })
                }
            }
            return try await group.reduce(into: [Int: UInt64]()) { $0[$1.0] = $1.1 }
        }
        #expect(totals == Dictionary(uniqueKeysWithValues: (0..<50).map { ($0, UInt64($0 + 1)) }))
        #expect((1...4).contains(pool.health.connected))
        #expect(pool.health.answered == 200)
        try await closed(pool)
        #expect(pool.health.connected == 0)
        await #expect(throws: PostgresPoolError.closed) { try await pool.run { _ in } }
    }

    @Test("connections that were lost are opened again, and no caller sees it")
    func reconnect() async throws {
        let bed = try PostgresBed()
        let pool = PostgresPool(bed.options, limits: limits(connections: 1), logger: PostgresBed.logger)
        #expect(try await pool.run { try $0.positions() } == [:])
        try bed.dropConnections()
        #expect(try await pool.run { try $0.positions() } == [:])
        #expect(pool.health.lost == 0)
    }

    @Test("beyond the bound a caller is refused at once, and those that wait are answered")
    func bound() async throws {
        let bed = try PostgresBed()
        let pool = PostgresPool(bed.options, limits: limits(connections: 1, waiting: 2), logger: PostgresBed.logger)
        let (runs, goesOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        async let first: Void = pool.run { _ in
            runs.signal()
            goesOn.wait()
        }
        try await onThread { runs.wait() }
        async let second = pool.run { _ in 2 }
        async let third = pool.run { _ in 3 }
        while pool.health.waiting < 2 { await Task.yield() }
        await #expect(throws: PostgresPoolError.overloaded) { try await pool.run { _ in } }
        #expect(pool.health.refused == 1)
        goesOn.signal()
        _ = try await first
        #expect(try await [second, third] == [2, 3])
    }

    @Test("a server that is away opens the breaker, callers are refused at once, and go on when it is back")
    func breaker() async throws {
        let server = try PostgresCluster(settings: ["fsync=off", "shared_buffers=32MB"])
        let bed = try PostgresBed(server)
        var limits = limits(connections: 2)
        limits.breaker.failures = 3
        let pool = PostgresPool(bed.options, limits: limits, logger: PostgresBed.logger)
        #expect(try await pool.run { try $0.positions() } == [:])
        try await onThread { server.kill() }
        for _ in 0..<3 {
            await #expect(throws: PostgresPoolError.unavailable) { try await pool.run { try $0.positions() } }
        }
        #expect(pool.health.breaker != .closed)
        #expect(pool.health.lost == 3)
        try await onThread { try server.restart() }
        // Each refusal comes at once; the trial after the rest closes the breaker.
        while (try? await pool.run { try $0.positions() }) == nil { await Task.yield() }
        #expect(pool.health.breaker == .closed)
        #expect(try await pool.run { try $0.positions() } == [:])
    }

    @Test("a server that stands still costs a caller his time limit and no more")
    func frozen() async throws {
        let server = try PostgresCluster(settings: ["fsync=off", "shared_buffers=32MB"])
        var options = try PostgresBed(server).options
        options.statementTimeout = .milliseconds(200)
        options.connectTimeout = .milliseconds(500)
        let pool = PostgresPool(options, limits: limits(connections: 1), logger: PostgresBed.logger)
        #expect(try await pool.run { try $0.positions() } == [:])
        server.freeze()
        await #expect(throws: PostgresPoolError.unavailable) { try await pool.run { try $0.positions() } }
        server.thaw()
        while (try? await pool.run { try $0.positions() }) == nil { await Task.yield() }
    }

    @Test("what a body throws reaches its caller, and costs no connection")
    func thrown() async throws {
        struct Mine: Error {}
        let bed = try PostgresBed()
        let pool = PostgresPool(bed.options, limits: limits(connections: 1), logger: PostgresBed.logger)
        await #expect(throws: Mine.self) { try await pool.run { _ in throw Mine() } }
        let keys = Array(repeating: [UInt8(0x61)], count: PostgresReader.keyLimit + 1)
        await #expect(throws: LedgerError.self) { try await pool.run { try $0.contents(keys) } }
        #expect(pool.health.connected == 1)
        #expect(pool.health.lost == 0)
    }

    private func limits(connections: Int, waiting: Int = 1_024) -> PostgresPool.Limits {
        var limits = PostgresPool.Limits()
        (limits.connections, limits.waiting) = (connections, waiting)
        return limits
    }

    private func closed(_ pool: PostgresPool) async throws { try await onThread { pool.close() } }

    private func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            _ = Crew(1) { _ in continuation.resume(with: Result { try body() }) }
        }
    }
}

@Suite("The circuit breaker")
struct CircuitBreakerTests {
    @Test(
        "it opens after failures in a row, lets one caller try after a rest, and rests longer after each failed trial")
    func states() {
        var settings = CircuitBreaker.Settings()
        (settings.failures, settings.rest, settings.longestRest) = (3, .milliseconds(100), .milliseconds(400))
        var breaker = CircuitBreaker(settings)
        var random = SeededRandom(seed: 1)
        breaker.failed(now: 0, random: &random)
        breaker.failed(now: 0, random: &random)
        breaker.succeeded()
        for _ in 0..<2 { breaker.failed(now: 0, random: &random) }
        #expect(breaker.admit(now: 0) == .admitted)
        var now: UInt64 = 1_000
        breaker.failed(now: now, random: &random)
        for rest: UInt64 in [100, 200, 400, 400, 400] {
            guard case .open(let until) = breaker.state else { return #expect(breaker.state != .closed) }
            #expect((rest * 500_000...rest * 1_000_000).contains(until - now))
            #expect(breaker.admit(now: until - 1) == .refused)
            #expect(breaker.admit(now: until) == .trial)
            #expect(breaker.admit(now: until) == .refused)
            now = until
            breaker.failed(now: now, random: &random)
        }
        guard case .open(let until) = breaker.state else { return #expect(breaker.state != .closed) }
        #expect(breaker.admit(now: until) == .trial)
        breaker.succeeded()
        #expect(breaker.state == .closed && breaker.admit(now: until) == .admitted)
    }
}
