// Statements with their parameters' types, and parameters in PostgreSQL's binary form: numbers most significant byte
// first, arrays as one parameter, so that any number of rows is one statement and one message.

import LikewiseCore

/// A type of a parameter, by its number in PostgreSQL's catalog (`pg_type.oid`), which is fixed for built-in types.
enum PostgresType: UInt32 {
    case boolean = 16
    case bytes = 17
    case int8 = 20
    case int2 = 21
    case int4 = 23
    case text = 25
    case booleans = 1_000
    case byteStrings = 1_001
    case int2s = 1_005
    case int4s = 1_007
    case texts = 1_009
    case int8s = 1_016
}

/// A statement that a connection prepares when it is first used.
struct PostgresStatement: Sendable {
    /// Names it on a connection; two statements never share one.
    let name: String
    let sql: String
    let types: [PostgresType]

    init(_ name: String, _ types: [PostgresType] = [], _ sql: String) {
        self.name = name
        self.sql = sql
        self.types = types
    }

    /// A call of it, in the order of its parameters.
    func callAsFunction(_ values: PostgresValue...) -> PostgresCall {
        precondition(values.count == types.count, "\(name) takes \(types.count) values, not \(values.count)")
        return PostgresCall(statement: self, values: values)
    }
}

/// A statement with its values.
struct PostgresCall {
    let statement: PostgresStatement
    let values: [PostgresValue]
}

/// A parameter's value, as it goes over the wire.
struct PostgresValue {
    let bytes: [UInt8]

    static func int8(_ value: Int64) -> PostgresValue { number(value) }
    static func int4(_ value: Int32) -> PostgresValue { number(value) }
    static func bytes(_ value: [UInt8]) -> PostgresValue { PostgresValue(bytes: value) }

    private static func number<T: FixedWidthInteger>(_ value: T) -> PostgresValue {
        PostgresValue(bytes: withUnsafeBytes(of: value.bigEndian) { Array($0) })
    }

    // MARK: Arrays

    static func int8s(_ values: [Int64]) -> PostgresValue { numbers(values, .int8) }
    static func int4s(_ values: [Int32]) -> PostgresValue { numbers(values, .int4) }
    static func int2s(_ values: [Int16]) -> PostgresValue { numbers(values, .int2) }
    static func texts(_ values: [[UInt8]]) -> PostgresValue { strings(values, .text) }
    static func byteStrings(_ values: [[UInt8]]) -> PostgresValue { strings(values, .bytes) }

    static func booleans(_ values: [Bool]) -> PostgresValue {
        array(.boolean, count: values.count, payload: values.count) { writer in
            for value in values { writer.element(value ? 1 : 0 as UInt8) }
        }
    }

    private static func numbers<T: FixedWidthInteger>(_ values: [T], _ type: PostgresType) -> PostgresValue {
        array(type, count: values.count, payload: values.count * MemoryLayout<T>.size) { writer in
            for value in values { writer.element(value) }
        }
    }

    private static func strings(_ values: [[UInt8]], _ type: PostgresType) -> PostgresValue {
        let payload = values.reduce(0) { $0 + $1.count }
        return array(type, count: values.count, payload: payload) { writer in
            for value in values { value.withUnsafeBytes { writer.element($0) } }
        }
    }

    /// An array of one dimension whose `count` elements have `payload` bytes in all.
    static func array(
        _ type: PostgresType, count: Int, payload: Int, _ fill: (inout PostgresArrayWriter) -> Void
    ) -> PostgresValue {
        let size = 20 + count * 4 + payload
        return PostgresValue(
            bytes: [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
                var writer = PostgresArrayWriter(UnsafeMutableRawBufferPointer(buffer))
                // Dimensions, whether there are NULLs, the elements' type, the first dimension's length and first
                // index.
                for word in [1, 0, type.rawValue, UInt32(count), 1] { writer.put(word) }
                fill(&writer)
                precondition(writer.offset == size, "an array of \(size) bytes was filled with \(writer.offset)")
                initialized = size
            })
    }
}

/// Writes the elements of an array into memory of just the right size.
struct PostgresArrayWriter {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var offset = 0

    init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

    @inline(__always)
    mutating func put<T: FixedWidthInteger>(_ value: T) {
        memory.storeBytes(of: value.bigEndian, toByteOffset: offset, as: T.self)
        offset += MemoryLayout<T>.size
    }

    @inline(__always)
    mutating func element<T: FixedWidthInteger>(_ value: T) {
        put(UInt32(MemoryLayout<T>.size))
        put(value)
    }

    @inline(__always)
    mutating func element(_ bytes: UnsafeRawBufferPointer) {
        put(UInt32(bytes.count))
        UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyMemory(from: bytes)
        offset += bytes.count
    }
}
