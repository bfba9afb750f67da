import Foundation
import LikewiseCluster
import LikewiseTestSupport
import Logging
import NIOCore
import NIOPosix
import Testing

struct RedisClientTests {
    @Test func `answers come in the order of the commands, errors among them`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology) { client async throws in
            let results = await client.send([
                RedisCommand("SET", "a", "1", key: 1), RedisCommand("INCR", "a", key: 1),
                RedisCommand("LPUSH", "a", "x", key: 1), RedisCommand("GET", "a", key: 1),
                RedisCommand("GET", "nothing", key: 1),
            ])
            #expect(try results[0].get().text == "OK")
            #expect(try results[1].get() == .integer(2))
            guard case .failure(.refused("WRONGTYPE", _)) = results[2] else {
                Issue.record("\(results[2])")
                return
            }
            #expect(try results[3].get().text == "2")
            #expect(try results[4].get() == .null)
        }
    }

    @Test func `many tasks at once each get their own answers`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology, { $0.connectionsPerNode = 2 }) { client async throws in
            await withTaskGroup(of: Bool.self) { group in
                for task in 0..<50 {
                    group.addTask {
                        for round in 0..<20 {
                            let text = "\(task)-\(round)"
                            let commands = (0..<5).map { RedisCommand("ECHO", "\(text)-\($0)") }
                            let answers = await client.send(commands).map { try? $0.get().text }
                            if answers != (0..<5).map({ "\(text)-\($0)" }) { return false }
                        }
                        return true
                    }
                }
                for await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test func `MGET answers any number of keys in their order, nil for those that are not there`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology) { client async throws in
            let keys = (0..<2_000).map { Array("k\($0)".utf8) }
            for index in stride(from: 0, to: 2_000, by: 2) { try server.say("SET", "k\(index)", "v\(index)") }
            let values = try await client.mget(keys).map { try $0.get() }
            #expect(values == (0..<2_000).map { $0 % 2 == 0 ? Array("v\($0)".utf8) : nil })
            #expect(await client.mget([]).isEmpty)
        }
    }

    @Test func `a password is given at connect, and a wrong one leaves the node unavailable`() async throws {
        let server = try await RedisBed.started {
            try RedisServerProcess(settings: ["--user", "ann", "on", ">secret", "~*", "+@all"])
        }
        try await withRedis(server.topology, { ($0.username, $0.password) = ("ann", "secret") }) {
            client async throws in
            #expect(try await client.send(RedisCommand("ACL", "WHOAMI")).get().text == "ann")
        }
        try await withRedis(server.topology, { ($0.username, $0.password) = ("ann", "wrong") }) { client async throws in
            #expect(await client.send(RedisCommand("PING")) == .failure(.unavailable(.notConnected)))
        }
    }

    @Test func `a script is sent by its digest, and by its text once to a server that does not know it`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology) { client async throws in
            let script = RedisScript("return {KEYS[1], ARGV[1]}")
            for _ in 0..<3 {
                let answer = try await client.send(script.call(key: Array("k".utf8), [Array("a".utf8)])).get()
                #expect(answer.elements?.map(\.text) == ["k", "a"])
                try server.say("SCRIPT", "FLUSH")
            }
            // All at once to a server that has forgotten it.
            let calls = (0..<20).map { script.call(key: Array("k\($0)".utf8), [Array("a".utf8)]) }
            let answers = try await client.send(calls).map { try $0.get().elements?.first?.text }
            #expect(answers == (0..<20).map { "k\($0)" })
        }
    }

    @Test func `beyond the bound in flight a call is refused as a whole, unsent`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology, { $0.commandsInFlightPerConnection = 10 }) { client async throws in
            #expect(try await client.send(RedisCommand("PING")).get().text == "PONG")
            server.pause()
            let first = client.begin((0..<8).map { _ in RedisCommand("INCR", "n", key: 1) })
            let second = await client.send((0..<3).map { _ in RedisCommand("INCR", "n", key: 1) })
            #expect(second == Array(repeating: .failure(.overloaded), count: 3))
            server.resume()
            #expect(await first.value.allSatisfy { (try? $0.get()) != nil })
            // There is room again, and the refused ones had no effect.
            #expect(try await client.send(RedisCommand("INCR", "n", key: 1)).get() == .integer(9))
        }
    }

    @Test func `a command without an answer in its time ends the connection, and all that was sent is told as unknown`()
        async throws
    {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology, { $0.commandTimeout = .milliseconds(300) }) { client async throws in
            #expect(try await client.send(RedisCommand("PING")).get().text == "PONG")
            let epoch = client.epoch
            let sleeping = client.begin([RedisCommand("DEBUG", "SLEEP", "2")])
            let others = client.begin([RedisCommand("PING"), RedisCommand("PING")])
            #expect(await sleeping.value == [.failure(.timeout)])
            for result in await others.value {
                #expect(result == .failure(.timeout) || result == .failure(.connectionLost))
            }
            // The server answers again after its sleep, on a new connection, in step.
            #expect(await RedisBed.eventually { (try? await client.send(RedisCommand("ECHO", "x")).get().text) == "x" })
            #expect(client.epoch > epoch)
            #expect(client.health[0].reconnects >= 1)
        }
    }

    @Test func `a server that was killed is unavailable at once, and used again when it is back`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess(persistence: .appendOnly) }
        try await withRedis(server.topology) { client async throws in
            #expect(try await client.send(RedisCommand("SET", "a", "1", key: 1)).get().text == "OK")
            let epoch = client.epoch
            server.kill9()
            #expect(await RedisBed.eventually { client.health[0].connected == 0 })
            #expect(
                await RedisBed.eventually {
                    await client.send(RedisCommand("PING")) == .failure(.unavailable(.breakerOpen))
                })
            let begin = ContinuousClock.now
            for _ in 0..<100 {
                guard case .failure(.unavailable) = await client.send(RedisCommand("PING")) else {
                    Issue.record("a dead server answered")
                    return
                }
            }
            #expect(ContinuousClock.now - begin < .seconds(1))
            try await RedisBed.started { try server.restart() }
            #expect(await RedisBed.eventually { (try? await client.send(RedisCommand("PING")).get()) != nil })
            #expect(client.epoch > epoch)
            #expect(client.health[0].breaker == .closed(failures: 0))
        }
    }

    @Test func `a server that hangs opens the breaker, so that calls do not wait for timeouts`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(
            server.topology,
            {
                $0.commandTimeout = .milliseconds(200)
                $0.connectTimeout = .milliseconds(200)
                $0.breakerFailures = 2
                $0.breakerOpenTime = .seconds(60)
            }
        ) { client async throws in
            #expect(try await client.send(RedisCommand("PING")).get().text == "PONG")
            server.pause()
            #expect(await client.send(RedisCommand("PING")) == .failure(.timeout))
            #expect(
                await RedisBed.eventually {
                    await client.send(RedisCommand("PING")) == .failure(.unavailable(.breakerOpen))
                })
            let begin = ContinuousClock.now
            for _ in 0..<1_000 {
                #expect(await client.send(RedisCommand("PING")) == .failure(.unavailable(.breakerOpen)))
            }
            #expect(ContinuousClock.now - begin < .seconds(1))
            server.resume()
        }
    }

    @Test func `after the end every call is refused`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        let client = try await withRedis(server.topology) { client async throws in
            _ = await client.send(RedisCommand("PING"))
            return client
        }
        #expect(await client.send(RedisCommand("PING")) == .failure(.unavailable(.shutDown)))
        #expect(await client.send([]).isEmpty)
    }

    @Test func `nobody there is said within the time to connect`() async throws {
        let port = try ServerPrograms.freePort()
        try await withRedis(.standalone(RedisAddress("127.0.0.1", port))) { client async throws in
            #expect(await client.send(RedisCommand("PING")) == .failure(.unavailable(.notConnected)))
        }
    }

    @Test func `a server that knows no HELLO is spoken to in RESP2, with its password`() async throws {
        let settings = ["--rename-command", "HELLO", "", "--user", "ann", "on", ">secret", "~*", "+@all"]
        let server = try await RedisBed.started { try RedisServerProcess(settings: settings) }
        try await withRedis(server.topology, { ($0.username, $0.password) = ("ann", "secret") }) {
            client async throws in
            let results = await client.send([
                RedisCommand("ACL", "WHOAMI"), RedisCommand("GET", "nothing", key: 1),
                RedisCommand("HSET", "h", "a", "1", key: 1), RedisCommand("HGETALL", "h", key: 1),
            ])
            #expect(try results[0].get().text == "ann")
            #expect(try results[1].get() == .null)
            #expect(try results[3].get()["a"]?.text == "1")
        }
    }

    @Test func `a client that is let go of ends its connections`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        func clients() throws -> Int {
            RedisBed.number(try server.say("INFO", "clients").split(separator: "\r\n")[1].description)
        }
        let before = try clients()
        do {
            let client = RedisClient(
                RedisOptions(topology: server.topology), group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "test"))
            #expect(try await client.send(RedisCommand("PING")).get().text == "PONG")
        }
        #expect(try await RedisBed.eventually { try clients() == before })
    }

    enum Kind: CaseIterable {
        case standalone, cluster, sentinel
    }

    @Test(arguments: Kind.allCases)
    func `no call waits longer than its time for a connection that does not come`(kind: Kind) async throws {
        let ports = try (0..<5).map { _ in try DeafPort() }
        defer { withExtendedLifetime(ports) {} }
        let addresses = ports.map { RedisAddress("127.0.0.1", $0.port) }
        let topology: RedisOptions.Topology =
            switch kind {
            case .standalone: .standalone(addresses[0])
            case .cluster: .cluster(addresses)
            case .sentinel: .sentinel(addresses, master: "m")
            }
        try await withRedis(
            topology,
            {
                $0.commandTimeout = .milliseconds(200)
                $0.connectTimeout = .seconds(30)
            }
        ) { client async throws in
            let begin = ContinuousClock.now
            guard case .failure(.unavailable) = await client.send(RedisCommand("PING")) else {
                Issue.record("somebody answered")
                return
            }
            #expect(ContinuousClock.now - begin < .seconds(10))
        }
    }
}
