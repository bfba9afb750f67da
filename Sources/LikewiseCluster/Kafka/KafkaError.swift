import CKafka

/// What librdkafka says is wrong, or what is wrong with it.
package struct KafkaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// As in the protocol; below 0 where the client says so itself.
    package let code: Int32
    /// The code's name, for logs and metrics: `_MSG_TIMED_OUT`.
    package let name: String
    /// What the operator reads.
    package let words: String
    /// The handle does nothing more after it. A producer makes a new one by itself; a consumer has to be made anew.
    package let isFatal: Bool

    /// An error as librdkafka would say it.
    package init(code: Int32, name: String, words: String, isFatal: Bool = false) {
        self.code = code
        self.name = name
        self.words = words
        self.isFatal = isFatal
    }

    /// The same call may succeed later, without a change of what was sent: all but what says that the record is wrong.
    package var isRetriable: Bool { !Self.finalCodes.contains(code) }

    /// The name and the words, for logs.
    package var description: String { "\(name): \(words)" }

    /// What is wrong about a record will be wrong the next time too.
    private static let finalCodes: Set<Int32> = Set(
        [
            RD_KAFKA_RESP_ERR__BAD_MSG, RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR__INVALID_TYPE,
            RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE,
            RD_KAFKA_RESP_ERR_INVALID_RECORD, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
        ].map(\.rawValue))
}

extension KafkaError {
    /// The error of a handle that is closed.
    static let closed = KafkaError(
        code: RD_KAFKA_RESP_ERR__DESTROY.rawValue, name: "_DESTROY", words: "it is closed", isFatal: true)

    /// The producer holds as much as it may; it has room again when something is settled.
    package var isQueueFull: Bool { code == RD_KAFKA_RESP_ERR__QUEUE_FULL.rawValue }

    /// The broker does not know the producer's number, epoch or sequence, or takes it for an older one: an idempotent
    /// producer whose handle may not get over it, since every record after it is judged by them.
    var isLostIdentity: Bool { Self.identityCodes.contains(code) }

    /// A connection could not be made, or was lost; the client tries again.
    var isAboutConnections: Bool {
        [RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE]
            .contains { $0.rawValue == code }
    }

    private static let identityCodes: Set<Int32> = Set(
        [
            RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
            RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
        ].map(\.rawValue))

    static func missing(_ words: String) -> KafkaError {
        KafkaError(code: RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE.rawValue, name: "_UNSUPPORTED_FEATURE", words: words)
    }

    static func badSetting(_ words: String) -> KafkaError {
        KafkaError(code: RD_KAFKA_RESP_ERR__INVALID_ARG.rawValue, name: "_INVALID_ARG", words: words)
    }

    /// What a function that we were given threw.
    static func application(_ words: String) -> KafkaError {
        KafkaError(code: RD_KAFKA_RESP_ERR__APPLICATION.rawValue, name: "_APPLICATION", words: words)
    }
}

extension KafkaLibrary {
    /// An error by its code, in the library's words unless others are given.
    func error(_ code: rd_kafka_resp_err_t, _ words: String? = nil, isFatal: Bool = false) -> KafkaError {
        KafkaError(
            code: code.rawValue, name: Self.text(api.err2name(code)),
            words: words ?? Self.text(api.err2str(code)),
            isFatal: isFatal || code == RD_KAFKA_RESP_ERR__FATAL)
    }

    /// The same, of an error object, which is destroyed; nil for none.
    func take(_ object: OpaquePointer?) -> KafkaError? {
        guard let object else { return nil }
        defer { api.error_destroy(object) }
        return error(
            api.error_code(object), Self.text(api.error_string(object)),
            isFatal: api.error_is_fatal(object) != 0)
    }

    /// Why a handle does nothing more; nil while it does.
    func fatalError(of handle: OpaquePointer) -> KafkaError? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Self.wordBytes) { words in
            words[0] = 0
            let code = api.fatal_error(handle, words.baseAddress, words.count)
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR, let start = words.baseAddress else { return nil }
            return error(code, String(cString: start), isFatal: true)
        }
    }
}
