import CKafka

/// Records as they were consumed: one buffer of bytes for all, and an entry for each, in the order of each partition.
package struct KafkaBatch: Sendable {
    /// One record: where it is in its log, and its parts in `bytes`.
    package struct Entry: Sendable {
        package var partition: Int32
        package var offset: Int64
        /// When it was made, by the producer's clock; -1 where the broker does not know.
        package var timestampMilliseconds: Int64
        /// In `bytes`; empty for none.
        package var key: Range<Int>
        package var value: Range<Int>
    }

    /// The keys and values of all records, one behind the other.
    package private(set) var bytes: [UInt8] = []
    /// The records; those of one partition in the order of their offsets.
    package private(set) var entries: [Entry] = []

    /// Without records.
    package init() {}

    /// How many records it holds.
    package var count: Int { entries.count }
    /// It holds no record.
    package var isEmpty: Bool { entries.isEmpty }

    /// The offset behind the last record of each partition that has any here: what to store with what they did.
    package var nextOffsets: [Int32: Int64] {
        var offsets: [Int32: Int64] = [:]
        for entry in entries { offsets[entry.partition] = entry.offset + 1 }
        return offsets
    }

    /// A view of a record's key.
    package func key(of entry: Entry) -> ArraySlice<UInt8> { bytes[entry.key] }
    /// A view of a record's value.
    package func value(of entry: Entry) -> ArraySlice<UInt8> { bytes[entry.value] }

    mutating func reserve(records: Int, bytes: Int) {
        entries.reserveCapacity(records)
        self.bytes.reserveCapacity(bytes)
    }

    mutating func append(_ message: rd_kafka_message_t, timestampMilliseconds: Int64) {
        let key = append(message.key, message.key_len)
        let value = append(message.payload, message.len)
        entries.append(
            Entry(
                partition: message.partition, offset: message.offset, timestampMilliseconds: timestampMilliseconds,
                key: key, value: value))
    }

    private mutating func append(_ start: UnsafeMutableRawPointer?, _ count: Int) -> Range<Int> {
        let begin = bytes.count
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
        return begin..<bytes.count
    }
}
