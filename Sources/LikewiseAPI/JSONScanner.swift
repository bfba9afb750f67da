// A scanner for JSON (RFC 8259) over bytes that someone else keeps, without allocation.
//
// It goes forward only and builds nothing: a caller steps through an object's fields and a list's entries, takes the
// strings it knows as ranges of the input, and has the rest skipped. What is skipped is checked as strictly as what
// is taken, so that one body is valid or not for every call, and no later reader of the same bytes can see something
// else in them. Strict means: strings are UTF-8, an escaped surrogate has its other half, numbers have JSON's form, no
// byte order mark, nothing after the value, and at most `depthLimit` levels, so that recursion has a bound.
//
// Strings are the most of a body; they are passed eight bytes at a time (`ByteRuns`).

/// A string in the input, checked: the range between its quotes.
package struct JSONString: Equatable, Sendable {
    package let start: Int
    package let end: Int
    /// Whether there is an escape between the quotes, so that the bytes are not yet the string.
    package let hasEscapes: Bool

    @inlinable
    package var count: Int { end - start }
}

/// Where a scanner is in one value.
package struct JSONScanner {
    /// Objects and lists within each other, the outermost counted.
    package static let depthLimit = 32

    private let bytes: UnsafeRawBufferPointer
    private let end: Int
    /// The offset of the byte that is looked at next.
    package private(set) var at = 0
    private var depth = 0

    /// A scanner at the beginning of `input`, which must outlive it.
    package init(_ input: UnsafeRawBufferPointer) {
        bytes = input
        end = input.count
    }

    /// Throws unless `input` is one JSON value and nothing else.
    package static func check(_ input: UnsafeRawBufferPointer) throws(BodyProblem) {
        var scanner = JSONScanner(input)
        try scanner.skipValue()
        try scanner.finish()
    }

    // MARK: Structure

    /// The first byte of the next token, or 0 (which begins none) at the end.
    @inline(__always)
    package mutating func peek() -> UInt8 {
        while at < end {
            let byte = current
            guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return byte }
            at += 1
        }
        return 0
    }

    /// Steps into the object or list that begins here: `opening` is `{` or `[`, and is what `peek` answered.
    @inline(__always)
    package mutating func enter(_ opening: UInt8) throws(BodyProblem) {
        guard peek() == opening else { throw unexpected() }
        guard depth < Self.depthLimit else { throw .syntax(.tooDeep, at: at) }
        depth += 1
        at += 1
    }

    /// The next field's name in the object that was entered, or nil at its end, which is then behind the scanner. The
    /// caller takes or skips the value before it asks again.
    @inline(__always)
    package mutating func nextField(first: inout Bool) throws(BodyProblem) -> JSONString? {
        guard try nextItem(first: &first, closing: UInt8(ascii: "}")) else { return nil }
        let name = try takeString()
        guard peek() == UInt8(ascii: ":") else { throw unexpected() }
        at += 1
        return name
    }

    /// Whether there is a next entry in the list that was entered; if not, its end is behind the scanner. The caller
    /// takes or skips the entry before it asks again.
    @inline(__always)
    package mutating func nextEntry(first: inout Bool) throws(BodyProblem) -> Bool {
        try nextItem(first: &first, closing: UInt8(ascii: "]"))
    }

    @inline(__always)
    private mutating func nextItem(first: inout Bool, closing: UInt8) throws(BodyProblem) -> Bool {
        let byte = peek()
        if byte == closing {
            at += 1
            depth -= 1
            return false
        }
        if first {
            first = false
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw unexpected() }
        at += 1
        return true
    }

    /// Throws unless only white space is left.
    package mutating func finish() throws(BodyProblem) {
        _ = peek()
        if at < end { throw .syntax(.trailingBytes, at: at) }
    }

    // MARK: Values

    /// Passes the value that begins here, whatever it is.
    package mutating func skipValue() throws(BodyProblem) {
        switch peek() {
        case UInt8(ascii: "\""): _ = try takeString()
        case UInt8(ascii: "{"):
            try enter(UInt8(ascii: "{"))
            var first = true
            while try nextField(first: &first) != nil { try skipValue() }
        case UInt8(ascii: "["):
            try enter(UInt8(ascii: "["))
            var first = true
            while try nextEntry(first: &first) { try skipValue() }
        case UInt8(ascii: "t"): try skipWord("true")
        case UInt8(ascii: "f"): try skipWord("false")
        case UInt8(ascii: "n"): try skipWord("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try skipNumber()
        default: throw unexpected()
        }
    }

    private mutating func skipWord(_ word: StaticString) throws(BodyProblem) {
        for i in 0..<word.utf8CodeUnitCount {
            guard at < end, current == word.utf8Start[i] else { throw unexpected() }
            at += 1
        }
    }

    private mutating func skipNumber() throws(BodyProblem) {
        if current == UInt8(ascii: "-") { at += 1 }
        if at < end, current == UInt8(ascii: "0") {
            at += 1
            if at < end, isDigit(current) { throw .syntax(.badNumber, at: at) }
        } else {
            try skipDigits()
        }
        if at < end, current == UInt8(ascii: ".") {
            at += 1
            try skipDigits()
        }
        if at < end, current | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < end, current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { at += 1 }
            try skipDigits()
        }
    }

    /// Passes one digit or more.
    private mutating func skipDigits() throws(BodyProblem) {
        guard at < end else { throw .syntax(.unexpectedEnd, at: at) }
        guard isDigit(current) else { throw .syntax(.badNumber, at: at) }
        repeat { at += 1 } while at < end && isDigit(current)
    }

    @inline(__always)
    private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    // MARK: Strings

    /// Passes the string that begins here and answers where it is.
    @inline(__always)
    package mutating func takeString() throws(BodyProblem) -> JSONString {
        guard peek() == UInt8(ascii: "\"") else { throw unexpected() }
        let start = at + 1
        at = ByteRuns.plainEnd(bytes, from: start, to: end)
        if at < end, current == UInt8(ascii: "\"") {
            at += 1
            return JSONString(start: start, end: at - 1, hasEscapes: false)
        }
        return try takeStringWithCare(from: start)
    }

    /// The rest of a string that is not plain ASCII; `at` is on the first byte that is not.
    @inline(never)
    private mutating func takeStringWithCare(from start: Int) throws(BodyProblem) -> JSONString {
        var hasEscapes = false
        while at < end {
            switch current {
            case UInt8(ascii: "\""):
                at += 1
                return JSONString(start: start, end: at - 1, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try skipEscape()
            case 0x80...:
                let length = ByteRuns.sequenceLength(bytes, at: at, end: end)
                guard length > 0 else { throw .syntax(.notUTF8, at: at) }
                at += length
            default: throw .syntax(.controlCharacter, at: at)
            }
            at = ByteRuns.plainEnd(bytes, from: at, to: end)
        }
        throw .syntax(.unexpectedEnd, at: at)
    }

    private mutating func skipEscape() throws(BodyProblem) {
        let escape = at
        guard end - at >= 2 else { throw .syntax(.unexpectedEnd, at: end) }
        switch bytes[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"):
            let unit = try codeUnit(at: at)
            at += 6
            if unit & 0xfc00 == 0xdc00 { throw .syntax(.loneSurrogate, at: escape) }
            guard unit & 0xfc00 == 0xd800 else { return }
            guard at < end else { throw .syntax(.unexpectedEnd, at: at) }
            guard current == UInt8(ascii: "\\") else { throw .syntax(.loneSurrogate, at: escape) }
            guard end - at >= 2 else { throw .syntax(.unexpectedEnd, at: end) }
            guard bytes[at + 1] == UInt8(ascii: "u"),
                try codeUnit(at: at) & 0xfc00 == 0xdc00
            else { throw .syntax(.loneSurrogate, at: escape) }
            at += 6
        default: throw .syntax(.badEscape, at: escape)
        }
    }

    /// The UTF-16 code unit of the `\uXXXX` at `offset`.
    private func codeUnit(at offset: Int) throws(BodyProblem) -> UInt16 {
        var unit: UInt16 = 0
        for i in offset + 2..<offset + 6 {
            guard i < end else { throw .syntax(.unexpectedEnd, at: end) }
            let byte = bytes[i]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw .syntax(.badEscape, at: offset)
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    /// Appends `string`, which this scanner took, to `buffer` with its escapes resolved.
    package func unescape(_ string: JSONString, into buffer: inout [UInt8]) throws(BodyProblem) {
        var at = string.start
        while at < string.end {
            let byte = bytes[at]
            guard byte == UInt8(ascii: "\\") else {
                buffer.append(byte)
                at += 1
                continue
            }
            let escape = bytes[at + 1]
            switch escape {
            case UInt8(ascii: "b"): buffer.append(0x08)
            case UInt8(ascii: "f"): buffer.append(0x0c)
            case UInt8(ascii: "n"): buffer.append(0x0a)
            case UInt8(ascii: "r"): buffer.append(0x0d)
            case UInt8(ascii: "t"): buffer.append(0x09)
            case UInt8(ascii: "u"):
                var scalar = UInt32(try codeUnit(at: at))
                if scalar & 0xfc00 == 0xd800 {
                    at += 6
                    scalar = 0x1_0000 + (scalar & 0x3ff) << 10 + UInt32(try codeUnit(at: at) & 0x3ff)
                }
                guard let scalar = Unicode.Scalar(scalar), let encoded = UTF8.encode(scalar) else {
                    throw .syntax(.loneSurrogate, at: at)
                }
                buffer.append(contentsOf: encoded)
                at += 4
            default: buffer.append(escape)
            }
            at += 2
        }
    }

    // MARK: Reading

    /// The byte at `at`, which is before the end.
    @inline(__always)
    private var current: UInt8 { bytes[at] }

    /// What to throw where the byte here cannot be: the end came, or something else did.
    private func unexpected() -> BodyProblem {
        .syntax(at < end ? .unexpectedByte : .unexpectedEnd, at: at)
    }

    /// Whether the bytes from `offset` on are `text`, of at most 16 bytes; the caller knows that there are as many. The
    /// two words that are compared overlap where `text` is shorter than both.
    @inline(__always)
    func equals(_ text: StaticString, at offset: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        assert(count <= 16, "two words do not cover \(count) bytes")
        let text = UnsafeRawPointer(text.utf8Start)
        func same<Word: FixedWidthInteger & BitwiseCopyable>(_ word: Word.Type, _ i: Int) -> Bool {
            bytes.loadUnaligned(fromByteOffset: offset + i, as: word) == text.loadUnaligned(fromByteOffset: i, as: word)
        }
        if count >= 8 { return same(UInt64.self, 0) && same(UInt64.self, count - 8) }
        if count >= 4 { return same(UInt32.self, 0) && same(UInt32.self, count - 4) }
        for i in 0..<count where !same(UInt8.self, i) { return false }
        return true
    }
}
