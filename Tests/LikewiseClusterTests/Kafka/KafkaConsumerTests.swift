import LikewiseCluster
import LikewiseTestSupport
import Logging
import Testing

@Suite("Kafka's consumer, on a mock cluster")
struct KafkaConsumerTests {
    private let quiet = Logger(label: "kafka tests") { _ in SwiftLogNoOpLogHandler() }

    /// A cluster whose topic holds `count` numbered records.
    private func cluster(_ count: Int, partitions: Int32 = 4) throws -> MockKafka {
        let cluster = try MockKafka(partitions: partitions)
        let producer = try KafkaProducer(cluster.options(), deliveryTimeout: .seconds(30), logger: quiet)
        defer { producer.close(flushFor: .seconds(10)) }
        let deliveries = try producer.deliver(KafkaRecord.numbered(0..<count))
        #expect(deliveries.count(where: \.isAcknowledged) == count)
        return cluster
    }

    private func consumer(
        _ cluster: MockKafka, logger: Logger? = nil, positions: @escaping KafkaConsumer.Positions = { _ in [:] },
        revoked: @escaping ([Int32]) -> Void = { _ in }
    ) throws -> KafkaConsumer {
        try KafkaConsumer(
            cluster.consumerOptions(), group: "aggregators", logger: logger ?? quiet, positions: positions,
            revoked: revoked)
    }

    @Test("Every record comes once, each partition in order, in batches within the limit")
    func all() throws {
        let cluster = try cluster(1_000)
        let consumer = try consumer(cluster)
        defer { consumer.close() }
        let batches = try consumer.take(1_000, limit: 150)
        #expect(batches.map(\.count).max() == 150)
        #expect(batches.flatMap(\.values).compactMap(Int.init).sorted() == Array(0..<1_000))
        var next: [Int32: Int64] = [:]
        for batch in batches {
            for entry in batch.entries {
                #expect(entry.offset == next[entry.partition, default: 0])
                next[entry.partition] = entry.offset + 1
                let number = String(decoding: batch.value(of: entry), as: UTF8.self)
                #expect(String(decoding: batch.key(of: entry), as: UTF8.self) == "key \(number)")
                #expect(entry.timestampMilliseconds > 1_700_000_000_000)
            }
        }
        #expect(consumer.assigned == [0, 1, 2, 3])
        #expect(consumer.endOffsets == next)
        #expect(consumer.lags == [0: 0, 1: 0, 2: 0, 3: 0])
        #expect(consumer.statistics.records == 1_000)
        #expect(consumer.statistics.gaps == 0)
        consumer.commit(next)
        #expect(try consumer.poll(limit: 10, timeout: .milliseconds(200)).isEmpty)
        #expect(consumer.statistics.errors == 0)
    }

    @Test("A partition begins where its owner says")
    func begin() throws {
        let cluster = try cluster(100, partitions: 1)
        let consumer = try consumer(cluster) { partitions in
            Dictionary(uniqueKeysWithValues: partitions.map { ($0, 60) })
        }
        defer { consumer.close() }
        let batches = try consumer.take(40)
        #expect(batches.flatMap(\.entries).map(\.offset) == Array(60..<100))
        #expect(batches.last?.nextOffsets == [0: 100])
    }

    @Test("Where the offsets to begin at cannot be had nothing is taken, and the next poll asks again")
    func noPositions() throws {
        struct StoreIsDown: Error {}
        let cluster = try cluster(100)
        var asked = 0
        let consumer = try consumer(cluster) { _ in
            asked += 1
            if asked <= 2 { throw StoreIsDown() }
            return [:]
        }
        defer { consumer.close() }
        for _ in 0..<2 {
            let error = #expect(throws: KafkaError.self) { _ = try consumer.take(1) }
            #expect(error?.words.contains("StoreIsDown") == true)
        }
        #expect(try consumer.take(100).reduce(0) { $0 + $1.count } == 100)
        #expect(asked == 3)
    }

    @Test("A batch is taken again after a change of position, and nothing else is")
    func seeking() throws {
        let cluster = try cluster(400, partitions: 2)
        let consumer = try consumer(cluster)
        defer { consumer.close() }
        _ = try consumer.take(200, limit: 50)
        // Back to what only the first ten of each partition come before; a partition that is not assigned is passed
        // over.
        try consumer.seek([0: 10, 1: 10, 77: 5])
        let entries = try consumer.take(380).flatMap(\.entries)
        for partition in Int32(0)...1 {
            let offsets = entries.filter { $0.partition == partition }.map(\.offset)
            let end = try #require(consumer.endOffsets[partition])
            #expect(offsets == Array(10..<end))
        }
        #expect(consumer.statistics.gaps == 0)
    }

    @Test("A wake-up ends a poll that waits, and one before it ends the next")
    func waking() throws {
        let cluster = try cluster(0)
        let consumer = try consumer(cluster)
        let start = ContinuousClock.now
        consumer.wake()
        #expect(try consumer.poll(limit: 10, timeout: .seconds(60)).isEmpty)
        let polls = Monitor(0)
        let crew = Crew(1) { _ in
            polls.update { $0 = 1 }
            let batch = try consumer.poll(limit: 10, timeout: .seconds(60))
            return batch.isEmpty
        }
        _ = polls.wait(seconds: 60) { $0 == 1 ? true : nil }
        consumer.wake()
        #expect(try crew.finish() == [true])
        #expect(ContinuousClock.now - start < .seconds(50))
        consumer.close()
        consumer.wake()
    }

    @Test("A pause gives no records and keeps the partitions")
    func pausing() throws {
        let cluster = try cluster(100)
        let consumer = try consumer(cluster)
        defer { consumer.close() }
        let taken = try consumer.take(10, limit: 10)
        consumer.pause()
        #expect(try consumer.poll(limit: 1_000, timeout: .milliseconds(300)).isEmpty)
        #expect(consumer.assigned == [0, 1, 2, 3])
        consumer.resume()
        let rest = try consumer.take(100 - taken.reduce(0) { $0 + $1.count })
        #expect((taken + rest).flatMap(\.values).compactMap(Int.init).sorted() == Array(0..<100))
        #expect(consumer.statistics.gaps == 0)
    }

    @Test("An offset that the log does not have goes on at the earliest, and is told")
    func outOfRange() throws {
        let cluster = try cluster(50, partitions: 1)
        let lines = LoggedLines()
        let consumer = try consumer(cluster, logger: lines.logger, positions: { _ in [0: 1_000] })
        defer { consumer.close() }
        let batches = try consumer.take(50)
        #expect(batches.flatMap(\.entries).map(\.offset) == Array(0..<50))
        #expect(consumer.statistics.gaps == 1)
        #expect(lines.count("Kafka's log ends before what was taken") == 1)
        #expect(lines.count("1000") == 1)
    }

    @Test("Brokers that go and come back cost no record")
    func outage() throws {
        let cluster = try cluster(300)
        // Its owner keeps the offsets: an outage may last longer than the session, and the partitions are assigned anew.
        let next = Monitor<[Int32: Int64]>([:])
        let consumer = try consumer(cluster) { _ in next.update { $0 } }
        defer { consumer.close() }
        var values: [String] = []
        func poll(_ limit: Int, _ timeout: Duration) throws {
            let batch = try consumer.poll(limit: limit, timeout: timeout)
            for entry in batch.entries { next.update { $0[entry.partition] = entry.offset + 1 } }
            values += batch.values
        }
        let deadline = ContinuousClock.now + .seconds(120)
        while values.count < 10, ContinuousClock.now < deadline { try poll(10, .milliseconds(100)) }
        cluster.takeDown()
        try poll(10, .milliseconds(300))
        cluster.bringUp()
        let producer = try KafkaProducer(cluster.options(), deliveryTimeout: .seconds(30), logger: quiet)
        defer { producer.close(flushFor: .seconds(10)) }
        #expect(try producer.deliver(KafkaRecord.numbered(300..<400)).count(where: \.isAcknowledged) == 100)
        while values.count < 400, ContinuousClock.now < deadline { try poll(1_000, .milliseconds(100)) }
        #expect(values.compactMap(Int.init).sorted() == Array(0..<400))
        #expect(consumer.statistics.records == 400)
        #expect(consumer.statistics.gaps == 0)
    }
}
