import LikewiseTestSupport
import Testing

/// What is wrong with a cluster's file, or with what it describes, is said in words that help.
@Suite("A cluster's file", .cluster(), .serialized, .timeLimit(.minutes(5)))
struct ClusterFileTests {
    private static let roles = [
        ["migrate"], ["aggregate", "--port", "0"], ["serve", "--port", "0"], ["verify"],
    ]

    /// Runs a role on the suite's cluster with some keys otherwise; it has to end by itself with 1, and to say `words`.
    private func expectRefusal(
        _ role: [String], _ changes: [String: String], saying words: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let cluster = try TestCluster.current()
        try withFolder { folder in
            let file = folder + "/cluster.yaml"
            try cluster.write(to: file, changes)
            let data = role[0] == "serve" ? ["--data-dir", folder + "/data"] : []
            let ended = try Binary.run(role + ["--cluster", file] + data, seconds: 15)
            #expect(
                ended.ending != nil && ended.ending != .exited(0), "\(role[0]) went on: \(ended.errors)",
                sourceLocation: sourceLocation)
            for word in words {
                #expect(
                    ended.errors.contains(word), "\(role[0]) does not say \(word): \(ended.errors)",
                    sourceLocation: sourceLocation)
            }
        }
    }

    @Test("An unknown key is named, with the nearest one that there is", arguments: roles)
    func unknownKey(role: [String]) throws {
        try expectRefusal(role, ["kafka-partitoins": "16"], saying: ["kafka-partitoins", "kafka-partitions"])
    }

    @Test(
        "An address that is none is named with its key and what it should look like",
        arguments: [
            ("redis", "http://127.0.0.1:6379", "redis-cluster://"), ("postgresql", "127.0.0.1:5432", "postgresql://"),
            ("kafka", "localhost", "host:port"), ("kafka-partitions", "many", "kafka-partitions"),
        ])
    func badValue(key: String, value: String, words: String) throws {
        for role in Self.roles { try expectRefusal(role, [key: value], saying: [key, words]) }
    }

    @Test("A role whose file says another number of partitions than the topic has says so", arguments: roles.prefix(3))
    func otherPartitions(role: [String]) throws {
        try expectRefusal(role, ["kafka-partitions": "8"], saying: ["16 partitions", "kafka-partitions"])
    }

    @Test("On a database without its tables a role says to run migrate", arguments: roles.dropFirst())
    func unmigrated(role: [String]) throws {
        let cluster = try TestCluster.current()
        let name = "empty_\(role[0])"
        try cluster.postgres[0].psql("create database \(name)")
        let server = "postgresql://\(PostgresCluster.user)@127.0.0.1:\(cluster.postgres[0].port)/\(name)"
        try expectRefusal(role, ["postgresql": server], saying: ["likewise migrate"])
    }
}
