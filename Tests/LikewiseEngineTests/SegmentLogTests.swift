import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Segment log")
struct SegmentLogTests {
    private func names(_ range: Range<Int>) -> [String] { range.map { "user-\($0)" } }

    @Test(
        "What was appended is read back after a start, from any record on, over many segments",
        arguments: LogBed.DiskKind.allCases)
    func readBack(kind: LogBed.DiskKind) throws {
        let bed = try LogBed(kind)
        var random = SeededRandom(seed: 3)
        var written = 0
        for _ in 0..<5 {
            let (log, users) = try bed.open()
            #expect(users == names(0..<written))
            #expect(log.recovery.tornBytes == 0 && log.recovery.records == written)
            for _ in 0..<30 {
                let count = random.within(1...20)
                try log.append(names(written..<(written + count)))
                written += count
                #expect(log.durableSequence == log.nextSequence && log.nextSequence == UInt64(written) + 1)
            }
        }
        #expect(try bed.segments.count > 8)
        for from in stride(from: 1, through: written + 1, by: 97) {
            #expect(try bed.open(from: UInt64(from)).users == names((from - 1)..<written))
        }
    }

    @Test("A batch larger than a segment has one for itself")
    func largeBatch() throws {
        let bed = try LogBed(.simulated)
        let (log, _) = try bed.open()
        try log.append(names(0..<3))
        try log.append(names(3..<503))
        try log.append(names(503..<505))
        #expect(try bed.segments.count == 3)
        #expect(try bed.open().users == names(0..<505))
    }

    @Test(
        "A log cut off anywhere in its last batch opens with all that is before the cut, and goes on",
        arguments: LogBed.DiskKind.allCases)
    func truncated(kind: LogBed.DiskKind) throws {
        let source = try LogBed(.simulated)
        let log = try source.open().log
        try log.append(names(0..<4))
        try log.append(names(4..<8))
        let name = try #require(try source.segments.first)
        let bytes = try source.read(name)
        let offsets = recordOffsets(bytes)
        #expect(offsets.count == 9)
        for cut in offsets[4]...offsets[8] {
            let bed = try LogBed(kind)
            try bed.write(name, Array(bytes[..<cut]))
            let whole = offsets.lastIndex { $0 <= cut } ?? 0
            let (reopened, users) = try bed.open()
            #expect(users == names(0..<whole), "cut at \(cut)")
            #expect(reopened.recovery.tornBytes <= cut - offsets[whole])
            try reopened.append(["after"])
            #expect(try bed.open().users == names(0..<whole) + ["after"], "cut at \(cut)")
        }
    }

    @Test(
        "A bit turned over in a record that was synced stops the start, and names the file and the record's offset",
        arguments: LogBed.DiskKind.allCases)
    func flipped(kind: LogBed.DiskKind) throws {
        let bed = try LogBed(kind)
        let log = try bed.open().log
        for first in stride(from: 0, to: 9, by: 3) { try log.append(names(first..<(first + 3))) }
        let name = try #require(try bed.segments.first)
        let offsets = recordOffsets(try bed.read(name))
        var random = SeededRandom(seed: 5)
        // The last batch is not proved durable by anything behind it.
        for offset in offsets[0]..<offsets[6] {
            let mask = UInt8(1 << random.below(8))
            try bed.flip(name, at: offset, mask: mask)
            let error = #expect(throws: EventLogError.self) { try bed.open() }
            guard case .damaged(let file, let found, _) = error else {
                Issue.record("byte \(offset): \(String(describing: error))")
                return
            }
            #expect(file == bed.directory + "/" + name)
            #expect(found == offsets.last { $0 <= offset }, "byte \(offset)")
            try bed.flip(name, at: offset, mask: mask)
        }
        #expect(try bed.open().users == names(0..<9))
    }

    @Test("A bit turned over in an earlier segment, its header included, stops the start")
    func flippedEarlier() throws {
        let bed = try LogBed(.simulated)
        let log = try bed.open().log
        for first in stride(from: 0, to: 240, by: 40) { try log.append(names(first..<(first + 40))) }
        let name = try #require(try bed.segments.first)
        #expect(try bed.segments.count > 2)
        let offsets = recordOffsets(try bed.read(name))
        let end = try #require(offsets.last)
        var random = SeededRandom(seed: 6)
        for offset in Array(0..<128) + Array(4_090..<4_300) + Array((end - 200)..<end) where !(8..<12).contains(offset)
        {
            let mask = UInt8(1 << random.below(8))
            try bed.flip(name, at: offset, mask: mask)
            let error = #expect(throws: EventLogError.self) { try bed.open() }
            guard case .damaged(let file, _, _) = error else {
                Issue.record("byte \(offset): \(String(describing: error))")
                return
            }
            #expect(file.hasPrefix(bed.directory))
            try bed.flip(name, at: offset, mask: mask)
        }
    }

    @Test("A log that ends before what the ledger holds stops the start, whatever cut it")
    func tooShort() throws {
        let bed = try LogBed(.simulated)
        try bed.open().log.append(names(0..<5))
        #expect(throws: EventLogError.self) { try bed.open(from: 8) }
        #expect(try bed.open(from: 6).users == [])
    }

    @Test("Records that a lost segment held stop the start; so does a log that begins too late")
    func missingSegment() throws {
        let bed = try LogBed(.simulated)
        let log = try bed.open().log
        for first in stride(from: 0, to: 240, by: 40) { try log.append(names(first..<(first + 40))) }
        let segments = try bed.segments
        try bed.disk.remove(bed.directory + "/" + segments[1])
        #expect(throws: EventLogError.self) { try bed.open() }
        try bed.disk.remove(bed.directory + "/" + segments[0])
        #expect(throws: EventLogError.self) { try bed.open() }
    }

    @Test("The last segment's header is torn: the segment is made anew, and nothing before it is touched")
    func tornHeader() throws {
        let source = try LogBed(.simulated)
        let log = try source.open().log
        for first in stride(from: 0, to: 120, by: 40) { try log.append(names(first..<(first + 40))) }
        let name = try #require(try source.segments.first)
        let bytes = try source.read(name)
        let held = recordOffsets(bytes).count - 1
        let next = String(repeating: "0", count: 17) + String(1_000 + held + 1).suffix(3) + ".log"
        for cut in [0, 1, 511, 512, 4_095] {
            let bed = try LogBed(.simulated)
            try bed.write(name, bytes)
            try bed.write(next, Array(bytes[..<cut]) + [UInt8](repeating: 0, count: 4_000))
            let (reopened, users) = try bed.open()
            #expect(users == names(0..<held), "cut at \(cut)")
            try reopened.append(["after"])
            #expect(try bed.open().users == names(0..<held) + ["after"])
        }
    }

    @Test("Durable records are missed also when the segment behind them is not whole")
    func lostBeforeUnfinished() throws {
        let source = try LogBed(.simulated)
        try source.open().log.append(names(0..<6))
        let name = try #require(try source.segments.first)
        let bytes = try source.read(name)
        let bed = try LogBed(.simulated)
        try bed.write(name, Array(bytes[..<(recordOffsets(bytes)[4] + 3)]))
        try bed.write("00000000000000000007.log", [0, 0, 0])
        #expect(throws: EventLogError.self) { try bed.open() }
    }

    @Test("A log goes on with other reactions or shards in a new segment, also when the last one is empty")
    func otherHeader() throws {
        let bed = try LogBed(.simulated)
        let first = try bed.open().log
        // Room for a first segment is made, and nothing is written.
        try first.prepare(bytes: 100)
        let second = try bed.open(bed.options(reactions: ["like", "love"])).log
        try second.append(["a"])
        let third = try bed.open(bed.options(reactions: ["like", "love"], shards: 3)).log
        try third.append(["b"])
        #expect(try bed.segments.count == 2)
        #expect(try bed.open().users == ["a", "b"])
    }

    @Test("Interval sync: what was appended is durable once the interval has passed, and not before")
    func interval() throws {
        let bed = try LogBed(.simulated)
        let log = try bed.open(bed.options(sync: .interval(nanoseconds: 1_000_000_000))).log
        #expect(try log.syncIfDue() == nil)
        bed.clock.advance(nanoseconds: 100)
        try log.append(["a", "b"])
        #expect(log.nextSequence == 3 && log.durableSequence == 1)
        #expect(try log.syncIfDue() == 999_999_900)
        bed.clock.advance(nanoseconds: 999_999_899)
        #expect(try log.syncIfDue() == 1)
        bed.clock.advance(nanoseconds: 1)
        #expect(try log.syncIfDue() == nil)
        #expect(log.durableSequence == 3)
    }

    @Test("Retention removes what is old and what the ledger holds, never more, never the last segment")
    func retention() throws {
        let bed = try LogBed(.simulated)
        let log = try bed.open().log
        for first in stride(from: 0, to: 400, by: 40) {
            try log.append(names(first..<(first + 40)))
            bed.clock.advance(milliseconds: 1_000)
        }
        let firsts = try bed.segments.map { UInt64($0.dropLast(4)) ?? 0 }
        let now = bed.clock.milliseconds()
        let old = LogRetention(disk: bed.disk, milliseconds: 0)
        #expect(
            try LogRetention(disk: bed.disk, milliseconds: 60_000).apply(
                directory: bed.directory, held: 400, now: now) == 0)
        #expect(try old.apply(directory: bed.directory, held: firsts[2] - 2, now: now) == 1)
        #expect(try old.apply(directory: bed.directory, held: firsts[2] - 1, now: now) == 1)
        #expect(try bed.open(from: firsts[2]).users == names(Int(firsts[2] - 1)..<400))
        #expect(throws: EventLogError.self) { try bed.open(from: firsts[2] - 1) }
        #expect(try old.apply(directory: bed.directory, held: 400, now: now) == firsts.count - 3)
        #expect(try bed.segments.count == 1)
        #expect(try old.apply(directory: bed.directory, held: 400, now: now) == 0)
    }
}
