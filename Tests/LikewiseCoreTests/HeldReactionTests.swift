import LikewiseCore
import LikewiseTestSupport
import Testing

@Suite("Reactions held back")
struct HeldReactionTests {
    private let love = Reaction(rawValue: 2)

    @Test("Every reaction can be held back and given back, and none cannot", arguments: 0...Reaction.limit)
    func roundTrip(code: UInt8) {
        let given = Reaction(rawValue: code)
        #expect(given.asHeld.isHeld == (code > 0))
        #expect(given.asHeld.asGiven == given && given.asHeld.asHeld == given.asHeld)
        #expect(given.asHeld.counted == .none && given.counted == given)
        #expect(given.isSound && given.asHeld.isSound)
    }

    @Test("Codes that no reaction has are not sound", arguments: [65, 127, 128, 193, 255] as [UInt8])
    func unsound(code: UInt8) { #expect(!Reaction(rawValue: code).isSound) }

    @Test("What a user asks for: held back stays held back, the same again changes nothing, an unlike takes all")
    func changes() {
        let (like, held) = (Reaction.like, Reaction.like.asHeld)
        #expect(Reaction.none.changed(to: like) == like)
        #expect(Reaction.none.changed(to: held) == held)
        #expect(like.changed(to: held) == like)
        #expect(held.changed(to: like) == held)
        #expect(held.changed(to: held) == held)
        #expect(held.changed(to: love) == love.asHeld)
        #expect(held.changed(to: love.asHeld) == love.asHeld)
        #expect(like.changed(to: love) == love)
        #expect(like.changed(to: love.asHeld) == love.asHeld)
        #expect(held.changed(to: .none) == .none)
        #expect(like.changed(to: .none) == .none)
    }

    @Test("Release and reject change only what is held back")
    func operatorActs() {
        #expect(love.asHeld.released == love && love.asHeld.rejected == .none)
        #expect(love.released == love && love.rejected == love)
        #expect(Reaction.none.released == .none && Reaction.none.rejected == .none)
    }

    @Test("A tally counts what is not held back, step by step", arguments: SeededRandom.seeds(8))
    func tally(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var tally = Tally()
        var held = [UInt8](repeating: 0, count: 30)
        for step in 0..<3_000 {
            let user = random.below(held.count)
            let code = UInt8(random.below(6))
            let next = code > 0 && random.chance(oneIn: 2) ? code + 128 : code
            tally.apply(old: Reaction(rawValue: held[user]), new: Reaction(rawValue: next))
            held[user] = next
            #expect(tally.total == held.count { $0 > 0 && $0 < 128 }, "seed \(seed), step \(step)")
        }
        for code in 1...5 as ClosedRange<UInt8> {
            #expect(tally.count(of: Reaction(rawValue: code)) == held.count { $0 == code }, "seed \(seed)")
            #expect(tally.count(of: Reaction(rawValue: code + 128)) == 0)
        }
    }

    @Test("A reaction's name is the same while it is held back")
    func names() throws {
        let set = try ReactionSet(ReactionSet.standard)
        #expect(set.name(of: love.asHeld) == "love")
        #expect(set.name(of: .none) == nil)
    }
}
