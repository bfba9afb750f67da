import LikewiseCluster
import NIOCore
import Testing

struct RedisBreakerTests {
    private func admissions(_ breaker: inout RedisBreaker, _ moments: UInt64...) -> [Bool] {
        moments.map { breaker.admits(at: $0) }
    }

    @Test func `it opens after so many failures in a row and lets one call try after a while`() {
        var breaker = RedisBreaker(threshold: 3, openTime: 100)
        breaker.failed(at: 0)
        breaker.failed(at: 1)
        breaker.succeeded()
        for now: UInt64 in [2, 3, 4] {
            #expect(admissions(&breaker, now) == [true])
            breaker.failed(at: now)
        }
        #expect(breaker.state == .open(until: 104))
        #expect(admissions(&breaker, 103, 104, 105) == [false, true, false])
        breaker.succeeded()
        #expect(breaker.state == .closed(failures: 0))
    }

    @Test func `a failed trial leaves it open for as long again`() {
        var breaker = RedisBreaker(threshold: 1, openTime: 100)
        breaker.failed(at: 0)
        #expect(admissions(&breaker, 100) == [true])
        breaker.failed(at: 110)
        #expect(admissions(&breaker, 209, 210) == [false, true])
    }

    @Test func `a late answer does not close it and a lost trial does not lock it`() {
        var breaker = RedisBreaker(threshold: 1, openTime: 100)
        breaker.failed(at: 0)
        breaker.succeeded()
        #expect(admissions(&breaker, 99, 100, 199, 200) == [false, true, false, true])
    }
}

struct RedisBackoffTests {
    @Test func `waits are drawn below a bound that doubles up to the limit`() {
        var backoff = RedisBackoff(base: 10, limit: 75)
        let waits = (0..<5).map { _ in backoff.next(random: 0.9999) }
        #expect(waits == [9, 19, 39, 74, 74])
        let step1 = backoff.next(random: 0)
        #expect(step1 == 0)
        backoff.reset()
        let step2 = backoff.next(random: 0.5)
        #expect(step2 == 5)
    }

    @Test func `many attempts do not overflow`() {
        var backoff = RedisBackoff(base: 1 << 40, limit: 1 << 50)
        for _ in 0..<200 {
            let wait = backoff.next(random: 0.5)
            #expect(wait <= 1 << 49)
        }
    }
}

struct RedisPipelineTests {
    @Test func `answers belong to the runs in the order in which they were sent`() {
        var pipeline = RedisPipeline<String>()
        pipeline.add("a", count: 2, deadline: 20)
        pipeline.add("b", count: 1, deadline: 10)
        let answers = (0..<4).map { _ in pipeline.answer().map { "\($0.owner)\($0.isLast)" } }
        #expect(answers == ["afalse", "atrue", "btrue", nil])
    }

    @Test func `the earliest deadline counts, and at the end the late are told apart`() {
        var pipeline = RedisPipeline<String>()
        pipeline.add("a", count: 2, deadline: 20)
        pipeline.add("b", count: 1, deadline: 10)
        #expect(pipeline.earliestDeadline == 10)
        let all = pipeline.removeAll(at: 15)
        #expect(all.map(\.owner) == ["a", "b"])
        #expect(all.map(\.isLate) == [false, true])
        #expect(pipeline.isEmpty)
        #expect(pipeline.earliestDeadline == nil)
    }
}

struct RefreshPaceTests {
    @Test func `many requests make one question, and one more afterwards`() {
        var pace = RefreshPace(interval: 100)
        var steps = [pace.request(at: 0), pace.request(at: 1), pace.request(at: 2)]
        #expect(steps == [.start, .none, .none])
        steps = [pace.finished(at: 10), pace.request(at: 20), pace.due(), pace.finished(at: 120)]
        #expect(steps == [.wait(until: 110), .none, .start, .none])
        steps = [pace.request(at: 130), pace.due(), pace.finished(at: 230), pace.request(at: 400)]
        #expect(steps == [.wait(until: 220), .start, .none, .start])
    }
}

struct RedisHandshakeTests {
    private static func text(_ step: RedisHandshake.Step) -> String {
        switch step {
        case .send(let bytes, let isLast): String(decoding: bytes, as: UTF8.self) + (isLast ? "!" : "")
        case .ready: "ready"
        case .failed(let error): "\(error)"
        }
    }

    @Test func `HELLO carries the password and is enough for a node`() {
        var handshake = RedisHandshake(username: nil, password: "pw", purpose: .node)
        #expect(
            String(decoding: handshake.greeting, as: UTF8.self)
                == "*7\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$2\r\npw\r\n$7\r\nSETNAME\r\n$8\r\nlikewise\r\n"
        )
        let step14 = handshake.take(.map([]))
        #expect(Self.text(step14) == "ready")
    }

    @Test func `a server that knows no HELLO is spoken to in RESP2, with AUTH`() {
        var handshake = RedisHandshake(username: "u", password: "pw", purpose: .node)
        let step = handshake.take(.error(code: "ERR", words: "unknown command"))
        #expect(Self.text(step) == "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$2\r\npw\r\n")
        let step15 = handshake.take(.simple(ByteBuffer(string: "OK")))
        #expect(Self.text(step15) == "ready")
    }

    @Test func `a wrong password is said`() {
        var handshake = RedisHandshake(username: nil, password: "pw", purpose: .node)
        let step = handshake.take(.error(code: "WRONGPASS", words: "no"))
        #expect(Self.text(step) == "\(RedisHandshakeError.refused(code: "WRONGPASS", words: "no"))")
    }

    @Test func `what a sentinel named must be a master`() {
        for (role, expected) in [("master", "ready"), ("slave", "\(RedisHandshakeError.notMaster)")] {
            var handshake = RedisHandshake(username: nil, password: nil, purpose: .master)
            let step16 = handshake.take(.map([]))
            #expect(Self.text(step16) == "*1\r\n$4\r\nROLE\r\n")
            let step17 = handshake.take(.array([.blob(ByteBuffer(string: role))]))
            #expect(Self.text(step17) == expected)
        }
    }

    @Test func `a sentinel is asked to tell of new masters`() {
        var handshake = RedisHandshake(username: nil, password: nil, purpose: .sentinel)
        let step18 = handshake.take(.map([]))
        #expect(Self.text(step18).hasSuffix("+switch-master\r\n!"))
    }
}

struct RedisVerdictTests {
    private static let asked = RedisAddress("10.0.0.1", 7000)

    @Test(
        arguments: [
            ("MOVED", "3999 127.0.0.1:6381", RedisVerdict.moved(slot: 3999, to: RedisAddress("127.0.0.1", 6381))),
            ("MOVED", "3999 :6381", .moved(slot: 3999, to: RedisAddress("10.0.0.1", 6381))),
            ("ASK", "3999 127.0.0.1:6381", .ask(RedisAddress("127.0.0.1", 6381))),
            ("MOVED", "nonsense", .final), ("TRYAGAIN", "x", .later(askWho: false)),
            ("LOADING", "x", .later(askWho: false)), ("CLUSTERDOWN", "x", .later(askWho: true)),
            ("READONLY", "x", .later(askWho: true)), ("NOSCRIPT", "x", .withScriptText), ("WRONGTYPE", "x", .final),
        ])
    func `an error says where the command goes on`(code: String, words: String, verdict: RedisVerdict) {
        #expect(RedisVerdict(code: code, words: words, asked: Self.asked) == verdict)
    }
}

struct RedisLayoutTests {
    private static func range(_ first: Int64, _ last: Int64, _ host: RedisValue, _ port: Int64) -> RedisValue {
        .array([.integer(first), .integer(last), .array([host, .integer(port), .blob(ByteBuffer(string: "id"))])])
    }

    @Test func `CLUSTER SLOTS says which master owns what, and may leave its own name out`() throws {
        let answer = RedisValue.array([
            Self.range(0, 99, .blob(ByteBuffer(string: "a")), 1), Self.range(200, 299, .null, 2),
            Self.range(300, 300, .blob(ByteBuffer(string: "a")), 1),
        ])
        var layout = try #require(RedisLayout(slots: answer, asked: RedisAddress("me", 9)))
        #expect(layout.masters == [RedisAddress("a", 1), RedisAddress("me", 2)])
        #expect([0, 99, 100, 200, 299, 300].map { layout.owner(of: $0) } == [0, 0, nil, 1, 1, 0])
        let before = layout
        layout.move(slot: 0, to: RedisAddress("c", 3))
        #expect(layout.owner(of: 0) == 2)
        #expect(!layout.agrees(with: before))
        layout.move(slot: 0, to: RedisAddress("a", 1))
        #expect(layout.agrees(with: before))
    }

    @Test(
        arguments: [
            RedisValue.null, .array([]), .array([.integer(1)]), .array([.array([.integer(0), .integer(99_999)])]),
        ])
    func `what is no answer to CLUSTER SLOTS is refused`(answer: RedisValue) {
        #expect(RedisLayout(slots: answer, asked: RedisAddress("me", 9)) == nil)
    }
}
