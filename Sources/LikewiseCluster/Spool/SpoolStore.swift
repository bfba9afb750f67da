// The spool's files; touched by the spool's thread alone.

import LikewiseCore
import LikewiseEngine
import Logging

/// A segment log of events, with the place up to which they were relayed.
final class SpoolStore {
    private let options: Spool.Options
    private let disk: any Disk
    private let clock: any EngineClock
    private let logger: Logger
    private var log: SegmentLog
    /// The sequence of the oldest event that waits.
    private var first: UInt64
    /// What is in the files is not known: they are read again before anything more is written.
    private var isDoubtful = false
    /// Bytes of each of the oldest records, as far as they were read last.
    private var oldestBytes: [Int] = []
    private(set) var waitingBytes = 0
    var waitingEvents: Int { Int(log.nextSequence - first) }

    init(_ options: Spool.Options, disk: any Disk, clock: any EngineClock, logger: Logger) throws(EventLogError) {
        self.options = options
        self.disk = disk
        self.clock = clock
        self.logger = logger
        do throws(DiskError) { try disk.makeDirectory(options.directory) } catch { throw .failed(error.description) }
        first = try SegmentScan(disk: disk, directory: options.directory).segments().first?.firstSequence ?? 1
        var bytes = 0
        log = try SegmentLog(
            SpoolStore.logOptions(options), disk: disk, clock: clock, from: first,
            { record in bytes += record.bytes.count })
        waitingBytes = bytes
    }

    private static func logOptions(_ options: Spool.Options) -> SegmentLog.Options {
        SegmentLog.Options(
            directory: options.directory, shard: 0, region: options.region, shards: 1, reactions: options.reactions,
            sync: .always, segmentBytes: options.segmentBytes)
    }

    /// Writes and syncs all of `events`, or none.
    func append(_ events: [LikeEvent]) -> Publication {
        if isDoubtful { reopen() }
        guard !isDoubtful else { return .failed }
        var buffer = LogBuffer()
        for (index, event) in events.enumerated() {
            SpoolStore.append(event, sequence: log.nextSequence + UInt64(index), unsynced: UInt32(index), to: &buffer)
        }
        let count = buffer.count
        guard waitingBytes + count <= options.bound else { return .overloaded }
        do throws(EventLogError) {
            try log.prepare(bytes: count)
            try log.append(buffer)
            waitingBytes += count
            return .durable
        } catch {
            logger.error("the spool could not be written", metadata: ["reason": "\(error)"])
            if case .full = error { return .full }
            reopen()
            return .failed
        }
    }

    /// A log that failed is opened anew, so that what is on the disk is known again.
    private func reopen() {
        isDoubtful = true
        do throws(EventLogError) {
            var bytes = 0
            log = try SegmentLog(
                SpoolStore.logOptions(options), disk: disk, clock: clock, from: first,
                { record in bytes += record.bytes.count })
            waitingBytes = bytes
            oldestBytes = []
            isDoubtful = false
        } catch {
            logger.error("the spool could not be opened again", metadata: ["reason": "\(error)"])
        }
    }

    /// Up to `limit` of the oldest events; fewer, or none, where the disk cannot be read.
    func oldest(_ limit: Int) -> [LikeEvent] {
        var events: [LikeEvent] = []
        oldestBytes = []
        do throws(EventLogError) {
            var scan = SegmentScan(disk: disk, directory: options.directory)
            try scan.records(from: first) { record in
                guard let event = SpoolStore.event(record) else { return true }
                events.append(event)
                oldestBytes.append(record.bytes.count)
                return events.count < limit
            }
        } catch {
            logger.error("the spool could not be read", metadata: ["reason": "\(error)"])
        }
        return events
    }

    /// Forgets the `count` oldest events.
    func relayed(_ count: Int) {
        let count = min(count, waitingEvents)
        guard count > 0 else { return }
        releaseBytes(count)
        first += UInt64(count)
        do {
            try removeRelayed()
            if waitingEvents == 0 { reopen() }
        } catch {
            // They stay, and are relayed once more after a restart; nothing is lost by it.
            logger.error("relayed events could not be removed from the spool", metadata: ["reason": "\(error)"])
        }
    }

    /// What the `count` oldest events take of the bound. Where they cannot be read they count until the spool is empty.
    private func releaseBytes(_ count: Int) {
        if oldestBytes.count < count { _ = oldest(count) }
        let read = min(count, oldestBytes.count)
        waitingBytes -= oldestBytes.prefix(read).reduce(0, +)
        oldestBytes.removeFirst(read)
    }

    /// Removes the segments that hold nothing more, one after the other: a crash must not leave an older one without the one
    /// behind it.
    private func removeRelayed() throws {
        let segments = try SegmentScan(disk: disk, directory: options.directory).segments()
        for (index, segment) in segments.enumerated() {
            if index + 1 < segments.count {
                guard segments[index + 1].firstSequence <= first else { return }
            } else {
                guard waitingEvents == 0 else { return }
                // The log's open file goes: whatever comes of it, nothing is written there any more.
                isDoubtful = true
            }
            try disk.remove(segment.path)
            try disk.syncDirectory(options.directory)
        }
    }

    // MARK: Records

    private static func append(
        _ event: LikeEvent, sequence: UInt64, unsynced: UInt32, to buffer: inout LogBuffer
    ) {
        let kind: LogRecordKind
        var new = event.reaction.rawValue
        switch event.kind {
        case .register: kind = .of(old: event.previous, new: event.reaction)
        case .contentPut:
            kind = .contentPut
            new = event.visibility.rawValue
        case .contentDeleted: kind = .contentDeleted
        }
        event.content.withUnsafeBytes { content in
            event.user.withUnsafeBytes { user in
                event.type.withUnsafeBytes { type in
                    buffer.append(
                        LogBuffer.Header(
                            kind: kind, sequence: sequence, unsynced: unsynced, old: event.previous, new: new,
                            version: event.version),
                        content: content, user: user, extra: type)
                }
            }
        }
    }

    private static func event(_ record: LogRecord) -> LikeEvent? {
        let kind: LikeEvent.Kind
        switch record.kind {
        case .transition, .heldTransition: kind = .register
        case .contentPut: kind = .contentPut
        case .contentDeleted: kind = .contentDeleted
        case .answer, nil: return nil
        }
        var event = LikeEvent(kind, content: Array(record.content), version: record.version)
        event.user = Array(record.user)
        event.type = Array(record.extra)
        event.previous = record.old
        if kind == .register { event.reaction = record.new } else { event.visibility = record.visibility }
        return event
    }
}
