import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Logging
import Synchronization
import Testing

/// A ledger in memory that says how far it is, and can fail before or after a transaction.
private final class WatchedLedger: Ledger {
    struct State {
        var positions: [UInt16: UInt64] = [:]
        /// Calls of `apply` that throw before they change anything.
        var failing = 0
        /// Calls of `apply` that throw although everything was committed.
        var failingAfterwards = 0
        /// Calls of `apply` that threw.
        var failed = 0
        var isDown = false
    }

    let ledger = SimulatedLedger()
    let state = Monitor(State())

    func apply(_ batches: [LedgerBatch]) throws(LedgerError) {
        let (isFailing, isFailingAfterwards) = state.update { state in
            let isFailing = state.isDown || state.failing > 0
            let isFailingAfterwards = !isFailing && state.failingAfterwards > 0
            if isFailing, !state.isDown { state.failing -= 1 }
            if isFailingAfterwards { state.failingAfterwards -= 1 }
            if isFailing || isFailingAfterwards { state.failed += 1 }
            return (isFailing, isFailingAfterwards)
        }
        if isFailing { throw .failed("made up: it is down") }
        try ledger.apply(batches)
        let positions = try ledger.makeReader().positions()
        state.update { $0.positions = positions }
        if isFailingAfterwards { throw .failed("made up: the answer was lost") }
    }

    func makeReader() throws(LedgerError) -> any LedgerReader { try ledger.makeReader() }
    func setReactions(_ names: [String]) throws(LedgerError) { try ledger.setReactions(names) }
    func save(_ trends: [TrendBucket]) throws(LedgerError) { try ledger.save(trends) }
    func purge(limit: Int) throws(LedgerError) -> Bool { try ledger.purge(limit: limit) }

    /// Waits until it holds so many records of the topic, on a thread of its own.
    func holds(_ records: Int, seconds: Double = 60) async throws -> Bool {
        try await RedisBed.started { [state] in
            state.wait(seconds: seconds) { $0.positions.values.reduce(0, +) >= UInt64(records) ? true : nil } ?? false
        }
    }

    func hasFailed(_ times: Int, seconds: Double = 60) async throws -> Bool {
        try await RedisBed.started { [state] in
            state.wait(seconds: seconds) { $0.failed >= times ? true : nil } ?? false
        }
    }
}

@Suite("An aggregator", .timeLimit(.minutes(3)))
struct AggregatorTests {
    /// Keeps the names of the contents that are shown.
    private final class KeepingWriter: WindowWriter {
        let shown = Mutex<Set<[UInt8]>>([])
        var epoch: UInt64 { 0 }
        func write(_ window: CountWindow.Changes) async -> CountWindow.Changes {
            shown.withLock { $0.formUnion(window.contents) }
            return CountWindow.Changes()
        }
    }

    /// Brokers, a ledger, and an aggregator between them when it is started.
    private final class Bed: Sendable {
        let kafka: MockKafka
        let ledger = WatchedLedger()
        let lines = LoggedLines()
        let failures = Monitor<[String]>([])
        let writer = KeepingWriter()
        let window: CountWindow
        private let producer: KafkaProducer

        init() throws {
            kafka = try MockKafka()
            window = CountWindow(writer, trends: TrendBoard(), clock: SystemClock())
            producer = try KafkaProducer(kafka.options(), deliveryTimeout: .seconds(30), logger: .silent)
            try ledger.setReactions(ReactionSet.standard)
        }

        func start() throws -> Aggregator {
            let ledger = ledger
            let ports = AggregatorPorts(
                ledger: ledger, positions: { try ledger.makeReader().positions() },
                reactions: { try ledger.makeReader().reactions() },
                window: window, clock: SystemClock())
            var options = AggregatorOptions(kafka: kafka.consumerOptions(), group: "aggregators")
            options.batchLimit = 500
            return try Aggregator(options, ports, logger: lines.logger) { [failures] words in
                failures.update { $0.append(words) }
            }
        }

        /// Puts records into the topic.
        func send(_ records: [KafkaRecord]) async {
            let deliveries = await withCheckedContinuation { continuation in
                producer.send(records) { continuation.resume(returning: $0) }
            }
            #expect(deliveries.allSatisfy { $0.isAcknowledged })
        }

        func send(_ events: [LikeEvent], _ reactions: ReactionSet = RedisBed.reactions()) async {
            await send(
                events.map { KafkaRecord(key: $0.content, value: LikeEventJSON.encode($0, reactions: reactions)) })
        }

        func stop(_ aggregator: Aggregator?) async throws {
            try await RedisBed.started { [producer] in
                aggregator?.stop()
                producer.close(flushFor: .zero)
            }
        }
    }

    /// Likes, changes and unlikes of several nodes, out of order and some of them twice.
    private static func workload(_ count: Int, seed: UInt64) -> [LikeEvent] {
        var random = SeededRandom(seed: seed)
        var events: [LikeEvent] = []
        for number in 0..<count {
            if random.chance(oneIn: 10), let again = events.randomElement(using: &random) {
                events.append(again)
                continue
            }
            events.append(
                .register(
                    "c\(random.below(20))", "u\(random.below(100))", at: UInt64(random.below(1_000) + 1),
                    Reaction(rawValue: UInt8(random.below(4))),
                    // Each event a region of its own: no version is given twice.
                    region: UInt16(number)))
        }
        return events
    }

    private static func model(_ events: [LikeEvent]) -> [[UInt8]: [[UInt8]: Register]] {
        events.reduce(into: [:]) { model, event in
            model[event.content, default: [:]][event.user, default: .untouched].merge(event.register)
        }
    }

    @Test("registers and tallies are what the events say, whatever their order and how often they come")
    func endToEnd() async throws {
        let bed = try Bed()
        let events = Self.workload(5_000, seed: 1)
        await bed.send(Array(events[..<2_000]))
        let aggregator = try bed.start()
        await bed.send(Array(events[2_000...]))
        #expect(try await bed.ledger.holds(events.count))
        #expect(bed.ledger.ledger.registers == Self.model(events))
        #expect(bed.ledger.ledger.drifts.isEmpty)
        #expect(await RedisBed.eventually { aggregator.health == .good })
        #expect(aggregator.assigned == [0, 1, 2, 3])
        try await bed.stop(aggregator)
    }

    @Test("a ledger that fails for a while is waited for: nothing is lost, nothing counts twice, and it goes on")
    func ledgerFails() async throws {
        let bed = try Bed()
        bed.ledger.state.update { $0.failing = 4 }
        let events = Self.workload(3_000, seed: 2)
        let aggregator = try bed.start()
        await bed.send(Array(events[..<1_500]))
        #expect(try await bed.ledger.holds(1_500))
        #expect(bed.ledger.state.update { $0.failed } == 4)
        bed.ledger.state.update { $0.failing = 2 }
        await bed.send(Array(events[1_500...]))
        #expect(try await bed.ledger.holds(events.count))
        #expect(bed.ledger.ledger.registers == Self.model(events))
        #expect(bed.ledger.ledger.drifts.isEmpty)
        #expect(await RedisBed.eventually { aggregator.health == .good })
        try await bed.stop(aggregator)
    }

    @Test("a transaction whose answer was lost is not taken twice")
    func lostAnswer() async throws {
        let bed = try Bed()
        bed.ledger.state.update { $0.failingAfterwards = 3 }
        let events = Self.workload(3_000, seed: 3)
        let aggregator = try bed.start()
        await bed.send(events)
        #expect(try await bed.ledger.holds(events.count))
        #expect(bed.ledger.ledger.registers == Self.model(events))
        #expect(bed.ledger.ledger.drifts.isEmpty)
        #expect(bed.ledger.ledger.batches.skipped == 0, "it went on where the ledger is")
        try await bed.stop(aggregator)
    }

    @Test("what a transaction changed whose answer was lost is shown, though its events are not read again")
    func lostAnswerIsShown() async throws {
        let bed = try Bed()
        bed.ledger.state.update { $0.failingAfterwards = 2 }
        let events = (1...300).map { LikeEvent.register("c\($0)", "u", at: UInt64($0)) }
        let aggregator = try bed.start()
        await bed.send(Array(events[..<150]))
        #expect(try await bed.ledger.holds(150))
        await bed.send(Array(events[150...]))
        #expect(try await bed.ledger.holds(300))
        #expect(
            await RedisBed.eventually {
                await bed.window.close()
                return bed.writer.shown.withLock { $0.count } == 300
            })
        #expect(bed.ledger.ledger.batches.skipped == 0, "nothing was read again")
        try await bed.stop(aggregator)
    }

    @Test("an aggregator that ends in the middle is followed by one that goes on where the ledger is")
    func restart() async throws {
        let bed = try Bed()
        let events = Self.workload(3_000, seed: 4)
        let first = try bed.start()
        await bed.send(Array(events[..<1_500]))
        #expect(try await bed.ledger.holds(500))
        try await RedisBed.started { first.stop() }
        let second = try bed.start()
        await bed.send(Array(events[1_500...]))
        #expect(try await bed.ledger.holds(events.count))
        #expect(bed.ledger.ledger.registers == Self.model(events))
        #expect(bed.ledger.ledger.drifts.isEmpty)
        try await bed.stop(second)
    }

    @Test("records that are no events are passed over, each is logged with its place, and the position goes on")
    func garbage() async throws {
        let bed = try Bed()
        let aggregator = try bed.start()
        await bed.send(LikeEvent.likes(0..<10))
        await bed.send([
            KafkaRecord("x", "no JSON"), KafkaRecord("x", ""), KafkaRecord("x", "[1]"),
            KafkaRecord("x", #"{"action":"like","content_id":"c","user_id":"u"}"#),
            KafkaRecord("x", #"{"action":"dance","content_id":"c","version":"0001","region":0}"#),
        ])
        await bed.send(LikeEvent.likes(10..<20))
        #expect(try await bed.ledger.holds(25))
        #expect(bed.lines.count("is no event and is passed over") == 5)
        #expect(bed.ledger.ledger.registers == Self.model(LikeEvent.likes(0..<20)))
        try await bed.stop(aggregator)
    }

    @Test("a reaction that only the sender knew is added to the ledger, and counts")
    func unknownReaction() async throws {
        let bed = try Bed()
        let aggregator = try bed.start()
        let more = try ReactionSet(ReactionSet.standard + ["fire", "clap"])
        let clap = Reaction(rawValue: 8)
        let events: [LikeEvent] = [
            .register("c", "u", at: 1), .register("c", "v", at: 2, clap), .register("c", "w", at: 3, .like, was: clap),
        ]
        await bed.send(events, more)
        #expect(try await bed.ledger.holds(3))
        let names = try bed.ledger.makeReader().reactions()
        #expect(names == ReactionSet.standard + ["clap"])
        let register = bed.ledger.ledger.registers[Array("c".utf8)]?[Array("v".utf8)]
        #expect(register?.reaction.rawValue == 7, "the ledger gives its own code to the name")
        #expect(bed.ledger.ledger.drifts.isEmpty)
        try await bed.stop(aggregator)
    }

    @Test("a ledger that cannot be used ends it, with the words that say why")
    func unusable() async throws {
        let bed = try Bed()
        bed.ledger.ledger.failNextApply(.unusable("run likewise migrate"))
        let aggregator = try bed.start()
        await bed.send(LikeEvent.likes(0..<10))
        let words = try await RedisBed.started { bed.failures.wait(seconds: 60) { $0.first } }
        #expect(words == "run likewise migrate")
        #expect(aggregator.health == .failed("run likewise migrate"))
        try await bed.stop(aggregator)
    }

    @Test(
        "it ends within bounded time: at rest, while the ledger is down, and while the brokers are",
        arguments: ["at rest", "ledger", "brokers"])
    func stops(down: String) async throws {
        let bed = try Bed()
        let aggregator = try bed.start()
        await bed.send(LikeEvent.likes(0..<10))
        #expect(try await bed.ledger.holds(10))
        if down == "ledger" {
            bed.ledger.state.update { $0.isDown = true }
            await bed.send(LikeEvent.likes(10..<20))
            #expect(try await bed.ledger.hasFailed(1))
        }
        if down == "brokers" { bed.kafka.takeDown() }
        let took = try await ContinuousClock().measure { try await RedisBed.started { aggregator.stop() } }
        #expect(took < .seconds(15))
        try await bed.stop(nil)
    }

    @Test("brokers that go away and come back are waited for")
    func brokersDown() async throws {
        let bed = try Bed()
        let aggregator = try bed.start()
        let events = Self.workload(600, seed: 5)
        await bed.send(Array(events[..<300]))
        #expect(try await bed.ledger.holds(300))
        bed.kafka.takeDown()
        bed.kafka.bringUp()
        await bed.send(Array(events[300...]))
        #expect(try await bed.ledger.holds(600))
        #expect(bed.ledger.ledger.registers == Self.model(events))
        try await bed.stop(aggregator)
    }
}
