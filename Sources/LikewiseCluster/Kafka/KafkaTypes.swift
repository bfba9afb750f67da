// What Kafka's producer and consumer take and give: the same for every broker and every version of the client library.

/// Where a cluster is, and how to talk to it.
package struct KafkaOptions: Sendable {
    /// `host:port` of at least one broker; the others are learned from it.
    package var brokers: [String]
    /// The one topic that the client writes or reads.
    package var topic: String
    /// The client library's file, or a name that the system's loader finds; nil for `librdkafka.so.1`.
    package var libraryPath: String?
    /// Settings of librdkafka, in its own words; they come before those that are set here.
    package var settings: [String: String]
    /// What the brokers' logs and quotas call this client.
    package var clientID: String

    /// Everything but the brokers and the topic as usual.
    package init(
        brokers: [String], topic: String, libraryPath: String? = nil, settings: [String: String] = [:],
        clientID: String = "likewise"
    ) {
        self.brokers = brokers
        self.topic = topic
        self.libraryPath = libraryPath
        self.settings = settings
        self.clientID = clientID
    }
}

/// What to send: the key decides the partition, and with it the order.
package struct KafkaRecord: Sendable {
    /// Records of one key are in one partition.
    package var key: [UInt8]
    /// What is kept; empty is allowed.
    package var value: [UInt8]

    /// An empty key goes to any partition.
    package init(key: [UInt8], value: [UInt8]) {
        self.key = key
        self.value = value
    }
}

/// What became of one record that was sent.
package enum KafkaDelivery: Sendable, Equatable {
    /// All in-sync replicas have it.
    case acknowledged(partition: Int32, offset: Int64)
    /// It was given up. It may be in the log nevertheless, where the answer alone was lost: sending it again is right.
    case failed(KafkaError)

    /// All in-sync replicas have it.
    package var isAcknowledged: Bool {
        if case .acknowledged = self { true } else { false }
    }
}

/// How much a producer holds, or a consumer fetches ahead; what comes first.
package struct KafkaBound: Sendable {
    /// So many records at most.
    package var records: Int
    /// So many bytes of keys and values at most, in whole KiB.
    package var bytes: Int

    /// 100,000 records and 64 MiB unless it is said otherwise.
    package init(records: Int = 100_000, bytes: Int = 64 << 20) {
        self.records = records
        self.bytes = bytes
    }
}
