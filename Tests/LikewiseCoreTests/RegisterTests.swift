import LikewiseCore
import LikewiseTestSupport
import Testing

/// Few enough values that all combinations can be tried, and enough that every field decides somewhere.
private let small: [Register] = [0, 1, 2].flatMap { reading in
    [0, 1].flatMap { region in
        [0, 1, 2].map { code in
            Register(
                version: Version(reading: reading, region: region), reaction: Reaction(rawValue: code))
        }
    }
}

private func merged(_ a: Register, _ b: Register) -> Register {
    var result = a
    result.merge(b)
    return result
}

extension SeededRandom {
    /// A register whose version often equals, or is near to, that of another one drawn.
    fileprivate mutating func register() -> Register {
        let near = UInt64(below(4))
        let reading = pick([near, UInt64.max - near, 1_750_000_000_000 << 16 | near, next()])
        return Register(
            version: Version(reading: reading, region: UInt16(below(3))), reaction: Reaction(rawValue: UInt8(below(65)))
        )
    }
}

@Suite("Register")
struct RegisterTests {
    @Test("Merge is commutative: all pairs of small registers")
    func commutativeExhaustively() {
        for a in small { for b in small { #expect(merged(a, b) == merged(b, a), "\(a) and \(b)") } }
    }

    @Test("Merge is associative: all triples of small registers")
    func associativeExhaustively() {
        for a in small {
            for b in small {
                for c in small where merged(merged(a, b), c) != merged(a, merged(b, c)) {
                    Issue.record("\(a), \(b) and \(c)")
                }
            }
        }
    }

    @Test("Merge is idempotent: a register merged with itself does not change, and says so")
    func idempotentExhaustively() {
        for a in small {
            var register = a
            #expect(register.merge(a) == nil)
            #expect(register == a)
        }
    }

    @Test("Merge keeps its laws for registers of any size", arguments: SeededRandom.seeds(8))
    func lawsAtRandom(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20_000 {
            let (a, b, c) = (random.register(), random.register(), random.register())
            let holds =
                merged(a, b) == merged(b, a) && merged(merged(a, b), c) == merged(a, merged(b, c))
                && merged(a, a) == a && merged(merged(a, b), b) == merged(a, b)
            if !holds {
                Issue.record("seed \(seed): \(a), \(b), \(c)")
                return
            }
        }
    }

    @Test("The higher version wins, and an untouched register gives way to every event")
    func higherWins() {
        for b in small where b.version != .zero || b.reaction != .none {
            #expect(merged(.untouched, b) == b)
            for a in small where a.version < b.version { #expect(merged(a, b) == b) }
        }
    }

    @Test("Merge reports a transition exactly when the register changes, and it leads from the old to the new")
    func transitions() {
        for a in small {
            for b in small {
                var register = a
                let transition = register.merge(b)
                if let transition {
                    #expect(register == b && register != a)
                    #expect(transition == Transition(old: a.reaction, new: b.reaction, version: b.version))
                } else {
                    #expect(register == a)
                }
                #expect(a.yields(to: b) == (transition != nil))
            }
        }
    }

    @Test("Of two registers, at most one gives way to the other, and one does unless they are equal")
    func yieldsIsATotalOrder() {
        for a in small {
            for b in small {
                #expect((a.yields(to: b) ? 1 : 0) + (b.yields(to: a) ? 1 : 0) + (a == b ? 1 : 0) == 1)
            }
        }
    }

    @Test("An intent for what is held already does nothing and takes no version", arguments: [0, 1, 2] as [UInt8])
    func intentForWhatIsHeld(code: UInt8) {
        var clock = HybridClock(region: 0, last: 77)
        let held = Register(version: Version(reading: 5 << 16, region: 0), reaction: Reaction(rawValue: code))
        #expect(held.evaluate(held.reaction, clock: &clock, milliseconds: 9) == nil)
        #expect(clock.last == 77)
    }

    @Test("An intent's transition always wins over the register, also where that comes from a faster clock")
    func intentWins() throws {
        var clock = HybridClock(region: 1)
        var register = Register(version: Version(reading: 5_000 << 16 | 9, region: 7), reaction: .like)
        let transition = try #require(register.evaluate(.none, clock: &clock, milliseconds: 1_000))
        #expect(transition.old == .like && transition.new == .none)
        #expect(transition.version > register.version)
        #expect(transition.version.region == 1)
        #expect(register.merge(Register(version: transition.version, reaction: transition.new)) == transition)
        #expect(register.reaction == .none)
    }
}
