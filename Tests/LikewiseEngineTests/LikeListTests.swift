import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

/// Lists against a model: registers in the ledger, in generations that the ledger lacks, in ones that it has meanwhile.
@Suite("Like list")
struct LikeListTests {
    private struct Pair: Hashable {
        var content: [UInt8]
        var user: [UInt8]
    }

    /// A shard's overlay, a ledger and a model, filled with the same changes.
    private final class Bed {
        let ledger = SimulatedLedger()
        var model: [Pair: Register] = [:]
        var sealed: [Generation] = []
        var sequence: UInt64 = 0
        var reading: UInt64 = 1_000
        private var filling: [(generation: Generation, places: [[UInt8]: UInt32])] = []

        func change(content: [UInt8], user: [UInt8], to reaction: Reaction) {
            let pair = Pair(content: content, user: user)
            let old = model[pair]?.reaction ?? .none
            guard old != reaction else { return }
            reading += 1
            let version = Version(reading: reading, region: 0)
            let place = place(content)
            sequence += 1
            user.withUnsafeBytes {
                filling[0].generation.append(
                    content: place, keyHash: Hash64.combine(UInt64(place), Hash64.of(user, seed: 0)), user: $0,
                    transition: Transition(old: old, new: reaction, version: version), sequence: sequence)
            }
            model[pair] = Register(version: version, reaction: reaction)
        }

        func delete(content: [UInt8]) {
            reading += 1
            let place = place(content)
            sequence += 1
            filling[0].generation.append(
                Generation.ContentEvent(
                    content: place, sequence: sequence, deleted: Version(reading: reading, region: 0)))
            model = model.filter { $0.key.content != content }
        }

        private func place(_ content: [UInt8]) -> UInt32 {
            if filling.isEmpty {
                filling = [(Generation(number: UInt32(sealed.count + 1), firstSequence: sequence + 1), [:])]
            }
            if let place = filling[0].places[content] { return place }
            let place = filling[0].generation.add(content: 0, id: content)
            filling[0].places[content] = place
            return place
        }

        func seal() {
            guard let (generation, _) = filling.popLast(), !generation.isEmpty else { return }
            generation.seal()
            sealed.append(generation)
        }

        func apply(_ generations: [Generation]) throws {
            guard !generations.isEmpty else { return }
            try ledger.apply([LedgerBatchBuilder.build(generations, shard: 0, now: 0)])
        }

        /// The whole list by pages, checked to be in order.
        func list(_ subject: ListSubject, limit: Int) throws -> [LedgerLike] {
            let list = LikeList(subject: subject, generations: sealed)
            let reader = try ledger.makeReader()
            var all: [LedgerLike] = []
            var position: LikePosition?
            while true {
                let page = try list.page(reader, behind: position, limit: limit)
                all += page
                guard page.count == limit, let last = page.last else { return all }
                position =
                    switch subject {
                    case .user: LikePosition(version: last.register.version, id: last.content)
                    case .content: LikePosition(version: last.register.version, id: last.user)
                    case .held: last.heldPosition
                    }
            }
        }

        func expected(
            _ shown: (Reaction) -> Bool = { $0 != .none }, _ matches: (Pair) -> Bool
        ) -> [LedgerLike] {
            model.filter { matches($0.key) && shown($0.value.reaction) }
                .map { LedgerLike(content: $0.key.content, user: $0.key.user, register: $0.value) }
                .sorted { $0.register.version > $1.register.version }
        }
    }

    @Test("A list by pages is what a model says, with any part in the ledger and any part not", arguments: 0..<40)
    func random(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let bed = Bed()
        let contents = (0..<12).map { Array("c\($0)".utf8) }
        let users = (0..<10).map { Array("u\($0)".utf8) }
        for _ in 0..<random.within(1...8) {
            for _ in 0..<random.within(1...60) {
                if random.chance(oneIn: 25) {
                    bed.delete(content: random.pick(contents))
                } else {
                    bed.change(
                        content: random.pick(contents), user: random.pick(users),
                        to: random.pick([.none, .like, .init(rawValue: 2), .like.asHeld, .init(rawValue: 130)]))
                }
            }
            bed.seal()
        }
        // The ledger has some; of these the shard still holds some.
        let taken = random.within(0...bed.sealed.count)
        try bed.apply(Array(bed.sealed[..<taken]))
        bed.sealed.removeFirst(random.within(0...taken))
        for limit in [1, 2, 3, 7, 100] {
            for user in users {
                #expect(try bed.list(.user(user), limit: limit) == bed.expected { $0.user == user })
            }
            for content in contents {
                #expect(
                    try bed.list(.content(content), limit: limit)
                        == bed.expected({ $0.counted != .none }) { $0.content == content })
                #expect(
                    try bed.list(.held(HeldFilter(content: content)), limit: limit)
                        == bed.expected(\.isHeld) { $0.content == content })
            }
            for user in users {
                #expect(
                    try bed.list(.held(HeldFilter(user: user)), limit: limit)
                        == bed.expected(\.isHeld) { $0.user == user })
            }
            #expect(try bed.list(.held(HeldFilter()), limit: limit) == bed.expected(\.isHeld) { _ in true })
        }
    }

    @Test("What is held back is listed on behind contents that were just deleted, however many of it they had")
    func deletedHeld() throws {
        let bed = Bed()
        for i in 0..<5 { bed.change(content: Array("old".utf8), user: Array("u\(i)".utf8), to: .like.asHeld) }
        for i in 0..<50 { bed.change(content: Array("gone".utf8), user: Array("u\(i)".utf8), to: .like.asHeld) }
        bed.seal()
        try bed.apply(bed.sealed)
        bed.sealed = []
        bed.delete(content: Array("gone".utf8))
        bed.seal()
        let page = try LikeList(subject: .held(HeldFilter()), generations: bed.sealed)
            .page(try bed.ledger.makeReader(), behind: nil, limit: 3)
        #expect(page.map(\.user) == (2..<5).reversed().map { Array("u\($0)".utf8) })
        #expect(try bed.list(.held(HeldFilter()), limit: 2).count == 5)
    }

    @Test("A user's list goes on behind contents that were just deleted, however many")
    func deletedContents() throws {
        let bed = Bed()
        let user = Array("u".utf8)
        for i in 0..<40 { bed.change(content: Array("c\(i)".utf8), user: user, to: .like) }
        bed.seal()
        try bed.apply(bed.sealed)
        bed.sealed = []
        for i in 10..<40 { bed.delete(content: Array("c\(i)".utf8)) }
        bed.seal()
        let page = try LikeList(subject: .user(user), generations: bed.sealed)
            .page(try bed.ledger.makeReader(), behind: nil, limit: 5)
        #expect(page.map(\.content) == (5..<10).reversed().map { Array("c\($0)".utf8) })
        #expect(try bed.list(.user(user), limit: 5).count == 10)
    }
}
