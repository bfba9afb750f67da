// What the client can do here: `LIKEWISE_REDIS_SPEED=1 swift test -c release --filter RedisSpeed`. Prints one line each.

import Foundation
import LikewiseCluster
import LikewiseCore
import LikewiseTestSupport
import Testing

@Suite(.enabled(if: ProcessInfo.processInfo.environment["LIKEWISE_REDIS_SPEED"] != nil), .serialized)
struct RedisSpeedTests {
    private static func measure(
        _ name: String, tasks: Int, calls: Int, perCall: Int, _ body: @escaping @Sendable (Int) async -> Void
    ) async {
        let begin = ContinuousClock.now
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask { for call in 0..<calls { await body(task * calls + call) } }
            }
        }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        let rate = Int(Double(tasks * calls * perCall) / seconds)
        FileHandle.standardError.write(Data("speed: \(name): \(rate) a second\n".utf8))
    }

    @Test(arguments: [false, true])
    func `commands, registers and counts a second`(isCluster: Bool) async throws {
        let servers = try await RedisBed.started { try TestRedis(isCluster: isCluster) }
        let place = isCluster ? "cluster of 3" : "standalone"
        try await withRedis(servers.topology) { client async throws in
            for (tasks, perCall) in [(4, 1), (64, 1), (4, 100)] {
                await Self.measure(
                    "\(place), GET, \(tasks) tasks, \(perCall) a call", tasks: tasks, calls: 400_000 / tasks / perCall,
                    perCall: perCall
                ) { call in
                    let commands = (0..<perCall).map { RedisCommand("GET", "key\(call * perCall + $0)", key: 1) }
                    _ = await client.send(commands)
                }
            }
            let registers = RedisRegisters(client, reactions: RedisBed.reactions())
            @Sendable func key(_ index: Int) -> RegisterKey {
                RegisterKey(content: Array("video\(index % 100)".utf8), user: Array("user\(index)".utf8))
            }
            await Self.measure("\(place), registers put", tasks: 4, calls: 250, perCall: 100) { call in
                let new = Register(version: Version(reading: UInt64(call) + 1, region: 0), reaction: .like)
                _ = await registers.put((0..<100).map { (key(call * 100 + $0), new) })
            }
            await Self.measure("\(place), registers got", tasks: 4, calls: 250, perCall: 100) { call in
                _ = await registers.get((0..<100).map { key(call * 100 + $0) })
            }
            let counts = RedisCounts(client, reactions: RedisBed.reactions())
            var tally = Tally()
            tally.add(1, to: .like)
            await Self.measure("\(place), counts put", tasks: 4, calls: 250, perCall: 100) { [tally] call in
                _ = await counts.put(
                    (0..<100).map {
                        CachedCount(content: Array("video\(call * 100 + $0)".utf8), number: 1, asOf: 1, tally: tally)
                    })
            }
            let cache = CountCache(counts) { _ in [] }
            await Self.measure(
                "\(place), count cache, once from Redis and then from memory", tasks: 4, calls: 5_000, perCall: 100
            ) { call in
                _ = try? await cache.counts(of: (0..<100).map { Array("video\((call % 50) * 100 + $0)".utf8) })
            }
            let name = Array("video0".utf8)
            await Self.measure("count cache, read at once", tasks: 2, calls: 1_000, perCall: 1_000) { _ in
                for _ in 0..<1_000 { name.withUnsafeBytes { _ = cache.cached($0) } }
            }
            await Self.measure("\(place), counts got", tasks: 4, calls: 250, perCall: 100) { call in
                _ = await counts.get((0..<100).map { Array("video\(call * 100 + $0)".utf8) })
            }
        }
    }
}
