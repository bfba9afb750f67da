// Fetches the keys of an issuer from its address: on schedule, and when a token asks for a key that is not known, which is
// how issuers change keys. One fetch at a time, and a while between two of them, so that tokens with made-up keys cannot
// make this server a burden to the issuer. What fails leaves the keys as they are.

import AsyncHTTPClient
package import LikewiseEngine
package import Logging
import Metrics
import NIOCore
import NIOHTTP1

/// The address of an issuer's keys.
package actor TokenKeySource {
    private let fetch: @Sendable () async throws -> [UInt8]
    private let take: @Sendable (TokenKeySet) -> Void
    private let clock: any EngineClock
    private let logger: Logger
    private let fetched: Counter
    private let failed: Counter
    private var plan: RefreshPlan
    private var running: Task<Bool, Never>?
    /// What came last: the same again changes nothing, so that what was checked need not be checked again.
    private var last: [UInt8]?

    /// - Parameters:
    ///   - interval: milliseconds between two fetches on schedule.
    ///   - fetch: answers the bytes of a key set, in bounded time and size.
    ///   - take: gets the keys of each fetch.
    package init(
        interval: UInt64, clock: any EngineClock, logger: Logger, fetch: @escaping @Sendable () async throws -> [UInt8],
        take: @escaping @Sendable (TokenKeySet) -> Void
    ) {
        plan = RefreshPlan(interval: interval)
        self.clock = clock
        self.logger = logger
        self.fetch = fetch
        self.take = take
        fetched = Counter(label: "likewise_jwt_keys_fetched")
        failed = Counter(label: "likewise_jwt_keys_failed")
    }

    private var now: UInt64 { clock.nanoseconds() / 1_000_000 }

    /// Fetches where the schedule asks for it.
    package func refreshIfDue() async {
        guard running != nil || plan.isDue(at: now) else { return }
        _ = await refresh()
    }

    /// Fetches because a token's key is not known; false where it was not fetched, or could not be.
    package func refreshForUnknownKey() async -> Bool {
        guard running != nil || plan.mayFetch(at: now) else { return false }
        return await refresh()
    }

    private func refresh() async -> Bool {
        if let running { return await running.value }
        plan.begin(at: now)
        let task = Task { await fetchOnce() }
        running = task
        let succeeded = await task.value
        running = nil
        return succeeded
    }

    private func fetchOnce() async -> Bool {
        do {
            let bytes = try await fetch()
            if bytes != last { take(try await TokenKeyParser.keys(bytes, isFile: false)) }
            last = bytes
            plan.end(succeeded: true)
            fetched.increment()
            return true
        } catch {
            plan.end(succeeded: false)
            failed.increment()
            logger.warning(
                "the keys of tokens could not be fetched; those that are known stay in use, and it is tried again",
                metadata: ["reason": "\(error)"])
            return false
        }
    }
}

/// Gets a key set over HTTP.
struct KeySetAddress: Sendable {
    /// Milliseconds that a fetch may take.
    private static let timeout: Int64 = 5_000

    let url: String
    let group: any EventLoopGroup

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The bytes of the set, at most `TokenKeyParser.maxBytes`. A redirection is a failure: the operator has named the
    /// address.
    func fetch() async throws -> [UInt8] {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(connect: .seconds(3), read: .seconds(5)))
        configuration.httpVersion = .http1Only
        // A fetch in ten minutes needs no connection in between.
        let client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
        let result: Result<[UInt8], any Error>
        do { result = .success(try await inTime { try await get(client) }) } catch { result = .failure(error) }
        try await client.shutdown()
        return try result.get()
    }

    private func get(_ client: HTTPClient) async throws -> [UInt8] {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Accept", value: "application/json, application/jwk-set+json")
        let response = try await client.execute(request, timeout: .milliseconds(KeySetAddress.timeout))
        guard response.status == .ok else { throw Failure(description: "the status is \(response.status.code)") }
        let body = try await response.body.collect(upTo: TokenKeyParser.maxBytes)
        return Array(body.readableBytesView)
    }

    private func inTime(_ work: @escaping @Sendable () async throws -> [UInt8]) async throws -> [UInt8] {
        try await withThrowingTaskGroup(of: [UInt8].self) { tasks in
            tasks.addTask { try await work() }
            tasks.addTask {
                try await Task.sleep(for: .milliseconds(KeySetAddress.timeout))
                throw Failure(description: "it took longer than \(KeySetAddress.timeout) ms")
            }
            defer { tasks.cancelAll() }
            guard let first = try await tasks.next() else { throw CancellationError() }
            return first
        }
    }
}
