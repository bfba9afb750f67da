// What is read from files and topics: log records, the headers of segments, whole logs that a crash or a disk harmed, stored
// outcomes, and events. The first byte chooses. Whatever is read encodes back to the same bytes, or is refused; of a log
// nothing is ever read that was not written, and what was durable is read or its loss is told.

import CPlatform
import Foundation
import LikewiseCluster
import LikewiseCore
import LikewiseEngine

private let reactions = try? ReactionSet(ReactionSet.standard)

/// Called by libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func log(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    fuzz(data, count) { bytes in
        guard let choice = bytes.first else { return }
        let rest = bytes.slice(1..<bytes.count)
        switch choice & 7 {
        case 0: record(rest)
        case 1: header(rest)
        case 2: outcome(Array(rest))
        case 3: crashed(rest)
        case 4: damaged(rest)
        case 5: anySegment(rest)
        case 6: readEvent(rest)
        default: writtenEvent(rest)
        }
    }
}

// MARK: Records

private func record(_ bytes: UnsafeRawBufferPointer) {
    reencode(bytes)
    guard bytes.count >= LogRecord.headerBytes, bytes.count <= LogRecord.maxBytes else { return }
    // The same with the checksum and the lengths put right, which chance does not hit.
    var stamped = Array(bytes)
    stamped.withUnsafeMutableBytes { p in
        let content = p.loadUnaligned(fromByteOffset: 34, as: UInt16.self) % UInt16(IDRules.contentBytes + 1)
        let left = p.count - LogRecord.headerBytes - Int(content) - Int(p[23])
        guard left >= 0 else { return }
        p.storeBytes(of: UInt32(p.count), as: UInt32.self)
        p.storeBytes(of: content, toByteOffset: 34, as: UInt16.self)
        p.storeBytes(of: UInt16(left), toByteOffset: 36, as: UInt16.self)
        p.storeBytes(of: 0, toByteOffset: 38, as: UInt16.self)
        stamp(UnsafeMutableRawBufferPointer(rebasing: p[4...]), over: p.count - 8)
    }
    stamped.withUnsafeBytes(reencode)
}

/// Puts the checksum of the `count` bytes behind the first four into these.
private func stamp(_ bytes: UnsafeMutableRawBufferPointer, over count: Int) {
    guard let base = bytes.baseAddress else { return }
    bytes.storeBytes(of: likewise_crc32c(0, base + 4, count), as: UInt32.self)
}

private func reencode(_ bytes: UnsafeRawBufferPointer) {
    guard let record = LogRecord(at: bytes) else { return }
    require(record.bytes.count <= bytes.count, "a record longer than its bytes")
    guard let kind = record.kind else { return }
    var buffer = LogBuffer(capacity: 64)
    buffer.append(
        LogBuffer.Header(
            kind: kind, sequence: record.sequence, unsynced: record.unsynced, old: record.old,
            new: record.new.rawValue, version: record.version),
        content: record.content, user: record.user, extra: record.extra)
    require(buffer.bytes.elementsEqual(record.bytes), "a record is encoded to other bytes")
}

// MARK: Headers

private func header(_ bytes: UnsafeRawBufferPointer) {
    let name = String(decoding: bytes.prefix(32), as: UTF8.self)
    if let sequence = SegmentHeader.sequence(inName: name) {
        require(SegmentHeader.fileName(sequence) == name, "'\(name)' is taken for the segment of \(sequence)")
    }
    _ = try? SegmentHeader(decoding: bytes)
    var whole = [UInt8](repeating: 0, count: SegmentHeader.bytes)
    let count = min(bytes.count, whole.count - 16)
    whole.withUnsafeMutableBytes { p in
        p.copyBytes(from: "LIKEWLOG\u{1}".utf8)
        UnsafeMutableRawBufferPointer(rebasing: p[16...]).copyBytes(from: bytes.first(count))
        stamp(UnsafeMutableRawBufferPointer(rebasing: p[12...]), over: p.count - 16)
    }
    guard let header = try? whole.withUnsafeBytes({ try SegmentHeader(decoding: $0) }) else { return }
    require(
        SegmentHeader.sequence(inName: SegmentHeader.fileName(header.firstSequence)) == header.firstSequence, "a name")
    guard header.reactions.reduce(0, { $0 + $1.utf8.count + 1 }) <= SegmentHeader.bytes - 42 else { return }
    let again = header.encoded().withUnsafeBytes { try? SegmentHeader(decoding: $0) }
    require(again == header, "a header is read back as another")
}

// MARK: Outcomes

private func outcome(_ bytes: [UInt8]) {
    guard let outcome = OutcomeCodec.decode(bytes) else { return }
    let encoded = OutcomeCodec.encode(outcome)
    require(encoded == bytes, "an outcome is encoded to other bytes")
    require(encoded.count <= OutcomeCodec.maxBytes, "an outcome of \(encoded.count) bytes")
}

// MARK: Logs

/// After a crash the log reads up to its torn end: all that was durable, and nothing that was not written.
private func crashed(_ bytes: UnsafeRawBufferPointer) {
    var input = InputReader(bytes)
    var log = HarmedLog(&input)
    log.crash(&input)
    var scan = SegmentScan(disk: log.disk, directory: "log")
    do throws(EventLogError) {
        let read = try read(&scan, log, .stop)
        require(read.count >= log.durable - 1, "\(read.count) records of \(log.durable - 1) durable ones were read")
        require(read == Array(1..<(read.count + 1)), "the records read are \(read)")
        let intact = log.records.firstIndex { $0.isHarmed } ?? log.records.count
        require(read.count == intact, "\(read.count) records were read, \(intact) are whole")
    } catch { fatalError("broken: a crash is taken for damage: \(error)") }
}

/// A damaged log reads up to the damage. Where a later record proves that something is missing, that is told.
private func damaged(_ bytes: UnsafeRawBufferPointer) {
    var input = InputReader(bytes)
    var log = HarmedLog(&input)
    log.damage(&input)
    var scan = SegmentScan(disk: log.disk, directory: "log")
    let harmed = log.records.firstIndex { $0.isHarmed }
    do throws(EventLogError) {
        let read = try read(&scan, log, .stop)
        require(read == Array(1..<(read.count + 1)), "the records read are \(read)")
        require(log.harmedHeaders.isEmpty || isEmptyTail(log), "a damaged header is passed over")
        guard let harmed else { return require(read.count == log.records.count, "a whole log is not read") }
        let isProved = log.records.enumerated().contains { i, later in
            i > harmed && !later.isHarmed
                && (later.durable > harmed + 1 || later.segment != log.records[harmed].segment)
        }
        require(!isProved, "record \(harmed + 1) is missing, a later one proves it, and nobody is told")
    } catch {
        require(harmed != nil || !log.harmedHeaders.isEmpty || hasNoise(log), "a whole log is refused: \(error)")
    }
    skipping(log)
}

/// With the damage skipped, all that is whole is read.
private func skipping(_ log: HarmedLog) {
    var scan = SegmentScan(disk: log.disk, directory: "log")
    do throws(EventLogError) {
        let read = try read(&scan, log, .skip)
        let whole = log.records.indices.filter { !log.records[$0].isHarmed }.map { $0 + 1 }
        require(read == whole, "of the whole records \(whole) these are read: \(read)")
        for range in scan.skipped {
            require(!whole.contains { range.contains(UInt64($0)) }, "a whole record is skipped: \(range)")
        }
    } catch {
        // No checksum covers the number of the format: another one is taken at its word.
        require(log.hasOtherFormat, "damage is not skipped: \(error)")
    }
}

/// Whether the only damaged header is that of a last segment without records.
private func isEmptyTail(_ log: HarmedLog) -> Bool {
    let last = log.segments.count - 1
    return log.harmedHeaders == [last] && !log.records.contains { $0.segment == last && !$0.isHarmed }
}

/// Whether there are bytes in the room behind the last record of a segment.
private func hasNoise(_ log: HarmedLog) -> Bool {
    log.segments.indices.contains { segment in
        let end = log.records.last { $0.segment == segment }.map { $0.offset + $0.bytes.count } ?? SegmentHeader.bytes
        return log.segments[segment][end...].contains { $0 != 0 }
    }
}

/// The sequences of what a scan reads, each held against what was written.
private func read(
    _ scan: inout SegmentScan, _ log: HarmedLog, _ damage: SegmentScan.Damage
) throws(EventLogError) -> [Int] {
    var read: [Int] = []
    let end = try scan.records(from: nil, onDamage: damage) { record in
        let sequence = Int(truncatingIfNeeded: record.sequence)
        require(1...log.records.count ~= sequence, "record \(sequence) was never written")
        require(record.bytes.elementsEqual(log.records[sequence - 1].bytes), "record \(sequence) is another")
        read.append(sequence)
        return true
    }
    // Of records that are skipped at the end only the next segment's name knows.
    let next = (read.last ?? 0) + 1
    require(
        damage == .skip ? end.nextSequence >= next : end.nextSequence == next,
        "after \(next - 1) comes \(end.nextSequence)")
    return read
}

/// Any bytes behind a header are read to an end, which is told.
private func anySegment(_ bytes: UnsafeRawBufferPointer) {
    let disk = MemoryDisk()
    let header = SegmentHeader(shard: 0, region: 0, shards: 1, firstSequence: 1, created: 0, reactions: ["like"])
    disk.put("log/" + SegmentHeader.fileName(1), header.encoded() + Array(bytes))
    for damage in [SegmentScan.Damage.stop, .skip] {
        var scan = SegmentScan(disk: disk, directory: "log")
        var next: UInt64 = 0
        let end = try? scan.records(from: nil, onDamage: damage) { record in
            require(record.sequence > next, "record \(record.sequence) comes behind \(next)")
            next = record.sequence
            return true
        }
        guard let end else { continue }
        require(end.offset + end.tornBytes <= SegmentHeader.bytes + bytes.count, "the log ends behind its end")
    }
}

// MARK: Events

private func readEvent(_ bytes: UnsafeRawBufferPointer) {
    guard let reactions, let event = try? LikeEventJSON.decode(bytes, reactions: reactions) else { return }
    roundTrip(event, reactions)
}

private func writtenEvent(_ bytes: UnsafeRawBufferPointer) {
    guard let reactions else { return }
    var input = InputReader(bytes)
    let kinds: [LikeEvent.Kind] = [.register, .contentPut, .contentDeleted]
    let kind = kinds[input.byte() % 3]
    let reading = UInt64(input.below(1 << 16)) << 47 | UInt64(input.below(1 << 16))
    let version = Version(reading: reading & UInt64(Int64.max), region: UInt16(input.below(1 << 16)))
    var event = LikeEvent(kind, content: input.bytes(1 + input.byte()), version: version)
    if kind == .register {
        event.user = input.bytes(1 + input.byte() & 127)
        event.reaction = reaction(input.byte())
        event.previous = reaction(input.byte())
    } else if kind == .contentPut {
        event.visibility = input.byte() & 1 == 0 ? .public : .private
    }
    let type = input.bytes(input.byte() & 31)
    if IDRules.isName(type) { event.type = type }
    guard isID(event.content, IDRules.contentBytes), kind != .register || isID(event.user, IDRules.userBytes) else {
        return
    }
    roundTrip(event, reactions)
}

private func reaction(_ byte: Int) -> Reaction {
    let reaction = Reaction(rawValue: UInt8(byte % 7))
    return byte & 0x80 == 0 ? reaction : reaction.asHeld
}

private func isID(_ bytes: [UInt8], _ limit: Int) -> Bool {
    bytes.withUnsafeBytes { bytes in
        do throws(IDRules.Problem) {
            try IDRules.check(bytes, limit: limit)
            return true
        } catch { return false }
    }
}

private func roundTrip(_ event: LikeEvent, _ reactions: ReactionSet) {
    var event = event
    // Only the event that says a content's visibility carries it.
    if event.kind != .contentPut { event.visibility = .public }
    let text = LikeEventJSON.encode(event, reactions: reactions)
    let again = text.withUnsafeBytes { try? LikeEventJSON.decode($0, reactions: reactions) }
    require(again == event, "an event is read back as \(again as Any), not \(event)")
    let fields = text.withUnsafeBytes { foundationValue($0) } as? [String: Any]
    expect(event.content, ["content_id"], in: fields ?? [:])
    expect(event.kind == .register ? event.user : nil, ["user_id"], in: fields ?? [:])
    let partitions = EventKey.partitions(content: event.content, user: event.user, count: 7)
    let key = EventKey.of(event.content, user: event.user, spread: 16)
    require(
        partitions.contains(EventKey.partition(of: key, count: 7)), "the partition of a key is not among its content's")
}
