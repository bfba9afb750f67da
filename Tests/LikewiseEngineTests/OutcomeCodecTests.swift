import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("Outcome codec")
struct OutcomeCodecTests {
    private func outcome(_ random: inout SeededRandom) -> Outcome {
        var outcome = Outcome(status: random.chance(oneIn: 2) ? .done : .contentNotFound)
        outcome.old = Reaction(rawValue: UInt8(random.below(65)))
        outcome.new = Reaction(rawValue: UInt8(random.below(65)))
        outcome.version = Version(reading: random.next(), region: UInt16(random.below(65_536)))
        for code in 1...64 as ClosedRange<UInt8> where random.chance(oneIn: 3) {
            outcome.tally.add(Int64(random.within(1...1 << 40)), to: Reaction(rawValue: code))
        }
        return outcome
    }

    @Test("What is encoded comes back, within the bound")
    func roundTrip() throws {
        var random = SeededRandom(seed: 1)
        for _ in 0..<2_000 {
            let given = outcome(&random)
            let bytes = OutcomeCodec.encode(given)
            #expect(bytes.count <= OutcomeCodec.maxBytes && bytes.first == OutcomeCodec.tag)
            let found = try #require(OutcomeCodec.decode(bytes))
            #expect(found.status == given.status && found.old == given.old && found.new == given.new)
            #expect(found.version == given.version && found.tally == given.tally)
        }
    }

    @Test("A reaction is counted once, and counts that add up to more than there are numbers are no outcome")
    func repeatedReactions() {
        var outcome = Outcome(status: .done)
        outcome.tally.add(Int64.max / Int64(Reaction.limit), to: .like)
        var bytes = OutcomeCodec.encode(outcome)
        #expect(OutcomeCodec.decode(bytes) != nil)
        let entry = bytes[15...]
        for _ in 0..<Reaction.limit + 1 { bytes += entry }
        bytes[14] = Reaction.limit + 2
        #expect(OutcomeCodec.decode(bytes) == nil)
    }

    @Test("Other bytes are no outcome, and never stop the process")
    func noise() {
        var random = SeededRandom(seed: 2)
        #expect(OutcomeCodec.decode([]) == nil)
        for _ in 0..<20_000 {
            var bytes = OutcomeCodec.encode(outcome(&random))
            switch random.below(3) {
            case 0: bytes.removeLast(random.within(1...bytes.count))
            case 1: bytes.append(contentsOf: random.bytes(random.within(1...9)))
            default:
                // Codes and counts out of bounds, at random.
                for i in bytes.indices.dropFirst(15) where random.chance(oneIn: 2) { bytes[i] = 0xff }
                _ = OutcomeCodec.decode(bytes)
                continue
            }
            #expect(OutcomeCodec.decode(bytes) == nil)
        }
        var other = OutcomeCodec.encode(Outcome(status: .done))
        other[0] = OutcomeCodec.tag + 1
        #expect(OutcomeCodec.decode(other) == nil)
    }
}
