import Foundation
import LikewiseServer
import Testing
import likewise

@Suite("Click farms among people")
struct AbuseTraceTests {
    /// Where a recorded trace is, for the tests that need it.
    private static let recorded: String = {
        // Beside the repository, as for the tests of real servers.
        let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder =
            ProcessInfo.processInfo.environment["LIKEWISE_SHARED"]
            ?? repository.deletingLastPathComponent().appending(path: "shared").path
        return folder + "/data/higgs-retweets.csv.gz"
    }()

    /// A day in which a thing is passed on: contents by Zipf's law, users who come once and some who come often, slow hours
    /// and fast ones.
    private static func rows(_ count: Int, seed: UInt64) -> [RecordedLike] {
        var state = seed
        func random() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / Double(1 << 53)
        }
        let times = (0..<count).map { _ in
            Int64(random() < 0.7 ? random().squareRoot() * 86_400 : 86_400 + random() * 86_400)
        }
        return times.sorted().map { second in
            let user = random() < 0.6 ? UInt32(random() * 1e9) : UInt32(pow(Double(count), 0.5 + random() / 2))
            return RecordedLike(second: second, user: user, content: UInt32(pow(3000, random())))
        }
    }

    @Test("the same seed makes the same trace, another seed another")
    func repeats() {
        let rows = Self.rows(5000, seed: 1)
        func trace(_ seed: UInt64) -> [String] {
            AbuseWorld(rows, share: 0.05, seed: seed).mixed.map { "\($0)" }
        }
        #expect(trace(1) == trace(1))
        #expect(trace(1) != trace(2))
    }

    @Test("farms are the share of likes that was asked for, of all four kinds, and the people are left as they were")
    func shares() {
        let rows = Self.rows(40_000, seed: 2)
        let world = AbuseWorld(rows, share: 0.05, seed: 3)
        let likes = world.mixed.filter { !$0.isUnlike }
        let farms = likes.filter { $0.origin != .person }
        #expect(abs(Double(farms.count) / Double(likes.count) - 0.05) < 0.005)
        for kind in LikeOrigin.farms { #expect(farms.contains { $0.origin == kind }) }
        #expect(world.mixed.count { $0.origin == .person } == world.people.count)
        #expect(zip(world.mixed, world.mixed.dropFirst()).allSatisfy { $0.milliseconds <= $1.milliseconds })
    }

    @Test(
        "four of five farm likes of a small trace are held, and few of the people's", arguments: [1, 2, 3] as [UInt64])
    func small(seed: UInt64) {
        let world = AbuseWorld(Self.rows(60_000, seed: seed), share: 0.05, seed: seed)
        let mixed = AbuseScore(world.mixed, seed: seed)
        let people = AbuseScore(world.people, seed: seed)
        #expect(mixed.recall >= 0.8, "seed \(seed)")
        #expect(mixed.share(.person) <= 0.003, "seed \(seed)")
        #expect(people.share(.person) <= 0.002, "seed \(seed)")
    }

    @Test(
        "of farms in a recorded trace 95 in 100 likes are held, of the people's one in a thousand at most",
        .enabled(
            if: FileManager.default.fileExists(atPath: recorded), "the trace is not here; LIKEWISE_SHARED says where"))
    func recordedTrace() throws {
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        gzip.arguments = ["gzip", "-dc", Self.recorded]
        let pipe = Pipe()
        gzip.standardOutput = pipe
        try gzip.run()
        let rows = RecordedLike.rows(pipe.fileHandleForReading.readDataToEndOfFile())
        gzip.waitUntilExit()
        let world = AbuseWorld(rows, share: 0.05, seed: 2)
        let mixed = AbuseScore(world.mixed, seed: 2)
        #expect(mixed.recall >= 0.95)
        #expect(mixed.share(.person) <= 0.001)
        #expect(AbuseScore(world.people, seed: 2).share(.person) <= 0.001)
    }
}
