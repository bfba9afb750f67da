import LikewiseCluster
import LikewiseTestSupport
import Logging
import Testing

@Suite("Kafka's clients with a real broker")
struct KafkaBrokerTests {
    private let quiet = Logger(label: "kafka tests") { _ in SwiftLogNoOpLogHandler() }

    private func options(_ broker: KafkaBroker, topic: String = "likewise.events") throws -> KafkaOptions {
        KafkaOptions(brokers: [broker.address], topic: topic, libraryPath: try KafkaBroker.libraryPath())
    }

    private func records(_ range: Range<Int>) -> [KafkaRecord] {
        range.map { number in
            let text = "\(number)"
            return KafkaRecord("content \(number % 97)", text + String(repeating: " ", count: 200 - text.utf8.count))
        }
    }

    private func numbers(_ batches: [KafkaBatch]) -> [Int] {
        batches.flatMap(\.values).compactMap { Int($0.prefix { $0 != " " }) }
    }

    @Test("A topic is made once, and how it differs from the plan is told")
    func topic() throws {
        let broker = try KafkaBroker()
        let lines = LoggedLines()
        let admin = try KafkaAdmin(options(broker), logger: lines.logger)
        #expect(try admin.partitionCount() == nil)
        let plan = KafkaTopicPlan(partitions: 6, replicas: 1)
        let made = try admin.ensureTopic(plan)
        #expect(made.isNew)
        #expect(made.partitions == 6)
        #expect(lines.count("made Kafka's topic") == 1)
        #expect(try admin.partitionCount() == 6)
        let found = try admin.ensureTopic(plan)
        #expect(!found.isNew)
        #expect(found.partitions == 6)
        let other = try admin.ensureTopic(KafkaTopicPlan(partitions: 12, replicas: 1))
        #expect(other.partitions == 6)
        #expect(other.differences.contains("it has 6 partitions, and 12 are planned"))
        #expect(lines.count("6 partitions, and 12 are planned") == 1)
        #expect(try admin.endOffsets([0, 5]) == [0: 0, 5: 0])
        #expect(try admin.beginOffsets([3]) == [3: 0])
    }

    @Test("Ten thousand records come back, and whoever goes on where a dead consumer stored its offsets misses none")
    func consumption() throws {
        let broker = try KafkaBroker()
        let options = try options(broker)
        _ = try KafkaAdmin(options, logger: quiet).ensureTopic(KafkaTopicPlan(partitions: 4, replicas: 1))
        let producer = try KafkaProducer(options, deliveryTimeout: .seconds(30), logger: quiet)
        defer { producer.close(flushFor: .seconds(10)) }
        let deliveries = try producer.deliver(records(0..<10_000))
        #expect(deliveries.count(where: \.isAcknowledged) == 10_000)
        let dead = try KafkaConsumer(
            options, group: "dead", logger: quiet, positions: { _ in [:] }, revoked: { _ in })
        let first = try dead.take(4_000, limit: 500)
        let stored = first.reduce(into: [Int32: Int64]()) { $0.merge($1.nextOffsets) { _, next in next } }
        // It never leaves its group; another group stands for the time after its session.
        let next = try KafkaConsumer(
            options, group: "next", logger: quiet, positions: { _ in stored }, revoked: { _ in })
        let rest = try next.take(10_000 - first.reduce(0) { $0 + $1.count }, limit: 500)
        #expect((numbers(first) + numbers(rest)).sorted() == Array(0..<10_000))
        #expect(next.statistics.gaps == 0)
        #expect(next.lags.values.reduce(0, +) == 0)
        next.close()
        dead.close()
    }

    @Test("A topic that is not there is told once, and waited for")
    func missingTopic() throws {
        let broker = try KafkaBroker()
        let lines = LoggedLines()
        let options = KafkaOptions(
            brokers: [broker.address], topic: "later", libraryPath: try KafkaBroker.libraryPath(),
            settings: ["topic.metadata.refresh.interval.ms": "200"])
        let consumer = try KafkaConsumer(
            options, group: "aggregators", logger: lines.logger, positions: { _ in [:] }, revoked: { _ in })
        defer { consumer.close() }
        let deadline = ContinuousClock.now + .seconds(60)
        while consumer.statistics.errors < 1 && .now < deadline {
            #expect(try consumer.poll(limit: 10, timeout: .milliseconds(100)).isEmpty)
        }
        #expect(consumer.statistics.lastError?.name == "UNKNOWN_TOPIC_OR_PART")
        _ = try KafkaAdmin(options, logger: quiet).ensureTopic(KafkaTopicPlan(partitions: 2, replicas: 1))
        let producer = try KafkaProducer(options, deliveryTimeout: .seconds(30), logger: quiet)
        defer { producer.close(flushFor: .seconds(10)) }
        #expect(try producer.deliver(KafkaRecord.numbered(0..<10)).count(where: \.isAcknowledged) == 10)
        #expect(try consumer.take(10).flatMap(\.values).count == 10)
        #expect(lines.count("warning Kafka's client reports an error") == 1)
    }

    @Test("A broker that is killed keeps what it acknowledged, and producer and consumer go on")
    func kill() throws {
        let broker = try KafkaBroker(.objects)
        let options = try options(broker)
        _ = try KafkaAdmin(options, logger: quiet).ensureTopic(KafkaTopicPlan(partitions: 4, replicas: 1))
        let producer = try KafkaProducer(options, deliveryTimeout: .seconds(3), logger: quiet)
        defer { producer.close(flushFor: .seconds(10)) }
        let consumer = try KafkaConsumer(
            options, group: "aggregators", logger: quiet, positions: { _ in [:] }, revoked: { _ in })
        defer { consumer.close() }
        #expect(try producer.deliver(records(0..<1_000)).count(where: \.isAcknowledged) == 1_000)
        var taken = try numbers(consumer.take(500, limit: 100))
        broker.kill9()
        #expect(try producer.deliver(records(1_000..<1_100)).count(where: \.isAcknowledged) == 0)
        try broker.restart()
        var next = 1_100
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            let deliveries = try producer.deliver(records(next..<next + 100))
            next += 100
            if deliveries.allSatisfy(\.isAcknowledged) { break }
        }
        // The last hundred were acknowledged; of those in between some may be there, and of the first all have to.
        let wanted = Set(0..<1_000).union(next - 100..<next)
        while !wanted.isSubset(of: taken) { taken += numbers(try consumer.take(1)) }
        #expect(taken.count(where: { $0 < 1_000 }) == 1_000)
        #expect(consumer.statistics.gaps == 0)
    }
}
