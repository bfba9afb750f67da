// A cluster of Kafka's protocol inside of the test's process: librdkafka's own mock. It takes brokers down and up,
// hands partitions to other brokers and answers with the errors that it is told to; it knows no topics' administration.

import CKafka
import LikewiseCluster

/// Brokers of a mock cluster with one topic.
///
/// `@unchecked Sendable`: librdkafka's mock takes calls from any thread.
final class MockKafka: @unchecked Sendable {
    struct CannotStart: Error {
        var words: String
    }

    /// Requests by their number in the protocol.
    enum Request {
        static let produce: Int16 = 0
        static let initProducerID: Int16 = 22
    }

    static let topic = "likewise.events"

    private let kafka: UnsafeMutablePointer<likewise_kafka>
    private let mock: UnsafeMutablePointer<likewise_kafka_mock>
    private let handle: OpaquePointer
    private let cluster: OpaquePointer
    let brokers: [String]

    init(brokers count: Int32 = 3, partitions: Int32 = 4) throws {
        kafka = .allocate(capacity: 1)
        mock = .allocate(capacity: 1)
        var words = [CChar](repeating: 0, count: 512)
        let wrong =
            likewise_kafka_load(KafkaLibrary.usualPath, kafka, &words, words.count)
            ?? likewise_kafka_load_mock(KafkaLibrary.usualPath, mock, &words, words.count)
        if let wrong { throw CannotStart(words: String(cString: wrong)) }
        let made = kafka.pointee.conf_new()
        _ = kafka.pointee.conf_set(made, "log_level", "0", &words, words.count)
        guard let handle = kafka.pointee.new(RD_KAFKA_PRODUCER, made, &words, words.count),
            let cluster = mock.pointee.cluster_new(handle, count),
            let addresses = mock.pointee.cluster_bootstraps(cluster)
        else { throw CannotStart(words: "no mock cluster") }
        self.handle = handle
        self.cluster = cluster
        brokers = String(cString: addresses).split(separator: ",").map(String.init)
        let code = mock.pointee.topic_create(cluster, Self.topic, partitions, min(count, 3))
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw CannotStart(words: "no topic: error \(code.rawValue)") }
    }

    deinit {
        mock.pointee.cluster_destroy(cluster)
        kafka.pointee.destroy(handle)
        mock.deallocate()
        kafka.deallocate()
    }

    /// Options for a client of it; what waits for seconds in real life is in a hurry.
    func options(_ settings: [String: String] = [:]) -> KafkaOptions {
        var options = KafkaOptions(brokers: brokers, topic: Self.topic)
        options.settings = ["reconnect.backoff.ms": "20", "reconnect.backoff.max.ms": "100", "retry.backoff.ms": "20"]
            .merging(settings) { _, given in given }
        return options
    }

    /// The same for a member of a group, which notices what happens to others soon.
    func consumerOptions() -> KafkaOptions {
        options(["heartbeat.interval.ms": "100", "fetch.wait.max.ms": "50"])
    }

    /// Takes a broker down, or all of them. -1 stands for all.
    func takeDown(_ broker: Int32 = -1) { _ = mock.pointee.broker_set_down(cluster, broker) }

    /// Lets a broker be reached again.
    func bringUp(_ broker: Int32 = -1) { _ = mock.pointee.broker_set_up(cluster, broker) }

    /// Has a broker answer late.
    func delay(_ broker: Int32, milliseconds: Int32) { _ = mock.pointee.broker_set_rtt(cluster, broker, milliseconds) }

    /// Makes a broker the leader of a partition.
    func lead(_ partition: Int32, _ broker: Int32) {
        _ = mock.pointee.partition_set_leader(cluster, Self.topic, partition, broker)
    }

    /// Answers the next requests of a kind with these errors, one each.
    func fail(_ request: Int16, with errors: [rd_kafka_resp_err_t]) {
        mock.pointee.push_request_errors_array(cluster, request, errors.count, errors)
    }

    /// Ends what `fail` has begun.
    func stopFailing(_ request: Int16) { mock.pointee.clear_request_errors(cluster, request) }
}
