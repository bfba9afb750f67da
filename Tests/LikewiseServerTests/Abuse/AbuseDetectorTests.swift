import Foundation
import LikewiseServer
import Testing

/// A detector that is shown likes by name, and what it said of them.
private final class Bench {
    private let mode: AbuseMode
    private(set) lazy var detector = AbuseGuard(
        mode: mode,
        bounds: {
            var bounds = AbuseBounds()
            (bounds.users, bounds.recentLikes, bounds.pairs, bounds.totals) = (1 << 14, 1 << 14, 1 << 16, 1 << 14)
            return bounds
        }(), seed: 1)
    private var random = TestRandom(state: 5)

    init(_ mode: AbuseMode = .enforce) { self.mode = mode }

    var milliseconds: Int64 = 0
    private(set) var heldLater: [LikeName] = []

    @discardableResult
    func like(_ user: String, _ content: String, from address: UInt32, client: String = "app", isUnlike: Bool = false)
        -> Verdict
    {
        let judgement = Array(user.utf8).withUnsafeBytes { user in
            Array(content.utf8).withUnsafeBytes { content in
                Array(client.utf8).withUnsafeBytes { client in
                    detector.judge(
                        user: user, content: content, address: NetworkAddress(v4: address), client: client,
                        isUnlike: isUnlike, milliseconds: milliseconds)
                }
            }
        }
        heldLater += judgement.alsoHold
        return judgement.verdict
    }

    /// So many people who like one of a hundred contents, each from an address of his own, in as many seconds. Answers how
    /// many were held.
    @discardableResult
    func people(_ count: Int, named name: String = "person") -> Int {
        (0..<count).count { number in
            // As chance has it: now close together, now far apart.
            milliseconds += Int64(-log(Double.random(in: 0.0001..<1, using: &random)) * 1000)
            let address = UInt32.random(in: 0x2000_0000..<0x6000_0000, using: &random)
            let client = "app \(Int.random(in: 0..<20, using: &random))"
            return like(
                "\(name) \(number)", "content \(Int.random(in: 0..<100, using: &random))", from: address, client: client
            )
                != .count
        }
    }
}

@Suite("The detector of click farms")
struct AbuseDetectorTests {
    @Test("people who come from everywhere are all counted")
    func people() {
        #expect(Bench().people(20_000) == 0)
    }

    @Test("many users from one address who like one content are held, those before it was clear as well")
    func oneAddress() {
        let bench = Bench()
        bench.people(5000)
        var held = 0
        for number in 0..<200 {
            bench.milliseconds += Int64(number * 7 % 900)
            if bench.like("account \(number)", "bought", from: 0x7000_0001) != .count { held += 1 }
        }
        #expect(held >= 150)
        let later = Set(bench.heldLater.map { String(decoding: $0.user, as: UTF8.self) })
        #expect(held + later.count == 200)
        #expect(later.allSatisfy { $0.hasPrefix("account") })
        #expect(bench.heldLater.allSatisfy { String(decoding: $0.content, as: UTF8.self) == "bought" })
    }

    @Test("a thousand people behind one address who like what everybody likes are counted")
    func sharedAddress() {
        let bench = Bench()
        bench.people(3000)
        var random = TestRandom(state: 8)
        var held = 0
        for number in 0..<2000 {
            bench.people(Int.random(in: 0...8, using: &random), named: "other \(number)")
            let content = "content \(Int.random(in: 0..<100, using: &random))"
            if bench.like("subscriber \(number)", content, from: 0x7100_0001) != .count { held += 1 }
        }
        #expect(held == 0)
    }

    @Test("a user whose every like comes from another network is held, and what he liked before too")
    func scattered() {
        let bench = Bench()
        bench.people(3000)
        var last = Verdict.count
        for number in 0..<40 {
            bench.milliseconds += 120_000 + Int64(number * 37 % 11) * 9000
            last = bench.like("roamer", "content \(number)", from: 0x7200_0000 + UInt32(number) << 12)
        }
        #expect(last == .hold(.user) || last == .hold(.scattered))
        #expect(bench.heldLater.count { $0.user == Array("roamer".utf8) } >= 10)
    }

    @Test("likes that are given and taken back in turn are held; a like that was taken back once is not")
    func toggling() {
        let bench = Bench()
        bench.people(3000)
        var verdicts: [Verdict] = []
        for number in 0..<10 {
            bench.milliseconds += 60_000 + Int64(number * 31 % 7) * 5000
            verdicts.append(bench.like("fickle", "content 1", from: 0x7300_0001))
            bench.like("fickle", "content 1", from: 0x7300_0001, isUnlike: true)
        }
        #expect(verdicts[0...1] == [.count, .count])
        #expect(verdicts[6] == .hold(.toggling))
    }

    @Test("a user who likes twice a second for minutes is held, and at five times that refused")
    func rate() {
        let bench = Bench()
        bench.people(3000)
        var verdicts: [Verdict] = []
        for number in 0..<400 {
            bench.milliseconds += number < 150 ? 500 : 100
            verdicts.append(bench.like("racer", "content \(number)", from: 0x7400_0001))
        }
        #expect(verdicts.prefix(20).allSatisfy { $0 == .count })
        #expect(verdicts[100] != .count)
        #expect(verdicts[399] == .refuse(.rate))
    }

    @Test("who only observes counts every like, and tells how many would have been held")
    func observes() {
        let bench = Bench(.observe)
        bench.people(3000)
        for number in 0..<200 {
            bench.milliseconds += Int64(number * 7 % 900)
            #expect(bench.like("account \(number)", "bought", from: 0x7000_0001) == .count)
        }
        #expect(bench.heldLater.isEmpty)
        let counts = bench.detector.counts
        #expect(counts.held.values.reduce(0, +) + counts.heldLater == 200)
        #expect(counts.counted + counts.held.values.reduce(0, +) == 3200)
    }

    @Test("an unlike is never held, whoever sends it")
    func unlikes() {
        let bench = Bench()
        bench.people(3000)
        for number in 0..<300 {
            bench.like("account \(number)", "bought", from: 0x7000_0001)
            #expect(bench.like("account \(number)", "bought", from: 0x7000_0001, isUnlike: true) == .count)
        }
    }

    @Test("what it takes up does not grow with what it is shown")
    func memory() {
        let bounds = AbuseBounds()
        #expect(AbuseGuard(bounds: bounds, seed: 1).bytes < 100 << 20)
        var small = bounds
        (small.users, small.recentLikes, small.pairs, small.totals) = (1 << 10, 1 << 10, 1 << 12, 1 << 10)
        (small.sources, small.contents) = (1 << 8, 1 << 8)
        var detector = AbuseDetector(bounds: small)
        let before = detector.bytes
        let keys = AbuseKeys(seed: 3)
        for number in 0..<50_000 as Range<UInt64> {
            let like = withUnsafeBytes(of: number) { bytes in
                keys.like(
                    user: bytes, content: bytes, address: NetworkAddress(v4: UInt32(number)), client: bytes,
                    isUnlike: false)
            }
            _ = detector.judge(like, milliseconds: Int64(number) * 100)
        }
        #expect(detector.bytes == before)
    }

    @Test("a sketch that is far too small for its stream holds nobody")
    func blind() {
        var small = AbuseBounds()
        (small.pairs, small.totals) = (64, 64)
        var detector = AbuseDetector(bounds: small)
        let keys = AbuseKeys(seed: 4)
        var held = 0
        var random = TestRandom(state: 4)
        for number in 0..<50_000 as Range<UInt64> {
            let content = UInt64.random(in: 0..<500, using: &random)
            let like = withUnsafeBytes(of: number) { user in
                withUnsafeBytes(of: content) { content in
                    withUnsafeBytes(of: number % 31) { client in
                        keys.like(
                            user: user, content: content,
                            address: NetworkAddress(v4: UInt32.random(in: 0x1000_0000...0x9000_0000, using: &random)),
                            client: client, isUnlike: false)
                    }
                }
            }
            if detector.judge(like, milliseconds: Int64(number) * 300).verdict != .count { held += 1 }
        }
        #expect(held == 0)
    }
}
