// The first 4,096 bytes of a segment file. Each segment can be read by itself: the header says whose it is, where its
// records begin to count, and what the reaction codes in them mean.
//
//   offset size
//        0    8  "LIKEWLOG"
//        8    4  format, 1
//       12    4  CRC-32C of bytes 16 ..< 4096
//       16    2  shard
//       18    2  region
//       20    2  shards that the node had when the segment was made
//       22    2  reserved, 0
//       24    8  sequence of the first record
//       32    8  when the file was made, ms since 1970
//       40    2  length of the reaction names
//       42       reaction names by code, separated by line feeds; zeros up to 4,096

import CPlatform
import LikewiseCore

/// Whose segment it is, and what its records mean.
package struct SegmentHeader: Equatable {
    package static let bytes = 4096
    static let magic: [UInt8] = Array("LIKEWLOG".utf8)
    static let format: UInt32 = 1

    package var shard: UInt16
    package var region: UInt16
    /// Shards that the node had when the segment was made.
    package var shards: UInt16
    package var firstSequence: UInt64
    /// Milliseconds since 1970.
    package var created: UInt64
    /// The reactions' names by code.
    package var reactions: [String]

    /// The name of the segment that begins with record `sequence`: sorted by name is sorted by sequence.
    package static func fileName(_ sequence: UInt64) -> String {
        let digits = String(sequence)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".log"
    }

    /// The first sequence in a segment's name; nil for other files.
    package static func sequence(inName name: String) -> UInt64? {
        guard name.utf8.count == 24, name.hasSuffix(".log") else { return nil }
        let digits = name.dropLast(4)
        // A sign would be taken for part of a number.
        guard digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
        return UInt64(digits)
    }

    /// The first bytes of the segment's file.
    package func encoded() -> [UInt8] {
        var out = [UInt8](repeating: 0, count: SegmentHeader.bytes)
        let names = Array(reactions.joined(separator: "\n").utf8)
        out.withUnsafeMutableBytes { p in
            p.copyBytes(from: SegmentHeader.magic)
            p.storeBytes(of: SegmentHeader.format.littleEndian, toByteOffset: 8, as: UInt32.self)
            p.storeBytes(of: shard.littleEndian, toByteOffset: 16, as: UInt16.self)
            p.storeBytes(of: region.littleEndian, toByteOffset: 18, as: UInt16.self)
            p.storeBytes(of: shards.littleEndian, toByteOffset: 20, as: UInt16.self)
            p.storeBytes(of: firstSequence.littleEndian, toByteOffset: 24, as: UInt64.self)
            p.storeBytes(of: created.littleEndian, toByteOffset: 32, as: UInt64.self)
            p.storeBytes(of: UInt16(names.count).littleEndian, toByteOffset: 40, as: UInt16.self)
            UnsafeMutableRawBufferPointer(rebasing: p[42...]).copyBytes(from: names)
            let inner = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(p)[16...])
            let crc = likewise_crc32c(0, inner.baseAddress, inner.count)
            p.storeBytes(of: crc.littleEndian, toByteOffset: 12, as: UInt32.self)
        }
        return out
    }

    /// Why bytes are no header.
    package enum Problem: Error {
        /// Not a header, or not whole.
        case unsound
        /// Written by a later version of Likewise.
        case newerFormat(UInt32)
    }

    /// A header of its parts.
    package init(
        shard: UInt16, region: UInt16, shards: UInt16, firstSequence: UInt64, created: UInt64, reactions: [String]
    ) {
        self.shard = shard
        self.region = region
        self.shards = shards
        self.firstSequence = firstSequence
        self.created = created
        self.reactions = reactions
    }

    /// The header that `p` begins with.
    package init(decoding p: UnsafeRawBufferPointer) throws(Problem) {
        guard p.count >= SegmentHeader.bytes, p.prefix(8).elementsEqual(SegmentHeader.magic) else { throw .unsound }
        func load<T: FixedWidthInteger>(_ offset: Int, as type: T.Type) -> T {
            T(littleEndian: p.loadUnaligned(fromByteOffset: offset, as: type))
        }
        let inner = UnsafeRawBufferPointer(rebasing: p[16..<SegmentHeader.bytes])
        guard likewise_crc32c(0, inner.baseAddress, inner.count) == load(12, as: UInt32.self) else { throw .unsound }
        let format = load(8, as: UInt32.self)
        guard format > 0 else { throw .unsound }
        guard format <= SegmentHeader.format else { throw .newerFormat(format) }
        let length = Int(load(40, as: UInt16.self))
        guard 42 + length <= SegmentHeader.bytes else { throw .unsound }
        shard = load(16, as: UInt16.self)
        region = load(18, as: UInt16.self)
        shards = load(20, as: UInt16.self)
        firstSequence = load(24, as: UInt64.self)
        created = load(32, as: UInt64.self)
        let names = String(decoding: p[42..<(42 + length)], as: UTF8.self)
        reactions = names.isEmpty ? [] : names.split(separator: "\n").map(String.init)
    }
}
