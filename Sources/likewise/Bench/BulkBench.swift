// Millions of users like one content, each once: bulk intake over HTTP, beside Redis doing what is usually done there.
//
// Both sides get their bytes from memory, built ahead, over as many connections. Each round starts fresh servers, in turn.
// What Likewise answers is synced; Redis runs as people run it who want to keep what they count, with an append-only file
// that is synced every second.

struct BulkBench: BenchSuite {
    static let name = "bulk"
    private static let connections = 4
    /// The overlay takes what the intake is faster than the ledger, so that the intake is measured and not the ledger.
    private static let serverFlags = ["--memory", "8GiB", "--overlay-bytes", "4GiB"]
    /// Counts a like once, in one step: what keeps a set and a counter together.
    static let script =
        "if redis.call('SADD', KEYS[1], ARGV[1]) == 1 then return redis.call('INCR', KEYS[2]) end "
        + "return tonumber(redis.call('GET', KEYS[2]))"

    private struct Sizes {
        let rounds: Int
        let likes: Int
        let redisLikes: Int
    }

    func run(_ bench: BenchContext) async throws {
        try await bench.onOwnThread { try measure(bench) }
    }

    private func measure(_ bench: BenchContext) throws {
        let likes = bench.settings.likes ?? 10_000_000
        let sizes = Sizes(
            rounds: bench.settings.rounds, likes: likes, redisLikes: min(likes, bench.settings.redisLikes))
        let comparesRedis = !bench.leavesOut("redis")
        let progress = BenchProgress(Self.name, steps: Double(sizes.rounds * (comparesRedis ? 2 : 1) + 1))
        defer { progress.end() }
        progress.step("building \(likes) likes in memory")
        let bodies = BulkBodies(likes: likes, ofContent: 1)
        var (ours, theirs): ([Double], [Double]) = ([], [])
        for round in 1...sizes.rounds {
            progress.step("round \(round) of \(sizes.rounds), Likewise: \(likes) likes")
            ours.append(try measureLikewise(bench.resources, bodies, progress))
            guard comparesRedis else { continue }
            progress.step("round \(round) of \(sizes.rounds), Redis: \(sizes.redisLikes) likes")
            theirs.append(try measureRedis(bench.resources, sizes))
        }
        report(bench, sizes, ours, theirs)
    }

    private func measureLikewise(
        _ resources: BenchResources, _ bodies: BulkBodies, _ progress: BenchProgress
    ) throws -> Double {
        let folder = try resources.folder("bulk")
        defer { resources.remove(folder) }
        let server = try LikewiseServer(resources, dataDirectory: folder, flags: Self.serverFlags)
        defer { server.process.kill() }
        let pour = BulkPour(bodies, port: server.port, connections: Self.connections, atBound: .fail)
        let seconds = try pour.run()
        var connection = try BenchConnection(port: server.port)
        let content = BulkBodies.content(1)
        let count = try connection.request("GET", "/v1/likes/count/\(content)").text
        guard count.contains("\"count\":\(bodies.likes),"), count.contains("\"approx\":false") else {
            throw BenchError("\(bodies.likes) likes were accepted, and the count of \(content) is \(count)")
        }
        return Double(bodies.likes) / seconds
    }

    private func measureRedis(_ resources: BenchResources, _ sizes: Sizes) throws -> Double {
        let folder = try resources.folder("redis")
        defer { resources.remove(folder) }
        let redis = try RedisServer(resources, folder: folder)
        defer { redis.process.kill() }
        let digest = try redis.command(["SCRIPT", "LOAD", Self.script])
        let content = BulkBodies.content(1)
        let (set, counter) = ("likes:\(content)", "count:\(content)")
        let pipeline = RedisPipeline(count: sizes.redisLikes) { ["EVALSHA", digest, "2", set, counter, "user_\($0)"] }
        let seconds = try pipeline.run(port: redis.port, connections: Self.connections)
        let count = try redis.command(["GET", counter])
        guard count == "\(sizes.redisLikes)" else {
            throw BenchError("Redis was given \(sizes.redisLikes) likes and counts \(count)")
        }
        return Double(sizes.redisLikes) / seconds
    }

    private func report(_ bench: BenchContext, _ sizes: Sizes, _ ours: [Double], _ theirs: [Double]) {
        let shared = [
            BenchField("connections", .count(Self.connections)), BenchField("requests_built", "ahead, in memory"),
        ]
        var report = BenchReport(
            Self.name, "Likewise, POST /v1/likes/batch, one content", rounds: ours, unit: "likes/s")
        report.bar = .atLeast(1_000_000)
        report.details = [BenchField("exact", true)]
        report.settings =
            shared + [
                BenchField("likes", .count(sizes.likes)), BenchField("lines_a_body", .count(BulkBodies.linesPerBody)),
                BenchField("sync", "always"), BenchField("server", .text(Self.serverFlags.joined(separator: " "))),
            ]
        bench.print(report)
        guard !theirs.isEmpty else { return }
        var redis = BenchReport(Self.name, "Redis, script of SADD and INCR, pipelined", rounds: theirs, unit: "likes/s")
        redis.settings =
            shared + [
                BenchField("likes", .count(sizes.redisLikes)), BenchField("pipeline", .count(RedisPipeline.depth)),
                BenchField("appendonly", "yes"), BenchField("appendfsync", "everysec"),
            ]
        bench.print(redis)
        var ratio = BenchReport(
            Self.name, "Likewise as a multiple of Redis", rounds: zip(ours, theirs).map { $0 / $1 }, unit: "times")
        ratio.bar = .atLeast(6)
        bench.print(ratio)
    }
}
