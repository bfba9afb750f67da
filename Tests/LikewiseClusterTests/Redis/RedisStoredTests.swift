import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

struct StoredTextTests {
    private static let reactions = RedisBed.reactions()

    @Test(arguments: SeededRandom.seeds(20))
    func `a register comes back from its text, and the texts sort as registers yield`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        func register() -> Register {
            let version = Version(reading: random.next() >> UInt64(random.below(64)), region: UInt16(random.below(3)))
            let reaction = Reaction(rawValue: UInt8(random.below(7)))
            return Register(version: version, reaction: random.chance(oneIn: 4) ? reaction.asHeld : reaction)
        }
        for _ in 0..<200 {
            let a = register()
            var b = register()
            if random.chance(oneIn: 3) { b.version = a.version }
            let (textA, textB) = (RegisterText.encode(a, Self.reactions), RegisterText.encode(b, Self.reactions))
            #expect(RegisterText.decode(textA, Self.reactions) == a)
            let precedes = textA[..<RegisterText.prefixLength].lexicographicallyPrecedes(
                textB[..<RegisterText.prefixLength])
            #expect(precedes == a.yields(to: b), "seed \(seed): \(a) \(b)")
        }
    }

    @Test(arguments: [
        "", "00", "000000000000000100000G", "0000000000000001000001unknown", "0000000000000001000x01like",
    ])
    func `a text that is no register is nothing`(text: String) {
        #expect(RegisterText.decode(Array(text.utf8), Self.reactions) == nil)
    }

    @Test func `a count comes back from its text`() {
        var tally = Tally()
        tally.add(1_200, to: .like)
        tally.add(34, to: Reaction(rawValue: 2))
        let count = CachedCount(
            content: Array("c".utf8), number: 42, asOf: 1_773_478_000_123_456, tally: tally,
            description: ContentDescription(type: Array("video".utf8), visibility: .private, registered: true),
            cost: 812, expires: 1_773_481_600_000)
        let text = count.text(Self.reactions)
        #expect(
            String(decoding: text, as: UTF8.self)
                == "1773478000123456 42 1234 like=1200 love=34 .type=video .visibility=1 .registered=1 .cost=812 .expires=1773481600000"
        )
        #expect(CachedCount(content: count.content, text: text, Self.reactions) == count)
        let empty = CachedCount(content: count.content, number: 0, asOf: 1, tally: Tally())
        #expect(CachedCount(content: count.content, text: empty.text(Self.reactions), Self.reactions) == empty)
    }

    @Test(
        arguments: [
            "", "1", "1 2", "1 2 3", "1 2 3 like=2", "x 2 3 like=3", "1 2 3 other=3", "1 2 3 like=", "1 2 -3 like=3",
            "1 2 3 like=3 .visibility=9", "1 2 2 like=1 like=1", "1 2 3 like", "99999999999999999999 2 0",
        ])
    func `a text that is no count, or does not add up, is nothing`(text: String) {
        #expect(CachedCount(content: [1], text: Array(text.utf8), Self.reactions) == nil)
    }

    @Test func `what is new about a content in a text is skipped`() {
        #expect(CachedCount(content: [1], text: Array("1 2 3 like=3 .new=x".utf8), Self.reactions)?.tally.total == 3)
    }
}

struct EarlyRefreshTests {
    @Test func `a value is fetched anew the sooner, the dearer it is, and never late`() {
        func isDue(_ now: UInt64, cost: UInt64 = 10_000, beta: Double = 1, random: Double) -> Bool {
            EarlyRefresh.isDue(now: now, expires: 1_000, cost: cost, beta: beta, random: random)
        }
        // 10 ms · ln 2 = 6.9 ms ahead.
        #expect(!isDue(992, random: 0.5))
        #expect(isDue(994, random: 0.5))
        #expect(isDue(992, beta: 2, random: 0.5))
        #expect(isDue(992, cost: 20_000, random: 0.5))
        #expect(isDue(1_000, cost: 0, random: 0))
        #expect(!isDue(999, cost: 0, random: 0.999))
        #expect(!isDue(0, random: 0.999_999_999))
    }

    @Test(arguments: SeededRandom.seeds(5))
    func `of a thousand readers a second about one goes ahead before the end`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var early = 0
        let rounds = 200
        for _ in 0..<rounds {
            // One reader each millisecond, 10 ms of cost: some go ahead, and not hundreds.
            for now: UInt64 in 0..<10_000 {
                let draw = Double(random.next() >> 11) * 0x1p-53
                if EarlyRefresh.isDue(now: now, expires: 10_000, cost: 10_000, beta: 1, random: draw) {
                    early += 1
                    break
                }
            }
        }
        // 1 − e^−10: nearly always somebody does, and the first of them ends it.
        #expect(early >= rounds - 3, "seed \(seed)")
    }
}

struct RedisRegistersTests {
    private let reactions = RedisBed.reactions()
    private let key = RegisterKey(content: Array("c:1".utf8), user: Array("u".utf8))

    private func register(_ reading: UInt64, _ code: UInt8, region: UInt16 = 0) -> Register {
        Register(version: Version(reading: reading, region: region), reaction: Reaction(rawValue: code))
    }

    @Test(arguments: [false, true])
    func `only a register that the held one yields to is written, in any order`(isCluster: Bool) async throws {
        let servers = try await RedisBed.started { try TestRedis(isCluster: isCluster) }
        try await withRedis(servers.topology) { client async throws in
            let registers = RedisRegisters(client, reactions: reactions)
            #expect(await registers.get([key]) == [.success(nil)])
            let steps: [(Register, Bool)] = [
                (register(5, 1), true), (register(5, 1), false), (register(4, 2), false), (register(5, 2), true),
                (register(5, 1), false), (register(5, 0, region: 1), true), (register(6, 0), true),
                (register(0xffff_ffff_ffff_ffff, 1, region: 0xffff), true), (register(7, 1), false),
            ]
            for (step, isTaken) in steps {
                #expect(await registers.put([(key, step)]) == [.success(isTaken)])
            }
            #expect(await registers.get([key]) == [.success(steps[7].0)])
        }
    }

    @Test(arguments: [false, true])
    func `who is behind the truth puts right what is older, and puts nothing where there is nothing`(
        isCluster: Bool
    ) async throws {
        let servers = try await RedisBed.started { try TestRedis(isCluster: isCluster) }
        try await withRedis(servers.topology) { client async throws in
            let registers = RedisRegisters(client, reactions: reactions)
            let users = ["lost", "older", "same", "newer"].map { Array($0.utf8) }
            let keys = users.map { RegisterKey(content: Array("c".utf8), user: $0) }
            let held: [Register?] = [nil, register(4, 1), register(5, 1), register(6, 2)]
            _ = await registers.put(
                zip(keys, held).compactMap { key, register in register.map { (key: key, register: $0) } })
            var table = RegisterTable()
            let content = table.content(Array("c".utf8))
            for user in users { table.merge(register(5, 1), of: user, on: content) }
            let written = await registers.refresh(table.rows[...], of: table)
            #expect(written == [.success(false), .success(true), .success(false), .success(false)])
            let after = try await registers.get(keys).map { try $0.get() }
            #expect(after == [nil, register(5, 1), register(5, 1), register(6, 2)])
        }
    }

    @Test(arguments: [false, true])
    func `many are written and read in one call each, every one its own`(isCluster: Bool) async throws {
        let servers = try await RedisBed.started { try TestRedis(isCluster: isCluster) }
        try await withRedis(servers.topology) { client async throws in
            let registers = RedisRegisters(client, reactions: reactions)
            let keys = (0..<1_000).map {
                RegisterKey(content: Array("c\($0 % 10)".utf8), user: Array("u\($0)".utf8))
            }
            let given = keys.enumerated().map { (key: $1, register: register(UInt64($0) + 1, UInt8($0 % 7))) }
            #expect(await registers.put(given).allSatisfy { $0 == .success(true) })
            #expect(try await registers.get(keys).map { try $0.get() } == given.map(\.register))
            #expect(await registers.put(given).allSatisfy { $0 == .success(false) })
        }
    }

    @Test func `ids with colons are not confused`() async throws {
        let a = RedisRegisters.key(of: RegisterKey(content: Array("a:b".utf8), user: Array("c".utf8)))
        let b = RedisRegisters.key(of: RegisterKey(content: Array("a".utf8), user: Array("b:c".utf8)))
        #expect(a != b)
        #expect(String(decoding: a, as: UTF8.self).hasSuffix("}:3:a:b:c"))
    }

    @Test func `registers are forgotten after their time`() async throws {
        let server = try await RedisBed.started { try RedisServerProcess() }
        try await withRedis(server.topology) { client async throws in
            let registers = RedisRegisters(client, reactions: reactions, expiry: .milliseconds(80))
            #expect(await registers.put([(key, register(1, 1))]) == [.success(true)])
            #expect(await RedisBed.eventually { await registers.get([key]) == [.success(nil)] })
            let usual = RedisRegisters(client, reactions: reactions)
            #expect(await usual.put([(key, register(1, 1))]) == [.success(true)])
            let left = try RedisBed.number(
                server.say("PTTL", String(decoding: RedisRegisters.key(of: key), as: UTF8.self)))
            #expect((3_500_000...3_600_000).contains(left))
        }
    }

    @Test func `without Redis every register has its error`() async throws {
        let port = try ServerPrograms.freePort()
        try await withRedis(.standalone(RedisAddress("127.0.0.1", port))) { client async throws in
            let registers = RedisRegisters(client, reactions: reactions)
            for result in await registers.get([key, key]) { #expect(throws: RedisError.self) { try result.get() } }
            for result in await registers.put([(key, register(1, 1))]) {
                #expect(throws: RedisError.self) { try result.get() }
            }
        }
    }
}
