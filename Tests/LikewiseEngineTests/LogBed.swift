import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport

/// A log to be tested, on either disk.
struct LogBed {
    enum DiskKind: CaseIterable, Sendable {
        case simulated
        case posix
    }

    let disk: any Disk
    let directory: String
    let clock = SimulatedClock()
    private let folder: TemporaryFolder?

    init(_ kind: DiskKind) throws {
        switch kind {
        case .simulated:
            folder = nil
            disk = SimulatedDisk(seed: 1)
            directory = "/log"
        case .posix:
            let folder = try TemporaryFolder()
            self.folder = folder
            disk = PosixDisk()
            directory = folder.path + "/log"
        }
    }

    init(_ disk: SimulatedDisk) {
        self.disk = disk
        directory = "/log"
        folder = nil
    }

    func options(
        sync: SyncPolicy = .always, segmentBytes: Int = 8_192, reactions: [String] = ["like"], shards: UInt16 = 1
    ) -> SegmentLog.Options {
        SegmentLog.Options(
            directory: directory, shard: 0, shards: shards, reactions: reactions, sync: sync,
            segmentBytes: segmentBytes)
    }

    /// Opens the log; answers it with the ids of the users in its records from `from` on.
    func open(_ options: SegmentLog.Options? = nil, from: UInt64 = 1) throws -> (log: SegmentLog, users: [String]) {
        var users: [String] = []
        var expected = from
        let log = try SegmentLog(options ?? self.options(), disk: disk, clock: clock, from: from) { record in
            precondition(record.sequence == expected, "record \(record.sequence) came, \(expected) was next")
            expected += 1
            users.append(String(decoding: record.user, as: UTF8.self))
        }
        return (log, users)
    }

    var segments: [String] {
        get throws { try disk.list(directory) }
    }

    func read(_ name: String) throws -> [UInt8] {
        let file = try disk.open(directory + "/" + name)
        var bytes = [UInt8](repeating: 0, count: try file.size())
        _ = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return bytes
    }

    /// Makes a durable file of the log's folder.
    func write(_ name: String, _ bytes: [UInt8]) throws {
        try disk.makeDirectory(directory)
        let file = try disk.create(directory + "/" + name)
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        try file.sync()
        try disk.syncDirectory(directory)
    }

    func flip(_ name: String, at offset: Int, mask: UInt8) throws {
        let file = try disk.open(directory + "/" + name)
        try [try read(name)[offset] ^ mask].withUnsafeBytes { try file.write($0, at: offset) }
        try file.sync()
    }
}

extension SegmentLog {
    /// Appends one batch of transitions, of users with these names.
    func append(_ users: [String]) throws(EventLogError) {
        var buffer = LogBuffer()
        for user in users {
            let sequence = nextSequence + UInt64(buffer.records)
            let header = LogBuffer.Header(
                kind: .transition, sequence: sequence, unsynced: UInt32(sequence - durableSequence), new: 1,
                version: Version(reading: sequence, region: 0))
            Array("content".utf8).withUnsafeBytes { content in
                Array(user.utf8).withUnsafeBytes { user in
                    buffer.append(
                        header, content: content, user: user, extra: UnsafeRawBufferPointer(start: nil, count: 0))
                }
            }
        }
        try prepare(bytes: buffer.count)
        try append(buffer)
    }
}

/// Where each record of a segment begins, and where the last one ends.
func recordOffsets(_ segment: [UInt8]) -> [Int] {
    var offsets = [4_096]
    segment.withUnsafeBytes { p in
        while let last = offsets.last, last < p.count,
            let record = LogRecord(at: UnsafeRawBufferPointer(rebasing: p[last...]))
        {
            offsets.append(last + record.bytes.count)
        }
    }
    return offsets
}
