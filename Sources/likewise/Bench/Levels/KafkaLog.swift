// A producer by way of librdkafka, which is loaded while the benchmark runs: the binary itself links to no client of
// somebody else's server. Only what a like needs is declared, from the library's header rdkafka.h, version 2.16.

import Glibc

/// The few functions of librdkafka.
private struct KafkaLibrary {
    typealias Handle = OpaquePointer
    typealias Set =
        @convention(c) (Handle, UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeMutablePointer<CChar>, Int) -> Int32
    typealias New = @convention(c) (Int32, Handle, UnsafeMutablePointer<CChar>, Int) -> Handle?
    typealias Produce =
        @convention(c) (
            Handle, Int32, Int32, UnsafeRawPointer, Int, UnsafeRawPointer, Int, UnsafeMutableRawPointer?
        ) -> Int32

    let configuration: @convention(c) () -> Handle?
    let set: Set
    let setEvents: @convention(c) (Handle, Int32) -> Void
    let new: New
    let topic: @convention(c) (Handle, UnsafePointer<CChar>, Handle?) -> Handle?
    let produce: Produce
    let mainQueue: @convention(c) (Handle) -> Handle?
    let notify: @convention(c) (Handle, Int32, UnsafeRawPointer, Int) -> Void
    let poll: @convention(c) (Handle, Int32) -> Handle?
    let nextMessage: @convention(c) (Handle) -> UnsafeRawPointer?
    let destroyEvent: @convention(c) (Handle) -> Void
    let destroyQueue: @convention(c) (Handle) -> Void
    let destroyTopic: @convention(c) (Handle) -> Void
    let destroy: @convention(c) (Handle) -> Void

    /// Loads the library; it stays loaded.
    init(path: String) throws {
        guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw MissingServer("\(path) cannot be loaded: \(dlerror().map { String(cString: $0) } ?? "no reason")")
        }
        func find<Function>(_ name: String, as: Function.Type) throws -> Function {
            guard let symbol = dlsym(library, "rd_kafka_\(name)") else {
                throw MissingServer("\(path) has no rd_kafka_\(name)")
            }
            return unsafeBitCast(symbol, to: Function.self)
        }
        configuration = try find("conf_new", as: (@convention(c) () -> Handle?).self)
        set = try find("conf_set", as: Set.self)
        setEvents = try find("conf_set_events", as: (@convention(c) (Handle, Int32) -> Void).self)
        new = try find("new", as: New.self)
        topic = try find(
            "topic_new", as: (@convention(c) (Handle, UnsafePointer<CChar>, Handle?) -> Handle?).self)
        produce = try find("produce", as: Produce.self)
        mainQueue = try find("queue_get_main", as: (@convention(c) (Handle) -> Handle?).self)
        notify = try find(
            "queue_io_event_enable", as: (@convention(c) (Handle, Int32, UnsafeRawPointer, Int) -> Void).self)
        poll = try find("queue_poll", as: (@convention(c) (Handle, Int32) -> Handle?).self)
        nextMessage = try find(
            "event_message_next", as: (@convention(c) (Handle) -> UnsafeRawPointer?).self)
        destroyEvent = try find("event_destroy", as: (@convention(c) (Handle) -> Void).self)
        destroyQueue = try find("queue_destroy", as: (@convention(c) (Handle) -> Void).self)
        destroyTopic = try find("topic_destroy", as: (@convention(c) (Handle) -> Void).self)
        destroy = try find("destroy", as: (@convention(c) (Handle) -> Void).self)
    }
}

/// A producer of likes to one partition of a topic, acknowledged by all replicas (the client's default).
final class KafkaLog: EventLogClient {
    /// RD_KAFKA_PRODUCER, RD_KAFKA_MSG_F_COPY and RD_KAFKA_EVENT_DR.
    private enum Code {
        static let producer: Int32 = 0
        static let copy: Int32 = 2
        static let deliveries: Int32 = 1
    }

    /// Where the fields of rd_kafka_message_t are on a 64-bit machine.
    private enum MessageField {
        static let error = 0
        static let offset = 56
        static let token = 64
    }

    let descriptor: Int32
    /// The offset behind the last event that was stored.
    private(set) var endOffset = 0
    private let library: KafkaLibrary
    private let producer: OpaquePointer
    private let topic: OpaquePointer
    private let queue: OpaquePointer
    private let notifier: Int32
    private let key = Array(LoadNames.content.utf8)

    /// A producer for the broker at `port`. `path` is librdkafka's.
    init(path: String, port: UInt16, topic name: String) throws {
        library = try KafkaLibrary(path: path)
        guard let configuration = library.configuration() else { throw BenchError("librdkafka has no memory") }
        var reason = [CChar](repeating: 0, count: 512)
        // Without waiting for company: events gather while a request is on its way, and a closed loop would wait in vain.
        let settings = [("bootstrap.servers", "127.0.0.1:\(port)"), ("linger.ms", "1"), ("log_level", "0")]
        for (setting, value) in settings {
            guard library.set(configuration, setting, value, &reason, reason.count) == 0 else {
                throw BenchError("librdkafka does not take \(setting)=\(value)")
            }
        }
        library.setEvents(configuration, Code.deliveries)
        var ends: [Int32] = [-1, -1]
        guard let producer = library.new(Code.producer, configuration, &reason, reason.count),
            let topic = library.topic(producer, name, nil), let queue = library.mainQueue(producer),
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends)
                == 0
        else { throw BenchError("librdkafka makes no producer") }
        self.producer = producer
        self.topic = topic
        self.queue = queue
        (descriptor, notifier) = (ends[0], ends[1])
        library.notify(queue, notifier, [UInt8](arrayLiteral: 1), 1)
    }

    /// Ends the client's threads, which would go on looking for a broker that is gone.
    deinit {
        library.destroyQueue(queue)
        library.destroyTopic(topic)
        library.destroy(producer)
        close(descriptor)
        close(notifier)
    }

    func append(user: Int, token: Int) throws {
        let value = Array(LoadNames.user(user).utf8)
        // A token is told from none by one, since null stands for no token.
        let opaque = UnsafeMutableRawPointer(bitPattern: token + 1)
        guard library.produce(topic, 0, Code.copy, value, value.count, key, key.count, opaque) == 0 else {
            throw BenchError("the event log takes no more: \(lastError())")
        }
    }

    func takeAnswers(_ body: (Int, Bool) throws -> Void) throws {
        var room = [UInt8](repeating: 0, count: 256)
        while read(descriptor, &room, room.count) > 0 {}
        while let event = library.poll(queue, 0) {
            defer { library.destroyEvent(event) }
            while let message = library.nextMessage(event) {
                let isStored = message.load(fromByteOffset: MessageField.error, as: Int32.self) == 0
                let offset = message.load(fromByteOffset: MessageField.offset, as: Int64.self)
                if isStored { endOffset = max(endOffset, Int(offset) + 1) }
                try body(message.load(fromByteOffset: MessageField.token, as: Int.self) - 1, isStored)
            }
        }
    }

    /// Forgets the offsets of a topic that is made anew.
    func forgetOffsets() { endOffset = 0 }
}
