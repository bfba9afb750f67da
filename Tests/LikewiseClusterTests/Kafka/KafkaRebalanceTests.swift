import LikewiseCluster
import LikewiseTestSupport
import Logging
import Testing

@Suite("Consumers that share a group")
struct KafkaRebalanceTests {
    private static let records = 3_000

    /// What the ledger is in real life: records and offsets, changed together.
    private struct Store: Sendable {
        var offsets: [Int32: Int64] = [:]
        var seen: [String: Int] = [:]
        var takenBy: [Int: Int] = [:]
        var revocations = 0
    }

    private let store = Monitor(Store())
    private let quiet = Logger(label: "kafka tests") { _ in SwiftLogNoOpLogHandler() }

    /// Brokers to share a topic's partitions at.
    enum Place: CaseIterable, Sendable { case mockCluster, realBroker }

    /// Brokers that are up, and how to reach them.
    private struct Bed: Sendable {
        let brokers: any Sendable
        let options: KafkaOptions
    }

    private func bed(_ place: Place, partitions: Int) throws -> Bed {
        switch place {
        case .mockCluster:
            let cluster = try MockKafka(partitions: Int32(partitions))
            return Bed(brokers: cluster, options: cluster.options())
        case .realBroker:
            let broker = try KafkaBroker()
            let options = KafkaOptions(
                brokers: [broker.address], topic: MockKafka.topic, libraryPath: try KafkaBroker.libraryPath())
            let plan = KafkaTopicPlan(partitions: partitions, replicas: 1)
            _ = try KafkaAdmin(options, logger: quiet).ensureTopic(plan)
            return Bed(brokers: broker, options: options)
        }
    }

    private func consume(_ options: KafkaOptions, as number: Int, until isDone: @escaping (Store) -> Bool) throws {
        var options = options
        options.settings["heartbeat.interval.ms"] = "100"
        let consumer = try KafkaConsumer(
            options, group: "aggregators", logger: quiet,
            positions: { _ in store.update { $0.offsets } },
            revoked: { _ in store.update { $0.revocations += 1 } })
        defer { consumer.close() }
        let deadline = ContinuousClock.now + .seconds(90)
        while !store.update({ isDone($0) }) {
            guard ContinuousClock.now < deadline else { throw TooLate(what: "consumer \(number)") }
            let batch = try consumer.poll(limit: 40, timeout: .milliseconds(50))
            store.update { store in
                for value in batch.values { store.seen[value, default: 0] += 1 }
                store.offsets.merge(batch.nextOffsets) { _, next in next }
                store.takenBy[number, default: 0] += batch.count
            }
        }
    }

    private func send(_ producer: KafkaProducer, _ numbers: Range<Int>) throws {
        let deliveries = try producer.deliver(KafkaRecord.numbered(numbers))
        guard deliveries.allSatisfy(\.isAcknowledged) else { throw TooLate(what: "deliveries of \(numbers)") }
    }

    @Test("One that joins and one that leaves cost no record, and none is taken twice", arguments: Place.allCases)
    func rebalance(place: Place) throws {
        let bed = try bed(place, partitions: 6)
        let producer = try KafkaProducer(bed.options, deliveryTimeout: .seconds(30), logger: quiet)
        let crew = Crew(3) { thread in
            switch thread {
            case 0:
                // The second half comes when both have partitions, so that there is something for both.
                try send(producer, 0..<Self.records / 2)
                _ = store.wait(seconds: 60) { $0.revocations > 0 ? true : nil }
                try send(producer, Self.records / 2..<Self.records)
            case 1:
                // Leaves once the other has its share.
                try consume(bed.options, as: 1) { $0.takenBy[2, default: 0] > 200 }
            default:
                _ = store.wait(seconds: 60) { $0.seen.count >= 300 ? true : nil }
                try consume(bed.options, as: 2) { $0.seen.count >= Self.records }
            }
        }
        _ = try crew.finish(seconds: 120)
        producer.close(flushFor: .seconds(10))
        let result = store.update { $0 }
        #expect(result.seen.count == Self.records)
        #expect(result.seen.values.allSatisfy { $0 == 1 })
        #expect(result.takenBy[1, default: 0] > 0)
        #expect(result.revocations >= 2)
    }
}
