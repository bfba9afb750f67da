// The laws of `LedgerConformance.swift` on likes that are held back.

import LikewiseCore
import LikewiseEngine
import Testing

extension LedgerLaw {
    static let holding: [LedgerLaw] = [
        LedgerLaw("what is held back is held as it is, and counts for nothing") { bench in
            try bench.apply { batch in
                batch.row("a", "u", held(at: 1))
                batch.row("a", "v", held(at: 2, love))
                batch.row("a", "w", like(at: 3))
            }
            #expect(try bench.counts("a") == [1: 1])
            #expect(try bench.register("a", "u") == held(at: 1))
            #expect(try bench.register("a", "v") == held(at: 2, love))
        },
        LedgerLaw("a tally follows a like into what is held back, and out of it again") { bench in
            try bench.apply { batch in
                for user in ["u", "v", "w", "x"] { batch.row("a", user, like(at: 1)) }
            }
            try bench.apply { batch in
                for user in ["u", "v", "w"] { batch.row("a", user, held(at: 2), old: .like) }
            }
            #expect(try bench.counts("a") == [1: 1])
            try bench.apply { batch in
                batch.row("a", "u", like(at: 3), old: .like.asHeld)
                batch.row("a", "v", unlike(at: 3), old: .like.asHeld)
                batch.row("a", "w", held(at: 3, love), old: .like.asHeld)
            }
            #expect(try bench.counts("a") == [1: 2])
            // Whatever a batch believes, the ledger goes by what it holds.
            try bench.apply { $0.row("a", "w", Register(version: Version(reading: 4, region: 1), reaction: love)) }
            #expect(try bench.counts("a") == [1: 2, 2: 1])
        },
        LedgerLaw("a release and an unlike merge to the later of them, in whichever order the two come") { bench in
            let changes = [held(at: 1), like(at: 2), unlike(at: 3), held(at: 4, love)]
            for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1, 2, 0]] {
                let id = "c\(order)"
                for place in order { try bench.apply { $0.row(id, "u", changes[place]) } }
                #expect(try bench.register(id, "u") == changes[3])
                #expect(try bench.counts(id) == [:])
            }
        },
        LedgerLaw("of equal versions what is held back wins, and leaves the content's list") { bench in
            let counted = Register(version: Version(reading: 5, region: 1), reaction: love)
            for (first, second) in [(counted, held(at: 5)), (held(at: 5), counted)] {
                let id = "c\(first.reaction.rawValue)"
                try bench.apply { $0.row(id, "u", first) }
                try bench.apply { $0.row(id, "u", second, old: first.reaction) }
                #expect(try bench.register(id, "u") == held(at: 5))
                let reader = try bench.ledger.makeReader()
                #expect(try reader.likes(ofContent: bytes(id), behind: nil, limit: 9).isEmpty)
                #expect(
                    try reader.heldLikes(of: HeldFilter(content: bytes(id)), behind: nil, limit: 9).map(\.user)
                        == [bytes("u")])
            }
        },
        LedgerLaw("what is held back is in its user's list, not in its content's, and in a list of its own") { bench in
            try bench.apply { batch in
                batch.row("a", "u", held(at: 1))
                batch.row("b", "u", like(at: 2))
                batch.row("a", "v", held(at: 3, love))
                batch.row("b", "v", held(at: 4))
            }
            func list(_ filter: HeldFilter) throws -> [String] {
                try bench.ledger.makeReader().heldLikes(of: filter, behind: nil, limit: 9)
                    .map { String(decoding: $0.content + [UInt8(ascii: " ")] + $0.user, as: UTF8.self) }
            }
            let reader = try bench.ledger.makeReader()
            #expect(
                try reader.likes(ofUser: bytes("u"), behind: nil, limit: 9).map(\.register) == [
                    like(at: 2), held(at: 1),
                ])
            #expect(try reader.likes(ofContent: bytes("a"), behind: nil, limit: 9).isEmpty)
            #expect(try list(HeldFilter()) == ["b v", "a v", "a u"])
            #expect(try list(HeldFilter(content: bytes("a"))) == ["a v", "a u"])
            #expect(try list(HeldFilter(user: bytes("v"))) == ["b v", "a v"])
            #expect(try list(HeldFilter(content: bytes("a"), user: bytes("u"))) == ["a u"])
            #expect(try list(HeldFilter(content: bytes("x"))) == [])
            try bench.apply { batch in
                batch.row("a", "u", like(at: 5), old: .like.asHeld)
                batch.row("a", "v", unlike(at: 6), old: love.asHeld)
                batch.row("b", "v", held(at: 7, love), old: .like.asHeld)
            }
            #expect(try list(HeldFilter()) == ["b v"])
            #expect(try reader.likes(ofContent: bytes("a"), behind: nil, limit: 9).map(\.user) == [bytes("u")])
            #expect(try reader.likes(ofUser: bytes("v"), behind: nil, limit: 9).map(\.content) == [bytes("b")])
        },
        LedgerLaw("the list of what is held back goes by version, content, user, and its pages join") { bench in
            try bench.apply { batch in
                for i in 0..<24 {
                    let version = Version(reading: UInt64(10 + i / 12), region: UInt16(i / 6 % 2))
                    batch.row(
                        ["a", "ab", "é"][i % 3], "user-\(i * 7 % 24)", Register(version: version, reaction: love.asHeld)
                    )
                }
            }
            let reader = try bench.ledger.makeReader()
            let all = try reader.heldLikes(of: HeldFilter(), behind: nil, limit: 100).map(\.heldPosition)
            #expect(all.count == 24)
            #expect(zip(all, all.dropFirst()).allSatisfy { $0.precedes($1) })
            for size in [1, 2, 5, 23, 24, 25] {
                let joined = try pages { position in
                    try reader.heldLikes(of: HeldFilter(), behind: position, limit: size).map(\.heldPosition)
                }
                #expect(joined == all)
            }
        },
        LedgerLaw("a deletion takes what is held back too, and purge removes it") { bench in
            try bench.apply { batch in
                for i in 0..<9 { batch.row("a", "user-\(i)", held(at: UInt64(i + 1))) }
                batch.row("b", "u", held(at: 20))
            }
            try bench.apply { batch in
                batch.change("a") { $0.deleted = Version(reading: 50, region: 1) }
                batch.row("a", "v", held(at: 51))
            }
            for _ in 0..<2 {
                let reader = try bench.ledger.makeReader()
                #expect(
                    try reader.heldLikes(of: HeldFilter(), behind: nil, limit: 99).map(\.user)
                        == [bytes("v"), bytes("u")])
                while try bench.ledger.purge(limit: 4) {}
            }
            #expect(try bench.counts("a") == [:])
        },
        LedgerLaw("codes of what is held back are refused where no reaction has them") { bench in
            for code: UInt8 in [128, 128 + 65, 255] {
                #expect(throws: LedgerError.self) {
                    try bench.apply {
                        $0.row(
                            "a", "u", Register(version: Version(reading: 1, region: 1), reaction: .init(rawValue: code))
                        )
                    }
                }
            }
            let widest = Register(
                version: Version(reading: 1, region: 1), reaction: Reaction(rawValue: Reaction.limit).asHeld)
            try bench.apply { $0.row("a", "u", widest) }
            #expect(try bench.register("a", "u") == widest)
        },
    ]
}

private let love = Reaction(rawValue: 2)

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func like(at reading: UInt64) -> Register {
    Register(version: Version(reading: reading, region: 1), reaction: .like)
}

private func unlike(at reading: UInt64) -> Register {
    Register(version: Version(reading: reading, region: 1), reaction: .none)
}

private func held(at reading: UInt64, _ reaction: Reaction = .like) -> Register {
    Register(version: Version(reading: reading, region: 1), reaction: reaction.asHeld)
}
