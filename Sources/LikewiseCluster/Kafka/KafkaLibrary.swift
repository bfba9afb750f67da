// librdkafka, as it was loaded. One path is loaded once in a process and stays: its threads may run until the end.

import CKafka
import Synchronization

/// The functions of one loaded librdkafka.
///
/// `@unchecked Sendable`: the table is filled before anybody sees it, and never changed.
package final class KafkaLibrary: @unchecked Sendable {
    /// What is loaded where no path is given.
    package static let usualPath = "librdkafka.so.1"
    /// Room for librdkafka's words on what is wrong.
    static let wordBytes = 512

    /// As it was given to the loader.
    package let path: String
    private let functions: UnsafePointer<likewise_kafka>

    /// The functions, by their names behind `rd_kafka_`.
    var api: likewise_kafka { functions.pointee }

    /// The library's version, as `2.0.2`.
    package var version: String { Self.text(api.version_str()) }

    private static let loaded = Mutex<[String: KafkaLibrary]>([:])

    /// The library at `path`, or of the usual name. Throws what is missing, in words for the operator.
    package static func load(_ path: String?) throws(KafkaError) -> KafkaLibrary {
        let path = path ?? usualPath
        if let library = loaded.withLock({ $0[path] }) { return library }
        let library = try KafkaLibrary(path: path)
        return loaded.withLock { loaded in
            let first = loaded[path] ?? library
            loaded[path] = first
            return first
        }
    }

    /// A copy of librdkafka's words; none where there are none.
    static func text(_ words: UnsafePointer<CChar>?) -> String { words.map { String(cString: $0) } ?? "" }

    private init(path: String) throws(KafkaError) {
        // Never freed: the library is never unloaded either.
        let functions = UnsafeMutablePointer<likewise_kafka>.allocate(capacity: 1)
        let missing = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Self.wordBytes) { words -> String? in
            guard let start = words.baseAddress else { return "no memory" }
            return likewise_kafka_load(path, functions, start, words.count).map { String(cString: $0) }
        }
        if let missing {
            functions.deallocate()
            throw .missing("\(missing). Kafka's client is Debian's librdkafka1")
        }
        self.path = path
        self.functions = UnsafePointer(functions)
    }
}
