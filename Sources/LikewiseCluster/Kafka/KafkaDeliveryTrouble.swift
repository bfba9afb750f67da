/// Whether records are delivered, partition by partition, so that trouble is told when it begins and when it ends, and
/// not for every record. Pure.
package struct KafkaDeliveryTrouble {
    /// What is worth telling.
    package enum Change: Equatable {
        case began(KafkaError)
        /// So many records failed from its beginning.
        case ended(failures: UInt64)
    }

    /// Records that could be given no partition, since the brokers or the topic are not known.
    private static let unassigned: Int32 = -1

    private var failing: Set<Int32> = []
    private var failures: UInt64 = 0

    /// No record has failed.
    package init() {}

    /// Records of some partition failed, and none of it was acknowledged since.
    package var isOn: Bool { !failing.isEmpty }

    /// A record was given up; -1 where it had no partition yet.
    package mutating func failed(_ partition: Int32, _ error: KafkaError) -> Change? {
        failures += 1
        let wasOn = isOn
        failing.insert(max(partition, Self.unassigned))
        return wasOn ? nil : .began(error)
    }

    /// A record is delivered.
    package mutating func acknowledged(_ partition: Int32) -> Change? {
        guard isOn else { return nil }
        failing.remove(partition)
        failing.remove(Self.unassigned)
        guard !isOn else { return nil }
        defer { failures = 0 }
        return .ended(failures: failures)
    }
}
