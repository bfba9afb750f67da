// A whole cluster of real processes on loopback, for a suite: a broker, two PostgreSQL servers, three Redis masters, two
// aggregators and two API nodes. A suite's trait starts it before the first of its tests and ends it after the last.

import Foundation
import LikewiseTestSupport
import Testing

/// `likewise aggregate`, with its status on a free port of loopback.
final class AggregatorProcess: Sendable {
    let process: ChildProcess
    let port: UInt16

    /// Starts an aggregator and waits until its status can be asked.
    init(file: String) throws {
        process = try ChildProcess(
            Binary.path(), ["aggregate", "--cluster", file, "--port", "0", "--log-format", "json"])
        guard let port = process.waitForErrorLine(seconds: 60, ServerProcess.port) else {
            process.kill9()
            throw ServerProcess.DidNotStart(ending: process.ending, errors: process.errors)
        }
        self.port = port
    }

    /// The partitions of which it takes events; 0 while it is not ready.
    var partitionCount: Int {
        let answer = try? HTTPConnection(port: port).answer("GET", "/health/ready")
        return answer?.status == 200 ? answer?.json["partitions"]?.text?.split(separator: ",").count ?? 0 : 0
    }
}

/// A cluster. All of its processes end with `stop`, and its files with the last reference.
final class TestCluster: Sendable {
    /// A condition did not come about within its time.
    struct IsLate: Error, CustomStringConvertible {
        var description: String
    }

    static let partitions = 16

    let broker: KafkaBroker
    let postgres: [PostgresCluster]
    let redis: RedisClusterProcesses
    private let folder: TemporaryFolder
    private let nodes = Monitor<[ServerProcess]>([])
    private let aggregators = Monitor<[AggregatorProcess]>([])

    /// Starts all, and waits until the nodes are ready and the aggregators have shared the partitions.
    init(_ storage: KafkaBroker.Storage) throws {
        let broker = Crew(1) { _ in try KafkaBroker(storage) }
        let postgres = Crew(2) { _ in try PostgresCluster(settings: ["shared_buffers=32MB"]) }
        let redis = Crew(1) { _ in try RedisClusterProcesses(persistence: .appendOnly) }
        // All are waited for before any failure is thrown: what did start is then ended with its last reference.
        let started = (Result { try broker.finish() }, Result { try postgres.finish() }, Result { try redis.finish() })
        self.broker = try started.0.get()[0]
        self.postgres = try started.1.get()
        self.redis = try started.2.get()[0]
        folder = try TemporaryFolder()
        do {
            try write(to: file)
            let migrated = try Binary.run(["migrate", "--cluster", file])
            guard migrated.ending == .exited(0) else { throw IsLate(description: "migrate: \(migrated.errors)") }
            for _ in 0..<2 { try startAggregator() }
            for number in 0..<2 { try startNode(number) }
            try waitForAggregators()
        } catch {
            stop()
            throw error
        }
    }

    deinit { stop() }

    /// Kills what is left.
    func stop() {
        for node in nodes.update({ $0 }) { node.process.kill9() }
        for aggregator in aggregators.update({ $0 }) { aggregator.process.kill9() }
        broker.kill9()
        for server in postgres { server.kill() }
        for server in redis.masters { server.kill9() }
    }

    // MARK: The file

    /// The file that describes the cluster.
    var file: String { folder.path + "/cluster.yaml" }

    /// Writes a description of this cluster, with these keys set otherwise.
    func write(to path: String, _ changes: [String: String] = [:]) throws {
        let servers = postgres.map {
            "postgresql://\(PostgresCluster.user)@127.0.0.1:\($0.port)/\(PostgresCluster.database)"
        }
        let keys = [
            "kafka": broker.address, "kafka-library": try KafkaBroker.libraryPath(),
            "kafka-partitions": "\(Self.partitions)", "postgresql": servers.joined(separator: ","),
            "redis": "redis-cluster://" + redis.masters.map { "127.0.0.1:\($0.port)" }.joined(separator: ","),
            "hot-rate": "50",
        ].merging(changes) { $1 }
        let text = keys.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }.joined()
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    // MARK: Roles

    /// The ports of the aggregators' status.
    var aggregatorPorts: [UInt16] { aggregators.update { $0.map(\.port) } }

    /// The API nodes as they are now.
    var ports: [UInt16] { nodes.update { $0.map(\.port) } }

    func node(_ number: Int) -> ServerProcess { nodes.update { $0[number] } }

    /// A connection to an API node.
    func connect(_ number: Int) throws -> HTTPConnection { try node(number).connect() }

    /// Starts an API node on the folder of its number, for the first time or again, and waits until it is ready.
    func startNode(_ number: Int) throws {
        let node = try ServerProcess(dataFolder: "\(folder.path)/node-\(number)", ["--cluster", file])
        nodes.update { nodes in
            if number < nodes.count { nodes[number] = node } else { nodes.append(node) }
        }
        try wait(seconds: 30, "node \(number) is ready") {
            (try? node.connect().answer("GET", "/health/ready").status) == 200
        }
    }

    func startAggregator() throws {
        let started = try AggregatorProcess(file: file)
        aggregators.update { $0.append(started) }
    }

    /// Waits until the aggregators have shared the partitions, those of killed ones included.
    func waitForAggregators() throws {
        try wait(seconds: 60, "the aggregators take events of all partitions") {
            aggregators.update { $0 }.map(\.partitionCount).reduce(0, +) == Self.partitions
        }
    }

    /// Kills the aggregator that was started first.
    func killAggregator() { aggregators.update { $0.removeFirst() }.process.kill9() }

    /// What the processes printed last, for a test that failed.
    var logs: String {
        let all = nodes.update { $0.map(\.process) } + aggregators.update { $0.map(\.process) }
        return all.map { "--- \($0.id)\n" + String($0.errors.suffix(1_500)) }.joined(separator: "\n")
    }

    // MARK: What holds

    /// Waits until something is so; throws with `words` where it is not within `seconds`.
    func wait(seconds: Double, _ words: String, _ isSo: () -> Bool) throws {
        guard RedisPoll.until(seconds: seconds, isSo) else {
            throw IsLate(description: "not within \(seconds) s: \(words)\n\(logs)")
        }
    }

    /// Runs `likewise verify`; what it found that differs, in its words, or nil where nothing does.
    func drift() throws -> String? {
        let verify = try Binary.run(["verify", "--cluster", file])
        let found = verify.output.matches(of: /drift (\d+)/).map(\.1)
        if verify.ending == .exited(0), found.count == 3, found.allSatisfy({ $0 == "0" }) { return nil }
        return "\(verify.output)\(verify.errors)"
    }
}

/// A cluster for a suite: started before its first test, ended after its last.
struct WithCluster: SuiteTrait, TestScoping {
    @TaskLocal fileprivate static var cluster: TestCluster?

    let storage: KafkaBroker.Storage
    let isRecursive = false

    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        let storage = storage
        let cluster = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try TestCluster(storage) }) }
        }
        defer { cluster.stop() }
        try await Self.$cluster.withValue(cluster) { try await body() }
    }
}

extension SuiteTrait where Self == WithCluster {
    /// The suite's tests share a cluster, whose broker keeps its records so.
    static func cluster(_ storage: KafkaBroker.Storage = .memory) -> Self { Self(storage: storage) }
}

extension TestCluster {
    /// The cluster of the suite that runs.
    static func current() throws -> TestCluster { try #require(WithCluster.cluster, "the suite has no cluster") }
}
