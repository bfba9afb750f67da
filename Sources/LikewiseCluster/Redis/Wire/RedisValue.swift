package import NIOCore

/// An answer of Redis (RESP3), or a part of one. Texts are slices of what was received: they cost no allocation, and keep
/// the whole received buffer alive, so what is to be held for long is copied out (`bytes`).
package enum RedisValue: Hashable, Sendable {
    /// Nothing: a key that is not there. RESP2's null string and null array too.
    case null
    /// A short text without line ends, such as OK.
    case simple(ByteBuffer)
    /// Any bytes. A verbatim string too, without its three letters of format.
    case blob(ByteBuffer)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    /// An integer that may be wider than 64 bits, in decimal digits.
    case bigNumber(ByteBuffer)
    case array([RedisValue])
    /// Key, value, key, value …
    case map([RedisValue])
    case set([RedisValue])
    /// What the server sends unasked, on a subscribed connection.
    case push([RedisValue])
    /// A refusal: its first word in capitals (MOVED, WRONGTYPE), then the rest of it.
    indirect case error(code: String, words: String)
}

extension RedisValue {
    /// The bytes of a text, without a copy; nil where this is none.
    package var buffer: ByteBuffer? {
        switch self {
        case .simple(let buffer), .blob(let buffer), .bigNumber(let buffer): buffer
        default: nil
        }
    }

    /// A copy of the bytes of a text; nil where this is none.
    package var bytes: [UInt8]? {
        buffer.map { Array($0.readableBytesView) }
    }

    /// A text as UTF-8, repaired where it is not; nil where this is none.
    package var text: String? {
        buffer.map { String(buffer: $0) }
    }

    /// An integer, also where the server wrote it as a text, as RESP2 does in places; nil where this is none.
    package var number: Int64? {
        if case .integer(let number) = self { return number }
        return text.flatMap { Int64($0) }
    }

    /// The parts of an array, set or push, or of a map, key, value, key, value …; nil where this has no parts.
    package var elements: [RedisValue]? {
        switch self {
        case .array(let elements), .set(let elements), .map(let elements), .push(let elements): elements
        default: nil
        }
    }

    /// What a map holds under `name`. A RESP2 server sends the same as a flat array.
    package subscript(name: String) -> RedisValue? {
        guard let elements else { return nil }
        for index in stride(from: 0, to: elements.count - 1, by: 2) where elements[index].text == name {
            return elements[index + 1]
        }
        return nil
    }
}
