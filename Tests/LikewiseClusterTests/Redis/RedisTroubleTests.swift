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

/// How far the moves of a slot and the calls beside them have come.
private final class Moves: Sendable {
    let areOver = Atomic<Bool>(false)
    let rounds = Atomic<Int64>(0)
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
        let keys = (0..<10).map { "{hot}\($0)" }
        let seen = Moves()
        try await withRedis(cluster.topology) { client async throws in
            async let moves: Void = RedisBed.started {
                defer { seen.areOver.store(true, ordering: .relaxed) }
                for number in 0..<12 {
                    let (from, to) = number % 2 == 0 ? (first, second) : (second, first)
                    let before = seen.rounds.load(ordering: .relaxed)
                    try cluster.move(slot: slot, keys: keys, from: from, to: to)
                    // Each move is met by calls.
                    _ = RedisPoll.until(seconds: 5) { seen.rounds.load(ordering: .relaxed) > before }
                }
            }
            while !seen.areOver.load(ordering: .relaxed) || seen.rounds.load(ordering: .relaxed) < 10 {
                let round = seen.rounds.add(1, ordering: .relaxed).newValue
                let results = await client.send(keys.map { RedisCommand("INCR", $0, key: 1) })
                for result in results { #expect(result == .success(.integer(round))) }
            }
            try await moves
        }
    }
}
