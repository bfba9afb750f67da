import CKafka
import LikewiseCluster
import LikewiseTestSupport
import Logging
import Testing

@Suite("Kafka's producer, on a mock cluster")
struct KafkaProducerTests {
    private let quiet = Logger(label: "kafka tests") { _ in SwiftLogNoOpLogHandler() }

    @Test("A send is completed once, with an acknowledgement for each record in its place")
    func order() throws {
        let cluster = try MockKafka()
        let producer = try KafkaProducer(cluster.options(), logger: quiet)
        defer { producer.close(flushFor: .seconds(10)) }
        let records = (0..<1_000).map { KafkaRecord("one key", "\($0)") }
        let deliveries = try producer.deliver(records)
        let partition = try #require(deliveries.first?.partition)
        #expect(deliveries == (0..<1_000).map { .acknowledged(partition: partition, offset: $0) })
        #expect(try producer.deliver([]) == [])
        #expect(producer.statistics.acknowledged == 1_000)
        #expect(producer.statistics.queued == 0)
        #expect(producer.statistics.brokersUp > 0)
    }

    @Test("The key decides the partition, as in Java's clients")
    func partitions() throws {
        let partitions = 7
        let cluster = try MockKafka(partitions: Int32(partitions))
        let producer = try KafkaProducer(cluster.options(), logger: quiet)
        defer { producer.close(flushFor: .seconds(10)) }
        // MurmurHash2 as Kafka's org.apache.kafka.common.utils.Utils has it.
        let hashes: [(key: String, hash: UInt32)] = [
            ("kafka", 0xd067_cf64), ("giberish123456789", 0x8f55_2b0c), ("1234", 0x9fc9_7b14), ("234", 0xe7c0_09ca),
            ("34", 0x8739_30da), ("4", 0x5a4b_5ca1),
        ]
        let deliveries = try producer.deliver(hashes.map { KafkaRecord($0.key, "x") })
        #expect(deliveries.map(\.partition) == hashes.map { Int32(Int($0.hash & 0x7fff_ffff) % partitions) })
    }

    @Test("Several producers and threads at once lose nothing and share no offset")
    func together() throws {
        let cluster = try MockKafka()
        let producers = try (0..<2).map { _ in try KafkaProducer(cluster.options(), logger: quiet) }
        defer { for producer in producers { producer.close(flushFor: .seconds(10)) } }
        let crew = Crew(4) { thread in
            try (0..<20).flatMap { round in
                try producers[thread % 2].deliver(
                    KafkaRecord.numbered(0..<50).map {
                        KafkaRecord(key: $0.key, value: Array("\(thread) \(round)".utf8))
                    })
            }
        }
        let places = try crew.finish().joined().compactMap { delivery -> String? in
            guard case .acknowledged(let partition, let offset) = delivery else { return nil }
            return "\(partition) \(offset)"
        }
        #expect(places.count == 4_000)
        #expect(Set(places).count == 4_000)
    }

    @Test("With all brokers down records fail after the time limit, which is told once, and later ones are delivered")
    func outage() throws {
        let cluster = try MockKafka()
        let lines = LoggedLines()
        let producer = try KafkaProducer(cluster.options(), deliveryTimeout: .seconds(1), logger: lines.logger)
        defer { producer.close(flushFor: .seconds(10)) }
        #expect(try producer.deliver(KafkaRecord.numbered(0..<10)).allSatisfy(\.isAcknowledged))
        cluster.takeDown()
        for _ in 0..<2 {
            let deliveries = try producer.deliver(KafkaRecord.numbered(0..<100))
            #expect(deliveries.allSatisfy { $0.error?.isRetriable == true })
        }
        #expect(lines.wait(for: "no Kafka broker can be reached"))
        #expect(producer.statistics.isFailing)
        #expect(producer.statistics.failed == 200)
        #expect(producer.statistics.brokersUp == 0)
        cluster.bringUp()
        #expect(lines.wait(for: "a Kafka broker can be reached again"))
        let deadline = ContinuousClock.now + .seconds(30)
        while producer.statistics.isFailing && .now < deadline {
            _ = try producer.deliver(KafkaRecord.numbered(0..<100))
        }
        #expect(try producer.deliver(KafkaRecord.numbered(0..<100)).allSatisfy(\.isAcknowledged))
        #expect(lines.count("records are not delivered to Kafka") == 1)
        #expect(lines.count("records are delivered to Kafka again") == 1)
        #expect(lines.count("no Kafka broker can be reached") == 1)
    }

    @Test("One broker down costs nothing once another leads its partitions")
    func failover() throws {
        let cluster = try MockKafka()
        let producer = try KafkaProducer(cluster.options(), deliveryTimeout: .seconds(10), logger: quiet)
        defer { producer.close(flushFor: .seconds(10)) }
        for partition in 0..<Int32(4) { cluster.lead(partition, 1) }
        #expect(try producer.deliver(KafkaRecord.numbered(0..<100)).allSatisfy(\.isAcknowledged))
        cluster.takeDown(1)
        let deliveries = Deliveries()
        producer.send(KafkaRecord.numbered(0..<100), completion: deliveries.take())
        for partition in 0..<Int32(4) { cluster.lead(partition, 2) }
        #expect(try deliveries.wait().allSatisfy(\.isAcknowledged))
        cluster.bringUp(1)
    }

    @Test("What a broker cannot do just now is tried again until it can")
    func retries() throws {
        let cluster = try MockKafka()
        let producer = try KafkaProducer(cluster.options(), deliveryTimeout: .seconds(20), logger: quiet)
        defer { producer.close(flushFor: .seconds(10)) }
        cluster.fail(
            MockKafka.Request.produce,
            with: [
                RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            ])
        let deliveries = try producer.deliver(KafkaRecord.numbered(0..<100))
        #expect(!deliveries.contains { !$0.isAcknowledged })
        cluster.stopFailing(MockKafka.Request.produce)
    }

    @Test("A record that is wrong fails at once, and is not worth sending again")
    func wrongRecord() throws {
        let cluster = try MockKafka()
        let producer = try KafkaProducer(cluster.options(["message.max.bytes": "2000"]), logger: quiet)
        defer { producer.close(flushFor: .seconds(10)) }
        let large = KafkaRecord(key: [1], value: [UInt8](repeating: 7, count: 3_000))
        let deliveries = try producer.deliver([KafkaRecord("a", "small"), large, KafkaRecord("b", "small")])
        #expect(deliveries.map(\.isAcknowledged) == [true, false, true])
        #expect(deliveries[1].error?.name == "MSG_SIZE_TOO_LARGE")
        #expect(deliveries[1].error?.isRetriable == false)
    }

    @Test("A full queue fails what does not fit, at once, and has room again when the rest is delivered")
    func fullQueue() throws {
        let cluster = try MockKafka()
        for broker in 1...Int32(3) { cluster.delay(broker, milliseconds: 300) }
        let producer = try KafkaProducer(
            cluster.options(), bound: KafkaBound(records: 100), deliveryTimeout: .seconds(30), logger: quiet)
        defer { producer.close(flushFor: .seconds(10)) }
        let deliveries = Deliveries()
        producer.send(KafkaRecord.numbered(0..<250), completion: deliveries.take(0))
        producer.send(KafkaRecord.numbered(0..<10), completion: deliveries.take(1))
        // The one that nothing of fits is told while the other waits for its brokers.
        let refused = try deliveries.wait(1)
        #expect(refused.allSatisfy { $0.error?.isQueueFull == true && $0.error?.isRetriable == true })
        #expect(deliveries.count == 1)
        let settled = try deliveries.wait(0)
        #expect(settled.map(\.isAcknowledged) == (0..<250).map { $0 < 100 })
        #expect(settled.count { $0.error?.isQueueFull == true } == 150)
        #expect(try producer.deliver(KafkaRecord.numbered(0..<100)).allSatisfy(\.isAcknowledged))
    }

    @Test("After a fatal error what was in flight fails, and a new producer behind the same object delivers")
    func fatalError() throws {
        let cluster = try MockKafka()
        let lines = LoggedLines()
        // Refused for good when the producer asks for its number.
        cluster.fail(MockKafka.Request.initProducerID, with: [RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED])
        let producer = try KafkaProducer(cluster.options(), deliveryTimeout: .seconds(30), logger: lines.logger)
        defer { producer.close(flushFor: .seconds(10)) }
        let deliveries = try producer.deliver(KafkaRecord.numbered(0..<100))
        #expect(deliveries.allSatisfy { $0.error != nil })
        #expect(lines.wait(for: "Kafka's producer is broken and made anew"))
        let deadline = ContinuousClock.now + .seconds(30)
        while try producer.deliver(KafkaRecord.numbered(0..<1))[0].error != nil && .now < deadline {}
        #expect(try producer.deliver(KafkaRecord.numbered(0..<100)).allSatisfy(\.isAcknowledged))
        #expect(producer.statistics.replacements == 1)
    }

    @Test("Closing completes every send, with brokers and without", arguments: [true, false])
    func closing(isUp: Bool) throws {
        let cluster = try MockKafka()
        let producer = try KafkaProducer(cluster.options(), deliveryTimeout: .seconds(60), logger: quiet)
        #expect(try producer.deliver(KafkaRecord.numbered(0..<10)).allSatisfy(\.isAcknowledged))
        if !isUp { cluster.takeDown() }
        let deliveries = Deliveries()
        for send in 0..<20 { producer.send(KafkaRecord.numbered(0..<50), completion: deliveries.take(send)) }
        producer.close(flushFor: isUp ? .seconds(30) : .milliseconds(100))
        #expect(deliveries.count == 20)
        let settled = try (0..<20).flatMap { try deliveries.wait($0) }
        #expect(settled.count == 1_000)
        #expect(settled.allSatisfy { $0.isAcknowledged == isUp })
        // The thread is gone: whoever sends now is told on his own.
        #expect(try producer.deliver(KafkaRecord.numbered(0..<2)).allSatisfy { $0.error != nil })
        producer.close(flushFor: .seconds(1))
    }

    @Test("Threads that send, fatal errors and the end, all at once, leave no send without an answer")
    func turmoil() throws {
        let cluster = try MockKafka()
        let producer = try KafkaProducer(
            cluster.options(), bound: KafkaBound(records: 2_000), deliveryTimeout: .seconds(5), logger: quiet)
        let answers = Monitor(0)
        let crew = Crew(5) { thread in
            guard thread < 4 else {
                for round in 1...30 {
                    // Fenced for good: what is in flight fails, and the producer is made anew.
                    cluster.fail(
                        MockKafka.Request.produce,
                        with: [
                            RD_KAFKA_RESP_ERR_PRODUCER_FENCED, RD_KAFKA_RESP_ERR__TRANSPORT,
                            RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                        ])
                    _ = answers.wait(seconds: 60) { $0 >= round * 100 ? true : nil }
                }
                producer.close(flushFor: .milliseconds(50))
                return 0
            }
            for number in 0..<1_000 {
                producer.send(KafkaRecord.numbered(0..<20)) { deliveries in
                    precondition(deliveries.count == 20, "\(deliveries.count) deliveries of 20 records")
                    answers.update { $0 += 1 }
                }
                // Slow enough to see every stage of it.
                if number % 20 == 19 { _ = try producer.deliver(KafkaRecord.numbered(0..<1)) }
            }
            return 1_000
        }
        let sent = try crew.finish().reduce(0, +)
        // All that was sent before the end is answered by now, and what came after was answered on the spot.
        #expect(answers.update { $0 } == sent)
        #expect(producer.statistics.replacements > 0)
    }

    @Test("A library that is not there, or a setting that librdkafka does not know, is said in words")
    func wrongOptions() throws {
        let cluster = try MockKafka()
        var options = cluster.options()
        options.libraryPath = "/nowhere/librdkafka.so.1"
        let missing = #expect(throws: KafkaError.self) { _ = try KafkaProducer(options, logger: quiet) }
        #expect(missing?.words.contains("/nowhere/librdkafka.so.1") == true)
        let unknown = #expect(throws: KafkaError.self) {
            _ = try KafkaProducer(cluster.options(["no.such.setting": "1"]), logger: quiet)
        }
        #expect(unknown?.words.contains("no.such.setting") == true)
    }
}
