import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

/// The log on a disk that fails, fills up and forgets. Many seeds, since each crash is one of many.
@Suite("Segment log under faults")
struct SegmentLogFaultTests {
    private static let seeds = SeededRandom.seeds(150)

    @Test(
        "Stopped at any operation, killed, started, gone on with, and then without power: nothing acknowledged is lost")
    func stoppedAnywhere() throws {
        for seed in Self.seeds {
            var random = SeededRandom(seed: seed)
            let disk = SimulatedDisk(seed: random.next())
            let bed = LogBed(disk)
            var acknowledged: [String] = []
            var unsure: [String] = []
            for round in 0..<8 {
                disk.failAfter(operations: random.below(30))
                do {
                    let (log, users) = try bed.open(bed.options(segmentBytes: 4_700))
                    try take(users, &acknowledged, unsure, seed)
                    unsure = []
                    while true {
                        unsure = (0..<random.within(1...6)).map { "\(round)-\(acknowledged.count + $0)" }
                        try log.append(unsure)
                        acknowledged += unsure
                    }
                } catch {
                    random.chance(oneIn: 2) ? disk.processKill() : disk.crash()
                }
            }
            try take(try bed.open().users, &acknowledged, unsure, seed)
        }
    }

    /// What is found must be all that was acknowledged, with the first so many of what is unsure.
    private func take(_ found: [String], _ acknowledged: inout [String], _ unsure: [String], _ seed: UInt64) throws {
        try #require(found.starts(with: acknowledged), "seed \(seed)")
        try #require(unsure.starts(with: found[acknowledged.count...]), "seed \(seed)")
        acknowledged = found
    }

    @Test("A disk without room refuses, at once or half-way; what was refused never appears, and with room it goes on")
    func full() throws {
        var refusals = 0
        for seed in Self.seeds {
            var random = SeededRandom(seed: seed)
            let disk = SimulatedDisk(seed: random.next())
            let bed = LogBed(disk)
            var log = try bed.open(bed.options(segmentBytes: 5_000)).log
            var acknowledged: [String] = []
            for round in 0..<60 {
                if random.chance(oneIn: 4) { disk.capacity = disk.used + random.below(9_000) }
                if random.chance(oneIn: 4) { disk.capacity = nil }
                let users = (0..<random.within(1...40)).map { "\(round)-\($0)" }
                do {
                    try log.append(users)
                    acknowledged += users
                } catch {
                    guard case .full = error else { throw error }
                    refusals += 1
                    try #require(log.nextSequence == UInt64(acknowledged.count) + 1)
                }
                if random.chance(oneIn: 6) {
                    random.chance(oneIn: 2) ? disk.processKill() : disk.crash()
                    let (reopened, users) = try bed.open(bed.options(segmentBytes: 5_000))
                    try #require(users == acknowledged, "seed \(seed), round \(round)")
                    log = reopened
                }
            }
        }
        #expect(refusals > 100)
    }

    @Test("After a failed sync the log stays failed, and what the next start finds is durable from then on")
    func failedSync() throws {
        for seed in Self.seeds {
            var random = SeededRandom(seed: seed)
            let disk = SimulatedDisk(seed: random.next())
            let bed = LogBed(disk)
            var log = try bed.open().log
            try log.append(["a", "b"])
            disk.failNextSync()
            #expect(throws: EventLogError.self) { try log.append(["c", "d"]) }
            for _ in 0..<3 {
                #expect(throws: EventLogError.self) { try log.append(["e"]) }
                // What was acknowledged is durable still, and the ledger may have it; the failed batch is not part of it.
                #expect(throws: Never.self) { try log.sync() }
                #expect(log.nextSequence == 3 && log.durableSequence == 3)
            }
            // The process is started again, the machine is not: what the cache shows may not be on the disk.
            disk.processKill()
            var found: [String] = []
            (log, found) = try bed.open()
            try #require(["a", "b", "c", "d"].starts(with: found) && found.count >= 2, "seed \(seed)")
            try log.append(["f"])
            disk.crash()
            try #require(try bed.open().users == found + ["f"], "seed \(seed)")
        }
    }

    @Test("A segment whose name could not be synced is not relied on")
    func failedDirectorySync() throws {
        for seed in Self.seeds {
            let disk = SimulatedDisk(seed: seed)
            let bed = LogBed(disk)
            var log = try bed.open(bed.options(segmentBytes: 4_200)).log
            try log.append(["a", "b"])
            disk.failNextDirectorySync()
            #expect(throws: EventLogError.self) { try log.append(["c", "d", "e"]) }
            disk.processKill()
            log = try bed.open(bed.options(segmentBytes: 4_200)).log
            try log.append(["f", "g", "h"])
            disk.crash()
            try #require(try bed.open().users == ["a", "b", "f", "g", "h"], "seed \(seed)")
        }
    }

    @Test("Interval sync: a power loss takes a suffix at most, and none of what was synced")
    func interval() throws {
        for seed in Self.seeds {
            var random = SeededRandom(seed: seed)
            let disk = SimulatedDisk(seed: random.next())
            let bed = LogBed(disk)
            let log = try bed.open(bed.options(sync: .interval(nanoseconds: 1_000_000), segmentBytes: 4_700)).log
            var written: [String] = []
            for round in 0..<20 {
                let users = (0..<random.within(1...5)).map { "\(round)-\($0)" }
                try log.append(users)
                written += users
                bed.clock.advance(nanoseconds: UInt64(random.below(500_000)))
                _ = try log.syncIfDue()
            }
            let durable = Int(log.durableSequence) - 1
            disk.crash()
            let found = try bed.open().users
            try #require(written.starts(with: found) && found.count >= durable, "seed \(seed)")
        }
    }

    @Test("A retention that a crash cuts short leaves no gap")
    func retention() throws {
        for seed in Self.seeds {
            var random = SeededRandom(seed: seed)
            let disk = SimulatedDisk(seed: random.next())
            let bed = LogBed(disk)
            let log = try bed.open(bed.options(segmentBytes: 4_400)).log
            for i in 0..<40 { try log.append(["user-\(i)"]) }
            disk.failAfter(operations: random.below(12))
            _ = try? LogRetention(disk: disk, milliseconds: 0).apply(
                directory: bed.directory, held: 40, now: bed.clock.milliseconds())
            disk.crash()
            let first = try #require(try bed.segments.first.flatMap { UInt64($0.dropLast(4)) })
            #expect(try bed.open(from: first).users == (Int(first - 1)..<40).map { "user-\($0)" }, "seed \(seed)")
        }
    }
}
