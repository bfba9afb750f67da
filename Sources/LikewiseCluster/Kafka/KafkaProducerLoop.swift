// What the producer's thread does: take deliveries and errors, complete sends, replace a handle that is broken, end.

import CKafka
import Logging
import Synchronization

/// The loop of one producer's thread. Nothing of it is touched by another.
final class KafkaProducerLoop {
    /// What a record gets that comes while a handle is replaced.
    static let replacing = KafkaError(
        code: RD_KAFKA_RESP_ERR__STATE.rawValue, name: "_STATE", words: "the producer is made anew")

    /// Events that are taken before the thread looks after anything else.
    private static let eventsATurn = 64

    /// Deliveries that are counted together.
    private struct Counts {
        var acknowledged: UInt64 = 0
        var failed: UInt64 = 0
        var errors: UInt64 = 0
        var lastError: KafkaError?
    }

    private let producer: KafkaProducer
    private var trouble = KafkaDeliveryTrouble()
    /// Something went wrong, so the handle may be broken. It knows itself: not every fatal error is told as one.
    private var isSuspect = false
    /// A record failed since the broker does not know the producer any more.
    private var lostIdentity: KafkaError?
    /// Fatal errors since a record was acknowledged; only the first is logged.
    private var fatalsInARow = 0

    /// Sends whose last record is settled, of the event that is taken.
    private var complete: [KafkaSend] = []

    init(_ producer: KafkaProducer) { self.producer = producer }

    func run() {
        while true {
            producer.wakeup.wait()
            let (handle, phase) = producer.state.withLock { ($0.handle, $0.phase) }
            takeRejected()
            if let handle { takeEvents(of: handle) }
            if phase == .ending { return end() }
            if let handle { replaceIfBroken(handle) } else { makeHandle() }
        }
    }

    private func takeRejected() {
        let rejected = producer.state.withLock { state in
            defer { state.rejected = [] }
            state.counts.failed += UInt64(state.rejected.reduce(0) { $0 + $1.failures.count })
            state.counts.lastError = state.rejected.last?.failures.last?.error ?? state.counts.lastError
            return state.rejected
        }
        for rejection in rejected {
            if rejection.send.count == 0 { rejection.send.complete() }
            for (index, error) in rejection.failures {
                isSuspect = isSuspect || error.isFatal
                if rejection.send.settle(index, .failed(error)) { rejection.send.complete() }
            }
        }
    }

    private func takeEvents(of handle: KafkaTopicHandle) {
        for _ in 0..<Self.eventsATurn {
            guard let event = handle.nextEvent() else { return }
            take(event, of: handle)
        }
        // There may be more, of which librdkafka tells nothing as long as its queue is not empty.
        producer.wakeup.signal()
    }

    private func take(_ event: OpaquePointer, of handle: KafkaTopicHandle) {
        let api = handle.library.api
        var counts = Counts()
        if api.event_type(event) == RD_KAFKA_EVENT_DR {
            while let message = api.event_message_next(event) { settle(message.pointee, handle.library, &counts) }
        } else if let error = handle.error(of: event) {
            counts.errors += 1
            counts.lastError = error
            producer.logger.debug("Kafka's client reports an error", metadata: ["error": "\(error)"])
        }
        api.event_destroy(event)
        if counts.errors + counts.failed > 0 { isSuspect = true }
        producer.state.withLock { state in
            state.counts.acknowledged += counts.acknowledged
            state.counts.failed += counts.failed
            state.counts.errors += counts.errors
            state.counts.lastError = counts.lastError ?? state.counts.lastError
            state.counts.isFailing = trouble.isOn
        }
        // Only now librdkafka has room again for what a caller sends who is told.
        for send in complete { send.complete() }
        complete.removeAll(keepingCapacity: true)
    }

    private func settle(_ message: rd_kafka_message_t, _ library: KafkaLibrary, _ counts: inout Counts) {
        guard let opaque = message._private else {
            preconditionFailure("a delivery of a record that was not sent here")
        }
        let slot = opaque.assumingMemoryBound(to: KafkaSend.Slot.self).pointee
        let send = slot.send.takeUnretainedValue()
        let delivery: KafkaDelivery
        if message.err == RD_KAFKA_RESP_ERR_NO_ERROR {
            delivery = .acknowledged(partition: message.partition, offset: message.offset)
            counts.acknowledged += 1
            fatalsInARow = 0
            if trouble.isOn { tell(trouble.acknowledged(message.partition)) }
        } else {
            let error = lastFailure.code == message.err.rawValue ? lastFailure : library.error(message.err)
            lastFailure = error
            delivery = .failed(error)
            counts.failed += 1
            counts.lastError = error
            if error.isLostIdentity { lostIdentity = error }
            tell(trouble.failed(message.partition, error))
        }
        if send.settle(slot.index, delivery) { complete.append(send) }
    }

    /// Thousands of records fail of one cause: its words are made once.
    private var lastFailure = KafkaError(code: 0, name: "", words: "")

    private func tell(_ change: KafkaDeliveryTrouble.Change?) {
        switch change {
        case .began(let error):
            producer.logger.error(
                "records are not delivered to Kafka",
                metadata: ["topic": "\(producer.options.topic)", "error": "\(error)"])
        case .ended(let failures):
            producer.logger.notice(
                "records are delivered to Kafka again",
                metadata: ["topic": "\(producer.options.topic)", "failed": "\(failures)"])
        case nil: break
        }
    }

    /// Fails what a broken handle holds, ends it, and makes another.
    private func replaceIfBroken(_ handle: KafkaTopicHandle) {
        guard isSuspect else { return }
        isSuspect = false
        guard let fatal = handle.fatalError ?? lostIdentity else { return }
        if fatalsInARow == 0 {
            producer.logger.error(
                "Kafka's producer is broken and made anew",
                metadata: ["topic": "\(producer.options.topic)", "error": "\(fatal)"])
        }
        fatalsInARow += 1
        retire(handle)
        isSuspect = false
        lostIdentity = nil
        producer.state.withLock { $0.counts.replacements += 1 }
        makeHandle()
        // What was signalled meanwhile is not only for the handle that is gone.
        producer.wakeup.signal()
    }

    /// Takes the handle from the callers, has all of its records settled, and destroys it.
    private func retire(_ handle: KafkaTopicHandle) {
        producer.state.withLock { $0.handle = nil }
        awaitUsers { takeEvents(of: handle) }
        handle.giveUp()
        takeEvents(of: handle)
        while handle.queued > 0 {
            producer.wakeup.wait()
            takeEvents(of: handle)
        }
        takeRejected()
        handle.destroy()
    }

    /// Waits until nobody is in a call of the handle any more. Those who are wake this thread when they leave it.
    private func awaitUsers(_ serve: () -> Void) {
        while producer.state.withLock({ $0.users }) > 0 {
            serve()
            takeRejected()
            producer.wakeup.wait()
        }
    }

    private func makeHandle() {
        do {
            let handle = try KafkaTopicHandle(
                producer.options, settings: producer.settings, wakeup: producer.wakeup, logger: producer.logger)
            producer.state.withLock { $0.handle = handle }
        } catch {
            // The next send tries again.
            producer.logger.error("no producer for Kafka can be made", metadata: ["error": "\(error)"])
        }
    }

    private func end() {
        if let handle = producer.state.withLock({ $0.handle }) { retire(handle) } else { awaitUsers {} }
        takeRejected()
    }
}
