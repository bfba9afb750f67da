// Takes records of the partitions that its group gives it, in batches, for a caller that keeps the offsets itself.
//
// Everything comes in one queue of librdkafka, as events: records, rebalances, errors. A poll waits in it for the first
// and then takes what is there without waiting. A rebalance is handled between batches, never within one: what a batch
// holds is the caller's until it asks for the next, and only then a partition goes to another consumer. So the caller
// stores a batch and its offsets in one transaction, and whoever has the partition next begins behind it.

import CKafka
package import Logging
import Synchronization

/// A member of a consumer group, used by one thread: its calls block.
///
/// `@unchecked Sendable`: what is in `shared` has a lock, and the rest is touched by the polling thread alone.
package final class KafkaConsumer: @unchecked Sendable {
    /// The offsets at which partitions that are assigned begin; the log's beginning for those that are absent. Where it
    /// throws nothing is assigned, `poll` throws, and the next poll asks again.
    package typealias Positions = ([Int32]) throws -> [Int32: Int64]

    /// A poll takes no more records once it has so many bytes.
    static let batchBytes = 16 << 20

    let handle: KafkaHandle
    let topic: String
    let logger: Logger
    private let positionsOf: Positions
    private let revoked: ([Int32]) -> Void
    var positions = KafkaPositions()
    /// A rebalance that is not handled yet, since a batch is out or the offsets could not be had.
    private var pending: OpaquePointer?
    private var failure: KafkaError?
    private var toldError: Int32?
    private(set) var isPaused = false
    private var usualSize = (records: 0, bytes: 0)
    let shared = Mutex(Shared())

    /// What other threads may ask.
    struct Shared {
        var isClosed = false
        var positions = KafkaPositions()
        var counts = KafkaConsumerStatistics()
    }

    /// Joins `group`; partitions come in later polls. `bound` is what is fetched ahead. `positions` and `revoked` are
    /// called within `poll` (and `close`), on its thread: the one before a partition's first record, the other after
    /// its last one, when its next owner has not begun. Throws where the library is missing or a setting is wrong.
    package init(
        _ options: KafkaOptions, group: String, bound: KafkaBound = KafkaBound(), logger: Logger,
        positions: @escaping Positions, revoked: @escaping ([Int32]) -> Void
    ) throws(KafkaError) {
        topic = options.topic
        self.logger = logger
        positionsOf = positions
        self.revoked = revoked
        handle = try KafkaHandle(
            RD_KAFKA_CONSUMER, options, defaults: Self.settings(group, bound),
            events: RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT, logger: logger)
        let code = withPartitions([-1: Int64(RD_KAFKA_OFFSET_INVALID)]) { handle.library.api.subscribe(handle.raw, $0) }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            handle.destroy()
            throw handle.library.error(code)
        }
    }

    /// Waits so long for a record, and then takes what is there, `limit` records at most. Empty after `timeout` and
    /// after `wake`. Throws what cannot be mended here (`isFatal`: make a new consumer), and what `positions` throws
    /// (`_APPLICATION`: poll again); in neither case records are left out. Brokers that cannot be reached are waited
    /// for.
    ///
    /// It has to be called at least every five minutes (`max.poll.interval.ms`), or the partitions go to others.
    package func poll(limit: Int, timeout: Duration) throws(KafkaError) -> KafkaBatch {
        var batch = KafkaBatch()
        defer { publish(batch) }
        if let failure { throw failure }
        try handlePending()
        let deadline = ContinuousClock.now + timeout
        while batch.isEmpty && failure == nil {
            let left = Int32(clamping: (deadline - .now).wholeMillisecondsOrNone)
            guard let event = handle.nextEvent(milliseconds: left) else { return batch }
            if batch.isEmpty { batch.reserve(records: min(usualSize.records, limit), bytes: usualSize.bytes) }
            take(event, into: &batch)
            try handlePending()
        }
        if batch.isEmpty, let failure { throw failure }
        while batch.count < limit, batch.bytes.count < Self.batchBytes, pending == nil, failure == nil,
            let event = handle.nextEvent()
        {
            take(event, into: &batch)
        }
        usualSize = (batch.count, batch.bytes.count)
        return batch
    }

    /// Ends a poll that waits, or the next one. From any thread.
    package func wake() {
        shared.withLock { shared in
            if !shared.isClosed { handle.library.api.queue_yield(handle.queue) }
        }
    }

    /// Leaves the group, so that others get the partitions at once, and ends. `revoked` is told of those that it had.
    /// Blocks for as long as the brokers take, a few seconds where none answers. Calls after the first do nothing.
    package func close() {
        let isFirst = shared.withLock { shared in
            defer { shared.isClosed = true }
            return !shared.isClosed
        }
        guard isFirst else { return }
        let api = handle.library.api
        if let event = pending {
            // It is not waited for; the group would wait for the answer.
            _ = api.assign(handle.raw, nil)
            api.event_destroy(event)
            pending = nil
        }
        let had = positions.assigned
        if !had.isEmpty { revoked(had) }
        positions = KafkaPositions()
        handle.monitor.end()
        let code = api.consumer_close(handle.raw)
        if code != RD_KAFKA_RESP_ERR_NO_ERROR {
            logger.warning(
                "a Kafka consumer did not leave its group", metadata: ["error": "\(handle.library.error(code))"])
        }
        handle.destroy()
    }

    /// Puts an event's records behind those of the batch, and keeps a rebalance for between batches.
    private func take(_ event: OpaquePointer, into batch: inout KafkaBatch) {
        let api = handle.library.api
        switch api.event_type(event) {
        case RD_KAFKA_EVENT_FETCH:
            while let message = api.event_message_next(event) { take(message, into: &batch) }
        case RD_KAFKA_EVENT_REBALANCE:
            pending = event
            return
        default:
            if let error = handle.error(of: event) { note(error) }
        }
        api.event_destroy(event)
    }

    private func take(_ message: UnsafePointer<rd_kafka_message_t>, into batch: inout KafkaBatch) {
        guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
            return note(handle.library.error(message.pointee.err))
        }
        switch positions.took(message.pointee.partition, message.pointee.offset) {
        case .next: break
        case .gap(let gap): tell(gap)
        case .foreign: return
        }
        toldError = nil
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = handle.library.api.message_timestamp(message, &kind)
        batch.append(message.pointee, timestampMilliseconds: timestamp)
    }

    private func note(_ error: KafkaError) {
        // A commit that had nothing to commit.
        if error.code == RD_KAFKA_RESP_ERR__NO_OFFSET.rawValue { return }
        if error.isFatal { failure = error }
        shared.withLock { shared in
            shared.counts.errors += 1
            shared.counts.lastError = error
        }
        // An error is told once until records come again, and what is about connections by the brokers' states.
        let isNew = toldError != error.code && !error.isAboutConnections
        if isNew { toldError = error.code }
        logger.log(
            level: isNew ? .warning : .debug, "Kafka's client reports an error",
            metadata: ["topic": "\(topic)", "error": "\(error)"])
    }

    private func tell(_ gap: KafkaPositions.Gap) {
        logger.error(
            gap.found > gap.expected
                ? "records of Kafka are gone before they were taken" : "Kafka's log ends before what was taken",
            metadata: [
                "topic": "\(topic)", "partition": "\(gap.partition)", "expected_offset": "\(gap.expected)",
                "found_offset": "\(gap.found)",
            ])
        shared.withLock { shared in
            shared.counts.gaps += 1
            shared.counts.missingRecords += UInt64(max(0, gap.found - gap.expected))
        }
    }

    private func publish(_ batch: borrowing KafkaBatch) {
        let (records, bytes) = (batch.count, batch.bytes.count)
        shared.withLock { shared in
            shared.positions = positions
            shared.counts.records += UInt64(records)
            shared.counts.bytes += UInt64(bytes)
        }
    }

    private func handlePending() throws(KafkaError) {
        while let event = pending {
            try rebalance(event)
            handle.library.api.event_destroy(event)
            pending = nil
        }
    }

    private func rebalance(_ event: OpaquePointer) throws(KafkaError) {
        let api = handle.library.api
        guard let list = api.event_topic_partition_list(event) else { return }
        let partitions = UnsafeBufferPointer(start: list.pointee.elems, count: Int(list.pointee.cnt)).map(\.partition)
        switch api.event_error(event) {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS: try assign(partitions, list)
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS: revoke(partitions, list)
        case let code:
            note(handle.library.error(code))
            revoke(positions.assigned, nil)
        }
        shared.withLock { $0.counts.rebalances += 1 }
    }

    private func assign(
        _ partitions: [Int32], _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>
    ) throws(KafkaError) {
        let offsets: [Int32: Int64]
        do {
            offsets = partitions.isEmpty ? [:] : try positionsOf(partitions)
        } catch {
            throw .application("the offsets to begin at could not be had: \(error)")
        }
        for (index, partition) in partitions.enumerated() {
            list.pointee.elems[index].offset = offsets[partition] ?? Int64(RD_KAFKA_OFFSET_BEGINNING)
            positions.assign(partition, at: offsets[partition])
        }
        let api = handle.library.api
        if isCooperative {
            if let error = handle.library.take(api.incremental_assign(handle.raw, list)) { note(error) }
        } else {
            let code = api.assign(handle.raw, list)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { note(handle.library.error(code)) }
        }
        if isPaused { _ = api.pause_partitions(handle.raw, list) }
        logger.info("Kafka assigns partitions", metadata: ["topic": "\(topic)", "partitions": "\(partitions)"])
    }

    private func revoke(_ partitions: [Int32], _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) {
        let api = handle.library.api
        let isLost = api.assignment_lost(handle.raw) != 0
        if !partitions.isEmpty { revoked(partitions) }
        for partition in partitions { positions.revoke(partition) }
        if isCooperative, let list {
            if let error = handle.library.take(api.incremental_unassign(handle.raw, list)) { note(error) }
        } else {
            let code = api.assign(handle.raw, nil)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { note(handle.library.error(code)) }
        }
        logger.log(
            level: isLost ? .warning : .info, isLost ? "Kafka's partitions are lost" : "Kafka takes partitions back",
            metadata: ["topic": "\(topic)", "partitions": "\(partitions)"])
    }

    private var isCooperative: Bool {
        KafkaLibrary.text(handle.library.api.rebalance_protocol(handle.raw)) == "COOPERATIVE"
    }

    func setPaused(_ paused: Bool) { isPaused = paused }

    private static func settings(_ group: String, _ bound: KafkaBound) -> [String: String] {
        let settings = [
            "group.id": group,
            "enable.auto.commit": "false",
            "enable.auto.offset.store": "false",
            "auto.offset.reset": "earliest",
            "partition.assignment.strategy": "cooperative-sticky",
            // A consumer that dies is noticed in six seconds, the least that brokers allow unless they are told
            // otherwise.
            "session.timeout.ms": "6000",
            "heartbeat.interval.ms": "1500",
            "check.crcs": "true",
            // How long a broker may wait for records to come. Kafka answers with the first; Tansu looks now and then,
            // and answered within 15 ms at the median and 117 at most, instead of 124 and 251 with the usual 500.
            "fetch.wait.max.ms": "100",
            "queued.min.messages": String(bound.records),
            "queued.max.messages.kbytes": String(max(bound.bytes >> 10, 1)),
        ]
        return settings.merging(KafkaTopicHandle.connectionSettings) { set, _ in set }
    }
}

/// Counts of a consumer since it was made, and how it is now.
package struct KafkaConsumerStatistics: Sendable {
    /// Records that were taken, again after a change of position too.
    package var records: UInt64 = 0
    /// Bytes of their keys and values.
    package var bytes: UInt64 = 0
    /// What the client reported: connections refused, lost, a topic that is not there.
    package var errors: UInt64 = 0
    /// The latest of these.
    package var lastError: KafkaError?
    /// How often partitions came or went.
    package var rebalances: UInt64 = 0
    /// How often the next record was not the one behind the last.
    package var gaps: UInt64 = 0
    /// Records that were gone before they were taken.
    package var missingRecords: UInt64 = 0
    /// How many brokers the cluster has, or was said to have until it said so itself.
    package var brokersKnown = 0
    /// How many of them a connection is up to; a client connects to those that it needs.
    package var brokersUp = 0
}

extension Duration {
    /// Rounded up, 0 where it is over.
    fileprivate var wholeMillisecondsOrNone: Int64 { self <= .zero ? 0 : wholeMilliseconds }
}
