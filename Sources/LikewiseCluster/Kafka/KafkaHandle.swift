// One handle of librdkafka: made from options, with its main queue, and destroyed once.

import CKafka
import Glibc
import Logging

/// A handle and what belongs to it.
///
/// `@unchecked Sendable`: librdkafka's handle may be used from any thread until `destroy`, which the owner calls last.
final class KafkaHandle: @unchecked Sendable {
    let library: KafkaLibrary
    let raw: OpaquePointer
    /// What the handle has to tell: deliveries, records, rebalances, errors, its log.
    let queue: OpaquePointer
    let monitor: KafkaBrokerMonitor
    private let logger: Logger

    /// Makes a handle, which begins to connect. `defaults` are librdkafka's settings, and the options' own come before
    /// them. Its events are told in its queue, which has to be polled where `events` is not 0.
    init(
        _ kind: rd_kafka_type_t, _ options: KafkaOptions, defaults: [String: String], events: Int32, logger: Logger
    ) throws(KafkaError) {
        let library = try KafkaLibrary.load(options.libraryPath)
        self.library = library
        self.logger = logger
        monitor = KafkaBrokerMonitor(library: library, logger: logger)
        let api = library.api
        var settings = defaults
        settings["bootstrap.servers"] = options.brokers.joined(separator: ",")
        settings["client.id"] = options.clientID
        // Warnings and worse, and into the queue instead of to standard error.
        settings["log_level"] = events == 0 ? "0" : "4"
        settings["log.queue"] = events == 0 ? "false" : "true"
        settings.merge(options.settings) { _, given in given }
        guard let configuration = api.conf_new() else { throw .missing("librdkafka has no memory") }
        var isTaken = false
        defer { if !isTaken { api.conf_destroy(configuration) } }
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
            try Self.set(name, value, in: configuration, library)
        }
        if events != 0 { api.conf_set_events(configuration, events | RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_ERROR) }
        monitor.watch(configuration)
        raw = try Self.make(kind, configuration, library)
        // From here on the configuration is the handle's.
        isTaken = true
        if kind == RD_KAFKA_CONSUMER && settings["group.id"] != nil {
            _ = api.poll_set_consumer(raw)
            guard let queue = api.queue_get_consumer(raw) else { throw .missing("librdkafka has no queue") }
            self.queue = queue
        } else {
            guard let queue = api.queue_get_main(raw) else { throw .missing("librdkafka has no queue") }
            self.queue = queue
        }
        if events != 0 { _ = api.set_log_queue(raw, queue) }
    }

    /// Ends the handle and its threads, and waits for them. Nobody may use it any more.
    func destroy() {
        monitor.end()
        library.api.queue_destroy(queue)
        library.api.destroy(raw)
    }

    /// The next event of the queue, within so many milliseconds; the caller destroys it.
    func nextEvent(milliseconds: Int32 = 0) -> OpaquePointer? { library.api.queue_poll(queue, milliseconds) }

    /// What an event of errors says, or nil where it says nothing that went wrong. A log event goes to the log.
    func error(of event: OpaquePointer) -> KafkaError? {
        let api = library.api
        if api.event_type(event) == RD_KAFKA_EVENT_LOG {
            log(event)
            return nil
        }
        let code = api.event_error(event)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        if code == RD_KAFKA_RESP_ERR__FATAL { return library.fatalError(of: raw) ?? library.error(code) }
        return library.error(code, api.event_error_string(event).map { String(cString: $0) })
    }

    private func log(_ event: OpaquePointer) {
        var (facility, words): (UnsafePointer<CChar>?, UnsafePointer<CChar>?)
        var level: Int32 = 0
        guard logger.logLevel <= .debug, library.api.event_log(event, &facility, &words, &level) == 0, let words else {
            return
        }
        logger.debug(
            "librdkafka: \(String(cString: words))",
            metadata: ["facility": "\(KafkaLibrary.text(facility))", "level": "\(level)"])
    }

    private static func set(
        _ name: String, _ value: String, in configuration: OpaquePointer, _ library: KafkaLibrary
    ) throws(KafkaError) {
        let wrong = withWords { words, size -> String? in
            library.api.conf_set(configuration, name, value, words, size) == RD_KAFKA_CONF_OK
                ? nil : String(cString: words)
        }
        if let wrong { throw .badSetting(wrong) }
    }

    private static func make(
        _ kind: rd_kafka_type_t, _ configuration: OpaquePointer, _ library: KafkaLibrary
    ) throws(KafkaError) -> OpaquePointer {
        var made: OpaquePointer?
        let wrong = withWords { words, size in
            made = library.api.new(kind, configuration, words, size)
            return String(cString: words)
        }
        guard let made else { throw .badSetting(wrong) }
        return made
    }

    /// Runs `body` with room for librdkafka's words.
    private static func withWords<Result>(_ body: (UnsafeMutablePointer<CChar>, Int) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: KafkaLibrary.wordBytes) { words in
            words.initialize(repeating: 0)
            guard let start = words.baseAddress else { preconditionFailure("no room for \(words.count) bytes") }
            return body(start, words.count)
        }
    }
}
