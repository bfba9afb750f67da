// The record of the event log, as bytes. All integers are little-endian.
//
//   offset size
//        0    4  length of the whole record in bytes
//        4    4  CRC-32C of bytes 8 ..< length
//        8    8  sequence: 1 for a shard's first record, then one more each
//       16    4  unsynced: how many records right before this one were not known to be durable when it was written
//       20    1  kind
//       21    1  old reaction        (transition); the upper bit set: held back
//       22    1  new reaction        (transition), likewise; visibility (content)
//       23    1  length of the user id, or of the idempotency key
//       24    8  clock reading; for an answer, when it expires (ms since 1970)
//       32    2  region
//       34    2  length of the content id
//       36    2  length of the extra bytes: content type, or an answer's payload
//       38    2  reserved, 0
//       40       content id, user id (or key), extra
//
// `unsynced` is what tells a torn tail from damage: a record that was synced before a later one was written cannot have
// been torn by the crash that ended the log, so if the later one is there and the earlier one is not, the file was
// harmed afterwards.

import CPlatform
package import LikewiseCore

/// What a log record says.
package enum LogRecordKind: UInt8, Sendable {
    /// A register changed. Extra: the content's type, where this like is the first to say it.
    case transition = 1
    /// The operator registered a content. Extra: its type.
    case contentPut = 2
    /// A content was deleted with all its likes of an earlier version.
    case contentDeleted = 3
    /// The first answer to a write with an idempotency key. Extra: a fingerprint of 8 bytes, then the answer.
    case answer = 4
    /// A transition into, out of or between reactions that are held back. A kind of its own, so that a version that does
    /// not know of them says so instead of counting them.
    case heldTransition = 5

    /// The kind of a transition's record.
    @inline(__always)
    package static func of(_ transition: Transition) -> LogRecordKind {
        of(old: transition.old, new: transition.new)
    }

    /// The kind of the record of a transition from `old` to `new`.
    @inline(__always)
    package static func of(old: Reaction, new: Reaction) -> LogRecordKind {
        old.isHeld || new.isHeld ? .heldTransition : .transition
    }

    /// Whether the record says that a register changed.
    package var isTransition: Bool { self == .transition || self == .heldTransition }
}

/// A record in a buffer; valid as long as the buffer is.
package struct LogRecord {
    package static let headerBytes = 40
    /// The longest record: every field at its limit.
    package static let maxBytes = headerBytes + IDRules.contentBytes + 255 + 65_535

    /// The whole record.
    package let bytes: UnsafeRawBufferPointer

    private func load<T: FixedWidthInteger>(_ offset: Int, as type: T.Type) -> T {
        T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }

    package var sequence: UInt64 { load(8, as: UInt64.self) }
    package var unsynced: UInt32 { load(16, as: UInt32.self) }
    package var old: Reaction { Reaction(rawValue: bytes[21]) }
    package var new: Reaction { Reaction(rawValue: bytes[22]) }
    package var visibility: ContentDescription.Visibility { .init(rawValue: bytes[22]) ?? .public }
    package var version: Version {
        Version(reading: load(24, as: UInt64.self), region: load(32, as: UInt16.self))
    }
    private var contentLength: Int { Int(load(34, as: UInt16.self)) }
    private var userLength: Int { Int(bytes[23]) }

    package var content: UnsafeRawBufferPointer { slice(LogRecord.headerBytes, contentLength) }
    package var user: UnsafeRawBufferPointer { slice(LogRecord.headerBytes + contentLength, userLength) }
    package var extra: UnsafeRawBufferPointer {
        let start = LogRecord.headerBytes + contentLength + userLength
        return slice(start, bytes.count - start)
    }

    /// nil for a kind that this version does not know.
    package var kind: LogRecordKind? { LogRecordKind(rawValue: bytes[20]) }

    private func slice(_ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)])
    }

    /// The record at the start of `buffer`, or nil where there is none whole and sound.
    package init?(at buffer: UnsafeRawBufferPointer) {
        guard let length = LogRecord.plausibleLength(buffer), length <= buffer.count else { return nil }
        self.init(checking: UnsafeRawBufferPointer(rebasing: buffer[0..<length]))
    }

    private init?(checking bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        let inner = UnsafeRawBufferPointer(rebasing: bytes[8...])
        guard likewise_crc32c(0, inner.baseAddress, inner.count) == load(4, as: UInt32.self) else { return nil }
        let extraLength = Int(load(36, as: UInt16.self))
        guard LogRecord.headerBytes + contentLength + userLength + extraLength == bytes.count else { return nil }
    }

    /// The length that the record at the start of `buffer` claims, where a record can have it.
    package static func plausibleLength(_ buffer: UnsafeRawBufferPointer) -> Int? {
        guard buffer.count >= headerBytes else { return nil }
        let length = Int(UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: 0, as: UInt32.self)))
        return length >= headerBytes && length <= maxBytes ? length : nil
    }
}

/// The log records of one batch, encoded one behind the other, before they are appended.
package struct LogBuffer: ~Copyable {
    private var storage: UnsafeMutableRawPointer
    private var capacity: Int
    /// Bytes.
    package private(set) var count = 0
    /// Records.
    package private(set) var records = 0

    package init(capacity: Int = 1 << 16) {
        storage = resizedBlock(nil, from: 0, to: capacity)
        self.capacity = capacity
    }

    deinit { likewise_free_block(storage, capacity) }

    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage, count: count) }

    package mutating func removeAll() {
        count = 0
        records = 0
    }

    /// A record's fields, its ids aside.
    package struct Header {
        package var kind: LogRecordKind
        package var sequence: UInt64
        package var unsynced: UInt32
        package var old: Reaction = .none
        /// The new reaction; for `contentPut` the visibility's code.
        package var new: UInt8 = 0
        package var version: Version

        package init(
            kind: LogRecordKind, sequence: UInt64, unsynced: UInt32, old: Reaction = .none, new: UInt8 = 0,
            version: Version
        ) {
            self.kind = kind
            self.sequence = sequence
            self.unsynced = unsynced
            self.old = old
            self.new = new
            self.version = version
        }
    }

    /// Encodes a record. Bounds: content ≤ 256 bytes, user (or key) ≤ 255, extra ≤ 65,535.
    @inline(__always)
    package mutating func append(
        _ header: Header, content: UnsafeRawBufferPointer, user: UnsafeRawBufferPointer, extra: UnsafeRawBufferPointer
    ) {
        let length = LogRecord.headerBytes + content.count + user.count + extra.count
        if count + length > capacity { grow(by: length) }
        let p = storage + count
        p.storeBytes(of: UInt32(length).littleEndian, as: UInt32.self)
        p.storeBytes(of: header.sequence.littleEndian, toByteOffset: 8, as: UInt64.self)
        p.storeBytes(of: header.unsynced.littleEndian, toByteOffset: 16, as: UInt32.self)
        p.storeBytes(of: header.kind.rawValue, toByteOffset: 20, as: UInt8.self)
        p.storeBytes(of: header.old.rawValue, toByteOffset: 21, as: UInt8.self)
        p.storeBytes(of: header.new, toByteOffset: 22, as: UInt8.self)
        p.storeBytes(of: UInt8(user.count), toByteOffset: 23, as: UInt8.self)
        p.storeBytes(of: header.version.reading.littleEndian, toByteOffset: 24, as: UInt64.self)
        p.storeBytes(of: header.version.region.littleEndian, toByteOffset: 32, as: UInt16.self)
        p.storeBytes(of: UInt16(content.count).littleEndian, toByteOffset: 34, as: UInt16.self)
        p.storeBytes(of: UInt16(extra.count).littleEndian, toByteOffset: 36, as: UInt16.self)
        p.storeBytes(of: 0, toByteOffset: 38, as: UInt16.self)
        var at = p + LogRecord.headerBytes
        if let base = content.baseAddress { at.copyMemory(from: base, byteCount: content.count) }
        at += content.count
        if let base = user.baseAddress { at.copyMemory(from: base, byteCount: user.count) }
        at += user.count
        if let base = extra.baseAddress { at.copyMemory(from: base, byteCount: extra.count) }
        p.storeBytes(of: likewise_crc32c(0, p + 8, length - 8).littleEndian, toByteOffset: 4, as: UInt32.self)
        count += length
        records += 1
    }

    @inline(never)
    private mutating func grow(by length: Int) {
        let wanted = max(capacity * 2, count + length)
        storage = resizedBlock(storage, from: capacity, to: wanted)
        capacity = wanted
    }
}
