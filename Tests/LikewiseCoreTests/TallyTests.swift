import LikewiseCore
import LikewiseTestSupport
import Testing

private let love = Reaction(rawValue: 2)
private let last = Reaction(rawValue: 64)

@Suite("Tally")
struct TallyTests {
    @Test("An empty tally counts nothing")
    func empty() {
        let tally = Tally()
        #expect(tally.total == 0 && tally.likes == 0 && tally.held.isEmpty)
        for code in 0...255 as ClosedRange<UInt8> { #expect(tally.count(of: Reaction(rawValue: code)) == 0) }
    }

    @Test("A like, a change of reaction and an unlike move one user")
    func moves() {
        var tally = Tally()
        tally.apply(old: .none, new: .like)
        #expect(tally.total == 1 && tally.likes == 1)
        tally.apply(old: .like, new: last)
        #expect(tally.total == 1 && tally.likes == 0 && tally.count(of: last) == 1)
        tally.apply(old: last, new: love)
        #expect(tally.held.map(\.reaction) == [love] && tally.held.map(\.count) == [1])
        tally.apply(old: love, new: .none)
        #expect(tally == Tally())
    }

    @Test("A transition to the same reaction changes nothing", arguments: [.none, .like, love, last] as [Reaction])
    func same(reaction: Reaction) {
        var tally = Tally()
        tally.apply(old: reaction, new: reaction)
        #expect(tally == Tally())
    }

    @Test("Tallies that count the same are equal, whatever they counted before")
    func equality() {
        var seen = Tally()
        for code in [2, 64, 30] as [UInt8] { seen.add(1, to: Reaction(rawValue: code)) }
        for code in [64, 30] as [UInt8] { seen.add(-1, to: Reaction(rawValue: code)) }
        var fresh = Tally()
        fresh.add(1, to: love)
        #expect(seen == fresh)
        #expect(seen.hashValue == fresh.hashValue)
        fresh.add(1, to: .like)
        #expect(seen != fresh)
    }

    @Test("Adding nothing leaves an equal tally")
    func addZero() {
        var tally = Tally()
        tally.add(0, to: last)
        tally.add(0, to: .like)
        #expect(tally == Tally())
    }

    @Test("Held reactions come in the order of their codes, and without the ones that nobody holds")
    func held() {
        var tally = Tally()
        for code in [9, 1, 64, 5] as [UInt8] { tally.add(Int64(code), to: Reaction(rawValue: code)) }
        tally.add(-5, to: Reaction(rawValue: 5))
        #expect(tally.held.map(\.reaction.rawValue) == [1, 9, 64])
        #expect(tally.held.map(\.count) == [1, 9, 64])
        #expect(tally.total == 74)
    }

    @Test("Counts go beyond 32 bits", arguments: [.like, love, last] as [Reaction])
    func wide(reaction: Reaction) {
        var tally = Tally()
        tally.add(5_000_000_000, to: reaction)
        tally.apply(old: .none, new: reaction)
        #expect(tally.count(of: reaction) == 5_000_000_001 && tally.total == 5_000_000_001)
        tally.add(Int64.max - 5_000_000_001, to: reaction)
        #expect(tally.count(of: reaction) == UInt64(Int64.max) && tally.total == UInt64(Int64.max))
        tally.add(-Int64.max, to: reaction)
        #expect(tally == Tally())
    }

    @Test("It counts as a dictionary of users does", arguments: SeededRandom.seeds(8))
    func againstDictionary(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var holds: [Int: UInt8] = [:]
        var tally = Tally()
        for _ in 0..<5_000 {
            let user = random.below(100)
            let new = UInt8(random.below(65))
            tally.apply(old: Reaction(rawValue: holds[user] ?? 0), new: Reaction(rawValue: new))
            holds[user] = new == 0 ? nil : new
        }
        let counts = Dictionary(grouping: holds.values) { $0 }.mapValues { UInt64($0.count) }
        let tallied = Dictionary(uniqueKeysWithValues: tally.held.map { ($0.reaction.rawValue, $0.count) })
        #expect(tallied == counts, "seed \(seed)")
        #expect(tally.total == holds.count, "seed \(seed)")
        #expect(tally.likes == counts[1] ?? 0, "seed \(seed)")
    }

    @Test("To let go of a reaction that nobody holds stops the process")
    func neverNegativeByTransition() async {
        await #expect(processExitsWith: .failure) {
            var tally = Tally()
            tally.apply(old: .none, new: .like)
            tally.apply(old: Reaction(rawValue: 2), new: .none)
        }
    }

    @Test("To take away more than is there stops the process")
    func neverNegativeByDelta() async {
        await #expect(processExitsWith: .failure) {
            var tally = Tally()
            tally.add(2, to: .like)
            tally.add(-3, to: .like)
        }
    }

    @Test("To count no reaction, or one beyond the limit, stops the process")
    func onlyReactionsAreCounted() async {
        await #expect(processExitsWith: .failure) {
            var tally = Tally()
            tally.add(1, to: .none)
        }
        await #expect(processExitsWith: .failure) {
            var tally = Tally()
            tally.add(1, to: Reaction(rawValue: 65))
        }
    }
}
