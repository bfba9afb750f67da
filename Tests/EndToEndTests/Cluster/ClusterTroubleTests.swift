import Foundation
import LikewiseCore
import LikewiseTestSupport
import Testing

/// Members of a cluster are killed under load. Whatever was answered must hold afterwards, to the last like.
@Suite("A cluster in trouble", .cluster(), .serialized, .timeLimit(.minutes(5)))
struct ClusterTroubleTests {
    private func expectExact(
        _ cluster: TestCluster, _ load: ClusterLoad, _ account: ClusterAccount,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let wrong = try cluster.differences(from: account)
        #expect(
            wrong.isEmpty, "seed \(load.seed): \(wrong.prefix(5))\n\(wrong.isEmpty ? "" : cluster.logs)",
            sourceLocation: sourceLocation)
    }

    private func expectNoneWrong(
        _ account: ClusterAccount, _ load: ClusterLoad, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(
            account.wrong.isEmpty, "\(account.wrong.count), seed \(load.seed): \(account.wrong.prefix(3))",
            sourceLocation: sourceLocation)
    }

    private func expectAllTaken(
        _ account: ClusterAccount, _ load: ClusterLoad, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(
            account.refused.isEmpty, "\(account.refused.count), seed \(load.seed): \(account.refused.prefix(3))",
            sourceLocation: sourceLocation)
    }

    @Test("An aggregator is killed, another takes over its partitions, and every count is exact again")
    func aggregator() throws {
        let cluster = try TestCluster.current()
        let load = ClusterLoad(cluster, "aggregator")
        try load.wait(answers: 300)
        cluster.killAggregator()
        // Ends at once: what the one that was killed had taken and not shown is shown by nothing that comes after.
        let account = try load.finish()
        expectNoneWrong(account, load)
        expectAllTaken(account, load)
        try expectExact(cluster, load, account)
        try cluster.startAggregator()
    }

    @Test("What an aggregator took, and was killed before it showed, is shown by the next one")
    func unshown() throws {
        let cluster = try TestCluster.current()
        let (http, other) = (try cluster.connect(0), try cluster.connect(1))
        func isCounted(_ count: Int64) -> Bool {
            [http, other].allSatisfy {
                (try? $0.answer("GET", Target.count("unshown")).json["count"]) == .integer(count)
            }
        }
        _ = try http.answer("PUT", Target.like("unshown-a", "unshown"), [:])
        try cluster.wait(seconds: 10, "the first like is counted") { isCounted(1) }
        _ = try http.answer("PUT", Target.like("unshown-b", "unshown"), [:])
        try cluster.wait(seconds: 10, "the ledger holds the second like") {
            (try? other.answer("GET", Target.likesOfContent("unshown")).json["likes"]?.entries.count) == 2
        }
        for _ in 0..<2 { cluster.killAggregator() }
        for _ in 0..<2 { try cluster.startAggregator() }
        try cluster.waitForAggregators()
        let isShown = RedisPoll.until(seconds: 10) { isCounted(2) }
        let shown = try [http, other].map { try $0.answer("GET", Target.count("unshown")).text }
        #expect(isShown, "\(shown)")
        #expect(try cluster.drift() == nil)
    }

    @Test("A PostgreSQL server is killed and comes back; every write is taken meanwhile, and nothing is lost")
    func postgres() throws {
        let cluster = try TestCluster.current()
        let load = ClusterLoad(cluster, "postgres")
        try load.wait(answers: 300)
        cluster.postgres[1].kill()
        try load.wait(answers: 300)
        try cluster.postgres[1].restart()
        try load.wait(answers: 200)
        let account = try load.finish()
        expectNoneWrong(account, load)
        expectAllTaken(account, load)
        try expectExact(cluster, load, account)
    }

    @Test("A Redis master is killed and comes back; every write is taken meanwhile, and nothing is lost")
    func redis() throws {
        let cluster = try TestCluster.current()
        let load = ClusterLoad(cluster, "redis")
        try load.wait(answers: 300)
        cluster.redis.masters[1].kill9()
        try load.wait(answers: 300)
        try cluster.redis.masters[1].restart()
        try cluster.redis.waitUntilWhole()
        try load.wait(answers: 200)
        let account = try load.finish()
        expectAllTaken(account, load)
        try expectExact(cluster, load, account)
    }

    @Test("What a user takes back while a Redis master is away is not liked again when the master comes back")
    func staleRegisters() throws {
        let cluster = try TestCluster.current()
        let users = (0..<60).map { "stale-u\($0)" }
        let (http, other) = (try cluster.connect(0), try cluster.connect(1))
        for user in users { expect(try http.answer("PUT", Target.like(user, "stale"), [:]), 200, ["changed": true]) }
        // The master that has no counts of this test, only registers.
        let taken = try Set(["stale", "tick"].map { try owner(of: countKey($0), cluster.redis) })
        let away = try #require(
            cluster.redis.masters.indices.first { !taken.contains($0) }.map { cluster.redis.masters[$0] })
        away.kill9()
        for user in users { expect(try http.answer("DELETE", Target.like(user, "stale")), 200, ["changed": true]) }
        // Longer than the windows that the aggregators remember: each tick is seen at the other node a window later.
        for tick in 1...8 {
            _ = try http.answer("PUT", Target.like("stale-t\(tick)", "tick"), [:])
            try cluster.wait(seconds: 10, "tick \(tick) is counted") {
                (try? other.answer("GET", Target.count("tick")).json["count"]) == .integer(Int64(tick))
            }
        }
        try away.restart()
        try cluster.redis.waitUntilWhole()
        for (number, node) in [http, other].enumerated() {
            let liked = try users.filter { try node.answer("GET", Target.like($0, "stale")).json["liked"] == true }
            guard let first = liked.first else { continue }
            let listed = try other.answer("GET", Target.likesOfUser(first)).text
            let held = try away.say("KEYS", "likewise:r:*:5:stale:\(first)")
            Issue.record(
                """
                node \(number) says of \(liked.count) of \(users.count) users that they like it; \
                of the first the ledger lists \(listed), and Redis holds \(held)
                """)
        }
        for user in users {
            expect(try other.answer("PUT", Target.like(user, "stale"), [:]), 200, ["changed": true], user)
        }
    }

    /// The master that owns a key's slot, as the cluster was made.
    /// Where Redis has the count of a content.
    private func countKey(_ content: String) -> String {
        let tag = String(Hash64.of(Array(content.utf8), seed: 0) & 1_023 | 1_024 << 2, radix: 16).suffix(3)
        return "likewise:c:{\(tag)}:\(content)"
    }

    private func owner(of key: String, _ redis: RedisClusterProcesses) throws -> Int {
        let slot = try #require(Int(try redis.masters[0].say("CLUSTER", "KEYSLOT", key).filter(\.isNumber)))
        let count = redis.masters.count
        return try #require((0..<count).last { slot >= 16_384 * $0 / count })
    }

    @Test("An API node is killed and starts again, and nothing that it answered is lost")
    func node() throws {
        let cluster = try TestCluster.current()
        let load = ClusterLoad(cluster, "node")
        try load.wait(answers: 300)
        cluster.node(1).process.kill9()
        try load.wait(answers: 200)
        try cluster.startNode(1)
        try load.wait(answers: 200)
        let account = try load.finish()
        expectNoneWrong(account, load)
        try expectExact(cluster, load, account)
    }

    @Test("While Redis loses a third of its keys again and again no user gets a wrong answer about his own like")
    func evicted() throws {
        let cluster = try TestCluster.current()
        let load = ClusterLoad(cluster, "evicted")
        var random = Random(seed: load.seed)
        for _ in 0..<8 {
            try load.wait(answers: 60)
            try cluster.removeKeys(oneIn: 3, &random)
        }
        var account = try load.finish()
        expectNoneWrong(account, load)
        expectAllTaken(account, load)
        try cluster.removeKeys(oneIn: 3, &random)
        let begin = ContinuousClock.now
        let wrong = try Audit(http: cluster.connect(0)).settle(&account.pairs)
        let states = wrong.filter { !$0.contains(" counts ") }
        #expect(states.isEmpty, "seed \(load.seed): \(states.prefix(3))")
        try expectExact(cluster, load, account)
        print("after the last removal all was exact within \(ContinuousClock.now - begin), verify included")
    }
}

extension TestCluster {
    /// Removes keys of every Redis master at random.
    func removeKeys(oneIn share: Int, _ random: inout Random) throws {
        for server in redis.masters {
            let seed = random.below(1 << 30)
            try server.say(
                "EVAL",
                """
                math.randomseed(\(seed))
                for _, key in ipairs(redis.call('KEYS', '*')) do
                  if math.random(\(share)) == 1 then redis.call('DEL', key) end
                end
                return 1
                """, "0")
        }
    }
}

/// The broker keeps what it has in a store of its own, as Kafka does on its disks.
@Suite("A cluster without its broker", .cluster(.objects), .serialized, .timeLimit(.minutes(5)))
struct ClusterBrokerTests {
    @Test("The broker is killed and comes back; every write is taken meanwhile, and nothing is lost")
    func broker() throws {
        let cluster = try TestCluster.current()
        let load = ClusterLoad(cluster, "broker")
        try load.wait(answers: 200)
        cluster.broker.kill9()
        try load.wait(answers: 300)
        try cluster.broker.restart()
        try load.wait(answers: 200)
        let account = try load.finish()
        #expect(account.refused.isEmpty, "\(account.refused.count), seed \(load.seed): \(account.refused.prefix(3))")
        #expect(account.wrong.isEmpty, "\(account.wrong.count), seed \(load.seed): \(account.wrong.prefix(3))")
        let wrong = try cluster.differences(from: account, within: 40)
        #expect(wrong.isEmpty, "seed \(load.seed): \(wrong.prefix(5))\n\(wrong.isEmpty ? "" : cluster.logs)")
    }

    @Test("A node that is killed while it spools relays what it answered when it starts again")
    func spool() throws {
        let cluster = try TestCluster.current()
        let load = ClusterLoad(cluster, "spool")
        try load.wait(answers: 100)
        cluster.broker.kill9()
        try load.wait(answers: 200)
        cluster.node(0).process.kill9()
        try load.wait(answers: 100)
        try cluster.broker.restart()
        try cluster.startNode(0)
        try load.wait(answers: 100)
        let account = try load.finish()
        #expect(account.wrong.isEmpty, "\(account.wrong.count), seed \(load.seed): \(account.wrong.prefix(3))")
        let wrong = try cluster.differences(from: account, within: 40)
        #expect(wrong.isEmpty, "seed \(load.seed): \(wrong.prefix(5))\n\(wrong.isEmpty ? "" : cluster.logs)")
    }
}
