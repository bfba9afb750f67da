// JSON, appended to bytes.
//
// A writer needs no stack: whether a comma is due is known from what was written last, a value or an opening bracket.
// It does not hold callers to one object per body; what it does promise is that every string it writes is valid JSON,
// also where the bytes handed in are not UTF-8. Field names are literals of this project and need no escape.

/// Writes one JSON value, piece by piece.
package struct JSONWriter: ~Copyable {
    private var bytes: GrowingBytes
    /// Whether a value is the last thing written, so that a comma comes before the next.
    private var needsComma = false

    /// A writer with nothing written, and room for `capacity` bytes; it grows.
    package init(capacity: Int = 256) {
        bytes = GrowingBytes(capacity: capacity)
    }

    /// What `build` writes.
    package static func bytes<Failure: Error>(
        _ build: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) -> [UInt8] {
        var writer = JSONWriter()
        try build(&writer)
        return writer.withBytes { Array($0) }
    }

    /// How many bytes were written.
    package var count: Int { bytes.count }

    /// What was written, valid until `use` returns.
    package func withBytes<Result, Failure: Error>(
        _ use: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try bytes.withBytes(use)
    }

    /// Forgets what was written and keeps the room, for the next value.
    package mutating func removeAll() {
        bytes.removeAll()
        needsComma = false
    }

    // MARK: Structure

    /// An object; `fields` writes what is in it.
    @inlinable
    package mutating func object<Failure: Error>(
        _ fields: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        open(UInt8(ascii: "{"))
        try fields(&self)
        close(UInt8(ascii: "}"))
    }

    /// A list; `entries` writes what is in it.
    @inlinable
    package mutating func list<Failure: Error>(
        _ entries: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        open(UInt8(ascii: "["))
        try entries(&self)
        close(UInt8(ascii: "]"))
    }

    @usableFromInline
    package mutating func open(_ bracket: UInt8) {
        separate()
        bytes.put(bracket)
        needsComma = false
    }

    @usableFromInline
    package mutating func close(_ bracket: UInt8) {
        bytes.put(bracket)
        needsComma = true
    }

    /// A field's name; its value comes next.
    package mutating func name(_ name: StaticString) {
        separate()
        bytes.put(UInt8(ascii: "\""))
        bytes.put(name)
        bytes.put(UInt8(ascii: "\""))
        bytes.put(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A field's name that is not known before the program runs, such as a reaction's; its value comes next.
    package mutating func name(_ name: String) {
        string(name)
        bytes.put(UInt8(ascii: ":"))
        needsComma = false
    }

    @inline(__always)
    private mutating func separate() {
        if needsComma { bytes.put(UInt8(ascii: ",")) }
        needsComma = true
    }

    // MARK: Values

    /// A string.
    package mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { string(UnsafeRawBufferPointer($0)) }
    }

    /// A string, from UTF-8. Bytes that are not UTF-8 become U+FFFD, one for each.
    package mutating func string(_ value: UnsafeRawBufferPointer) {
        separate()
        let plainEnd = ByteRuns.plainEnd(value, from: 0, to: value.count)
        guard plainEnd == value.count else { return stringWithCare(value, plainEnd: plainEnd) }
        bytes.put(UInt8(ascii: "\""))
        bytes.put(value)
        bytes.put(UInt8(ascii: "\""))
    }

    /// Appends a string in which something at `plainEnd` must be escaped or looked at.
    @inline(never)
    private mutating func stringWithCare(_ value: UnsafeRawBufferPointer, plainEnd: Int) {
        bytes.put(UInt8(ascii: "\""))
        var at = 0
        var plainEnd = plainEnd
        while true {
            bytes.put(UnsafeRawBufferPointer(rebasing: value[at..<plainEnd]))
            at = plainEnd
            guard at < value.count else { break }
            at += value[at] < 0x80 ? escape(value[at]) : sequence(value, at: at)
            plainEnd = ByteRuns.plainEnd(value, from: at, to: value.count)
        }
        bytes.put(UInt8(ascii: "\""))
    }

    /// A whole number.
    package mutating func number(_ value: UInt64) {
        separate()
        bytes.put(decimal: value)
    }

    /// A whole number.
    package mutating func number(_ value: Int) {
        separate()
        if value < 0 { bytes.put(UInt8(ascii: "-")) }
        bytes.put(decimal: UInt64(value.magnitude))
    }

    /// `true` or `false`.
    package mutating func boolean(_ value: Bool) {
        word(value ? "true" : "false")
    }

    /// `null`.
    package mutating func null() {
        word("null")
    }

    private mutating func word(_ word: StaticString) {
        separate()
        bytes.put(word)
    }

    /// Appends the ASCII byte, which is a quote, a backslash or a control character, escaped; answers 1.
    private mutating func escape(_ byte: UInt8) -> Int {
        bytes.put(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.put(UInt8(ascii: "b"))
        case 0x09: bytes.put(UInt8(ascii: "t"))
        case 0x0a: bytes.put(UInt8(ascii: "n"))
        case 0x0c: bytes.put(UInt8(ascii: "f"))
        case 0x0d: bytes.put(UInt8(ascii: "r"))
        case 0..<0x20:
            bytes.put("u00" as StaticString)
            bytes.put(UInt8(ascii: "0") + byte >> 4)
            bytes.put(byte & 15 < 10 ? UInt8(ascii: "0") + byte & 15 : UInt8(ascii: "a") + (byte & 15) - 10)
        default: bytes.put(byte)
        }
        return 1
    }

    /// Appends the UTF-8 sequence at `at`, or U+FFFD for the first byte of what is none; answers how many were read.
    private mutating func sequence(_ value: UnsafeRawBufferPointer, at: Int) -> Int {
        let length = ByteRuns.sequenceLength(value, at: at, end: value.count)
        guard length > 0 else {
            bytes.put("\u{fffd}" as StaticString)
            return 1
        }
        bytes.put(UnsafeRawBufferPointer(rebasing: value[at..<at + length]))
        return length
    }
}

// MARK: Fields

extension JSONWriter {
    /// A field that is a string.
    package mutating func field(_ name: StaticString, _ value: String) {
        self.name(name)
        string(value)
    }

    /// A field that is a string, from UTF-8.
    package mutating func field(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        self.name(name)
        string(value)
    }

    /// A field that is a string, from UTF-8.
    package mutating func field(_ name: StaticString, utf8 value: [UInt8]) {
        self.name(name)
        value.withUnsafeBytes { string($0) }
    }

    /// A field that is a whole number.
    package mutating func field(_ name: StaticString, _ value: UInt64) {
        self.name(name)
        number(value)
    }

    /// A field that is a whole number.
    package mutating func field(_ name: StaticString, _ value: Int) {
        self.name(name)
        number(value)
    }

    /// A field that is a number, as exact as it is; `null` where it is none that JSON has.
    package mutating func field(_ name: StaticString, decimal value: Double) {
        self.name(name)
        separate()
        let text =
            value.isFinite ? value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)" : "null"
        for byte in text.utf8 { bytes.put(byte) }
    }

    /// A field that is `true` or `false`.
    package mutating func field(_ name: StaticString, _ value: Bool) {
        self.name(name)
        boolean(value)
    }

    /// A field `display`: `count`, short for people (`Display`).
    package mutating func field(_ name: StaticString, display count: UInt64) {
        self.name(name)
        separate()
        bytes.put(UInt8(ascii: "\""))
        Display.append(count, to: &bytes)
        bytes.put(UInt8(ascii: "\""))
    }

    /// A field that is a moment, milliseconds since 1970 (`Timestamp`).
    package mutating func field(_ name: StaticString, moment milliseconds: UInt64) {
        self.name(name)
        separate()
        bytes.put(UInt8(ascii: "\""))
        Timestamp.append(milliseconds: milliseconds, to: &bytes)
        bytes.put(UInt8(ascii: "\""))
    }

    /// A field that is an object; `fields` writes what is in it.
    @inlinable
    package mutating func field<Failure: Error>(
        _ name: StaticString, object fields: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        self.name(name)
        try object(fields)
    }

    /// A field that is a list; `entries` writes what is in it.
    @inlinable
    package mutating func field<Failure: Error>(
        _ name: StaticString, list entries: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        self.name(name)
        try list(entries)
    }
}
