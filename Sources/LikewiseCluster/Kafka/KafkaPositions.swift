/// Which partitions a consumer has, and the offset of each that comes next. Pure. A producer without transactions
/// leaves no offset out, so one that is not the next says that records are gone, or that the log was made anew.
package struct KafkaPositions: Sendable {
    /// Records of a partition that are not there: `found` came where `expected` should have.
    package struct Gap: Equatable, Sendable {
        package var partition: Int32
        package var expected: Int64
        package var found: Int64

        /// A gap of a partition.
        package init(partition: Int32, expected: Int64, found: Int64) {
            self.partition = partition
            self.expected = expected
            self.found = found
        }
    }

    /// What a record is to its partition.
    package enum Step: Equatable {
        case next
        case gap(Gap)
        /// Of a partition that is not assigned: fetched before it was taken away.
        case foreign
    }

    /// Partitions beyond it are not taken; Kafka advises against more in a whole cluster.
    static let limit = 1 << 18
    private static let none: Int64 = -2
    private static let unknown: Int64 = -1

    private var next: [Int64] = []

    /// Nothing is assigned.
    package init() {}

    /// In ascending order.
    package var assigned: [Int32] { next.indices.filter { next[$0] != Self.none }.map { Int32($0) } }

    /// Whether the partition is assigned.
    package func has(_ partition: Int32) -> Bool { slot(partition).map { next[$0] != Self.none } ?? false }

    /// What comes next; nil where the partition begins wherever its log does.
    package func offset(_ partition: Int32) -> Int64? {
        slot(partition).flatMap { next[$0] >= 0 ? next[$0] : nil }
    }

    /// A partition is assigned, and begins at `offset`, or at its log's beginning.
    package mutating func assign(_ partition: Int32, at offset: Int64?) {
        precondition(partition >= 0 && partition < Self.limit, "partition \(partition) of at most \(Self.limit)")
        while next.count <= partition { next.append(Self.none) }
        next[Int(partition)] = offset ?? Self.unknown
    }

    /// A partition is taken away.
    package mutating func revoke(_ partition: Int32) {
        if let slot = slot(partition) { next[slot] = Self.none }
    }

    /// A record came.
    package mutating func took(_ partition: Int32, _ offset: Int64) -> Step {
        guard let slot = slot(partition), next[slot] != Self.none else { return .foreign }
        let expected = next[slot]
        next[slot] = offset + 1
        if expected == offset || expected == Self.unknown { return .next }
        return .gap(Gap(partition: partition, expected: expected, found: offset))
    }

    private func slot(_ partition: Int32) -> Int? {
        partition >= 0 && partition < next.count ? Int(partition) : nil
    }
}
