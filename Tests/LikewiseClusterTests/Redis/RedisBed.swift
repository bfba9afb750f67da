import Foundation
import LikewiseCluster
import LikewiseCore
import LikewiseTestSupport
import Logging
import NIOPosix

/// What the tests of Redis share.
enum RedisBed {
    /// Asks again until it is so: what servers do by themselves has no event to wait for. The pauses are not what is tested.
    static func eventually(seconds: Double = 20, _ isSo: () async throws -> Bool) async rethrows -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if try await isSo() { return true }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return try await isSo()
    }

    /// Runs `body`, which waits for servers, on a thread of its own: tasks of other tests go on meanwhile.
    @discardableResult
    static func started<Server: Sendable>(_ body: @escaping @Sendable () throws -> Server) async throws -> Server {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }

    /// The number in an answer such as `:12`.
    static func number(_ answer: String) -> Int { Int(answer.filter { $0.isNumber || $0 == "-" }) ?? 0 }

    /// The standard reactions, which are a good set.
    static func reactions() -> ReactionSet {
        do { return try ReactionSet(ReactionSet.standard) } catch { preconditionFailure("the standard set: \(error)") }
    }
}

/// A client for a test; shut down at its end.
func withRedis<Result>(
    _ topology: RedisOptions.Topology, _ change: (inout RedisOptions) -> Void = { _ in },
    _ body: (RedisClient) async throws -> Result
) async throws -> Result {
    var options = RedisOptions(topology: topology)
    options.longestReconnectDelay = .milliseconds(50)
    options.breakerOpenTime = .milliseconds(100)
    options.commandTimeout = .seconds(5)
    change(&options)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let client = RedisClient(options, group: MultiThreadedEventLoopGroup.singleton, logger: logger)
    do {
        let result = try await body(client)
        await client.shutdown()
        return result
    } catch {
        await client.shutdown()
        throw error
    }
}

extension RedisClient {
    /// Sends at once; the results come when somebody waits for them.
    func begin(_ commands: [RedisCommand]) -> Task<[Result<RedisValue, RedisError>], Never> {
        let (results, continuation) = AsyncStream.makeStream(of: [Result<RedisValue, RedisError>].self)
        send(commands) {
            continuation.yield($0)
            continuation.finish()
        }
        return Task {
            for await results in results { return results }
            return []
        }
    }
}

extension RedisServerProcess {
    var topology: RedisOptions.Topology { .standalone(RedisAddress("127.0.0.1", port)) }
}

/// One server or a cluster.
struct TestRedis {
    let server: RedisServerProcess?
    let cluster: RedisClusterProcesses?
    let topology: RedisOptions.Topology

    init(isCluster: Bool) throws {
        if isCluster {
            let cluster = try RedisClusterProcesses()
            (server, self.cluster, topology) = (nil, cluster, cluster.topology)
        } else {
            let server = try RedisServerProcess()
            (self.server, cluster, topology) = (server, nil, server.topology)
        }
    }
}
