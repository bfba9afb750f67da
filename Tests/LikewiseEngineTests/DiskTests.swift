import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Disk")
struct DiskTests {
    @Test("The machine's disk keeps the rule", arguments: DiskConformance.rules)
    func posix(_ rule: DiskConformance.Rule) throws {
        let folder = try TemporaryFolder()
        try rule.run(PosixDisk(), folder.path)
    }

    @Test("The simulated disk keeps the rule", arguments: DiskConformance.rules)
    func simulated(_ rule: DiskConformance.Rule) throws {
        let disk = SimulatedDisk(seed: 1)
        try disk.makeDirectory("/data")
        try rule.run(disk, "/data")
    }

    @Test("The simulated disk with a capacity keeps the rule while there is room", arguments: DiskConformance.rules)
    func bounded(_ rule: DiskConformance.Rule) throws {
        let disk = SimulatedDisk(seed: 1, capacity: 16 << 20)
        try disk.makeDirectory("data")
        try rule.run(disk, "data")
    }

    @Test("The machine's disk says 'full' when there is no space")
    func full() throws {
        let file = try PosixDisk().open("/dev/full")
        let error = #expect(throws: DiskError.self) { try file.write([1], at: 0) }
        #expect(error == .full(operation: "pwrite", path: "/dev/full"))
        #expect(error?.isFull == true)
    }

    @Test("An error has the system's words and the path")
    func words() throws {
        let folder = try TemporaryFolder()
        _ = try PosixDisk().create(folder.path + "/a")
        let error = #expect(throws: DiskError.self) { _ = try PosixDisk().create(folder.path + "/a") }
        #expect(error.map { "\($0)" } == "create \(folder.path)/a: File exists")
    }

    @Test("Paths may end with a slash, double one, or go up")
    func oddPaths() throws {
        let folder = try TemporaryFolder()
        let disk = PosixDisk()
        try disk.makeDirectory(folder.path + "//a/b/")
        try disk.makeDirectory(folder.path + "/a/b/../c")
        #expect(try disk.list(folder.path + "/a/") == ["b", "c"])
    }

    @Test("A file is closed when the last reference goes")
    func closed() throws {
        let folder = try TemporaryFolder()
        let disk = PosixDisk()
        // More than any usual limit on open files.
        for _ in 0..<2_000 {
            _ = try disk.create(folder.path + "/a").size()
            try disk.remove(folder.path + "/a")
        }
    }

    @Test("The machine's clock tells this century's milliseconds, and nanoseconds that never go back")
    func systemClock() {
        let clock = SystemClock()
        #expect((1_700_000_000_000...4_000_000_000_000).contains(clock.milliseconds()))
        var last = clock.nanoseconds()
        for _ in 0..<1_000 {
            let now = clock.nanoseconds()
            #expect(now >= last)
            last = now
        }
    }

    @Test("The simulated clock moves as told, and its monotonic side never back")
    func simulatedClock() {
        let clock = SimulatedClock(milliseconds: 10_000, nanoseconds: 5)
        clock.advance(milliseconds: 2)
        #expect(clock.milliseconds() == 10_002 && clock.nanoseconds() == 2_000_005)
        clock.jump(milliseconds: -9_000)
        #expect(clock.milliseconds() == 1_002 && clock.nanoseconds() == 2_000_005)
        clock.jump(milliseconds: -9_000)
        #expect(clock.milliseconds() == 0)
        clock.set(milliseconds: 77)
        clock.advance(nanoseconds: 999_995)
        #expect(clock.milliseconds() == 78 && clock.nanoseconds() == 3_000_000)
    }

    @Test("Equal seeds give equal numbers, and the numbers cover their range")
    func seededRandom() {
        // The first outputs of SplitMix64 from seed 0, as published with the algorithm.
        var reference = SeededRandom(seed: 0)
        #expect(reference.next() == 0xe220_a839_7b1d_cdaf)
        #expect(reference.next() == 0x6e78_9e6a_a1b9_65f4)
        var random = SeededRandom(seed: 42)
        var seen = Set<Int>()
        for _ in 0..<500 { seen.insert(random.within(-3...3)) }
        #expect(seen == Set(-3...3))
        let hits = (0..<10_000).count { _ in random.chance(0.25) }
        #expect((2_300...2_700).contains(hits))
    }
}
