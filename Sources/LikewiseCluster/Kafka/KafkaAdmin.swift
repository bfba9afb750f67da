// What is asked and done about a topic as a whole. Every call asks a broker and blocks until it answers or the time is
// over.

import CKafka
package import Logging

/// What a topic should be like. Partitions are the most consumers that share its work; they cannot be taken away later.
package struct KafkaTopicPlan: Sendable {
    package var partitions: Int
    package var replicas: Int
    package var retention: Duration

    /// Kept for 7 days unless it is said otherwise.
    package init(partitions: Int, replicas: Int, retention: Duration = .seconds(7 * 24 * 3600)) {
        self.partitions = partitions
        self.replicas = replicas
        self.retention = retention
    }

    /// How many replicas have to have a record before it is acknowledged: all but one, so that one broker may be down.
    var syncedReplicas: Int { max(1, replicas - 1) }
}

/// A topic that is there.
package struct KafkaTopicState: Sendable, Equatable {
    /// It was made just now.
    package var isNew: Bool
    package var partitions: Int
    package var replicas: Int
    /// How it is not as planned, in a sentence each for the operator. Nothing is changed about a topic that is there.
    package var differences: [String]

    /// As planned unless differences are given.
    package init(isNew: Bool, partitions: Int, replicas: Int, differences: [String] = []) {
        self.isNew = isNew
        self.partitions = partitions
        self.replicas = replicas
        self.differences = differences
    }
}

/// A connection for questions about the topic, for a thread of its own: its calls block.
///
/// `@unchecked Sendable`: it is librdkafka's handle and a name, and may be used from any thread.
package final class KafkaAdmin: @unchecked Sendable {
    private let handle: KafkaHandle
    private let topic: String
    private let milliseconds: Int32
    private let logger: Logger

    /// Begins to connect. `timeout` is how long a call may take. Throws where the library is missing or a setting is
    /// wrong.
    package init(_ options: KafkaOptions, timeout: Duration = .seconds(15), logger: Logger) throws(KafkaError) {
        // A consumer's handle, since a producer's question about a topic may make it.
        handle = try KafkaHandle(
            RD_KAFKA_CONSUMER, options, defaults: KafkaTopicHandle.connectionSettings, events: 0, logger: logger)
        topic = options.topic
        milliseconds = Int32(clamping: timeout.wholeMilliseconds)
        self.logger = logger
    }

    deinit { handle.destroy() }

    /// Makes the topic where it is missing, with these partitions, replicas and retention. A topic that is there stays
    /// as it is; how it differs is logged and returned. Throws where no broker answers or the topic could not be made.
    package func ensureTopic(_ plan: KafkaTopicPlan) throws(KafkaError) -> KafkaTopicState {
        var isNew = false
        var found = try partitions()
        if found == nil {
            isNew = try create(plan)
            found = try partitions()
        }
        guard let found, let first = found.first else {
            throw handle.library.error(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "the topic is made but not there yet")
        }
        let retention = isNew ? nil : retentionMilliseconds()
        var state = KafkaTopicState(isNew: isNew, partitions: found.count, replicas: first.replicas)
        state.differences = Self.differences(state, plan, retentionMilliseconds: retention)
        for difference in state.differences {
            logger.warning("Kafka's topic is not as planned: \(difference)", metadata: ["topic": "\(topic)"])
        }
        return state
    }

    /// How many partitions the topic has; nil where it is not there. Throws where no broker answers.
    package func partitionCount() throws(KafkaError) -> Int? { try partitions()?.count }

    /// The offset behind the last record of each partition, as its leader says. Throws where one does not answer.
    package func endOffsets(_ partitions: [Int32]) throws(KafkaError) -> [Int32: Int64] {
        try offsets(partitions).mapValues(\.high)
    }

    /// The offset of the oldest record of each partition that is kept; the end's where there is none.
    package func beginOffsets(_ partitions: [Int32]) throws(KafkaError) -> [Int32: Int64] {
        try offsets(partitions).mapValues(\.low)
    }

    private func offsets(_ partitions: [Int32]) throws(KafkaError) -> [Int32: (low: Int64, high: Int64)] {
        var offsets: [Int32: (low: Int64, high: Int64)] = [:]
        for partition in partitions {
            var (low, high): (Int64, Int64) = (-1, -1)
            let code = handle.library.api.query_watermark_offsets(
                handle.raw, topic, partition, &low, &high, milliseconds)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw handle.library.error(code) }
            offsets[partition] = (low, high)
        }
        return offsets
    }

    /// The topic's partitions with their replicas; nil where it is not there. All topics are listed, since a question
    /// about one makes brokers with automatic creation make it.
    private func partitions() throws(KafkaError) -> [(id: Int32, replicas: Int)]? {
        let api = handle.library.api
        var answer: UnsafePointer<rd_kafka_metadata>?
        let code = api.metadata(handle.raw, 1, nil, &answer, milliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer else { throw handle.library.error(code) }
        defer { api.metadata_destroy(answer) }
        let topics = UnsafeBufferPointer(start: answer.pointee.topics, count: Int(answer.pointee.topic_cnt))
        guard let found = topics.first(where: { KafkaLibrary.text($0.topic) == topic }) else { return nil }
        if found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART { return nil }
        guard found.err == RD_KAFKA_RESP_ERR_NO_ERROR else { throw handle.library.error(found.err) }
        return UnsafeBufferPointer(start: found.partitions, count: Int(found.partition_cnt))
            .map { ($0.id, Int($0.replica_cnt)) }
    }

    /// False where somebody else made it meanwhile.
    private func create(_ plan: KafkaTopicPlan) throws(KafkaError) -> Bool {
        let api = handle.library.api
        let made = api.NewTopic_new(topic, Int32(clamping: plan.partitions), Int32(clamping: plan.replicas), nil, 0)
        guard let made else { throw .badSetting("no topic of \(plan.partitions) partitions can be called \(topic)") }
        defer { api.NewTopic_destroy(made) }
        // A key and a value that are not empty are taken as they are; the broker judges them.
        _ = api.NewTopic_set_config(made, "retention.ms", String(plan.retention.wholeMilliseconds))
        _ = api.NewTopic_set_config(made, "min.insync.replicas", String(plan.syncedReplicas))
        let event = try ask(RD_KAFKA_ADMIN_OP_CREATETOPICS) { options, queue in
            var topics: [OpaquePointer?] = [made]
            api.CreateTopics(handle.raw, &topics, 1, options, queue)
        }
        defer { api.event_destroy(event) }
        var count = 0
        guard let results = api.CreateTopics_result_topics(api.event_CreateTopics_result(event), &count), count == 1,
            let result = results[0]
        else { throw handle.library.error(RD_KAFKA_RESP_ERR__BAD_MSG) }
        let code = api.topic_result_error(result)
        if code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS { return false }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw handle.library.error(code, api.topic_result_error_string(result).map { String(cString: $0) })
        }
        logger.notice(
            "made Kafka's topic",
            metadata: [
                "topic": "\(topic)", "partitions": "\(plan.partitions)", "replicas": "\(plan.replicas)",
                "retention": "\(plan.retention)",
            ])
        return true
    }

    /// The topic's retention; nil where the broker does not say, which is no fault of the topic's.
    private func retentionMilliseconds() -> Int64? {
        let api = handle.library.api
        guard let resource = api.ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic) else { return nil }
        defer { api.ConfigResource_destroy(resource) }
        let event = try? ask(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS) { options, queue in
            var resources: [OpaquePointer?] = [resource]
            api.DescribeConfigs(handle.raw, &resources, 1, options, queue)
        }
        guard let event else { return nil }
        defer { api.event_destroy(event) }
        var count = 0
        guard let results = api.DescribeConfigs_result_resources(api.event_DescribeConfigs_result(event), &count),
            count == 1, let result = results[0], api.ConfigResource_error(result) == RD_KAFKA_RESP_ERR_NO_ERROR,
            let entries = api.ConfigResource_configs(result, &count)
        else { return nil }
        for entry in UnsafeBufferPointer(start: entries, count: count) {
            guard let entry, KafkaLibrary.text(api.ConfigEntry_name(entry)) == "retention.ms" else { continue }
            return Int64(KafkaLibrary.text(api.ConfigEntry_value(entry)))
        }
        return nil
    }

    /// Sends one request and waits for its answer, which the caller destroys.
    private func ask(
        _ operation: rd_kafka_admin_op_t, _ send: (_ options: OpaquePointer, _ queue: OpaquePointer) -> Void
    ) throws(KafkaError) -> OpaquePointer {
        let api = handle.library.api
        guard let options = api.AdminOptions_new(handle.raw, operation), let queue = api.queue_new(handle.raw) else {
            throw .missing("librdkafka has no memory")
        }
        defer {
            api.AdminOptions_destroy(options)
            api.queue_destroy(queue)
        }
        // Within librdkafka's bounds, as `milliseconds` is.
        _ = api.AdminOptions_set_request_timeout(options, milliseconds, nil, 0)
        if operation == RD_KAFKA_ADMIN_OP_CREATETOPICS {
            _ = api.AdminOptions_set_operation_timeout(options, milliseconds, nil, 0)
        }
        send(options, queue)
        // It answers within its own time limit, so this is only never to wait for ever.
        guard let event = api.queue_poll(queue, milliseconds &+ 5_000) else {
            throw handle.library.error(RD_KAFKA_RESP_ERR__TIMED_OUT)
        }
        let code = api.event_error(event)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            let words = api.event_error_string(event).map { String(cString: $0) }
            api.event_destroy(event)
            throw handle.library.error(code, words)
        }
        return event
    }

    /// How a topic is not as planned. Pure.
    package static func differences(
        _ state: KafkaTopicState, _ plan: KafkaTopicPlan, retentionMilliseconds: Int64?
    ) -> [String] {
        var differences: [String] = []
        if state.partitions != plan.partitions {
            differences.append("it has \(state.partitions) partitions, and \(plan.partitions) are planned")
        }
        if state.replicas != plan.replicas {
            differences.append("it has \(state.replicas) replicas, and \(plan.replicas) are planned")
        }
        if let retentionMilliseconds, retentionMilliseconds != plan.retention.wholeMilliseconds {
            differences.append(
                "it keeps records for \(retentionMilliseconds) ms, and \(plan.retention.wholeMilliseconds) are planned")
        }
        return differences
    }
}
