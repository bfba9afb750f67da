// Sends records and tells what became of them.
//
// Callers hand records to librdkafka on their own threads; it copies them into its bounded queue and never blocks. One
// thread for each producer waits on a descriptor that librdkafka writes to when its queue of deliveries is no longer
// empty, takes whole batches of them, and completes the sends. There is no timer and no polling.
//
// An idempotent producer that can no longer be sure of its order ends in a fatal error. The thread then fails what was
// in flight, destroys the handle and makes a new one: the caller sends again, and the merge downstream makes that
// harmless. So it does when records fail because the broker has lost or fenced the producer's number; librdkafka would
// go on with a new epoch of it, which Tansu refuses for ever once it was started again.

import CKafka
import LikewiseEngine
package import Logging
import Synchronization

/// A producer: `acks=all`, idempotent, keyed. One object for one topic, shared by all who send.
package final class KafkaProducer: Sendable {
    /// How long a record is tried before it is given up, unless it is said otherwise.
    package static let usualDeliveryTimeout = Duration.seconds(2)

    let options: KafkaOptions
    let settings: [String: String]
    let logger: Logger
    let state: Mutex<State>
    let wakeup = KafkaWakeup()
    private let thread = Mutex<EngineThread?>(nil)

    /// What the callers and the thread share.
    struct State {
        enum Phase { case open, closing, ending }

        var phase = Phase.open
        /// Nil while a broken one is replaced, and where none could be made.
        var handle: KafkaTopicHandle?
        /// Who may be in a call of the handle just now.
        var users = 0
        /// What librdkafka did not take; the thread tells the callers. As many as they hold themselves.
        var rejected: [Rejection] = []
        var counts = KafkaProducerStatistics()
    }

    /// Records of a send that are settled without a delivery.
    struct Rejection {
        var send: KafkaSend
        var failures: [(index: Int, error: KafkaError)]
    }

    /// Loads the library, makes the producer and begins to connect; brokers that cannot be reached are no error.
    /// `bound` is what it holds until it is acknowledged; `deliveryTimeout` is how long a record is tried, a second
    /// more at worst. Throws where the library is missing or a setting is wrong. `close` ends it, and nothing else
    /// does.
    package init(
        _ options: KafkaOptions, bound: KafkaBound = KafkaBound(),
        deliveryTimeout: Duration = KafkaProducer.usualDeliveryTimeout, logger: Logger
    ) throws(KafkaError) {
        self.options = options
        self.logger = logger
        settings = Self.settings(bound, deliveryTimeout)
        var state = State()
        state.handle = try KafkaTopicHandle(options, settings: settings, wakeup: wakeup, logger: logger)
        self.state = Mutex(state)
        let started = EngineThread(name: "kafka-producer") { KafkaProducerLoop(self).run() }
        thread.withLock { $0 = started }
    }

    /// Sends all records and returns at once. `completion` is called once, on the producer's thread, when the last of
    /// them is settled, with one delivery for each in order: acknowledged by all in-sync replicas, or failed. A full
    /// queue is a failure at once (`isQueueFull`), not a wait. After `close` it is called on the caller's thread, with
    /// failures. It may send, and neither blocks nor closes: the deliveries of all others wait behind it.
    ///
    /// Records of one key that one thread sends are stored in that order, as long as none of them fails.
    package func send(
        _ records: [KafkaRecord], completion: @escaping @Sendable ([KafkaDelivery]) -> Void
    ) {
        let (handle, phase) = enter()
        guard phase == .open else {
            return completion([KafkaDelivery](repeating: .failed(.closed), count: records.count))
        }
        let send = KafkaSend(count: records.count, completion: completion)
        var failures: [(index: Int, error: KafkaError)] = []
        if let handle {
            failures = handle.produce(records, send)
        } else {
            failures = records.indices.map { ($0, KafkaProducerLoop.replacing) }
        }
        let isAwaited = state.withLock { state in
            state.users -= 1
            if !failures.isEmpty || records.isEmpty {
                state.rejected.append(Rejection(send: send, failures: failures))
            }
            return state.handle == nil || !failures.isEmpty || records.isEmpty
        }
        if isAwaited { wakeup.signal() }
    }

    /// Gives what was sent so long to be settled, fails the rest, and ends the thread. When it returns every send is
    /// complete. Blocks: not for the cooperative pool. Calls after the first do nothing.
    package func close(flushFor limit: Duration) {
        let begun = state.withLock { state -> (isFirst: Bool, handle: KafkaTopicHandle?) in
            guard state.phase == .open else { return (false, nil) }
            state.phase = .closing
            state.users += 1
            return (true, state.handle)
        }
        guard begun.isFirst else { return }
        begun.handle?.flush(limit)
        state.withLock { state in
            state.users -= 1
            state.phase = .ending
        }
        wakeup.signal()
        thread.withLock { $0 }?.join()
    }

    /// How the producer does, as of now.
    package var statistics: KafkaProducerStatistics {
        state.withLock { state in
            var counts = state.counts
            if let handle = state.handle {
                counts.queued = handle.queued
                (counts.brokersKnown, counts.brokersUp) = handle.brokers
            }
            return counts
        }
    }

    private func enter() -> (KafkaTopicHandle?, State.Phase) {
        state.withLock { state in
            guard state.phase == .open else { return (nil, state.phase) }
            state.users += 1
            return (state.handle, .open)
        }
    }

    private static func settings(_ bound: KafkaBound, _ timeout: Duration) -> [String: String] {
        [
            "acks": "all",
            "enable.idempotence": "true",
            "message.timeout.ms": String(timeout.wholeMilliseconds),
            "linger.ms": "2",
            // Java's clients put the same key into the same partition.
            "partitioner": "murmur2_random",
            "queue.buffering.max.messages": String(bound.records),
            "queue.buffering.max.kbytes": String(max(bound.bytes >> 10, 1)),
        ]
    }
}

/// Counts of a producer since it was made, and how it is now.
package struct KafkaProducerStatistics: Sendable {
    /// Records that are neither acknowledged nor failed.
    package var queued = 0
    /// Records that all in-sync replicas have.
    package var acknowledged: UInt64 = 0
    /// Records that were given up, or not taken since the queue was full.
    package var failed: UInt64 = 0
    /// What the client reported that was about no record: connections refused, lost, timed out.
    package var errors: UInt64 = 0
    /// The latest of these or of a record that failed.
    package var lastError: KafkaError?
    /// How often a fatal error made a new handle.
    package var replacements: UInt64 = 0
    /// Records fail at the moment, in some partition at least.
    package var isFailing = false
    /// How many brokers the cluster has, or was said to have until it said so itself.
    package var brokersKnown = 0
    /// How many of them a connection is up to; a client connects to those that it needs.
    package var brokersUp = 0
}

extension Duration {
    /// Rounded up, at least 1.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return max(1, seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
