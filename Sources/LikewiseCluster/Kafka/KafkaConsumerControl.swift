// What a consumer is told and asked beside its polls: to take records again, to pause, how far it is.

import CKafka
import Synchronization

extension KafkaConsumer {
    /// How long a change of position may take; it needs no broker.
    private static let seekMilliseconds: Int32 = 5_000

    /// The next polls begin at these offsets again, for example with a batch that the store could not take; partitions
    /// that are not assigned (any more) are passed over. On the polling thread. Throws where it could not be done.
    package func seek(_ offsets: [Int32: Int64]) throws(KafkaError) {
        let offsets = offsets.filter { positions.has($0.key) }
        guard !offsets.isEmpty else { return }
        let api = handle.library.api
        var wrong: KafkaError?
        withPartitions(offsets) { list in
            wrong = handle.library.take(api.seek_partitions(handle.raw, list, Self.seekMilliseconds))
            for index in 0..<Int(list.pointee.cnt) where wrong == nil {
                let code = list.pointee.elems[index].err
                if code != RD_KAFKA_RESP_ERR_NO_ERROR { wrong = handle.library.error(code) }
            }
        }
        if let wrong { throw wrong }
        for (partition, offset) in offsets { positions.assign(partition, at: offset) }
    }

    /// Polls give no records until `resume`, and keep the membership in the group meanwhile. On the polling thread.
    package func pause() { setFetching(false) }

    /// Ends a pause.
    package func resume() { setFetching(true) }

    /// The partitions that it has, in ascending order. From any thread.
    package var assigned: [Int32] { shared.withLock { $0.positions.assigned } }

    /// The offset behind the last record of each partition that it has, as of the last fetch; absent where nothing was
    /// fetched yet. Asks no broker. From any thread.
    package var endOffsets: [Int32: Int64] {
        shared.withLock { shared in watermarks(shared).mapValues(\.high) }
    }

    /// How many records of each partition that it has were not taken yet, as of the last fetch. From any thread.
    package var lags: [Int32: Int64] {
        shared.withLock { shared in
            var lags: [Int32: Int64] = [:]
            for (partition, marks) in watermarks(shared) {
                let next = shared.positions.offset(partition) ?? max(marks.low, 0)
                lags[partition] = max(0, marks.high - next)
            }
            return lags
        }
    }

    /// How the consumer does, as of its last poll. From any thread.
    package var statistics: KafkaConsumerStatistics {
        var counts = shared.withLock { $0.counts }
        (counts.brokersKnown, counts.brokersUp) = handle.monitor.counts
        return counts
    }

    /// Tells the group how far these partitions are, without waiting, for the tools that people look at groups with.
    /// Nothing here reads it: where a partition begins is what `positions` says. On the polling thread.
    package func commit(_ offsets: [Int32: Int64]) {
        guard !offsets.isEmpty else { return }
        // What goes wrong comes as an event.
        withPartitions(offsets) { list in _ = handle.library.api.commit(handle.raw, list, 1) }
    }

    private func setFetching(_ fetches: Bool) {
        setPaused(!fetches)
        let api = handle.library.api
        let partitions = Dictionary(
            uniqueKeysWithValues: positions.assigned.map { ($0, Int64(RD_KAFKA_OFFSET_INVALID)) })
        withPartitions(partitions) { list in
            // Its answers are for partitions that are not assigned, and all are.
            _ = fetches ? api.resume_partitions(handle.raw, list) : api.pause_partitions(handle.raw, list)
        }
    }

    private func watermarks(_ shared: borrowing Shared) -> [Int32: (low: Int64, high: Int64)] {
        var marks: [Int32: (low: Int64, high: Int64)] = [:]
        guard !shared.isClosed else { return marks }
        for partition in shared.positions.assigned {
            var (low, high): (Int64, Int64) = (-1, -1)
            let code = handle.library.api.get_watermark_offsets(handle.raw, topic, partition, &low, &high)
            if code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 { marks[partition] = (low, high) }
        }
        return marks
    }

    /// A list of partitions of the topic with an offset each, for one call of librdkafka. -1 stands for all of them.
    @discardableResult
    func withPartitions<Result>(
        _ offsets: [Int32: Int64], _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> Result
    ) -> Result {
        let api = handle.library.api
        guard let list = api.topic_partition_list_new(Int32(clamping: offsets.count)) else {
            preconditionFailure("no memory for \(offsets.count) partitions")
        }
        defer { api.topic_partition_list_destroy(list) }
        for (partition, offset) in offsets {
            api.topic_partition_list_add(list, topic, partition)?.pointee.offset = offset
        }
        return body(list)
    }
}
