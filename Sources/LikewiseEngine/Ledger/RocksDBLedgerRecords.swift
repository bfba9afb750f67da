// How `RocksDBLedger` writes its values, and reads them back. A value that cannot be read is damage.

import LikewiseCore

extension LedgerKey {
    @inline(__always)
    mutating func setRegister(_ register: Register) {
        clear()
        append(register.reaction.rawValue)
        append(register.version.reading)
        append(register.version.region)
    }

    /// Number, deletion, description, then every count that is not zero.
    mutating func setContent(_ content: LedgerContent) {
        clear()
        append(content.key)
        append(content.deleted.reading)
        append(content.deleted.region)
        append(content.description.visibility.rawValue)
        append(content.description.registered ? 1 : 0 as UInt8)
        append(UInt16(content.description.type.count))
        append(content.description.type)
        for (reaction, count) in content.tally.held {
            append(reaction.rawValue)
            append(count)
        }
    }

    mutating func setNumber(_ number: UInt64) {
        clear()
        append(number)
    }

    /// What there is once: the format, the clock, the next content's number, the names of the reactions.
    static let format = Array("format".utf8)
    static let clock = Array("clock".utf8)
    static let nextContent = Array("next-content".utf8)
    static let reactionNames = Array("reactions".utf8)
}

extension LedgerBytes {
    @inline(__always)
    static func register(_ value: UnsafeRawBufferPointer) -> Register? {
        var bytes = LedgerBytes(value)
        let reaction = bytes.reaction()
        let register = Register(version: bytes.version(), reaction: reaction)
        return bytes.isSound ? register : nil
    }

    static func content(_ value: UnsafeRawBufferPointer) -> LedgerContent? {
        var bytes = LedgerBytes(value)
        let key: Int64 = bytes.number()
        let deleted = bytes.version()
        let visibility = ContentDescription.Visibility(rawValue: bytes.number())
        let registered: UInt8 = bytes.number()
        let type = Array(bytes.take(Int(bytes.number(UInt16.self))))
        guard bytes.isSound, let visibility else { return nil }
        var content = LedgerContent(
            key: key,
            description: ContentDescription(type: type, visibility: visibility, registered: registered != 0),
            tally: Tally(), deleted: deleted)
        while bytes.count > 0 {
            let reaction = bytes.reaction()
            let count: UInt64 = bytes.number()
            guard bytes.isSound, reaction.counted != .none, let count = Int64(exactly: count) else { return nil }
            guard content.tally.count(of: reaction) == 0 else { return nil }
            content.tally.add(count, to: reaction)
        }
        return content
    }

    static func number(_ value: UnsafeRawBufferPointer) -> UInt64? {
        var bytes = LedgerBytes(value)
        let number: UInt64 = bytes.number()
        return bytes.isSound ? number : nil
    }

    static func answer(key: [UInt8], _ value: UnsafeRawBufferPointer) -> StoredAnswer? {
        var bytes = LedgerBytes(value)
        let answer = StoredAnswer(
            key: key, fingerprint: bytes.number(), expires: bytes.number(), payload: Array(bytes.takeRest()))
        return bytes.isSound ? answer : nil
    }

    static func trend(key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> TrendBucket? {
        var bytes = LedgerBytes(key, from: 1)
        var bucket = TrendBucket(start: bytes.number(), length: bytes.number(), entries: [])
        guard bytes.isSound else { return nil }
        var rest = LedgerBytes(value)
        while rest.count > 0 {
            let gained: Int64 = rest.number()
            let length: UInt16 = rest.number()
            bucket.entries.append(TrendBucket.Entry(content: Array(rest.take(Int(length))), gained: gained))
            guard rest.isSound else { return nil }
        }
        return bucket
    }
}

extension StoredAnswer {
    /// As the ledger keeps it under its key.
    var ledgerValue: [UInt8] {
        var value = fingerprint.bigEndianBytes
        value += expires.bigEndianBytes
        value += payload
        return value
    }
}

extension TrendBucket {
    /// As the ledger keeps it under its start and length.
    var ledgerValue: [UInt8] {
        var value: [UInt8] = []
        for entry in entries {
            value += UInt64(bitPattern: entry.gained).bigEndianBytes
            value += UInt64(entry.content.count).bigEndianBytes.suffix(2)
            value += entry.content
        }
        return value
    }

    var ledgerKey: LedgerKey {
        var key = LedgerKey(.trend)
        key.append(start)
        key.append(length)
        return key
    }
}

extension UInt64 {
    fileprivate var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
