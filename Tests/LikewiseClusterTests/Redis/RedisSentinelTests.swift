import LikewiseCluster
import LikewiseTestSupport
import Testing

extension RedisSentinelProcesses {
    var topology: RedisOptions.Topology {
        .sentinel(sentinels.map { RedisAddress("127.0.0.1", $0.port) }, master: Self.name)
    }
}

struct RedisSentinelTests {
    @Test func `the client follows the sentinels to the replica that takes over`() async throws {
        let servers = try await RedisBed.started { try RedisSentinelProcesses() }
        try await withRedis(servers.topology, { $0.commandTimeout = .seconds(1) }) { client async throws in
            #expect(try await client.send(RedisCommand("SET", "a", "1", key: 1)).get().text == "OK")
            let epoch = client.epoch
            servers.master.kill9()
            #expect(
                await RedisBed.eventually(seconds: 60) {
                    (try? await client.send(RedisCommand("SET", "a", "2", key: 1)).get().text) == "OK"
                })
            #expect(client.epoch > epoch)
            #expect(try servers.replica.say("GET", "a") == "$1\r\n2\r\n")
        }
    }

    @Test func `a master that becomes a replica is left for the one that takes its place`() async throws {
        let servers = try await RedisBed.started { try RedisSentinelProcesses() }
        try await withRedis(servers.topology, { $0.commandTimeout = .seconds(1) }) { client async throws in
            #expect(try await client.send(RedisCommand("SET", "a", "1", key: 1)).get().text == "OK")
            try servers.sentinels[0].say("SENTINEL", "FAILOVER", RedisSentinelProcesses.name)
            #expect(
                try await RedisBed.eventually(seconds: 60) {
                    guard (try? await client.send(RedisCommand("SET", "a", "2", key: 1)).get().text) == "OK" else {
                        return false
                    }
                    return try servers.replica.say("GET", "a") == "$1\r\n2\r\n"
                })
        }
    }

    @Test func `a name that no sentinel knows is unavailable, at once`() async throws {
        let servers = try await RedisBed.started { try RedisSentinelProcesses() }
        let addresses = servers.sentinels.map { RedisAddress("127.0.0.1", $0.port) }
        try await withRedis(.sentinel(addresses, master: "other")) { client async throws in
            for _ in 0..<10 {
                #expect(await client.send(RedisCommand("PING")) == .failure(.unavailable(.noMaster)))
            }
        }
    }

    @Test func `dead sentinels among the living do not matter`() async throws {
        let servers = try await RedisBed.started { try RedisSentinelProcesses() }
        servers.sentinels[0].kill9()
        try await withRedis(servers.topology) { client async throws in
            #expect(try await client.send(RedisCommand("PING")).get().text == "PONG")
        }
    }
}
