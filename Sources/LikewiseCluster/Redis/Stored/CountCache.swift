// Reading a count: this process' memory (1 s), Redis, the ledger. What is missing is fetched once, however many want it:
// in the process one fetch for each content, which all others join; between processes a lease in Redis, whose holder asks
// the ledger while the others look again a few times, and ask it themselves only when nothing comes. A count in Redis that
// is about to expire is fetched anew by one who draws the lot (`EarlyRefresh`), while all are served what is there.
// Without Redis the fetches of a process go to the ledger, still one for each content.

package import LikewiseEngine
import Synchronization

/// Bounds and times of a `CountCache`.
package struct CountCacheOptions: Sendable {
    /// How long a count is answered from this process' memory.
    package var nodeLife: Duration = .seconds(1)
    /// Counts in this process' memory.
    package var nodeEntries = 65_536
    /// After this a lease whose holder died is free again.
    package var leaseTime: Duration = .seconds(2)
    /// How often who got no lease looks again.
    package var rereads = 6
    /// The bound of the wait before the first look; it doubles each time. The wait is drawn from its upper half.
    package var rereadDelay: Duration = .milliseconds(10)
    /// `EarlyRefresh`.
    package var beta = 1.0
    /// Contents that are fetched at a time; beyond it `CountCacheError.overloaded`.
    package var fetches = 16_384
    /// Early refreshes under way at a time; beyond it the value is left to the next reader.
    package var earlyRefreshes = 64

    /// The usual ones.
    package init() {}
}

/// What a `CountCache` has done since it was made.
package struct CountCacheStatistics: Hashable, Sendable {
    /// Counts answered from this process' memory.
    package var nodeHits: UInt64 = 0
    /// Counts that Redis had.
    package var redisHits: UInt64 = 0
    /// Counts that Redis did not have.
    package var redisMisses: UInt64 = 0
    /// Counts that Redis could not be asked for.
    package var redisErrors: UInt64 = 0
    /// Counts that Redis could not be told; it has an older one or none until the next write.
    package var redisWriteErrors: UInt64 = 0
    /// Calls of `load`.
    package var loads: UInt64 = 0
    /// Contents that `load` was called for.
    package var loadedContents: UInt64 = 0
    /// Counts that somebody else was fetching.
    package var leaseWaits: UInt64 = 0
    /// Of these, the ones that did not come in time.
    package var leaseTimeouts: UInt64 = 0
    /// Counts fetched anew before they expired.
    package var earlyRefreshes: UInt64 = 0
}

/// The counts, as fast as they can be had.
package final class CountCache: Sendable {
    /// Asks the ledger: one count for each content, in any order; `cost` and `expires` are filled in by the cache.
    /// Throws `CountLoadFailure` where some of them are to be had.
    package typealias Load = @Sendable ([[UInt8]]) async throws -> [CachedCount]

    private let redis: RedisCounts?
    private let options: CountCacheOptions
    private let clock: any EngineClock
    private let random: @Sendable () -> Double
    private let load: Load
    private let node: NodeCountCache
    private let fetches: CountFetches
    private let done = Mutex(CountCacheStatistics())
    private let nodeHits = Atomic<UInt64>(0)
    private let refreshing = Atomic<Int>(0)

    /// A cache over `redis` (nil: none) over `load`. `random` gives numbers in 0 ..< 1.
    package init(
        _ redis: RedisCounts?, options: CountCacheOptions = CountCacheOptions(), clock: any EngineClock = SystemClock(),
        random: @escaping @Sendable () -> Double = { .random(in: 0..<1) }, load: @escaping Load
    ) {
        self.redis = redis
        self.options = options
        self.clock = clock
        self.random = random
        self.load = load
        node = NodeCountCache(entries: options.nodeEntries, life: options.nodeLife.wholeNanoseconds)
        fetches = CountFetches(limit: options.fetches)
    }

    /// The count, where this process has one that is young enough; does not wait.
    package func cached(_ content: UnsafeRawBufferPointer) -> CachedCount? {
        guard let count = node.get(content, now: clock.nanoseconds()) else { return nil }
        nodeHits.add(1, ordering: .relaxed)
        return count
    }

    /// The count that this process saw last, however long ago; nil where it has none.
    package func stale(_ content: UnsafeRawBufferPointer) -> CachedCount? { node.stale(content) }

    /// Changes the count that this process has, for as long as it has it.
    package func adjust(_ content: [UInt8], _ change: (inout CachedCount) -> Void) { node.adjust(content, change) }

    /// Keeps a count that this process has learnt otherwise.
    package func note(_ count: CachedCount) {
        node.put(count, now: clock.nanoseconds())
    }

    /// The counts of `contents`, in their order. Throws what `load` throws, or `CountCacheError`.
    package func counts(of contents: [[UInt8]]) async throws -> [CachedCount] {
        try await results(of: contents).map { try $0.get() }
    }

    /// For each of `contents`, in their order, its count, or why it cannot be told: what `load` throws, or
    /// `CountCacheError`. One that cannot be told does not take the others with it.
    package func results(of contents: [[UInt8]]) async -> [Result<CachedCount, any Error>] {
        var results: [Result<CachedCount, any Error>] = contents.map { content in
            guard let count = content.withUnsafeBytes({ cached($0) }) else {
                return .failure(CountCacheError.overloaded)
            }
            return .success(count)
        }
        let missing = results.indices.filter { if case .failure = results[$0] { true } else { false } }
        guard !missing.isEmpty, let (all, begun) = fetches.join(missing.map { contents[$0] }) else { return results }
        // A task of its own: others may have joined, so it goes on where this caller gives up.
        if !begun.isEmpty { Task { await fetch(begun) } }
        for (index, fetch) in zip(missing, all) {
            do { results[index] = .success(try await fetch.value()) } catch { results[index] = .failure(error) }
        }
        return results
    }

    /// What was done so far.
    package var statistics: CountCacheStatistics {
        var statistics = done.withLock { $0 }
        statistics.nodeHits = nodeHits.load(ordering: .relaxed)
        return statistics
    }

    // MARK: Fetching

    private func fetch(_ begun: [CountFetch]) async {
        // Who looked just before the fetch before this one ended finds its count now.
        let open = begun.filter { fetch in
            guard let count = fetch.content.withUnsafeBytes({ node.get($0, now: clock.nanoseconds()) }) else {
                return true
            }
            fetches.finish(fetch, .success(count))
            return false
        }
        guard !open.isEmpty else { return }
        guard let redis else { return await loadNow(open) }
        var absent: [CountFetch] = []
        var unreachable: [CountFetch] = []
        var ageing: [[UInt8]] = []
        for (fetch, result) in zip(open, await redis.get(open.map(\.content))) {
            switch result {
            case .success(let count?):
                if isAgeing(count) { ageing.append(count.content) }
                succeed(fetch, count)
            case .success(nil): absent.append(fetch)
            case .failure: unreachable.append(fetch)
            }
        }
        done.withLock { [absent, unreachable] done in
            done.redisHits += UInt64(open.count - absent.count - unreachable.count)
            done.redisMisses += UInt64(absent.count)
            done.redisErrors += UInt64(unreachable.count)
        }
        if !ageing.isEmpty { refreshEarly(ageing, redis) }
        async let direct: Void = loadNow(unreachable)
        await fill(absent, redis)
        await direct
    }

    private func succeed(_ fetch: CountFetch, _ count: CachedCount) {
        node.put(count, now: clock.nanoseconds())
        fetches.finish(fetch, .success(count))
    }

    /// Fetches what Redis does not have: who gets the lease asks the ledger, the others wait for it.
    private func fill(_ absent: [CountFetch], _ redis: RedisCounts) async {
        guard !absent.isEmpty else { return }
        let token = Self.newToken()
        var leased: [CountFetch] = []
        var waiting: [CountFetch] = []
        var unreachable: [CountFetch] = []
        let answers = await redis.takeLeases(absent.map(\.content), token: token, milliseconds: leaseMilliseconds)
        for (fetch, answer) in zip(absent, answers) {
            switch answer {
            case .success(.taken): leased.append(fetch)
            case .success(.held): waiting.append(fetch)
            case .success(.filled(let count)): succeed(fetch, count)
            case .failure: unreachable.append(fetch)
            }
        }
        async let ours: Void = loadNow(leased, redis, token: token)
        async let direct: Void = loadNow(unreachable)
        await waitForOthers(waiting, redis)
        await ours
        await direct
    }

    /// Looks again a few times, then asks the ledger for what has not come.
    private func waitForOthers(_ waiting: [CountFetch], _ redis: RedisCounts) async {
        guard !waiting.isEmpty else { return }
        done.withLock { $0.leaseWaits += UInt64(waiting.count) }
        var waiting = waiting
        var bound = options.rereadDelay
        for _ in 0..<options.rereads where !waiting.isEmpty {
            // Ends early only where the process does.
            try? await Task.sleep(for: bound * (0.5 + random() / 2))
            bound *= 2
            var left: [CountFetch] = []
            for (fetch, result) in zip(waiting, await redis.get(waiting.map(\.content))) {
                if case .success(let count?) = result { succeed(fetch, count) } else { left.append(fetch) }
            }
            waiting = left
        }
        done.withLock { [waiting] in $0.leaseTimeouts += UInt64(waiting.count) }
        await loadNow(waiting, redis)
    }

    // MARK: Loading

    /// Asks the ledger and finishes the fetches; then tells Redis, if it is given, and gives back leases under `token`.
    private func loadNow(_ open: [CountFetch], _ redis: RedisCounts? = nil, token: [UInt8]? = nil) async {
        guard !open.isEmpty else { return }
        do {
            let (counts, reason) = try await loadMeasured(open.map(\.content))
            for fetch in open {
                if let count = counts[fetch.content] {
                    succeed(fetch, count)
                } else {
                    fetches.finish(fetch, .failure(reason))
                }
            }
            if let redis { await tell(redis, counts) }
        } catch {
            for fetch in open { fetches.finish(fetch, .failure(error)) }
        }
        if let redis, let token { await redis.releaseLeases(open.map(\.content), token: token) }
    }

    private func tell(_ redis: RedisCounts, _ counts: [[UInt8]: CachedCount]) async {
        let failures = await redis.put(Array(counts.values)).count { if case .failure = $0 { true } else { false } }
        if failures > 0 { done.withLock { $0.redisWriteErrors += UInt64(failures) } }
    }

    /// What the ledger could tell, and why it could not tell the rest.
    private func loadMeasured(
        _ contents: [[UInt8]]
    ) async throws -> (counts: [[UInt8]: CachedCount], reason: any Error) {
        done.withLock { done in
            done.loads += 1
            done.loadedContents += UInt64(contents.count)
        }
        let begin = clock.nanoseconds()
        var reason: any Error = CountCacheError.missingFromLoad
        let counts: [CachedCount]
        do { counts = try await load(contents) } catch let failure as CountLoadFailure {
            (counts, reason) = (failure.found, failure.reason)
        }
        let cost = max(1, (clock.nanoseconds() - begin) / 1_000)
        var found: [[UInt8]: CachedCount] = [:]
        for var count in counts {
            count.cost = cost
            found[count.content] = count
        }
        return (found, reason)
    }

    // MARK: Early refresh

    private func isAgeing(_ count: CachedCount) -> Bool {
        count.expires > 0
            && EarlyRefresh.isDue(
                now: clock.milliseconds(), expires: count.expires, cost: count.cost, beta: options.beta,
                random: random())
    }

    /// Fetches anew in the background what is not leased to another.
    private func refreshEarly(_ contents: [[UInt8]], _ redis: RedisCounts) {
        guard refreshing.add(1, ordering: .relaxed).newValue <= options.earlyRefreshes else {
            refreshing.subtract(1, ordering: .relaxed)
            return
        }
        Task {
            defer { refreshing.subtract(1, ordering: .relaxed) }
            let token = Self.newToken()
            let answers = await redis.takeLeases(
                contents, token: token, milliseconds: leaseMilliseconds, evenIfFilled: true)
            let leased = zip(contents, answers).compactMap { content, answer in
                if case .success(.taken) = answer { content } else { nil }
            }
            guard !leased.isEmpty else { return }
            done.withLock { $0.earlyRefreshes += UInt64(leased.count) }
            // Where the ledger does not answer, the count stays until it expires.
            if let (counts, _) = try? await loadMeasured(leased) {
                for count in counts.values { note(count) }
                await tell(redis, counts)
            }
            await redis.releaseLeases(leased, token: token)
        }
    }

    private var leaseMilliseconds: UInt64 { max(1, options.leaseTime.wholeNanoseconds / 1_000_000) }

    private static func newToken() -> [UInt8] {
        Array(String(UInt64.random(in: .min ... .max), radix: 36).utf8)
    }
}
