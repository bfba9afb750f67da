import LikewiseCluster
import LikewiseTestSupport
import Logging

/// A time limit passed for what a test waits for.
struct TooLate: Error {
    var what: String
}

/// Sends that were made, to wait for.
final class Deliveries: Sendable {
    private let settled = Monitor<[Int: [KafkaDelivery]]>([:])

    /// What a send is completed with, as number `index`.
    func take(_ index: Int = 0) -> @Sendable ([KafkaDelivery]) -> Void {
        { [settled] deliveries in settled.update { $0[index] = deliveries } }
    }

    /// Waits for one send.
    func wait(_ index: Int = 0, seconds: Double = 60) throws -> [KafkaDelivery] {
        guard let found = settled.wait(seconds: seconds, for: { $0[index] }) else {
            throw TooLate(what: "send \(index)")
        }
        return found
    }

    /// How many sends are complete.
    var count: Int { settled.update { $0.count } }
}

extension KafkaProducer {
    /// Sends, and waits for what becomes of it.
    func deliver(_ records: [KafkaRecord], seconds: Double = 60) throws -> [KafkaDelivery] {
        let deliveries = Deliveries()
        send(records, completion: deliveries.take())
        return try deliveries.wait(seconds: seconds)
    }
}

extension KafkaDelivery {
    var error: KafkaError? {
        if case .failed(let error) = self { error } else { nil }
    }

    var partition: Int32? {
        if case .acknowledged(let partition, _) = self { partition } else { nil }
    }
}

extension KafkaRecord {
    init(_ key: String, _ value: String) { self.init(key: Array(key.utf8), value: Array(value.utf8)) }

    /// Records with different keys; their values are their numbers.
    static func numbered(_ range: Range<Int>) -> [KafkaRecord] { range.map { KafkaRecord("key \($0)", "\($0)") } }
}

extension KafkaBatch {
    /// The values, as text.
    var values: [String] { entries.map { String(decoding: value(of: $0), as: UTF8.self) } }
}

extension KafkaConsumer {
    /// Polls until it has so many records; throws where that takes too long.
    func take(_ count: Int, limit: Int = 1_000, seconds: Double = 60) throws -> [KafkaBatch] {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var batches: [KafkaBatch] = []
        var taken = 0
        while taken < count {
            guard ContinuousClock.now < deadline else { throw TooLate(what: "\(count) records; there were \(taken)") }
            let batch = try poll(limit: limit, timeout: .milliseconds(100))
            taken += batch.count
            if !batch.isEmpty { batches.append(batch) }
        }
        return batches
    }
}

/// Keeps what is logged.
final class LoggedLines: Sendable {
    private let lines = Monitor<[String]>([])

    /// A logger whose lines are kept here.
    var logger: Logger {
        Logger(label: "kafka tests") { [lines] _ in Handler(lines: lines) }
    }

    /// How many lines contain `words`.
    func count(_ words: String) -> Int { lines.update { $0.count { $0.contains(words) } } }

    /// Waits for a line that contains `words`.
    func wait(for words: String, seconds: Double = 60) -> Bool {
        lines.wait(seconds: seconds) { $0.contains { $0.contains(words) } ? true : nil } ?? false
    }

    private struct Handler: LogHandler {
        let lines: Monitor<[String]>
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        init(lines: Monitor<[String]>) { self.lines = lines }

        func log(event: LogEvent) {
            lines.update { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
        }
    }
}
