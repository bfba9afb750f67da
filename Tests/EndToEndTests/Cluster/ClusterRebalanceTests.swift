import Foundation
import LikewiseTestSupport
import Testing

/// A PostgreSQL server is added to a cluster that works.
@Suite("A cluster that grows", .cluster(), .serialized, .timeLimit(.minutes(5)))
struct ClusterRebalanceTests {
    private func address(_ server: PostgresCluster) -> String {
        "postgresql://\(PostgresCluster.user)@127.0.0.1:\(server.port)/\(PostgresCluster.database)"
    }

    @Test(
        "Under load a third server gets its share; the move is killed, and ended by the next: nothing is lost or wrong")
    func grows() throws {
        let cluster = try TestCluster.current()
        let before = try ClusterLoad(cluster, "before", contents: 60, limit: 150).finish(isEnding: false)
        #expect(before.wrong.isEmpty && before.refused.isEmpty)
        let third = try PostgresCluster(settings: ["shared_buffers=32MB"])
        let servers = (cluster.postgres + [third]).map { address($0) }

        // Named in its place, or with another one missing, it is refused before anything is changed.
        let misplaced = cluster.file + ".misplaced"
        try cluster.write(to: misplaced, ["postgresql": [servers[1], servers[0]].joined(separator: ",")])
        let refused = try Binary.run(["rebalance", "--cluster", misplaced])
        #expect(refused.ending == .exited(1) && refused.errors.contains("put them in the order"), "\(refused.errors)")

        try cluster.write(to: cluster.file, ["postgresql": servers.joined(separator: ",")])
        let migrated = try Binary.run(["migrate", "--cluster", cluster.file])
        #expect(migrated.output.contains("lies on 2 of 3 servers"), "\(migrated.output)\(migrated.errors)")
        try restartRoles(cluster)

        let load = ClusterLoad(cluster, "during", contents: 60)
        try load.wait(answers: 200)
        try killRebalance(cluster)
        try load.wait(answers: 100)
        let ended = try Binary.run(["rebalance", "--cluster", cluster.file])
        #expect(ended.ending == .exited(0) && ended.output.contains("lies on 3 servers now"), "\(ended.errors)")
        try load.wait(answers: 200)
        let account = try load.finish()
        #expect(account.wrong.isEmpty, "seed \(load.seed): \(account.wrong.prefix(3))")
        #expect(account.refused.isEmpty, "seed \(load.seed): \(account.refused.prefix(3))")
        for known in [before, account] {
            let wrong = try cluster.differences(from: known)
            #expect(wrong.isEmpty, "seed \(load.seed): \(wrong.prefix(5))\n\(wrong.isEmpty ? "" : cluster.logs)")
        }
        let counts = try (cluster.postgres + [third]).map { try contents(of: $0) }
        #expect(counts[2] > 0 && counts.reduce(0, +) <= 120, "\(counts)")
        let again = try Binary.run(["rebalance", "--cluster", cluster.file])
        #expect(again.ending == .exited(0) && again.output.contains("nothing had to be moved"), "\(again.output)")
    }

    private func contents(of server: PostgresCluster) throws -> Int {
        Int(try server.psql("SELECT count(*) FROM likewise.contents").filter(\.isNumber)) ?? 0
    }

    /// The roles read the file when they start.
    private func restartRoles(_ cluster: TestCluster) throws {
        for _ in 0..<2 { cluster.killAggregator() }
        for _ in 0..<2 { try cluster.startAggregator() }
        for number in 0..<2 {
            cluster.node(number).process.kill9()
            try cluster.startNode(number)
        }
        try cluster.waitForAggregators()
    }

    /// Starts a move and kills it when it has copied the first contents, and waits for the lock under which it would
    /// give them away: a session of ours holds that in common, as every writer does.
    private func killRebalance(_ cluster: TestCluster) throws {
        let giver = cluster.postgres[0]
        let lock = "hashtextextended('likewise', 0)"
        let holder = Crew(1) { _ in
            _ = try? giver.psql("SELECT pg_advisory_lock_shared(\(lock)), pg_sleep(100)")
        }
        func isSo(_ condition: String) -> Bool {
            (try? giver.psql(
                "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE \(condition))"))
                == "t\n"
        }
        try cluster.wait(seconds: 20, "the lock is held") {
            isSo("l.locktype = 'advisory' AND a.query LIKE '%pg_sleep(100)%' AND a.wait_event = 'PgSleep'")
        }
        let move = try ChildProcess(Binary.path(), ["rebalance", "--cluster", cluster.file])
        try cluster.wait(seconds: 30, "the move waits for the lock") {
            isSo("l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND NOT l.granted")
        }
        move.kill9()
        _ = try giver.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(100)%' AND pid <> pg_backend_pid()"
        )
        _ = try holder.finish(seconds: 30)
    }
}
