// Memory a like, once all is quiet: what a server keeps resident for ten million likes, on one content and spread over many.
//
// Likewise is read when its ledger holds everything, so nothing waits in memory. Redis keeps everything in memory by
// design: a set a content, or a key a like (SET NX). It runs without an append-only file here, which would add buffers.

struct MemoryBench: BenchSuite {
    static let name = "memory"
    private static let connections = 2
    /// Likes of each content where they are spread.
    private static let likesEach = 100
    /// For the ledger to take what was liked.
    private static let ledgerSeconds = 1800.0

    private enum Shape: CaseIterable {
        case oneContent
        case manyContents

        var bar: Double { self == .oneContent ? 6 : 12 }

        func words(_ likes: Int) -> String {
            self == .oneContent
                ? "one content" : "\(likes / MemoryBench.likesEach) contents of \(MemoryBench.likesEach) likes"
        }

        /// The content of like `i`. Spread likes come to all contents in turn, as they do in life.
        func content(_ i: Int, of likes: Int) -> Int {
            self == .oneContent ? 1 : i % max(1, likes / MemoryBench.likesEach)
        }
    }

    private struct Growth {
        var bytes: Int
        var peakBytes: Int
        var details: [BenchField]
    }

    func run(_ bench: BenchContext) async throws {
        try await bench.onOwnThread { try measure(bench) }
    }

    private func measure(_ bench: BenchContext) throws {
        let likes = bench.settings.likes ?? 10_000_000
        let comparesRedis = !bench.leavesOut("redis")
        let progress = BenchProgress(Self.name, steps: Double(Shape.allCases.count * (comparesRedis ? 8 : 6)))
        defer { progress.end() }
        for shape in Shape.allCases {
            let words = shape.words(likes)
            let flags = ["--memory", ByteSize.text(bench.settings.memory ?? 256 << 20)]
            // About six times as long as one of Redis' measurements.
            progress.step("Likewise, \(words)", after: comparesRedis ? 1 : 6)
            let growth = try measureLikewise(bench.resources, shape, likes, flags, progress)
            var report = report("Likewise, \(words)", growth, likes)
            report.bar = .atMost(shape.bar)
            report.settings = [
                BenchField("likes", .count(likes)), BenchField("server", .text(flags.joined(separator: " "))),
            ]
            bench.print(report)
            guard comparesRedis else { continue }
            progress.step("Redis, a set a content, \(words)", after: 6)
            let set = try measureRedis(bench.resources, likes) { i in
                ["SADD", "likes:\(BulkBodies.content(shape.content(i, of: likes)))", "user_\(i)"]
            }
            progress.step("Redis, a key a like, \(words)")
            let keys = try measureRedis(bench.resources, likes) { i in
                ["SET", "like:\(BulkBodies.content(shape.content(i, of: likes))):user_\(i)", "1", "NX"]
            }
            for (name, growth) in [("Redis, SADD, \(words)", set), ("Redis, SET NX, \(words)", keys)] {
                var report = self.report(name, growth, likes)
                report.settings = [BenchField("likes", .count(likes)), BenchField("appendonly", "no")]
                bench.print(report)
            }
        }
    }

    private func report(_ name: String, _ growth: Growth, _ likes: Int) -> BenchReport {
        var report = BenchReport(
            Self.name, "\(name): resident memory", figure: Double(growth.bytes) / Double(likes), unit: "bytes/like")
        report.details = growth.details + [BenchField("peak_resident_bytes", .count(growth.peakBytes))]
        return report
    }

    private func measureLikewise(
        _ resources: BenchResources, _ shape: Shape, _ likes: Int, _ flags: [String], _ progress: BenchProgress
    ) throws -> Growth {
        let folder = try resources.folder("memory")
        defer { resources.remove(folder) }
        let server = try LikewiseServer(resources, dataDirectory: folder, flags: flags)
        defer { server.process.kill() }
        // What the first requests bring into memory belongs to no like.
        let warm = BulkBodies(likes: 1000, ofContent: 999_999_999)
        _ = try BulkPour(warm, port: server.port, connections: Self.connections, atBound: .fail).run()
        _ = try server.waitForLedger(seconds: 60)
        let before = server.quietResidentBytes()
        // A part at a time, so that the bodies do not take this machine's memory while that of the server is measured.
        let part = 1_000_000
        for start in stride(from: 0, to: likes, by: part) {
            let bodies = BulkBodies(likes: start..<min(likes, start + part)) { shape.content($0, of: likes) }
            let pour = BulkPour(bodies, port: server.port, connections: Self.connections, atBound: .waitForRoom)
            _ = try pour.run()
            progress.within(Double(start) / Double(likes), size: 6)
        }
        _ = try server.waitForLedger(seconds: Self.ledgerSeconds)
        let after = server.quietResidentBytes()
        if shape == .oneContent {
            let count = try server.count(of: BulkBodies.content(1))
            guard count == likes else { throw BenchError("\(likes) likes were accepted, the count is \(count ?? -1)") }
        }
        return Growth(
            bytes: after - before, peakBytes: server.process.peakResidentBytes,
            details: [
                BenchField("resident_bytes_before", .count(before)), BenchField("resident_bytes_after", .count(after)),
                BenchField("overlay_bytes", .number(try server.metric("likewise_overlay_bytes") ?? .nan)),
                BenchField("content_bytes", .number(try server.metric("likewise_content_bytes") ?? .nan)),
            ])
    }

    private func measureRedis(_ resources: BenchResources, _ likes: Int, _ words: (Int) -> [String]) throws -> Growth {
        let folder = try resources.folder("redis")
        defer { resources.remove(folder) }
        let redis = try RedisServer(resources, folder: folder, appendOnly: false)
        defer { redis.process.kill() }
        let (before, usedBefore) = (redis.process.residentBytes, try redis.info("used_memory") ?? 0)
        let part = 1_000_000
        for start in stride(from: 0, to: likes, by: part) {
            let pipeline = RedisPipeline(count: min(part, likes - start)) { words(start + $0) }
            _ = try pipeline.run(port: redis.port, connections: Self.connections)
        }
        let used = (try redis.info("used_memory") ?? 0) - usedBefore
        return Growth(
            bytes: redis.process.residentBytes - before, peakBytes: redis.process.peakResidentBytes,
            details: [BenchField("used_memory_a_like", .number(Double(used) / Double(likes)))])
    }
}
