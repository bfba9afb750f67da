import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Logging
import Testing

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What the tests of the spool share.
enum SpoolBed {
    static let directory = "/data/spool"

    static func open(
        _ disk: any Disk, in directory: String = SpoolBed.directory, _ change: (inout Spool.Options) -> Void = { _ in }
    ) throws -> Spool {
        var options = Spool.Options(directory: directory, reactions: ReactionSet.standard)
        options.segmentBytes = 4_096
        change(&options)
        return try Spool(options, disk: disk, clock: SimulatedClock(), logger: .silent)
    }

    /// Opens a spool, and stops it when `body` is done.
    static func with<Result>(
        _ disk: any Disk, in directory: String = SpoolBed.directory, _ change: (inout Spool.Options) -> Void = { _ in },
        _ body: (Spool) async throws -> Result
    ) async throws -> Result {
        let spool = try open(disk, in: directory, change)
        do {
            let result = try await body(spool)
            try await RedisBed.started { spool.stop() }
            return result
        } catch {
            try await RedisBed.started { spool.stop() }
            throw error
        }
    }
}

@Suite("The spool", .timeLimit(.minutes(2)))
struct SpoolTests {
    @Test("events of all kinds are read back as they were, in order, also after a restart", arguments: [false, true])
    func roundTrip(isReal: Bool) async throws {
        let folder = try TemporaryFolder()
        let disk: any Disk = isReal ? PosixDisk() : SimulatedDisk(seed: 1)
        let directory = isReal ? folder.path + "/deep/spool" : SpoolBed.directory
        let events: [LikeEvent] = [
            LikeEvent.register("c", "ann", at: 1, Reaction(rawValue: 2), was: .like, region: 3).typed("video"),
            .register("c", "ann", at: 2, .none, was: Reaction(rawValue: 2)),
            .register(String(repeating: "é", count: 128), String(repeating: "u", count: 128), at: 1 << 62),
            .put("c", type: "post", at: 3, .private),
            .put("d", type: String(repeating: "t", count: 32), at: 4),
            .deletion("c", at: 5),
        ]
        try await SpoolBed.with(disk, in: directory) { spool in
            #expect(await spool.append(Array(events[..<4])) == .durable)
            #expect(await spool.append(Array(events[4...])) == .durable)
            #expect(await spool.oldest(100) == events)
        }
        try await SpoolBed.with(disk, in: directory) { spool in
            #expect(spool.waiting.events == events.count)
            #expect(await spool.oldest(100) == events)
            #expect(await spool.append([events[0]]) == .durable)
        }
        try await SpoolBed.with(disk, in: directory) { spool in
            #expect(await spool.oldest(100) == events + [events[0]])
        }
    }

    @Test("an event is durable when the answer says so: a power loss takes nothing away", arguments: 1...10)
    func powerLoss(seed: Int) async throws {
        let disk = SimulatedDisk(seed: UInt64(seed))
        try await SpoolBed.with(disk) { spool in
            for part in 0..<10 { #expect(await spool.append(LikeEvent.likes(part * 20..<part * 20 + 20)) == .durable) }
            disk.crash()
        }
        try await SpoolBed.with(disk) { spool in
            #expect(await spool.oldest(1_000) == LikeEvent.likes(0..<200))
        }
    }

    @Test("what was relayed is forgotten, exactly so many and the oldest, and the room is given back")
    func relayed() async throws {
        let disk = SimulatedDisk(seed: 1)
        try await SpoolBed.with(disk) { spool in
            #expect(await spool.append(LikeEvent.likes(0..<500)) == .durable)
            let whole = spool.waiting.bytes
            #expect(await spool.oldest(120) == LikeEvent.likes(0..<120))
            await spool.relayed(120)
            #expect(spool.waiting.events == 380)
            #expect(spool.waiting.bytes < whole && spool.waiting.bytes > 0)
            #expect(await spool.oldest(10) == LikeEvent.likes(120..<130))
            await spool.relayed(10)
            #expect(await spool.append(LikeEvent.likes(500..<510)) == .durable)
            #expect(await spool.oldest(1_000) == LikeEvent.likes(130..<510))
            await spool.relayed(380)
            #expect(spool.waiting == (0, 0))
            #expect(await spool.oldest(10).isEmpty)
            #expect(disk.used < 8_192)
        }
        try await SpoolBed.with(disk) { spool in
            #expect(spool.waiting.events == 0)
            #expect(await spool.append(LikeEvent.likes(0..<1)) == .durable)
            #expect(await spool.oldest(10) == LikeEvent.likes(0..<1))
        }
    }

    @Test("a crash between relaying and forgetting has them relayed again, and nothing is skipped", arguments: 1...30)
    func crashWhileForgetting(seed: Int) async throws {
        var random = SeededRandom(seed: UInt64(seed))
        let disk = SimulatedDisk(seed: UInt64(seed))
        let all = LikeEvent.likes(0..<600)
        var forgotten = 0
        try await SpoolBed.with(disk) { spool in
            // Several segments.
            for part in 0..<6 { #expect(await spool.append(Array(all[part * 100..<part * 100 + 100])) == .durable) }
            await spool.relayed(random.below(200))
            disk.failAfter(operations: random.below(12))
            forgotten = 200 + random.below(401)
            await spool.relayed(forgotten)
            disk.crash()
        }
        try await SpoolBed.with(disk) { spool in
            let left = await spool.oldest(1_000)
            #expect(left == Array(all.suffix(left.count)), "seed \(seed)")
            #expect(left.count >= 600 - 199 - forgotten, "seed \(seed)")
        }
    }

    @Test("a folder that cannot be synced after everything was relayed takes no later event with it", arguments: 1...20)
    func lostDirectorySync(seed: Int) async throws {
        let disk = SimulatedDisk(seed: UInt64(seed))
        let later = LikeEvent.likes(200..<220)
        var isDurable = false
        try await SpoolBed.with(disk) { spool in
            #expect(await spool.append(LikeEvent.likes(0..<100)) == .durable)
            disk.failNextDirectorySync()
            await spool.relayed(100)
            isDurable = await spool.append(later) == .durable
            #expect(isDurable)
            disk.crash()
        }
        try await SpoolBed.with(disk) { spool in
            #expect(await spool.oldest(1_000).suffix(20) == later[...], "seed \(seed)")
        }
    }

    @Test("appends that wait while another is synced are synced together")
    func groupCommit() async throws {
        let disk = SimulatedDisk(seed: 1)
        try await SpoolBed.with(disk, { $0.segmentBytes = 1 << 20 }) { spool in
            _ = await spool.append(LikeEvent.likes(0..<1))
            let before = disk.counters.syncs
            // What the first one's caller is told from the spool's thread holds that thread up until all others wait.
            spool.onFirst {
                let end = ContinuousClock.now + .seconds(60)
                while spool.waiting.events + spool.queued < 201, ContinuousClock.now < end { sched_yield() }
            }
            await spool.relayed(1)
            let afterRelay = disk.counters.syncs
            await withTaskGroup(of: Void.self) { tasks in
                for number in 0...200 {
                    tasks.addTask {
                        #expect(await spool.append(LikeEvent.likes(number..<number + 1)) == .durable)
                    }
                }
            }
            #expect(disk.counters.syncs - afterRelay < 50, "before: \(before)")
            #expect(spool.waiting.events == 201)
        }
    }

    @Test("who wants to know is told each time that events begin to wait")
    func first() async throws {
        let told = Monitor(0)
        try await SpoolBed.with(SimulatedDisk(seed: 1)) { spool in
            spool.onFirst { told.update { $0 += 1 } }
            _ = await spool.append(LikeEvent.likes(0..<3))
            _ = await spool.append(LikeEvent.likes(3..<4))
            #expect(told.update { $0 } == 1)
            await spool.relayed(4)
            _ = await spool.append(LikeEvent.likes(4..<5))
        }
        #expect(told.update { $0 } == 2)
    }

    @Test("beyond the bound nothing is taken, and what was relayed makes room, also while others wait")
    func bound() async throws {
        try await SpoolBed.with(SimulatedDisk(seed: 1), { $0.bound = 10_000 }) { spool in
            var count = 0
            while await spool.append(LikeEvent.likes(count..<count + 10)) == .durable { count += 10 }
            #expect(await spool.append(LikeEvent.likes(count..<count + 10)) == .overloaded)
            #expect(spool.waiting.events == count)
            #expect(spool.waiting.bytes <= 10_000 && spool.waiting.bytes > 8_000)
            await spool.relayed(count / 2)
            #expect(await spool.append(LikeEvent.likes(count..<count + 10)) == .durable)
            #expect(await spool.oldest(1_000) == LikeEvent.likes(count / 2..<count + 10))
        }
    }

    @Test("a full disk keeps nothing of what it cannot keep whole, and takes events again when there is room")
    func full() async throws {
        let disk = SimulatedDisk(seed: 3, capacity: 20_000)
        var kept: [LikeEvent] = []
        try await SpoolBed.with(disk) { spool in
            var result = Publication.durable
            while result == .durable {
                let next = LikeEvent.likes(kept.count..<kept.count + 30)
                result = await spool.append(next)
                if result == .durable { kept += next }
            }
            #expect(result == .full)
            #expect(await spool.append(LikeEvent.likes(9_000..<9_040)) == .full)
            #expect(await spool.oldest(10_000) == kept)
            disk.capacity = nil
            #expect(await spool.append(LikeEvent.likes(kept.count..<kept.count + 30)) == .durable)
            kept += LikeEvent.likes(kept.count..<kept.count + 30)
            disk.crash()
        }
        try await SpoolBed.with(disk) { spool in #expect(await spool.oldest(10_000) == kept) }
    }

    @Test("a sync that fails says that nothing is known, keeps all that was durable, and it goes on", arguments: 1...20)
    func failedSync(seed: Int) async throws {
        let disk = SimulatedDisk(seed: UInt64(seed))
        let (first, doubted, last) = (LikeEvent.likes(0..<20), LikeEvent.likes(20..<40), LikeEvent.likes(40..<60))
        func isSound(_ events: [LikeEvent]) -> Bool {
            // All of the doubted ones, some of them from the first on, or none.
            let between = events.dropFirst(20).dropLast(20)
            return events.prefix(20) == first[...] && events.suffix(20) == last[...]
                && between.elementsEqual(doubted.prefix(between.count))
        }
        try await SpoolBed.with(disk) { spool in
            #expect(await spool.append(first) == .durable)
            disk.failNextSync()
            #expect(await spool.append(doubted) == .failed)
            #expect(await spool.append(last) == .durable)
            let held = await spool.oldest(1_000)
            #expect(isSound(held), "seed \(seed)")
            #expect(spool.waiting.events == held.count)
            disk.crash()
        }
        try await SpoolBed.with(disk) { spool in
            let held = await spool.oldest(1_000)
            #expect(isSound(held), "seed \(seed)")
        }
    }

    @Test("while the disk does nothing at all every append fails, and it goes on when the disk does")
    func stoppedDisk() async throws {
        let disk = SimulatedDisk(seed: 5)
        try await SpoolBed.with(disk) { spool in
            #expect(await spool.append(LikeEvent.likes(0..<20)) == .durable)
            disk.failAfter(operations: 0)
            #expect(await spool.append(LikeEvent.likes(20..<40)) == .failed)
            #expect(await spool.append(LikeEvent.likes(20..<40)) == .failed)
            #expect(await spool.oldest(10).isEmpty, "a disk that cannot be read gives nothing, and forgets nothing")
            #expect(spool.waiting.events >= 20)
            disk.processKill()
            #expect(await spool.append(LikeEvent.likes(40..<60)) == .durable)
            let held = await spool.oldest(1_000)
            #expect(held.prefix(20) == LikeEvent.likes(0..<20)[...])
            #expect(held.suffix(20) == LikeEvent.likes(40..<60)[...])
        }
    }
}
