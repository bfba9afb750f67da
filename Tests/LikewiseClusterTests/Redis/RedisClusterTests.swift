import LikewiseCluster
import LikewiseTestSupport
import Testing

extension RedisClusterProcesses {
    var topology: RedisOptions.Topology { .cluster([RedisAddress("127.0.0.1", masters[0].port)]) }

    /// The slot of `key`, its owner of the three at the start, and another master.
    func place(_ key: String) -> (slot: UInt16, owner: RedisServerProcess, other: RedisServerProcess) {
        let slot = RedisSlot.of(Array(key.utf8))
        let index = (0..<masters.count).last { 16_384 * $0 / masters.count <= Int(slot) } ?? 0
        return (slot, masters[index], masters[(index + 1) % masters.count])
    }
}

struct RedisClusterTests {
    @Test func `commands go to the masters of their keys, and their answers come in order`() async throws {
        let cluster = try await RedisBed.started { try RedisClusterProcesses() }
        try await withRedis(cluster.topology) { client async throws in
            let sets = (0..<300).map { RedisCommand("SET", "key\($0)", "\($0)", key: 1) }
            #expect(await client.send(sets).allSatisfy { (try? $0.get().text) == "OK" })
            let gets = await client.send((0..<300).map { RedisCommand("GET", "key\($0)", key: 1) })
            #expect(try gets.map { try $0.get().text } == (0..<300).map { "\($0)" })
            let values = await client.mget((0..<400).map { Array("key\($0)".utf8) })
            #expect(try values.map { try $0.get() } == (0..<400).map { $0 < 300 ? Array("\($0)".utf8) : nil })
            for master in cluster.masters {
                #expect(try RedisBed.number(master.say("DBSIZE")) > 50)
            }
            #expect(try await client.send(RedisCommand("PING")).get().text == "PONG")
        }
    }

    @Test func `a key that is moving is asked for where it went, and a slot that moved is followed for good`()
        async throws
    {
        let cluster = try await RedisBed.started { try RedisClusterProcesses() }
        let (slot, owner, other) = cluster.place("{moving}a")
        try await withRedis(cluster.topology) { client async throws in
            func get(_ key: String) async throws -> String? {
                try await client.send(RedisCommand("GET", key, key: 1)).get().text
            }
            _ = await client.send([
                RedisCommand("SET", "{moving}a", "1", key: 1), RedisCommand("SET", "{moving}b", "2", key: 1),
            ])
            let (ownerName, otherName) = (
                try RedisClusterProcesses.identifier(of: owner), try RedisClusterProcesses.identifier(of: other)
            )
            try other.say("CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", ownerName)
            try owner.say("CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", otherName)
            try owner.say("MIGRATE", "127.0.0.1", "\(other.port)", "{moving}a", "0", "5000")
            // ASK for the one that has gone, none for the one that has not, ASK for one that is new.
            #expect(try await get("{moving}a") == "1")
            #expect(try await get("{moving}b") == "2")
            #expect(try await client.send(RedisCommand("SET", "{moving}c", "3", key: 1)).get().text == "OK")
            #expect(try other.say("CLUSTER", "COUNTKEYSINSLOT", "\(slot)") == ":2\r\n")
            // Both together: neither node has all keys, which heals when the move is done.
            let both = client.begin([RedisCommand("MGET", "{moving}a", "{moving}b", key: 1)])
            #expect(
                try await RedisBed.eventually { try owner.say("INFO", "errorstats").contains("errorstat_TRYAGAIN") })
            try owner.say("MIGRATE", "127.0.0.1", "\(other.port)", "{moving}b", "0", "5000")
            try other.say("CLUSTER", "SETSLOT", "\(slot)", "NODE", otherName)
            try owner.say("CLUSTER", "SETSLOT", "\(slot)", "NODE", otherName)
            #expect(try await both.value.first?.get().elements?.map(\.text) == ["1", "2"])
            // MOVED, for a batch of it; from then on straight to the new owner.
            let answers = await client.send(["a", "b", "c"].map { RedisCommand("GET", "{moving}\($0)", key: 1) })
            #expect(try answers.map { try $0.get().text } == ["1", "2", "3"])
            let before = try Self.redirections(owner)
            #expect(!before.isEmpty)
            for _ in 0..<10 { #expect(try await get("{moving}a") == "1") }
            #expect(try Self.redirections(owner) == before)
            #expect(client.epoch > 0)
        }
    }

    /// How many commands the server has sent elsewhere.
    private static func redirections(_ server: RedisServerProcess) throws -> String {
        let stats = try server.say("INFO", "errorstats")
        return stats.split(separator: "\r\n").first { $0.hasPrefix("errorstat_MOVED") }.map(String.init) ?? ""
    }

    @Test func `a master that is lost costs its slots alone until it is back`() async throws {
        let cluster = try await RedisBed.started { try RedisClusterProcesses(persistence: .appendOnly) }
        let (_, owner, _) = cluster.place("a")
        let foreign = try #require((0..<100).map { "k\($0)" }.first { cluster.place($0).owner !== owner })
        try await withRedis(cluster.topology, { $0.commandTimeout = .seconds(1) }) { client async throws in
            #expect(try await client.send(RedisCommand("SET", "a", "1", key: 1)).get().text == "OK")
            let epoch = client.epoch
            owner.kill9()
            #expect(
                await RedisBed.eventually { (try? await client.send(RedisCommand("GET", "a", key: 1)).get()) == nil })
            for _ in 0..<20 {
                let results = await client.send([
                    RedisCommand("SET", foreign, "2", key: 1), RedisCommand("GET", "a", key: 1),
                ])
                #expect(try results[0].get().text == "OK")
                #expect(throws: RedisError.self) { try results[1].get() }
            }
            try await RedisBed.started { try owner.restart() }
            #expect(
                await RedisBed.eventually {
                    (try? await client.send(RedisCommand("SET", "a", "2", key: 1)).get().text) == "OK"
                })
            #expect(client.epoch > epoch)
        }
    }

    @Test func `the replica that takes over from a lost master is found`() async throws {
        let cluster = try await RedisBed.started {
            try RedisClusterProcesses(replicasPerMaster: 1, nodeTimeoutMilliseconds: 500)
        }
        let (_, owner, _) = cluster.place("a")
        try await withRedis(cluster.topology, { $0.commandTimeout = .seconds(1) }) { client async throws in
            #expect(try await client.send(RedisCommand("SET", "a", "1", key: 1)).get().text == "OK")
            let epoch = client.epoch
            owner.kill9()
            #expect(
                await RedisBed.eventually(seconds: 30) {
                    (try? await client.send(RedisCommand("SET", "a", "2", key: 1)).get().text) == "OK"
                })
            #expect(await RedisBed.eventually { client.epoch > epoch })
            #expect(try await client.send(RedisCommand("GET", "a", key: 1)).get().text == "2")
        }
    }

    @Test func `scripts on keys of many slots write each key once`() async throws {
        let cluster = try await RedisBed.started { try RedisClusterProcesses() }
        try await withRedis(cluster.topology) { client async throws in
            let script = RedisScript(
                "local r = {} for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[i]) r[i] = 1 end return r")
            let keys = (0..<200).map { Array("{\($0 % 7)}key\($0)".utf8) }
            let written = await client.call(script, on: keys, with: keys.map { [$0] })
            #expect(written.allSatisfy { $0 == .success(true) })
            #expect(try await client.mget(keys).map { try $0.get() } == keys)
        }
    }
}
