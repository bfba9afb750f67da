import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Logging
import Testing

@Suite("Making events durable", .serialized, .timeLimit(.minutes(3)))
struct KafkaPublisherTests {
    /// A publisher with a spool on `disk`, in front of mock brokers.
    private final class Bed: Sendable {
        let kafka: MockKafka
        let spool: Spool
        let producer: KafkaProducer
        let publisher: KafkaPublisher
        let lines = LoggedLines()
        static let deliveryTimeout = Duration.seconds(2)

        init(_ kafka: MockKafka, disk: any Disk) throws {
            self.kafka = kafka
            spool = try SpoolBed.open(disk) { $0.segmentBytes = 1 << 20 }
            producer = try KafkaProducer(
                kafka.options(), deliveryTimeout: Self.deliveryTimeout, logger: .silent)
            publisher = KafkaPublisher(
                producer: producer, spool: spool, reactions: RedisBed.reactions(), clock: SystemClock(),
                logger: lines.logger)
            publisher.start()
        }

        func publish(_ range: Range<Int>) async -> [Publication] {
            await publisher.publish(LikeEvent.likes(range).map(\.keyed))
        }

        /// Ends everything that has a thread.
        func stop() async throws {
            publisher.stop()
            try await RedisBed.started { [producer, spool] in
                producer.close(flushFor: .zero)
                spool.stop()
            }
        }

        /// Whether the spool becomes empty.
        func isRelayed() async -> Bool {
            await RedisBed.eventually(seconds: 60) { [spool] in spool.waiting.events == 0 }
        }
    }

    /// Reads the topic from its beginning until so many different events were there, or `seconds` are over.
    private func events(in kafka: MockKafka, atLeast count: Int, seconds: Double = 60) async throws -> Set<LikeEvent> {
        try await RedisBed.started {
            let consumer = try KafkaConsumer(
                kafka.consumerOptions(), group: "reader", logger: .silent, positions: { _ in [:] }, revoked: { _ in })
            defer { consumer.close() }
            let deadline = ContinuousClock.now + .seconds(seconds)
            var found: Set<LikeEvent> = []
            while found.count < count, ContinuousClock.now < deadline {
                let batch = try consumer.poll(limit: 10_000, timeout: .milliseconds(100))
                for entry in batch.entries {
                    let event = try Array(batch.value(of: entry)).withUnsafeBytes { bytes in
                        try LikeEventJSON.decode(bytes, reactions: RedisBed.reactions())
                    }
                    found.insert(event)
                }
            }
            return found
        }
    }

    @Test("while Kafka is up events are durable there, nothing is spooled, and the ends are known")
    func up() async throws {
        let kafka = try MockKafka()
        let bed = try Bed(kafka, disk: SimulatedDisk(seed: 1))
        #expect(await bed.publish(0..<500).allSatisfy { $0 == .durable })
        #expect(await bed.publish(0..<0).isEmpty)
        #expect(bed.spool.waiting.events == 0)
        #expect(bed.publisher.acknowledgedEnds.values.reduce(0, +) == 500)
        #expect(try await events(in: kafka, atLeast: 500) == Set(LikeEvent.likes(0..<500)))
        try await bed.stop()
    }

    @Test(
        "with all brokers down events are durable in the spool: the first about when its time is over, the next at once"
    )
    func down() async throws {
        let kafka = try MockKafka()
        let bed = try Bed(kafka, disk: SimulatedDisk(seed: 1))
        #expect(await bed.publish(0..<10).allSatisfy { $0 == .durable })
        kafka.takeDown()
        let first = await ContinuousClock().measure {
            #expect(await bed.publish(10..<500).allSatisfy { $0 == .durable })
        }
        #expect(first < Bed.deliveryTimeout * 3)
        let next = await ContinuousClock().measure {
            #expect(await bed.publish(500..<1_000).allSatisfy { $0 == .durable })
        }
        #expect(next < Bed.deliveryTimeout / 2)
        #expect(bed.spool.waiting.events == 990)

        kafka.bringUp()
        #expect(await bed.isRelayed())
        #expect(try await events(in: kafka, atLeast: 1_000) == Set(LikeEvent.likes(0..<1_000)))
        #expect(bed.lines.count("Kafka does not take events") == 1)
        #expect(bed.lines.count("Kafka takes events again") == 1)
        // And then it goes on without the spool.
        #expect(await bed.publish(1_000..<1_100).allSatisfy { $0 == .durable })
        #expect(bed.spool.waiting.events == 0)
        try await bed.stop()
    }

    @Test("what an earlier run left in the spool is relayed, in order, before anything was published")
    func restart() async throws {
        let kafka = try MockKafka(partitions: 1)
        let disk = SimulatedDisk(seed: 1)
        try await SpoolBed.with(disk, { $0.segmentBytes = 1 << 20 }) { spool in
            #expect(await spool.append(LikeEvent.likes(0..<5_000)) == .durable)
        }
        disk.crash()
        let bed = try Bed(kafka, disk: disk)
        #expect(await bed.isRelayed())
        #expect(bed.publisher.acknowledgedEnds == [0: 5_000])
        #expect(try await events(in: kafka, atLeast: 5_000) == Set(LikeEvent.likes(0..<5_000)))
        try await bed.stop()
    }

    @Test("a node that ends while Kafka is down keeps what it answered for, and relays it when it runs again")
    func endsWhileDown() async throws {
        let kafka = try MockKafka()
        let disk = SimulatedDisk(seed: 9)
        let first = try Bed(kafka, disk: disk)
        kafka.takeDown()
        #expect(await first.publish(0..<300).allSatisfy { $0 == .durable })
        disk.crash()
        try await first.stop()
        let second = try Bed(kafka, disk: disk)
        #expect(second.spool.waiting.events == 300)
        kafka.bringUp()
        let isRelayed = await second.isRelayed()
        #expect(isRelayed, "\(second.spool.waiting) \(second.producer.statistics) \(second.lines.count("reason"))")
        #expect(try await events(in: kafka, atLeast: 300) == Set(LikeEvent.likes(0..<300)))
        try await second.stop()
    }

    @Test("with Kafka down and the spool's disk full nothing is promised, and Kafka is taken up again when it is back")
    func downAndFull() async throws {
        let kafka = try MockKafka()
        let disk = SimulatedDisk(seed: 1, capacity: 0)
        let bed = try Bed(kafka, disk: disk)
        kafka.takeDown()
        #expect(await bed.publish(0..<10).allSatisfy { $0 == .failed }, "they may have reached Kafka")
        #expect(await bed.publish(10..<20).allSatisfy { $0 == .full || $0 == .failed })
        kafka.bringUp()
        let isBack = await RedisBed.eventually(seconds: 60) {
            await bed.publish(20..<30).allSatisfy { $0 == .durable }
        }
        #expect(isBack)
        #expect(bed.spool.waiting.events == 0)
        #expect(try await events(in: kafka, atLeast: 10).isSuperset(of: LikeEvent.likes(20..<30)))
        try await bed.stop()
    }

    @Test("callers side by side over an outage lose nothing that they were told is durable")
    func outage() async throws {
        let kafka = try MockKafka()
        let bed = try Bed(kafka, disk: SimulatedDisk(seed: 1))
        let turn = Gate()
        async let results: [(Range<Int>, [Publication])] = withTaskGroup(of: [(Range<Int>, [Publication])].self) {
            tasks in
            for worker in 0..<4 {
                tasks.addTask {
                    var done: [(Range<Int>, [Publication])] = []
                    for part in 0..<20 {
                        let start = (worker * 20 + part) * 25
                        done.append((start..<start + 25, await bed.publish(start..<start + 25)))
                        if part == 5 { await turn.pass() }
                    }
                    return done
                }
            }
            return await tasks.reduce(into: []) { $0 += $1 }
        }
        await turn.arrivals(4)
        kafka.takeDown()
        turn.open()
        #expect(await RedisBed.eventually(seconds: 30) { bed.spool.waiting.events > 0 })
        kafka.bringUp()
        var promised: Set<LikeEvent> = []
        for (range, publications) in await results {
            for (event, publication) in zip(LikeEvent.likes(range), publications) where publication == .durable {
                promised.insert(event)
            }
        }
        #expect(promised.count == 2_000)
        #expect(await bed.isRelayed())
        #expect(try await events(in: kafka, atLeast: promised.count) == promised)
        try await bed.stop()
    }
}
