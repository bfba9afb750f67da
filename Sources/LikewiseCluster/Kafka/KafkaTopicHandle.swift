import CKafka
import Logging

/// A producer's handle with its topic, as one: made, used, and destroyed once by the producer's thread.
///
/// `@unchecked Sendable`: both are librdkafka's and may be used from any thread until `destroy`.
final class KafkaTopicHandle: @unchecked Sendable {
    private let handle: KafkaHandle
    private let topic: OpaquePointer

    /// What a client of ours is in a hurry with, producer or consumer: a broker that comes back is found within a
    /// second, not within ten.
    static let connectionSettings = [
        "reconnect.backoff.ms": "50", "reconnect.backoff.max.ms": "1000",
        "socket.connection.setup.timeout.ms": "5000", "socket.nagle.disable": "true", "socket.keepalive.enable": "true",
    ]

    /// Writes to `wakeup` when there are deliveries or errors to take.
    init(
        _ options: KafkaOptions, settings: [String: String], wakeup: KafkaWakeup, logger: Logger
    ) throws(KafkaError) {
        let settings = settings.merging(Self.connectionSettings) { set, _ in set }
        let handle = try KafkaHandle(
            RD_KAFKA_PRODUCER, options, defaults: settings, events: RD_KAFKA_EVENT_DR, logger: logger)
        guard let topic = handle.library.api.topic_new(handle.raw, options.topic, nil) else {
            let code = handle.library.api.last_error()
            handle.destroy()
            throw handle.library.error(code)
        }
        self.handle = handle
        self.topic = topic
        var one: UInt64 = 1
        handle.library.api.queue_io_event_enable(handle.queue, wakeup.descriptor, &one, MemoryLayout<UInt64>.size)
        // What came before that is not told: librdkafka writes only when the queue stops being empty.
        wakeup.signal()
    }

    var queued: Int { Int(handle.library.api.outq_len(handle.raw)) }
    var brokers: (known: Int, up: Int) { handle.monitor.counts }
    var library: KafkaLibrary { handle.library }

    /// Queues the records; what is not taken is returned.
    func produce(_ records: [KafkaRecord], _ send: KafkaSend) -> [(index: Int, error: KafkaError)] {
        let api = library.api
        var failures: [(index: Int, error: KafkaError)] = []
        for (index, record) in records.enumerated() {
            let code = record.key.withUnsafeBytes { key in
                record.value.withUnsafeBytes { value in
                    api.produce(
                        topic, Self.anyPartition, RD_KAFKA_MSG_F_COPY,
                        UnsafeMutableRawPointer(mutating: value.baseAddress), value.count, key.baseAddress, key.count,
                        send.opaque(index))
                }
            }
            // Its reason is kept for each thread, as errno is.
            if code != 0 { failures.append((index, library.error(api.last_error()))) }
        }
        return failures
    }

    /// Waits until all is settled, so long at most, without waiting for company; the queue has to be served meanwhile.
    func flush(_ limit: Duration) {
        let milliseconds = Int32(clamping: limit.wholeMilliseconds)
        // Timed out: what is left is failed when the producer ends.
        _ = library.api.flush(handle.raw, milliseconds)
    }

    /// Has all that is not acknowledged fail. It is told in the queue.
    func giveUp() {
        _ = library.api.purge(handle.raw, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
    }

    func nextEvent() -> OpaquePointer? { handle.nextEvent() }
    func error(of event: OpaquePointer) -> KafkaError? { handle.error(of: event) }
    var fatalError: KafkaError? { library.fatalError(of: handle.raw) }

    /// Ends the handle. All records are settled, and nobody uses it.
    func destroy() {
        library.api.topic_destroy(topic)
        handle.destroy()
    }

    /// RD_KAFKA_PARTITION_UA: the key decides.
    private static let anyPartition: Int32 = -1
}
