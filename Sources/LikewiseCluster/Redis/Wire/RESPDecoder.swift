// Reads Redis' answers (RESP3, and RESP2, which is a part of it) from bytes that arrive in any pieces.
//
// An answer that is not complete is not read again from its start: aggregates that are open are kept on a stack, so that
// an array of a hundred thousand texts in as many packets costs no more than in one. Texts are slices of the received
// buffer, numbers are read in place; only an aggregate allocates, once. Everything that a server could send without end
// has a bound, beyond which the connection is given up.

package import NIOCore

/// What a decoder refuses: these close the connection, because nothing after it can be understood.
package enum RESPError: Error, Hashable {
    /// A line that begins with no known mark.
    case unknownType(UInt8)
    /// A number that is none, or out of range.
    case badNumber
    /// Something else where a line end must be.
    case badLineEnd
    /// Longer, deeper or wider than the limits.
    case tooLarge(Limit)

    /// Which bound of `RESPLimits` was passed.
    package enum Limit: Hashable {
        /// Each is the bound of `RESPLimits` that its name begins.
        case line, blob, elements, depth, message
    }
}

/// The bounds of what a server may send.
package struct RESPLimits: Sendable {
    /// A simple text, an error, a number: bytes.
    package var lineBytes = 64 << 10
    /// A blob: bytes. What Likewise keeps is below 1 KiB, INFO and CLUSTER SLOTS below 1 MiB.
    package var blobBytes = 8 << 20
    /// Parts of one aggregate (of a map: keys and values).
    package var elements = 1 << 20
    /// Aggregates inside of each other.
    package var depth = 16
    /// One answer with all of its parts: bytes.
    package var messageBytes = 64 << 20

    /// The usual bounds.
    package init() {}
}

/// Reads answers from what one connection receives.
package struct RESPDecoder {
    private enum Kind {
        case array, map, set, push, attribute
    }

    /// An aggregate that is not complete.
    private struct Frame {
        let kind: Kind
        var missing: Int
        var elements: [RedisValue]
    }

    /// What a mark and its line say.
    private enum Head {
        case value(RedisValue)
        case blob(length: Int, verbatim: Bool, error: Bool)
        case aggregate(Kind, count: Int)
    }

    private let limits: RESPLimits
    private var buffer: ByteBuffer?
    private var stack: [Frame] = []
    /// The blob whose line was read and whose bytes have not all come.
    private var blob: (length: Int, verbatim: Bool, error: Bool)?
    /// Bytes of a line that were searched for its end in vain.
    private var searched = 0
    /// Bytes of the present answer that were read.
    private var messageBytes = 0

    /// A decoder that has received nothing.
    package init(limits: RESPLimits = RESPLimits()) {
        self.limits = limits
    }

    /// Adds what was received.
    package mutating func append(_ received: ByteBuffer) {
        guard var held = buffer, held.readableBytes > 0 else {
            buffer = received
            return
        }
        // Taken out first, so that appending does not copy what only this decoder holds.
        buffer = nil
        held.discardReadBytes()
        var received = received
        held.writeBuffer(&received)
        buffer = held
    }

    /// The next complete answer; nil until more is received. After an error nothing more can be read.
    package mutating func next() throws(RESPError) -> RedisValue? {
        guard var bytes = buffer else { return nil }
        buffer = nil
        defer { buffer = bytes.readableBytes > 0 ? bytes : nil }
        while true {
            let before = bytes.readableBytes
            let part = try readPart(&bytes)
            messageBytes += before - bytes.readableBytes
            guard messageBytes <= limits.messageBytes else { throw .tooLarge(.message) }
            switch part {
            case .incomplete: return nil
            case .opened: continue
            case .value(let value):
                guard let answer = close(value) else { continue }
                messageBytes = 0
                return answer
            }
        }
    }

    private enum Part {
        case incomplete
        case opened
        case value(RedisValue)
    }

    private mutating func readPart(_ bytes: inout ByteBuffer) throws(RESPError) -> Part {
        if let (length, verbatim, error) = blob {
            return try readBlob(length: length, verbatim: verbatim, error: error, &bytes)
        }
        guard let length = try lineLength(in: bytes) else { return .incomplete }
        let head = try readHead(bytes, length: length)
        bytes.moveReaderIndex(forwardBy: length + 2)
        switch head {
        case .value(let value): return .value(value)
        case .blob(let length, let verbatim, let error):
            blob = (length, verbatim, error)
            return try readBlob(length: length, verbatim: verbatim, error: error, &bytes)
        case .aggregate(let kind, let count): return try open(kind, count: count)
        }
    }

    /// The length of the line at the front, without its end; nil where the end has not come.
    private mutating func lineLength(in bytes: ByteBuffer) throws(RESPError) -> Int? {
        let start = searched
        let limit = limits.lineBytes
        // 1 + the position of the line feed; 0: none; negative: a line feed without its carriage return.
        let found = bytes.withUnsafeReadableBytes { bytes -> Int in
            let end = min(bytes.count, limit + 2)
            var at = start
            while at < end {
                if bytes[at] == UInt8(ascii: "\n") {
                    return at > 1 && bytes[at - 1] == UInt8(ascii: "\r") ? at + 1 : -1
                }
                at += 1
            }
            return 0
        }
        if found > 0 {
            searched = 0
            return found - 2
        }
        guard found == 0 else { throw .badLineEnd }
        guard bytes.readableBytes < limit + 2 else { throw .tooLarge(.line) }
        searched = bytes.readableBytes
        return nil
    }

    private func readHead(_ bytes: ByteBuffer, length: Int) throws(RESPError) -> Head {
        let start = bytes.readerIndex
        guard let mark = bytes.getInteger(at: start, as: UInt8.self) else { throw .badLineEnd }
        let body = (at: start + 1, length: length - 1)
        switch mark {
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            let count = try readNumber(bytes, body)
            guard count >= 0 else {
                guard count == -1, mark == UInt8(ascii: "$") else { throw .badNumber }
                return .value(.null)
            }
            guard count <= Int64(limits.blobBytes) else { throw .tooLarge(.blob) }
            return .blob(length: Int(count), verbatim: mark == UInt8(ascii: "="), error: mark == UInt8(ascii: "!"))
        case UInt8(ascii: ":"): return .value(.integer(try readNumber(bytes, body)))
        case UInt8(ascii: "+"): return .value(.simple(slice(bytes, body)))
        case UInt8(ascii: "-"): return .value(Self.error(slice(bytes, body)))
        case UInt8(ascii: "_"):
            guard body.length == 0 else { throw .badNumber }
            return .value(.null)
        case UInt8(ascii: "#"): return .value(.boolean(try readBoolean(bytes, body)))
        case UInt8(ascii: ","): return .value(.double(try readDouble(bytes, body)))
        case UInt8(ascii: "("): return .value(.bigNumber(slice(bytes, body)))
        default: return try readAggregateHead(mark, bytes, body)
        }
    }

    private func readAggregateHead(
        _ mark: UInt8, _ bytes: ByteBuffer, _ body: (at: Int, length: Int)
    ) throws(RESPError) -> Head {
        let kind: Kind =
            switch mark {
            case UInt8(ascii: "*"): .array
            case UInt8(ascii: "%"): .map
            case UInt8(ascii: "~"): .set
            case UInt8(ascii: ">"): .push
            case UInt8(ascii: "|"): .attribute
            default: throw .unknownType(mark)
            }
        let count = try readNumber(bytes, body)
        if count == -1, kind == .array { return .value(.null) }
        guard count >= 0 else { throw .badNumber }
        let isPaired = kind == .map || kind == .attribute
        guard count <= Int64(isPaired ? limits.elements / 2 : limits.elements) else { throw .tooLarge(.elements) }
        return .aggregate(kind, count: Int(count) * (isPaired ? 2 : 1))
    }

    /// Begins an aggregate; one without parts is complete at once.
    private mutating func open(_ kind: Kind, count: Int) throws(RESPError) -> Part {
        if count == 0 {
            if kind == .attribute { return .opened }
            return .value(Self.aggregate(kind, []))
        }
        guard stack.count < limits.depth else { throw .tooLarge(.depth) }
        var frame = Frame(kind: kind, missing: count, elements: [])
        // The server's word for the number of parts is not reason enough to reserve memory without bound.
        frame.elements.reserveCapacity(min(count, 1_024))
        stack.append(frame)
        return .opened
    }

    /// Puts a value where it belongs; the answer where that completes it. Attributes are read and dropped.
    private mutating func close(_ value: RedisValue) -> RedisValue? {
        var value = value
        while let top = stack.indices.last {
            stack[top].elements.append(value)
            stack[top].missing -= 1
            guard stack[top].missing == 0 else { return nil }
            let frame = stack.removeLast()
            if frame.kind == .attribute { return nil }
            value = Self.aggregate(frame.kind, frame.elements)
        }
        return value
    }

    private static func aggregate(_ kind: Kind, _ elements: [RedisValue]) -> RedisValue {
        switch kind {
        case .array: .array(elements)
        case .map, .attribute: .map(elements)
        case .set: .set(elements)
        case .push: .push(elements)
        }
    }

    private mutating func readBlob(
        length: Int, verbatim: Bool, error: Bool, _ bytes: inout ByteBuffer
    ) throws(RESPError) -> Part {
        guard bytes.readableBytes >= length + 2 else { return .incomplete }
        let end = bytes.readerIndex + length
        guard bytes.getInteger(at: end, as: UInt16.self) == 0x0d0a, var text = bytes.readSlice(length: length) else {
            throw .badLineEnd
        }
        bytes.moveReaderIndex(forwardBy: 2)
        blob = nil
        if error { return .value(Self.error(text)) }
        // `txt:` or `mkd:`.
        if verbatim, length >= 4 { text.moveReaderIndex(forwardBy: 4) }
        return .value(.blob(text))
    }

    private func slice(_ bytes: ByteBuffer, _ body: (at: Int, length: Int)) -> ByteBuffer {
        bytes.getSlice(at: body.at, length: body.length) ?? ByteBuffer()
    }

    private static func error(_ line: ByteBuffer) -> RedisValue {
        let words = String(buffer: line).split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        return .error(code: String(words.first ?? ""), words: words.count > 1 ? String(words[1]) : "")
    }

    private func readNumber(_ bytes: ByteBuffer, _ body: (at: Int, length: Int)) throws(RESPError) -> Int64 {
        let offset = body.at - bytes.readerIndex
        let number = bytes.withUnsafeReadableBytes { Self.number($0, from: offset, count: body.length) }
        guard let number else { throw .badNumber }
        return number
    }

    /// The decimal number in `count` bytes; nil where it is none or does not fit 64 bits.
    private static func number(_ bytes: UnsafeRawBufferPointer, from start: Int, count: Int) -> Int64? {
        guard count > 0 else { return nil }
        let isNegative = bytes[start] == UInt8(ascii: "-")
        let first = isNegative || bytes[start] == UInt8(ascii: "+") ? 1 : 0
        guard count > first else { return nil }
        var number: Int64 = 0
        for at in (start + first)..<(start + count) {
            let digit = bytes[at] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (shifted, overflowed) = number.multipliedReportingOverflow(by: 10)
            // Gathered below zero, where there is room for the smallest number.
            let (next, overflowedToo) = shifted.subtractingReportingOverflow(Int64(digit))
            guard !overflowed, !overflowedToo else { return nil }
            number = next
        }
        if isNegative { return number }
        return number == .min ? nil : -number
    }

    private func readBoolean(_ bytes: ByteBuffer, _ body: (at: Int, length: Int)) throws(RESPError) -> Bool {
        switch (body.length, bytes.getInteger(at: body.at, as: UInt8.self)) {
        case (1, UInt8(ascii: "t")): return true
        case (1, UInt8(ascii: "f")): return false
        default: throw .badNumber
        }
    }

    private func readDouble(_ bytes: ByteBuffer, _ body: (at: Int, length: Int)) throws(RESPError) -> Double {
        // Reads `inf`, `-inf` and `nan` as well.
        guard let number = Double(String(buffer: slice(bytes, body))) else { throw .badNumber }
        return number
    }
}
