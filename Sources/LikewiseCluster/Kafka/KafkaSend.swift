import CKafka

/// The records of one call of `send`, until the last of them is settled.
///
/// `@unchecked Sendable`: made by the sender, and from when its records are queued touched by the producer's thread
/// alone.
final class KafkaSend: @unchecked Sendable {
    typealias Completion = @Sendable ([KafkaDelivery]) -> Void

    /// What librdkafka carries with a record: the way back to its send.
    struct Slot {
        let send: Unmanaged<KafkaSend>
        let index: Int
    }

    let count: Int
    private var deliveries: [KafkaDelivery]
    private var remaining: Int
    private let slots: UnsafeMutablePointer<Slot>
    private let completion: Completion

    /// Holds itself until it is complete.
    init(count: Int, completion: @escaping Completion) {
        self.count = count
        deliveries = [KafkaDelivery](repeating: .acknowledged(partition: -1, offset: -1), count: count)
        remaining = count
        slots = .allocate(capacity: count)
        self.completion = completion
        let send = Unmanaged.passRetained(self)
        for index in 0..<count { (slots + index).initialize(to: Slot(send: send, index: index)) }
        if count == 0 { send.release() }
    }

    deinit { slots.deallocate() }

    /// What record `index` is sent with.
    func opaque(_ index: Int) -> UnsafeMutableRawPointer { UnsafeMutableRawPointer(slots + index) }

    /// One record is settled; true when it was the last.
    func settle(_ index: Int, _ delivery: KafkaDelivery) -> Bool {
        precondition(remaining > 0, "record \(index) of \(count) is settled twice")
        deliveries[index] = delivery
        remaining -= 1
        return remaining == 0
    }

    /// Tells the caller, and lets go of itself. Called once, after the last record.
    func complete() {
        completion(deliveries)
        deliveries = []
        if count > 0 { slots.pointee.send.release() }
    }
}
