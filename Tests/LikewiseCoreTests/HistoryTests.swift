// Random histories of a few users and contents in several regions, against plain dictionaries. What must come out is
// known without merge: of each register's events the highest counts. How the events arrive is left to chance.

import LikewiseCore
import LikewiseTestSupport
import Testing

private struct Cell: Hashable {
    var content: Int
    var user: Int
}

private struct Event: Hashable {
    var cell: Cell
    var register: Register
}

/// Registers and tallies as a node keeps them: only merge changes a register, only its transitions change a tally.
private struct Node: Equatable {
    var registers: [Cell: Register] = [:]
    var tallies: [Int: Tally] = [:]

    mutating func deliver(_ event: Event) {
        let transition = registers[event.cell, default: .untouched].merge(event.register)
        guard let transition else { return }
        tallies[event.cell.content, default: Tally()].apply(old: transition.old, new: transition.new)
    }

    mutating func deliver(_ events: some Sequence<Event>) {
        for event in events { deliver(event) }
    }
}

extension SeededRandom {
    /// Fisher and Yates; the standard library's may change what it draws.
    fileprivate mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var result = elements
        for last in stride(from: result.count - 1, to: 0, by: -1) { result.swapAt(last, below(last + 1)) }
        return result
    }

    /// What three regions with clocks of their own do, each seeing some of what the others did.
    fileprivate mutating func history(events count: Int) -> [Event] {
        var clocks = (0..<3).map { HybridClock(region: UInt16($0)) }
        var nodes = [Node](repeating: Node(), count: 3)
        var walls: [UInt64] = (0..<3).map { _ in 1_000_000 + UInt64(below(50)) }
        var events: [Event] = []
        while events.count < count {
            let region = below(3)
            walls[region] += UInt64(below(3))
            if chance(oneIn: 40) { walls[region] -= UInt64(below(100)) }
            let cell = Cell(content: below(4), user: below(12))
            var wanted = Reaction(rawValue: UInt8(chance(oneIn: 3) ? 0 : 1 + below(4)))
            if chance(oneIn: 4) { wanted = wanted.asHeld }
            let held = nodes[region].registers[cell] ?? .untouched
            if let change = held.evaluate(wanted, clock: &clocks[region], milliseconds: walls[region]) {
                let event = Event(cell: cell, register: Register(version: change.version, reaction: change.new))
                nodes[region].deliver(event)
                events.append(event)
            }
            if !events.isEmpty, chance(oneIn: 3) {
                let seen = pick(events)
                nodes[below(3)].deliver(seen)
            }
        }
        return events
    }
}

/// The highest event of every register, found by comparing alone, and the counts that follow.
private func expected(_ events: [Event]) -> (registers: [Cell: Register], held: [Int: [UInt8: UInt64]]) {
    var registers: [Cell: Register] = [:]
    for event in events {
        let known = registers[event.cell].map { ($0.version.reading, $0.version.region) } ?? (0, 0)
        if known < (event.register.version.reading, event.register.version.region) {
            registers[event.cell] = event.register
        }
    }
    var held: [Int: [UInt8: UInt64]] = [:]
    for (cell, register) in registers where (1..<128).contains(register.reaction.rawValue) {
        held[cell.content, default: [:]][register.reaction.rawValue, default: 0] += 1
    }
    return (registers, held)
}

private func matches(_ node: Node, _ want: (registers: [Cell: Register], held: [Int: [UInt8: UInt64]])) -> Bool {
    guard node.registers == want.registers else { return false }
    return (0..<4).allSatisfy { content in
        let tally = node.tallies[content] ?? Tally()
        let held = want.held[content] ?? [:]
        return Dictionary(uniqueKeysWithValues: tally.held.map { ($0.reaction.rawValue, $0.count) }) == held
            && tally.total == held.values.reduce(0, +)
    }
}

@Suite("Histories")
struct HistoryTests {
    @Test("In any order the same events give the same registers and tallies", arguments: SeededRandom.seeds(12))
    func anyOrder(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let events = random.history(events: 400)
        let want = expected(events)
        for _ in 0..<10 {
            var node = Node()
            node.deliver(random.shuffled(events))
            #expect(matches(node, want), "seed \(seed)")
        }
        var backwards = Node()
        backwards.deliver(events.reversed())
        #expect(matches(backwards, want), "seed \(seed), last event first")
    }

    @Test("Events that arrive several times change nothing more", arguments: SeededRandom.seeds(12))
    func anyDuplication(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let events = random.history(events: 400)
        let want = expected(events)
        for _ in 0..<5 {
            let copies = random.shuffled(events.flatMap { Array(repeating: $0, count: random.within(1...4)) })
            var node = Node()
            node.deliver(copies)
            #expect(matches(node, want), "seed \(seed)")
        }
    }

    @Test("A subset delivered again afterwards changes nothing", arguments: SeededRandom.seeds(12))
    func subsetTwice(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let events = random.history(events: 400)
        let want = expected(events)
        var node = Node()
        node.deliver(random.shuffled(events))
        for _ in 0..<20 {
            let again = events.filter { _ in random.chance(oneIn: 3) }
            node.deliver(random.shuffled(again))
            #expect(matches(node, want), "seed \(seed)")
        }
    }

    @Test("A subset that arrived first, in part twice, does no harm", arguments: SeededRandom.seeds(12))
    func subsetFirst(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let events = random.history(events: 300)
        let early = events.filter { _ in random.chance(oneIn: 2) }
        var node = Node()
        node.deliver(random.shuffled(early))
        #expect(matches(node, expected(early)), "seed \(seed), the early ones alone")
        node.deliver(random.shuffled(events + early))
        #expect(matches(node, expected(events)), "seed \(seed)")
    }

    @Test("Regions that exchange all they know agree", arguments: SeededRandom.seeds(6))
    func regionsAgree(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let events = random.history(events: 300)
        var nodes = (0..<3).map { region in
            var node = Node()
            node.deliver(events.filter { Int($0.register.version.region) == region })
            return node
        }
        for region in 0..<3 {
            for other in random.shuffled([0, 1, 2]) where other != region {
                let theirs = events.filter { Int($0.register.version.region) == other }
                nodes[region].deliver(random.shuffled(theirs))
            }
        }
        #expect(nodes[0].registers == nodes[1].registers && nodes[1].registers == nodes[2].registers, "seed \(seed)")
        #expect(matches(nodes[0], expected(events)), "seed \(seed)")
    }

    @Test("One writer's intents do what a dictionary does, step by step", arguments: SeededRandom.seeds(8))
    func singleWriter(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var clock = HybridClock(region: 3)
        var node = Node()
        var model: [Int: UInt8] = [:]
        for step in 0..<5_000 {
            let user = random.below(40)
            let wanted = Reaction(rawValue: UInt8(random.chance(oneIn: 3) ? 0 : 1 + random.below(64)))
            let cell = Cell(content: 0, user: user)
            // The wall clock stands still, runs and is set back.
            let wall = UInt64(1_000 + step / 100 - (random.chance(oneIn: 20) ? 8 : 0))
            let change = (node.registers[cell] ?? .untouched).evaluate(wanted, clock: &clock, milliseconds: wall)
            #expect((change != nil) == (wanted.rawValue != model[user] ?? 0), "seed \(seed), step \(step)")
            if let change {
                node.deliver(Event(cell: cell, register: Register(version: change.version, reaction: change.new)))
            }
            model[user] = wanted == .none ? nil : wanted.rawValue
            let total = node.tallies[0]?.total ?? 0
            #expect(total == model.count, "seed \(seed), step \(step)")
        }
        for code in 1...64 as ClosedRange<UInt8> {
            let count = node.tallies[0]?.count(of: Reaction(rawValue: code)) ?? 0
            #expect(count == model.values.count { $0 == code }, "seed \(seed), reaction \(code)")
        }
    }
}
