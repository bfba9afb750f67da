// Reading segment files: for recovery, for `likewise replay`, and to decide what an unsound place in a log is.
//
// A log ends in one of three ways. With zeros (room set aside and never written) or at the file's end: clean. With bytes
// that are no record, and nothing durable behind them: torn, by a crash in the middle of a write that nobody was told
// had succeeded. With bytes that are no record although a later one proves that they were durable: damaged.

import LikewiseCore

/// One segment of a log.
package struct Segment: Equatable {
    package var path: String
    package var firstSequence: UInt64
}

/// Where a log ends.
package struct LogEnd: Equatable {
    /// The segment that is written on; nil where the log has none.
    package internal(set) var segment: Segment?
    var header: SegmentHeader?
    /// Bytes into that segment, behind its last sound record.
    package internal(set) var offset: Int
    /// The sequence that the next record will have.
    package internal(set) var nextSequence: UInt64
    /// Bytes into that segment, where the records begin that nothing proves to be on stable storage.
    var unsettledOffset = SegmentHeader.bytes
    /// Bytes behind the last sound record that are neither record nor zero; 0 where the end is clean.
    package internal(set) var tornBytes: Int
    /// The last segment was being made when the log ended, and holds nothing.
    var unfinished: Segment?
}

/// Reads the segments of one log.
package struct SegmentScan {
    let disk: any Disk
    let directory: String

    /// What to do about unsound places.
    package enum Damage {
        /// Stop, with the file and the offset.
        case stop
        /// Go on at the next sound record.
        case skip
    }

    /// Ranges of records that `Damage.skip` passed over.
    package private(set) var skipped: [ClosedRange<UInt64>] = []

    /// A scan of the segments in `directory`.
    package init(disk: any Disk, directory: String) {
        self.disk = disk
        self.directory = directory
    }

    /// The segments, oldest first.
    package func segments() throws(EventLogError) -> [Segment] {
        var found: [Segment] = []
        do throws(DiskError) {
            for name in try disk.list(directory) {
                guard let sequence = SegmentHeader.sequence(inName: name) else { continue }
                found.append(Segment(path: directory + "/" + name, firstSequence: sequence))
            }
        } catch { throw EventLogError(error) }
        return found.sorted { $0.firstSequence < $1.firstSequence }
    }

    /// Calls `body` for every record from sequence `from` on (from the oldest on where it is nil), in order, until it
    /// answers false.
    @discardableResult
    package mutating func records(
        from: UInt64?, onDamage damage: Damage = .stop, _ body: (LogRecord) -> Bool
    ) throws(EventLogError) -> LogEnd {
        var segments = try segments()
        var unfinished: Segment?
        if let last = segments.last, damage == .stop, try header(of: last) == nil {
            // Made, but its header did not reach the disk. Anything sound behind the header means it once did.
            var content = try SegmentContent(disk: disk, path: last.path)
            guard try content.laterRecord(from: SegmentHeader.bytes, provesDurable: 0) == nil else {
                throw .damaged(file: last.path, offset: 0, detail: "the segment's header is unsound")
            }
            unfinished = last
            segments.removeLast()
        }
        guard let first = segments.first else {
            return LogEnd(offset: 0, nextSequence: from ?? 1, tornBytes: 0, unfinished: unfinished)
        }
        let start = from ?? first.firstSequence
        guard start >= first.firstSequence else {
            throw .damaged(
                file: first.path, offset: 0,
                detail: "the log begins with record \(first.firstSequence), but record \(start) is needed")
        }
        let reading = segments.lastIndex { $0.firstSequence <= start } ?? 0
        var end = LogEnd(offset: 0, nextSequence: segments[reading].firstSequence, tornBytes: 0, unfinished: unfinished)
        for (i, segment) in segments.enumerated() where i >= reading {
            let isLast = i == segments.count - 1
            end.segment = segment
            guard try read(segment, isLast: isLast, wanted: start, onDamage: damage, end: &end, body) else {
                return end
            }
        }
        // A segment is made only when all before it is durable.
        if let unfinished, end.nextSequence < unfinished.firstSequence {
            throw .damaged(
                file: end.segment?.path ?? directory, offset: end.offset,
                detail: "record \(end.nextSequence) is not there, or not whole")
        }
        return end
    }

    /// The segment's header; nil where it is unsound.
    func header(of segment: Segment) throws(EventLogError) -> SegmentHeader? {
        var bytes = [UInt8](repeating: 0, count: SegmentHeader.bytes)
        let count: Int
        do throws(DiskError) {
            let file = try disk.open(segment.path)
            let result = bytes.withUnsafeMutableBytes { p in
                Result<Int, DiskError> { () throws(DiskError) in try file.read(into: p, at: 0) }
            }
            count = try result.get()
        } catch { throw EventLogError(error) }
        return try decodeHeader(bytes, count, segment.path)
    }

    private func decodeHeader(_ bytes: [UInt8], _ count: Int, _ path: String) throws(EventLogError) -> SegmentHeader? {
        do throws(SegmentHeader.Problem) {
            let result = bytes.withUnsafeBytes { p in
                Result<SegmentHeader, SegmentHeader.Problem> { () throws(SegmentHeader.Problem) in
                    try SegmentHeader(decoding: UnsafeRawBufferPointer(rebasing: p[0..<count]))
                }
            }
            return try result.get()
        } catch {
            switch error {
            case .unsound: return nil
            case .newerFormat(let format):
                throw .failed("\(path) has log format \(format), which this version cannot read: run a newer likewise")
            }
        }
    }

    /// When the segment was made, ms since 1970; nil where its header is unsound.
    func created(_ segment: Segment) throws(EventLogError) -> UInt64? {
        try header(of: segment)?.created
    }

    /// False where `body` wants no more.
    private mutating func read(
        _ segment: Segment, isLast: Bool, wanted: UInt64, onDamage damage: Damage, end: inout LogEnd,
        _ body: (LogRecord) -> Bool
    ) throws(EventLogError) -> Bool {
        if segment.firstSequence != end.nextSequence {
            guard damage == .skip, segment.firstSequence > end.nextSequence else {
                throw .damaged(
                    file: segment.path, offset: 0,
                    detail: "it begins with record \(segment.firstSequence), but \(end.nextSequence) comes next")
            }
            skipped.append(end.nextSequence...(segment.firstSequence - 1))
            end.nextSequence = segment.firstSequence
        }
        let header = try header(of: segment)
        if header == nil && damage == .stop {
            throw .damaged(file: segment.path, offset: 0, detail: "the segment's header is unsound")
        }
        end.header = header
        end.tornBytes = 0
        end.unsettledOffset = SegmentHeader.bytes
        var content = try SegmentContent(disk: disk, path: segment.path)
        var offset = SegmentHeader.bytes
        var goOn = true
        while goOn {
            let expected = end.nextSequence
            if let length = try content.record(
                at: offset,
                { record in
                    guard record.sequence == expected else { return false }
                    // When this one was written, all before it were synced; what follows says how far back it is not so.
                    if record.unsynced == 0 { end.unsettledOffset = offset }
                    if expected >= wanted { goOn = body(record) }
                    return true
                })
            {
                offset += length
                end.nextSequence += 1
                continue
            }
            end.offset = offset
            let rest = try content.writtenBytes(from: offset)
            if rest == 0 { return true }
            let takesAny = damage == .skip || !isLast || expected < wanted
            let later = try content.laterRecord(from: offset + 1, provesDurable: takesAny ? 0 : expected)
            if damage == .stop, let later, later.sequence > expected, later.sequence <= wanted {
                // Only records that nobody wants are harmed: the ledger holds them.
                end.nextSequence = later.sequence
                offset = later.offset
                continue
            }
            if damage == .skip, let later, later.sequence > expected {
                skipped.append(expected...(later.sequence - 1))
                end.nextSequence = later.sequence
                offset = later.offset
                continue
            }
            if damage == .skip {
                end.tornBytes = rest
                return true
            }
            guard isLast, later == nil else {
                throw .damaged(
                    file: segment.path, offset: offset, detail: "record \(expected) is not there, or not whole")
            }
            end.tornBytes = rest
            return true
        }
        return false
    }
}

/// A segment's bytes, read through a window that moves forward.
struct SegmentContent {
    private static let windowBytes = 4 << 20

    private let file: any DiskFile
    private let size: Int
    private var window: [UInt8] = []
    private var start = 0

    init(disk: any Disk, path: String) throws(EventLogError) {
        do throws(DiskError) {
            file = try disk.open(path)
            size = try file.size()
        } catch { throw EventLogError(error) }
    }

    /// Makes `count` bytes at `offset` (fewer at the end) lie in the window.
    private mutating func load(_ offset: Int, _ count: Int) throws(EventLogError) {
        let count = min(count, size - offset)
        if offset >= start && offset + count <= start + window.count { return }
        let length = max(0, min(max(count, SegmentContent.windowBytes), size - offset))
        var fresh = [UInt8](repeating: 0, count: length)
        let file = file
        let result = fresh.withUnsafeMutableBytes { p in
            Result<Int, DiskError> { () throws(DiskError) in try file.read(into: p, at: offset) }
        }
        switch result {
        case .success(let read): fresh.removeLast(length - read)
        case .failure(let error): throw EventLogError(error)
        }
        window = fresh
        start = offset
    }

    /// Hands `body` the sound record at `offset`; its length where there is one and `body` takes it.
    mutating func record(at offset: Int, _ body: (LogRecord) -> Bool) throws(EventLogError) -> Int? {
        guard offset + LogRecord.headerBytes <= size else { return nil }
        try load(offset, LogRecord.headerBytes)
        let claimed = window.withUnsafeBytes { p in
            LogRecord.plausibleLength(UnsafeRawBufferPointer(rebasing: p[(offset - start)...]))
        }
        guard let claimed, offset + claimed <= size else { return nil }
        try load(offset, claimed)
        return window.withUnsafeBytes { p in
            guard let record = LogRecord(at: UnsafeRawBufferPointer(rebasing: p[(offset - start)...])) else {
                return nil
            }
            return body(record) ? claimed : nil
        }
    }

    /// Bytes from `offset` up to the last one that is not zero.
    mutating func writtenBytes(from offset: Int) throws(EventLogError) -> Int {
        var at = offset
        var last = offset
        while at < size {
            try load(at, min(SegmentContent.windowBytes, size - at))
            let end = min(start + window.count, size)
            guard end > at else { break }
            for i in (at - start)..<(end - start) where window[i] != 0 { last = start + i + 1 }
            at = end
        }
        return last - offset
    }

    /// The first sound record at or behind `offset` that was written when record `expected` was durable already; with
    /// `expected` 0, the first sound record at all.
    mutating func laterRecord(
        from offset: Int, provesDurable expected: UInt64
    ) throws(EventLogError) -> (offset: Int, sequence: UInt64)? {
        var at = offset
        while at + LogRecord.headerBytes <= size {
            try load(at, LogRecord.headerBytes)
            // Skip quickly over what cannot be a length: the two high bytes of one are 0 or, barely, 1.
            let plausible = window.withUnsafeBytes { p in
                LogRecord.plausibleLength(UnsafeRawBufferPointer(rebasing: p[(at - start)...])) != nil
            }
            if plausible {
                var found: (sequence: UInt64, durable: UInt64)?
                let length = try record(at: at) { record in
                    found = (record.sequence, record.sequence &- UInt64(record.unsynced))
                    return true
                }
                if let length, let found {
                    if found.durable > expected || expected == 0 { return (at, found.sequence) }
                    at += length
                    continue
                }
            }
            at += 1
        }
        return nil
    }
}
