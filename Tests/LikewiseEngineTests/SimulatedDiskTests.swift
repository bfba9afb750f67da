import LikewiseEngine
import LikewiseTestSupport
import Testing

/// What a crash may leave and what it must leave; many claims are seen over seeds, since each crash is one of many.
@Suite("Simulated disk")
struct SimulatedDiskTests {
    private static let seeds = SeededRandom.seeds(300)

    /// A disk with a durable, empty file `/a`, open.
    private func diskWithFile(_ seed: UInt64) throws -> (SimulatedDisk, any DiskFile) {
        let disk = SimulatedDisk(seed: seed)
        let file = try disk.create("/a")
        try disk.syncDirectory("/")
        return (disk, file)
    }

    @Test("What was synced survives every crash, whatever was written around it since")
    func syncedSurvives() throws {
        for seed in SeededRandom.seeds(200) {
            var random = SeededRandom(seed: seed)
            let (disk, first) = try diskWithFile(seed)
            var file = first
            var model: [UInt8] = []
            for round in 0..<8 {
                for _ in 0..<random.below(6) {
                    let bytes = random.bytes(random.within(1...1_500))
                    try file.write(bytes, at: model.count)
                    model += bytes
                    if random.chance(oneIn: 4) { try file.reserve(model.count + 3_000) }
                }
                try file.sync()
                for _ in 0..<random.below(4) {
                    try file.write(random.bytes(random.within(1...1_500)), at: model.count + random.below(2_000))
                }
                random.chance(oneIn: 3) ? disk.processKill() : disk.crash()
                file = try disk.open("/a")
                let found = try file.read(count: model.count, at: 0)
                #expect(found == model, "seed \(seed), round \(round)")
                try file.truncate(to: model.count)
            }
        }
    }

    @Test("An unsynced write survives whole, is lost, or survives by whole sectors, early and late ones alike")
    func unsyncedIsTorn() throws {
        var outcomes: [String: Int] = [:]
        let old = [UInt8](repeating: 1, count: 4_096)
        for seed in Self.seeds {
            let (disk, file) = try diskWithFile(seed)
            try file.write(old, at: 0)
            try file.sync()
            try file.write([UInt8](repeating: 2, count: 3_000), at: 100)
            disk.crash()
            let found = try #require(disk.contents("/a"))
            #expect(found.count == 4_096)
            // The write covers 412 bytes of sector 0, sectors 1 to 5, and 28 bytes of sector 6.
            let pieces = [100..<512] + (1..<6).map { $0 * 512..<($0 + 1) * 512 } + [3_072..<3_100]
            for piece in pieces { #expect(Set(found[piece]).count == 1, "seed \(seed): a torn sector") }
            #expect(found[..<100] == old[..<100] && found[3_100...] == old[3_100...], "seed \(seed)")
            let kept = pieces.map { found[$0.lowerBound] == 2 }
            if kept == kept.map({ _ in true }) {
                outcomes["whole", default: 0] += 1
            } else if !kept.contains(true) {
                outcomes["lost", default: 0] += 1
            } else {
                outcomes[kept[0] ? "first sector kept" : "first sector lost", default: 0] += 1
            }
        }
        for outcome in ["whole", "lost", "first sector kept", "first sector lost"] {
            #expect(outcomes[outcome, default: 0] > 10, "\(outcomes)")
        }
    }

    @Test("A later unsynced write may survive an earlier one, and the size may survive without the bytes")
    func outOfOrder() throws {
        var onlyLater = 0
        var onlySize = 0
        var sizes = Set<Int>()
        for seed in Self.seeds {
            let (disk, file) = try diskWithFile(seed)
            try file.write([UInt8](repeating: 1, count: 1_024), at: 0)
            try file.write([UInt8](repeating: 2, count: 1_024), at: 1_024)
            disk.crash()
            let found = try #require(disk.contents("/a"))
            sizes.insert(found.count)
            if !found.contains(1), found.contains(2) { onlyLater += 1 }
            if !found.isEmpty, !found.contains(1), !found.contains(2) { onlySize += 1 }
        }
        #expect(onlyLater > 5)
        #expect(onlySize > 5)
        #expect(sizes == [0, 512, 1_024, 1_536, 2_048])
    }

    @Test("An unsynced cut may come undone, and a synced one does not")
    func cuts() throws {
        var sizes = Set<Int>()
        for seed in Self.seeds {
            let (disk, file) = try diskWithFile(seed)
            try file.write([UInt8](repeating: 1, count: 900), at: 0)
            try file.truncate(to: 800)
            try file.sync()
            try file.truncate(to: 100)
            disk.crash()
            sizes.insert(try disk.open("/a").size())
        }
        #expect(sizes == [100, 800])
    }

    @Test("A name is durable only after its folder is synced, even where the file was")
    func names() throws {
        var lost = 0
        var cameBack = 0
        for seed in Self.seeds {
            let (disk, file) = try diskWithFile(seed)
            try file.write([7], at: 0)
            try file.sync()
            let new = try disk.create("/b")
            try new.write([8], at: 0)
            try new.sync()
            try disk.remove("/a")
            disk.crash()
            let names = try disk.list("/")
            #expect(Set(names).isSubset(of: ["a", "b"]))
            if names.contains("a") {
                cameBack += 1
                #expect(disk.contents("/a") == [7])
            }
            if names.contains("b") { #expect(disk.contents("/b") == [8]) } else { lost += 1 }
        }
        #expect((20...280).contains(lost))
        #expect((20...280).contains(cameBack))
    }

    @Test("Synced names and removals stay as they were synced")
    func syncedNames() throws {
        for seed in Self.seeds {
            let (disk, _) = try diskWithFile(seed)
            _ = try disk.create("/b")
            try disk.remove("/a")
            try disk.syncDirectory("/")
            disk.crash()
            #expect(try disk.list("/") == ["b"])
        }
    }

    @Test("A killed process loses nothing that it wrote, until the power goes too")
    func processKill() throws {
        var lostLater = 0
        for seed in Self.seeds {
            let disk = SimulatedDisk(seed: seed)
            try disk.create("/a").write([1, 2, 3], at: 0)
            disk.processKill()
            #expect(disk.contents("/a") == [1, 2, 3])
            disk.crash()
            if disk.contents("/a") != [1, 2, 3] { lostLater += 1 }
        }
        #expect(lostLater > 50)
    }

    @Test("A file opened before a crash or a kill refuses everything")
    func stale() throws {
        let (disk, file) = try diskWithFile(1)
        let crashes = [disk.crash, disk.processKill]
        for crash in crashes {
            let open = try disk.open("/a")
            try open.sync()
            crash()
            for stale in [file, open] {
                #expect(throws: DiskError.self) { try stale.write([1], at: 0) }
                #expect(throws: DiskError.self) { try stale.read(count: 1, at: 0) }
                #expect(throws: DiskError.self) { try stale.size() }
                #expect(throws: DiskError.self) { try stale.sync() }
                #expect(throws: DiskError.self) { try stale.reserve(10) }
                #expect(throws: DiskError.self) { try stale.truncate(to: 0) }
            }
        }
        #expect(disk.contents("/a") == [])
    }

    @Test("After a failed sync the next one succeeds and saves nothing of what the first lost")
    func failedSync() throws {
        var lost = 0
        var seenButLost = 0
        for seed in Self.seeds {
            let (disk, file) = try diskWithFile(seed)
            try file.write([1], at: 0)
            try file.sync()
            try file.write([2], at: 1)
            disk.failNextSync()
            #expect(throws: DiskError.self) { try file.sync() }
            let seen = try file.all()
            #expect(seen.count == 2, "a reader goes on seeing the size")
            try file.sync()
            disk.crash()
            let found = try #require(disk.contents("/a"))
            #expect(found.first == 1)
            if found != [1, 2] {
                lost += 1
                if seen == [1, 2] { seenButLost += 1 }
            }
        }
        #expect(lost > 50)
        #expect(seenButLost > 20)
    }

    @Test("A failed sync of a folder may lose its names for good")
    func failedDirectorySync() throws {
        var lost = 0
        for seed in Self.seeds {
            let disk = SimulatedDisk(seed: seed)
            _ = try disk.create("/a")
            disk.failNextDirectorySync()
            #expect(throws: DiskError.self) { try disk.syncDirectory("/") }
            try disk.syncDirectory("/")
            disk.crash()
            if try disk.list("/").isEmpty { lost += 1 }
        }
        #expect((50...250).contains(lost))
    }

    @Test("A full disk refuses with 'full', at times after a part, and goes on when there is room")
    func full() throws {
        var parts = Set<Bool>()
        for seed in Self.seeds {
            let disk = SimulatedDisk(seed: seed, capacity: 1_000)
            let file = try disk.create("/a")
            try file.write([UInt8](repeating: 1, count: 900), at: 0)
            let error = #expect(throws: DiskError.self) { try file.write([UInt8](repeating: 2, count: 200), at: 850) }
            #expect(error?.isFull == true)
            #expect(disk.used <= 1_000)
            parts.insert(try file.size() > 900)
            try file.write([3], at: 0)
            #expect(throws: DiskError.self) { try file.reserve(1_001) }
            try file.reserve(1_000)
            #expect(disk.used == 1_000)
            #expect(throws: DiskError.full(operation: "create", path: "/b")) { try disk.create("/b") }
            try file.write([4], at: 999)
            try file.truncate(to: 10)
            #expect(disk.used == 10)
            try disk.create("/b").write([UInt8](repeating: 5, count: 990), at: 0)
            try disk.remove("/a")
            #expect(disk.used == 990)
            disk.capacity = nil
            try disk.open("/b").reserve(5_000)
        }
        #expect(parts == [true, false])
    }

    @Test("The disk stops after the operations it was given, and everything fails until the crash")
    func crashPoint() throws {
        for allowed in 0...6 {
            let (disk, file) = try diskWithFile(5)
            disk.failAfter(operations: allowed)
            var done = 0
            func step(_ body: () throws -> Void) { if (try? body()) != nil { done += 1 } }
            step { try file.write([1], at: 0) }
            step { try file.sync() }
            step { try file.reserve(100) }
            step { try file.truncate(to: 0) }
            step { try disk.remove("/a") }
            step { try disk.syncDirectory("/") }
            #expect(done == allowed)
            #expect(disk.hasStopped == (allowed < 6))
            if disk.hasStopped {
                #expect(throws: DiskError.self) { try disk.list("/") }
                #expect(throws: DiskError.self) { try disk.create("/b") }
                #expect(throws: DiskError.self) { try file.size() }
            }
            disk.crash()
            #expect(!disk.hasStopped)
            _ = try disk.create("/b")
        }
    }

    @Test("The operation that the disk stops at may have happened")
    func lastOperation() throws {
        var sizes = Set<Int>()
        for seed in Self.seeds {
            let (disk, file) = try diskWithFile(seed)
            disk.failAfter(operations: 0)
            #expect(throws: DiskError.self) { try file.write([1], at: 0) }
            disk.crash()
            sizes.insert(try disk.open("/a").size())
        }
        #expect(sizes == [0, 1])
    }

    @Test(
        "A disk that ignores syncs loses what was synced, which a test of durability must notice",
        arguments: [SimulatedDisk.IgnoredSyncs.all, .paths(["/a"]), .some(0.5)])
    func ignoredSyncs(_ ignored: SimulatedDisk.IgnoredSyncs) throws {
        var lost = 0
        for seed in Self.seeds {
            let (disk, file) = try diskWithFile(seed)
            disk.ignoredSyncs = ignored
            try file.write([1], at: 0)
            try file.sync()
            disk.crash()
            if disk.contents("/a") != [1] { lost += 1 }
        }
        #expect(lost > 30)
    }

    @Test("Corruption turns bits over for readers and on stable storage")
    func corrupt() throws {
        let (disk, file) = try diskWithFile(1)
        try file.write([0b1010, 5], at: 0)
        try file.sync()
        disk.corrupt("/a", at: 0, mask: 0b0110)
        #expect(try file.all() == [0b1100, 5])
        disk.crash()
        #expect(disk.contents("/a") == [0b1100, 5])
    }

    @Test("Equal seeds and equal operations give equal disks")
    func repeatable() throws {
        func run(_ seed: UInt64) throws -> [[UInt8]?] {
            let disk = SimulatedDisk(seed: seed)
            var random = SeededRandom(seed: 9)
            for round in 0..<20 {
                let file = try disk.create("/\(round)")
                for _ in 0..<5 { try file.write(random.bytes(700), at: random.below(5_000)) }
                if random.chance(oneIn: 2) { try file.sync() }
                if random.chance(oneIn: 2) { try disk.syncDirectory("/") }
                if random.chance(oneIn: 3) { disk.crash() }
            }
            disk.crash()
            return (0..<20).map { disk.contents("/\($0)") }
        }
        let first = try run(1)
        #expect(try run(1) == first)
        #expect(try run(2) != first)
    }

    @Test("The counters count")
    func counters() throws {
        let disk = SimulatedDisk(seed: 1)
        let file = try disk.create("/a")
        try file.write([1, 2, 3], at: 0)
        try file.write([4], at: 3)
        try file.sync()
        _ = try file.all()
        try disk.syncDirectory("/")
        var expected = SimulatedDisk.Counters()
        expected.operations = 5
        expected.reads = 1
        expected.bytesRead = 4
        expected.writes = 2
        expected.bytesWritten = 4
        expected.syncs = 1
        expected.directorySyncs = 1
        #expect(disk.counters == expected)
    }
}
