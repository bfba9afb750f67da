// Takes events from Kafka into the ledger, and shows what they changed in Redis once a second.
//
// One thread polls and gathers events; another brings what was gathered into the ledger, each partition in one transaction
// with its offset, while the first goes on: so the processor and the ledger's server work side by side, and a transaction
// grows with what came during the last one. Where the ledger cannot be written, what was gathered is let go of, and the consumer
// goes back to where the ledger is and tries again later: Kafka keeps what is not taken. Nothing is ever taken twice in
// effect, since a register merges once and the tally follows what the merge changed. For the same reason it does no harm
// that a partition which was given to another aggregator may still be in what was gathered.

import LikewiseCore
package import LikewiseEngine
package import Logging
import Synchronization

/// How an aggregator is run.
package struct AggregatorOptions: Sendable {
    package var kafka: KafkaOptions
    package var group: String
    /// Events that go to the ledger at a time, at most. A broker may give tens of thousands of one partition before it comes
    /// to the next one (each up to `fetch.message.max.bytes`, which not all brokers keep to), and the ledger's connections share
    /// out partitions: so a call should hold several of them.
    package var batchLimit = 50_000
    /// Milliseconds between two looks at what changed.
    package var window: UInt64 = 1_000

    package init(kafka: KafkaOptions, group: String) {
        self.kafka = kafka
        self.group = group
    }
}

/// What an aggregator writes to, and asks.
package struct AggregatorPorts: Sendable {
    package var ledger: any Ledger
    /// The position of each partition that all servers of the ledger have reached.
    package var positions: @Sendable () throws -> [UInt16: UInt64]
    /// The names of the reactions that the ledger holds, by code.
    package var reactions: @Sendable () throws -> [String]
    package var window: CountWindow
    package var clock: any EngineClock

    package init(
        ledger: any Ledger, positions: @escaping @Sendable () throws -> [UInt16: UInt64],
        reactions: @escaping @Sendable () throws -> [String], window: CountWindow, clock: any EngineClock
    ) {
        self.ledger = ledger
        self.positions = positions
        self.reactions = reactions
        self.window = window
        self.clock = clock
    }
}

/// An aggregator: a thread of its own.
package final class Aggregator: Sendable {
    /// How it is doing.
    package enum Health: Hashable, Sendable {
        case good
        /// The ledger or Kafka cannot be had just now; it is tried again.
        case waiting(String)
        /// It cannot go on: says what to do.
        case failed(String)
    }

    /// Events of a partition before the ledger's position that are read again when it is assigned: whoever had it may have
    /// committed them and died before it showed what they changed. The ledger skips them.
    private static let shownAgain: Int64 = 5_000
    /// Milliseconds that leaving the group may take.
    private static let leaveLimit: UInt64 = 5_000

    private struct State {
        var isStopping = false
        /// Where the ledger was when a partition was assigned.
        var begins: [Int32: Int64] = [:]
        var health = Health.waiting("it has just started")
    }

    /// The consumer that there is just now.
    private final class Current: Sendable {
        private let held = Mutex<KafkaConsumer?>(nil)
        var consumer: KafkaConsumer? {
            get { held.withLock { $0 } }
            set { held.withLock { $0 = newValue } }
        }
    }

    private let options: AggregatorOptions
    private let ports: AggregatorPorts
    private let logger: Logger
    private let metrics = AggregatorMetrics()
    private let state = Mutex(State())
    private let current = Current()
    private let signal = ThreadSignal()
    private let thread = Mutex<EngineThread?>(nil)
    private let stage: LedgerStage
    /// Called once if it cannot go on.
    private let failed: @Sendable (String) -> Void

    /// Starts the thread. Throws where the client library is missing or a setting of it is wrong.
    package init(
        _ options: AggregatorOptions, _ ports: AggregatorPorts, logger: Logger,
        failed: @escaping @Sendable (String) -> Void
    ) throws(KafkaError) {
        self.options = options
        self.ports = ports
        self.logger = logger
        self.failed = failed
        _ = try KafkaLibrary.load(options.kafka.libraryPath)
        stage = LedgerStage(ports.ledger, clock: ports.clock) { [current] in current.consumer?.wake() }
        let started = EngineThread(name: "aggregator") { [self] in run() }
        thread.withLock { $0 = started }
    }

    package var health: Health { state.withLock { $0.health } }
    /// The partitions that it has.
    package var assigned: [Int32] { current.consumer?.assigned ?? [] }
    /// Events that wait in the partitions that it has, as of the last fetch.
    package var lag: Int64 { current.consumer?.lags.values.reduce(0, +) ?? 0 }

    /// Ends it when the transaction under way is done, and leaves the group; a few seconds later also where no broker
    /// answers. Blocks.
    package func stop() {
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        state.withLock { $0.isStopping = true }
        signal.signal()
        current.consumer?.wake()
        thread?.join()
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    // MARK: The thread

    private func run() {
        var pause = Backoff(first: .milliseconds(50), most: .seconds(2))
        defer { stage.end() }
        while !isStopping {
            do {
                var reactions = try ReactionSet(try ports.reactions(), known: try ports.reactions())
                let consumer = try makeConsumer()
                defer {
                    current.consumer = nil
                    leave(consumer)
                }
                current.consumer = consumer
                try consume(consumer, &reactions, &pause)
            } catch let error as LedgerError {
                if case .unusable(let words) = error { return end(words) }
                wait("\(error)", &pause)
            } catch {
                wait("\(error)", &pause)
            }
        }
    }

    /// Leaves the group. On a thread of its own, which is left behind where it takes too long: without brokers
    /// librdkafka 2.0's `rd_kafka_consumer_close` now and then waits for ever.
    private func leave(_ consumer: KafkaConsumer) {
        let left = ThreadSignal()
        let thread = EngineThread(name: "kafka-leave") {
            consumer.close()
            left.signal()
        }
        if left.wait(milliseconds: Aggregator.leaveLimit) { return thread.join() }
        logger.warning("the consumer group could not be left in time; the brokers will notice by themselves")
    }

    private func makeConsumer() throws(KafkaError) -> KafkaConsumer {
        try KafkaConsumer(
            options.kafka, group: options.group, logger: logger,
            positions: { [self] partitions in
                let held = try ports.positions()
                return state.withLock { state in
                    partitions.reduce(into: [:]) { found, partition in
                        let position = Int64(held[UInt16(partition)] ?? 0)
                        state.begins[partition] = position
                        found[partition] = max(0, position - Aggregator.shownAgain)
                    }
                }
            },
            // What is under way is not read again by whoever gets the partition.
            revoked: { [stage] _ in stage.wait() })
    }

    /// Takes events until it is told to stop; throws where the consumer must be made anew.
    private func consume(
        _ consumer: KafkaConsumer, _ reactions: inout ReactionSet, _ pause: inout Backoff
    ) throws {
        var gathered = EventBatcher()
        defer { finish(consumer) }
        while !isStopping {
            if gathered.records >= options.batchLimit { stage.wait() }
            if let outcome = stage.takeOutcome() {
                if let error = outcome.error {
                    if case .unusable = error { throw error }
                    gathered = EventBatcher()
                    // Contents that moved are no trouble: it goes on at once.
                    try goBack(consumer, outcome.events, error == .moved ? nil : "\(error)", &pause)
                    continue
                }
                note(outcome, consumer)
                pause.reset()
                setHealth(.good)
            }
            if stage.isIdle, !gathered.isEmpty {
                stage.begin(gathered, now: ports.clock.milliseconds())
                gathered = EventBatcher()
            }
            let batch: KafkaBatch
            do {
                batch = try consumer.poll(
                    limit: options.batchLimit - gathered.records, timeout: .milliseconds(200))
            } catch {
                if error.isFatal { throw error }
                // The positions could not be had, or the like: the next poll asks again.
                wait("\(error)", &pause)
                continue
            }
            metrics.consumer(consumer.statistics, lag: consumer.lags.values.reduce(0, +))
            if !batch.isEmpty {
                try gather(batch, into: &gathered, &reactions)
            } else if stage.isIdle, !consumer.assigned.isEmpty {
                setHealth(.good)
            }
        }
    }

    /// Shows what the transaction changed that was under way when the polls ended.
    private func finish(_ consumer: KafkaConsumer) {
        stage.wait()
        guard let outcome = stage.takeOutcome() else { return }
        guard let error = outcome.error else { return note(outcome, consumer) }
        logger.warning("the last transaction failed; its events are read again", metadata: ["reason": "\(error)"])
    }

    /// Notes what a transaction did that is in the ledger.
    private func note(_ outcome: LedgerStage.Outcome, _ consumer: KafkaConsumer) {
        ports.window.add(outcome.events)
        metrics.applied(events: outcome.events.count, nanoseconds: outcome.nanoseconds)
        consumer.commit(outcome.events.nextOffsets)
    }

    /// Goes on where the ledger is: a server that was lost may have committed the transaction, or come back without the
    /// last ones before it. What it did commit is noted here, since nobody reads it again. Tries until the ledger says its
    /// positions, or the aggregator is told to stop; rests before each try for which there are `words`.
    private func goBack(
        _ consumer: KafkaConsumer, _ events: EventBatcher, _ words: String?, _ pause: inout Backoff
    ) throws {
        consumer.pause()
        defer { consumer.resume() }
        var words = words
        while !isStopping {
            if let words { wait(words, &pause) }
            do {
                let held = try ports.positions().reduce(into: [:]) { $0[Int32($1.key)] = Int64($1.value) }
                // Of partitions that are behind, the events come again, and with them what was gained.
                let isWhole = events.nextOffsets.allSatisfy { held[$0.key, default: 0] >= $0.value }
                ports.window.add(events, gains: isWhole)
                return try consumer.seek(consumer.assigned.reduce(into: [:]) { $0[$1] = held[$1, default: 0] })
            } catch let error as LedgerError { words = "\(error)" }
            // Gives nothing while it is paused, and keeps the membership in the group.
            _ = try consumer.poll(limit: 1, timeout: .zero)
        }
    }

    /// Adds a poll's events to what was gathered.
    private func gather(
        _ batch: KafkaBatch, into gathered: inout EventBatcher, _ reactions: inout ReactionSet
    ) throws {
        let begins = state.withLock { $0.begins }
        var (partition, begin): (Int32, Int64) = (-1, 0)
        try batch.bytes.withUnsafeBytes { bytes in
            for entry in batch.entries {
                if entry.partition != partition { (partition, begin) = (entry.partition, begins[entry.partition] ?? 0) }
                let value = UnsafeRawBufferPointer(rebasing: bytes[entry.value])
                if let event = try decode(value, entry, &reactions) {
                    gathered.take(event, partition: partition, offset: entry.offset, isNew: entry.offset >= begin)
                } else {
                    gathered.pass(partition, offset: entry.offset)
                }
            }
        }
    }

    /// The event of an entry; nil where it is none, which is logged with its place.
    private func decode(
        _ value: UnsafeRawBufferPointer, _ entry: KafkaBatch.Entry, _ reactions: inout ReactionSet
    ) throws -> LikeEvent? {
        while true {
            do throws(LikeEventProblem) { return try LikeEventJSON.decode(value, reactions: reactions) } catch {
                guard case .unknownReaction(let name) = error else { return skip(entry, "\(error)") }
                guard let extended = try extend(reactions, by: name) else { return skip(entry, "reaction \(name)") }
                reactions = extended
            }
        }
    }

    private func skip(_ entry: KafkaBatch.Entry, _ reason: String) -> LikeEvent? {
        metrics.skipped()
        logger.error(
            "a record of the topic is no event and is passed over",
            metadata: ["partition": "\(entry.partition)", "offset": "\(entry.offset)", "reason": "\(reason)"])
        return nil
    }

    /// A reaction that another node was given: the ledger gets it too. Nil where it cannot be one.
    private func extend(_ reactions: ReactionSet, by name: String) throws -> ReactionSet? {
        let held = try ports.reactions()
        if !held.contains(name) {
            guard let extended = try? ReactionSet(held + [name], known: held) else { return nil }
            try ports.ledger.setReactions(extended.names)
            return extended
        }
        return try? ReactionSet(held, known: held)
    }

    // MARK: When something is wrong

    private func setHealth(_ health: Health) {
        let before = state.withLock { state in
            defer { state.health = health }
            return state.health
        }
        if case .waiting = before, health == .good { logger.notice("the aggregator takes events") }
    }

    private func wait(_ words: String, _ pause: inout Backoff) {
        let before = state.withLock { state in
            defer { state.health = .waiting(words) }
            return state.health
        }
        if before == .good { logger.warning("the aggregator waits", metadata: ["reason": "\(words)"]) }
        metrics.waited()
        var random = SystemRandomNumberGenerator()
        signal.wait(milliseconds: UInt64(pause.next(&random).wholeMilliseconds))
    }

    private func end(_ words: String) {
        state.withLock { $0.health = .failed(words) }
        logger.critical("the aggregator cannot go on", metadata: ["reason": "\(words)"])
        failed(words)
    }
}
