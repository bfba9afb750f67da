// Makes events durable: in Kafka, or while that is down in the node's spool, from which they are relayed later in order.
//
// A batch is sent to Kafka and waited for. What was not acknowledged in time goes into the spool at once, and from then
// on (the breaker is open) everything does, without waiting for Kafka. The relay's first batch is the trial that closes the
// breaker again; where the spool could take nothing (its disk is full) there is nothing to relay, and a caller's batch is
// the trial. An event that Kafka took after all and that is relayed as well does no harm: it merges once.

package import LikewiseCore
package import LikewiseEngine
package import Logging
import Metrics
import Synchronization

/// Publishes to Kafka, and to the spool while Kafka is down.
package final class KafkaPublisher: EventPublisher {
    /// Events of one relayed batch.
    private static let relayed = 2_000
    /// Nanoseconds that the relay rests where the spool's disk cannot be read.
    private static let unreadableRest: UInt64 = 200_000_000

    private struct State {
        var breaker: CircuitBreaker
        var isRelaying = false
        var isStopping = false
    }

    private let producer: KafkaProducer
    private let spool: Spool
    private let reactions: ReactionSet
    private let clock: any EngineClock
    private let logger: Logger
    private let state: Mutex<State>
    private let ends = Mutex<[Int32: Int64]>([:])
    private let spooled = Metrics.Counter(label: "likewise_spool_events")
    private let relayedEvents = Metrics.Counter(label: "likewise_spool_relayed_events")
    private let waiting = Metrics.Gauge(label: "likewise_spool_waiting_events")
    private let failures = Metrics.Counter(label: "likewise_kafka_delivery_failures")

    /// - Parameter breaker: how soon Kafka is tried again after it failed.
    package init(
        producer: KafkaProducer, spool: Spool, reactions: ReactionSet, clock: any EngineClock, logger: Logger
    ) {
        self.producer = producer
        self.spool = spool
        self.reactions = reactions
        self.clock = clock
        self.logger = logger
        var settings = CircuitBreaker.Settings()
        settings.failures = 1
        settings.longestRest = .seconds(2)
        state = Mutex(State(breaker: CircuitBreaker(settings)))
    }

    /// Begins to relay what an earlier run left in the spool.
    package func start() {
        spool.onFirst { [self] in startRelay() }
        if spool.waiting.events > 0 { startRelay() }
    }

    private var now: UInt64 { clock.nanoseconds() }

    package func publish(_ events: [KeyedEvent]) async -> [Publication] {
        guard !events.isEmpty else { return [] }
        let admission = admission()
        if admission == .refused {
            let result = await keep(events.map(\.event))
            return Array(repeating: result, count: events.count)
        }
        let deliveries = await send(events)
        var results = Array(repeating: Publication.durable, count: events.count)
        let lost = deliveries.indices.filter { !deliveries[$0].isAcknowledged }
        guard !lost.isEmpty else {
            if admission == .trial { succeeded() }
            return results
        }
        failed(deliveries[lost[0]])
        let result = await keep(lost.map { events[$0].event })
        for index in lost {
            // It may be in Kafka although nobody said so: then nothing that was "not taken" may be promised.
            if case .durable = result { continue }
            results[index] = .failed
        }
        return results
    }

    /// Whether a caller's events go to Kafka.
    private func admission() -> CircuitBreaker.Admission {
        let isSpoolEmpty = spool.waiting.events == 0
        return state.withLock { state in
            if state.breaker.state == .closed { return .admitted }
            return isSpoolEmpty && !state.isRelaying ? state.breaker.admit(now: now) : .refused
        }
    }

    private func keep(_ events: [LikeEvent]) async -> Publication {
        let result = await spool.append(events)
        if case .durable = result { spooled.increment(by: events.count) }
        waiting.record(spool.waiting.events)
        return result
    }

    private func send(_ events: [KeyedEvent]) async -> [KafkaDelivery] {
        let records = events.map {
            KafkaRecord(key: $0.key, value: LikeEventJSON.encode($0.event, reactions: reactions))
        }
        let deliveries = await withCheckedContinuation { continuation in
            producer.send(records) { continuation.resume(returning: $0) }
        }
        ends.withLock { ends in
            for case .acknowledged(let partition, let offset) in deliveries {
                ends[partition] = max(ends[partition] ?? 0, offset + 1)
            }
        }
        return deliveries
    }

    /// The offset behind the last event of each partition that was acknowledged to this node.
    package var acknowledgedEnds: [Int32: Int64] { ends.withLock { $0 } }

    private func failed(_ delivery: KafkaDelivery) {
        guard case .failed(let error) = delivery else { return }
        failures.increment()
        let wasClosed = state.withLock { state in
            var random = SystemRandomNumberGenerator()
            defer { state.breaker.failed(now: now, random: &random) }
            return state.breaker.state == .closed
        }
        if wasClosed {
            logger.warning(
                "Kafka does not take events; they go into the spool and are relayed later",
                metadata: ["reason": "\(error)"])
        }
    }

    private func succeeded() {
        let wasOpen = state.withLock { state in
            defer { state.breaker.succeeded() }
            return state.breaker.state != .closed
        }
        if wasOpen { logger.notice("Kafka takes events again; what is in the spool is relayed") }
    }

    // MARK: The relay

    private func startRelay() {
        let starts = state.withLock { state -> Bool in
            guard !state.isRelaying, !state.isStopping else { return false }
            state.isRelaying = true
            return true
        }
        if starts { Task { await relay() } }
    }

    private func relay() async {
        while !state.withLock({ $0.isStopping }) {
            await waitForTrial()
            let events = await spool.oldest(KafkaPublisher.relayed)
            if events.isEmpty {
                guard spool.waiting.events > 0 else { break }
                // Ends early only where the process does.
                try? await Task.sleep(nanoseconds: KafkaPublisher.unreadableRest)
                continue
            }
            _ = state.withLock { $0.breaker.admit(now: now) }
            let deliveries = await send(
                events.map {
                    KeyedEvent(key: EventKey.of($0.content, user: $0.user, spread: 1), event: $0)
                })
            if let bad = deliveries.first(where: { !$0.isAcknowledged }) {
                failed(bad)
                continue
            }
            succeeded()
            await spool.relayed(events.count)
            relayedEvents.increment(by: events.count)
            waiting.record(spool.waiting.events)
        }
        state.withLock { $0.isRelaying = false }
        // What came between the last look and now.
        if spool.waiting.events > 0 { startRelay() }
    }

    /// Waits until the breaker lets a trial pass.
    private func waitForTrial() async {
        let until: UInt64 = state.withLock { state in
            if case .open(let until) = state.breaker.state { until } else { 0 }
        }
        let now = now
        // Ends early only where the process does.
        if until > now { try? await Task.sleep(nanoseconds: until - now) }
    }

    /// Ends the relay; what waits stays in the spool for the next start.
    package func stop() { state.withLock { $0.isStopping = true } }
}
