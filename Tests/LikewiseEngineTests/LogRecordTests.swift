import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Log record")
struct LogRecordTests {
    private func encode(
        _ header: LogBuffer.Header, content: [UInt8], user: [UInt8], extra: [UInt8] = []
    ) -> [UInt8] {
        var buffer = LogBuffer(capacity: 8)
        content.withUnsafeBytes { content in
            user.withUnsafeBytes { user in
                extra.withUnsafeBytes { buffer.append(header, content: content, user: user, extra: $0) }
            }
        }
        return Array(buffer.bytes)
    }

    private static let kinds: [LogRecordKind] = [
        .transition, .contentPut, .contentDeleted, .answer, .heldTransition,
    ]

    @Test("What is encoded comes back, at the bounds of every field too", arguments: kinds)
    func roundTrip(kind: LogRecordKind) {
        var random = SeededRandom(seed: 7)
        for size in [(0, 0, 0), (1, 1, 1), (2, 3, 32), (256, 128, 0), (256, 255, 65_535)] {
            let ids = (random.bytes(size.0), random.bytes(size.1), random.bytes(size.2))
            let header = LogBuffer.Header(
                kind: kind, sequence: random.next(), unsynced: UInt32(truncatingIfNeeded: random.next()),
                old: Reaction(rawValue: UInt8(random.below(65))), new: UInt8(random.below(2)),
                version: Version(reading: random.next(), region: UInt16(random.below(65_536))))
            let bytes = encode(header, content: ids.0, user: ids.1, extra: ids.2)
            #expect(bytes.count == LogRecord.headerBytes + size.0 + size.1 + size.2)
            bytes.withUnsafeBytes { p in
                guard let record = LogRecord(at: p) else {
                    Issue.record("a record of \(size) was not read")
                    return
                }
                #expect(record.kind == kind)
                #expect(record.sequence == header.sequence)
                #expect(record.unsynced == header.unsynced)
                #expect(record.old == header.old)
                #expect(record.new.rawValue == header.new)
                #expect(record.visibility.rawValue == header.new)
                #expect(record.version == header.version)
                #expect(Array(record.content) == ids.0)
                #expect(Array(record.user) == ids.1)
                #expect(Array(record.extra) == ids.2)
            }
        }
    }

    @Test("No record is read from bytes with any one bit turned over, nor from a part of them")
    func damage() {
        let header = LogBuffer.Header(
            kind: .transition, sequence: 5, unsynced: 1, old: .none, new: 1, version: Version(reading: 9, region: 2))
        var bytes = encode(header, content: Array("video-1".utf8), user: Array("user-1".utf8), extra: [1, 2, 3])
        let sound = bytes
        for i in bytes.indices {
            for bit in 0..<8 {
                bytes[i] ^= 1 << UInt8(bit)
                #expect(bytes.withUnsafeBytes { LogRecord(at: $0) == nil }, "byte \(i), bit \(bit)")
                bytes[i] ^= 1 << UInt8(bit)
            }
        }
        for count in 0..<sound.count {
            #expect(sound[..<count].withUnsafeBytes { LogRecord(at: $0) == nil })
        }
    }

    @Test("Records lie one behind the other in a buffer that grows")
    func buffer() {
        var buffer = LogBuffer(capacity: 16)
        for sequence in 1...100 as ClosedRange<UInt64> {
            let header = LogBuffer.Header(
                kind: .transition, sequence: sequence, unsynced: 0, version: Version(reading: sequence, region: 0))
            Array("content-\(sequence)".utf8).withUnsafeBytes { id in
                buffer.append(header, content: id, user: id, extra: UnsafeRawBufferPointer(start: nil, count: 0))
            }
        }
        #expect(buffer.records == 100)
        var at = 0
        var expected: UInt64 = 1
        while let record = LogRecord(at: UnsafeRawBufferPointer(rebasing: buffer.bytes[at...])) {
            #expect(record.sequence == expected)
            #expect(Array(record.user) == Array("content-\(expected)".utf8))
            at += record.bytes.count
            expected += 1
        }
        #expect(at == buffer.count && expected == 101)
        buffer.removeAll()
        #expect(buffer.count == 0 && buffer.records == 0)
    }

    @Test("A segment's name says its first sequence in twenty digits, and other files are none")
    func segmentNames() {
        for sequence in [1, 42, UInt64.max] {
            #expect(SegmentHeader.sequence(inName: SegmentHeader.fileName(sequence)) == sequence)
        }
        let names = [
            "+0000000000000000001.log", "-0000000000000000001.log", "0000000000000000001.log",
            "99999999999999999999.log",
            "00000000000000000001.tmp", "0000000000000000000\u{e9}.log",
        ]
        for name in names { #expect(SegmentHeader.sequence(inName: name) == nil, "\(name)") }
    }
}
