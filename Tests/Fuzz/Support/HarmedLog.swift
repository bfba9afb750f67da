// A log that follows from a fuzzer's input, in a few segments, and what a crash or a disk does to it. It keeps what it wrote,
// so that what is read can be held against it.

import LikewiseCore
import LikewiseEngine

/// Takes numbers off the front of an input; zeros when it is used up.
struct InputReader {
    private var rest: Slice<UnsafeRawBufferPointer>

    /// Reads `bytes`.
    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes[...] }

    /// Whether all of it was taken.
    var isEmpty: Bool { rest.isEmpty }

    /// The next byte.
    mutating func byte() -> Int { rest.popFirst().map { Int($0) } ?? 0 }

    /// The next two bytes, below `bound`.
    mutating func below(_ bound: Int) -> Int { (byte() << 8 | byte()) % max(1, bound) }

    /// Up to `count` bytes.
    mutating func bytes(_ count: Int) -> [UInt8] {
        let taken = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
        return taken
    }
}

struct HarmedLog {
    /// A record where it was written.
    struct Written {
        var bytes: [UInt8]
        var segment: Int
        var offset: Int
        /// Records below this one were durable when it was written.
        var durable: Int
        var isHarmed = false
    }

    /// Record i + 1 is `records[i]`.
    private(set) var records: [Written] = []
    private(set) var segments: [[UInt8]] = []
    private(set) var firsts: [Int] = []
    /// Records below this one are durable.
    private(set) var durable = 1
    private(set) var harmedHeaders: Set<Int> = []

    /// Writes what `input` says.
    init(_ input: inout InputReader) {
        begin()
        for sequence in 1...(1 + input.below(16)) {
            let choice = input.byte()
            // A segment is made when all before it is durable; so is a batch of the shard that syncs each.
            if choice & 15 == 0, sequence > 1, segments.count < 4 {
                durable = sequence
                begin()
            } else if choice & 3 == 0 {
                durable += input.below(sequence - durable + 1)
            }
            append(sequence, &input)
        }
        // What is set aside and not yet written.
        segments[segments.count - 1] += [UInt8](repeating: 0, count: input.below(200))
    }

    private mutating func begin() {
        let first = records.count + 1
        firsts.append(first)
        segments.append(
            SegmentHeader(
                shard: 0, region: 1, shards: 1, firstSequence: UInt64(first), created: 0, reactions: ["like", "love"]
            ).encoded())
    }

    private mutating func append(_ sequence: Int, _ input: inout InputReader) {
        let kind = LogRecordKind(rawValue: UInt8(1 + input.byte() % 5)) ?? .transition
        let header = LogBuffer.Header(
            kind: kind, sequence: UInt64(sequence), unsynced: UInt32(sequence - durable), old: .none,
            new: UInt8(input.byte() % 3), version: Version(reading: UInt64(input.below(1 << 16)), region: 1))
        var buffer = LogBuffer(capacity: 64)
        let (content, user, extra) = (
            input.bytes(input.byte() % 16), input.bytes(input.byte() % 8), input.bytes(input.byte() % 32)
        )
        content.withUnsafeBytes { content in
            user.withUnsafeBytes { user in
                extra.withUnsafeBytes { buffer.append(header, content: content, user: user, extra: $0) }
            }
        }
        let last = segments.count - 1
        let bytes = Array(buffer.bytes)
        records.append(Written(bytes: bytes, segment: last, offset: segments[last].count, durable: durable))
        segments[last] += bytes
    }

    /// What a crash does: of what was not durable any part is as it was, other bytes, or zero; and the end may be missing.
    mutating func crash(_ input: inout InputReader) {
        let last = segments.count - 1
        let start = durable <= records.count ? records[durable - 1].offset : segments[last].count
        guard durable > records.count || records[durable - 1].segment == last else { return }
        if input.byte() & 1 == 0 { segments[last].removeLast(input.below(segments[last].count - start + 1)) }
        for _ in 0..<(input.byte() & 7) where start < segments[last].count {
            let at = start + input.below(segments[last].count - start)
            let end = min(segments[last].count, at + 1 + input.byte())
            if input.byte() & 1 == 0 {
                for i in at..<end { segments[last][i] = 0 }
            } else {
                for i in at..<end { segments[last][i] = UInt8(truncatingIfNeeded: input.byte()) }
            }
        }
        note()
    }

    /// What a disk does later: bytes anywhere are others.
    mutating func damage(_ input: inout InputReader) {
        for _ in 0..<(1 + input.byte() & 3) {
            let segment = input.below(segments.count)
            // Most of a segment here is its header.
            let inHeader = input.byte() & 7 == 0
            let size = segments[segment].count
            guard inHeader || size > SegmentHeader.bytes else { continue }
            let at =
                inHeader
                ? input.below(SegmentHeader.bytes) : SegmentHeader.bytes + input.below(size - SegmentHeader.bytes)
            segments[segment][at] ^= UInt8(max(1, input.byte()))
            if at < SegmentHeader.bytes { harmedHeaders.insert(segment) }
        }
        note()
    }

    private mutating func note() {
        for i in records.indices {
            let record = records[i]
            let bytes = segments[record.segment]
            let end = record.offset + record.bytes.count
            records[i].isHarmed = end > bytes.count || !bytes[record.offset..<end].elementsEqual(record.bytes)
        }
        // Two changes of one byte may have been none.
        harmedHeaders = harmedHeaders.filter { (try? header(of: $0)) == nil }
    }

    /// Whether a header now says that a later version wrote the segment.
    var hasOtherFormat: Bool {
        harmedHeaders.contains { segment in
            do { _ = try header(of: segment) } catch SegmentHeader.Problem.newerFormat { return true } catch {}
            return false
        }
    }

    private func header(of segment: Int) throws -> SegmentHeader {
        try segments[segment].withUnsafeBytes { try SegmentHeader(decoding: $0) }
    }

    /// The files, in the folder `log`.
    var disk: MemoryDisk {
        let disk = MemoryDisk()
        for (i, bytes) in segments.enumerated() { disk.put("log/" + SegmentHeader.fileName(UInt64(firsts[i])), bytes) }
        return disk
    }
}
