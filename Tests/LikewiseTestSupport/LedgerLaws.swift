// The laws of `LedgerConformance.swift`.

import LikewiseCore
import LikewiseEngine
import Testing

// MARK: Merge and tallies

extension LedgerLaw {
    static let merging: [LedgerLaw] = [
        LedgerLaw("a new ledger is empty") { bench in
            let reader = try bench.ledger.makeReader()
            #expect(try reader.positions().isEmpty)
            #expect(try reader.reactions().isEmpty)
            #expect(try reader.latestReading() == 0)
            #expect(try reader.content(bytes("a")) == nil)
            #expect(try bench.register("a", "u") == .untouched)
            #expect(try bench.ledger.purge(limit: 10) == false)
        },
        LedgerLaw("the higher version wins, in whichever order the two come") { bench in
            let low = Register(version: Version(reading: 5, region: 9), reaction: .like)
            let high = Register(version: Version(reading: 6, region: 1), reaction: .none)
            try bench.apply {
                $0.row("a", "u", low); $0.row("b", "u", high)
            }
            try bench.apply {
                $0.row("a", "u", high, old: .like); $0.row("b", "u", low)
            }
            #expect(try bench.register("a", "u") == high)
            #expect(try bench.register("b", "u") == high)
            #expect(try bench.counts("a") == [:])
            #expect(try bench.counts("b") == [:])
        },
        LedgerLaw("of equal readings the higher region wins, and of equal versions the higher reaction") { bench in
            let first = Register(version: Version(reading: 5, region: 1), reaction: love)
            let region = Register(version: Version(reading: 5, region: 2), reaction: .like)
            let reaction = Register(version: Version(reading: 5, region: 2), reaction: love)
            try bench.apply { $0.row("a", "u", first) }
            try bench.apply { $0.row("a", "u", region, old: love) }
            #expect(try bench.counts("a") == [1: 1])
            try bench.apply { $0.row("a", "u", first, old: .like) }
            #expect(try bench.register("a", "u") == region)
            try bench.apply { $0.row("a", "u", reaction, old: .like) }
            #expect(try bench.register("a", "u") == reaction)
            #expect(try bench.counts("a") == [2: 1])
        },
        LedgerLaw("what is asked together is answered as one by one, also what is not there or is asked twice") {
            bench in
            try bench.apply { batch in
                for i in 0..<200 { batch.row("c\(i % 7)", "user-\(i)", like(at: UInt64(i + 1))) }
            }
            try bench.apply { $0.row("c1", "user-1", unlike(at: 900), old: .like) }
            let reader = try bench.ledger.makeReader()
            let ids = ["c6", "nobody's", "c1", "", "c6", "c0", "c11"].map(bytes)
            #expect(try reader.contents(ids) == ids.map { try reader.content($0) })
            #expect(try reader.contents([]) == [])
            var questions = RegisterQuestions()
            var alone: [Register] = []
            for (content, user) in [
                (1, "user-8"), (0, "user-7"), (1, "user-1"), (1, "user-8"), (2, "user-1"), (6, "user-"), (0, ""),
            ] {
                let key = try bench.content("c\(content)").key
                bytes(user).withUnsafeBytes { questions.add(content: key, user: $0) }
                alone.append(try bench.register(key: key, user))
            }
            #expect(try reader.registers(questions) == alone)
            #expect(alone.filter { $0 == .untouched }.count == 3)
            #expect(try reader.registers(RegisterQuestions()) == [])
        },
        LedgerLaw("the same register again changes nothing") { bench in
            let register = Register(version: Version(reading: 5, region: 1), reaction: love)
            for _ in 0..<3 { try bench.apply { $0.row("a", "u", register) } }
            #expect(try bench.counts("a") == [2: 1])
            #expect(try bench.register("a", "u") == register)
        },
        LedgerLaw("tallies follow what merged, and nothing else") { bench in
            try bench.apply { batch in
                for user in ["u", "v", "w"] { batch.row("a", user, like(at: 10)) }
                batch.row("a", "x", Register(version: Version(reading: 10, region: 1), reaction: love))
                batch.row("b", "u", like(at: 10))
            }
            #expect(try bench.counts("a") == [1: 3, 2: 1])
            try bench.apply { batch in
                batch.row("a", "u", unlike(at: 9), old: .like)
                batch.row("a", "v", unlike(at: 11), old: .like)
                batch.row("a", "w", Register(version: Version(reading: 11, region: 1), reaction: love), old: .like)
                batch.row("a", "y", unlike(at: 11))
            }
            #expect(try bench.counts("a") == [1: 1, 2: 2])
            #expect(try bench.counts("b") == [1: 1])
            #expect(try bench.register("a", "y") == unlike(at: 11))
        },
        LedgerLaw("tallies count the registers also where a batch is wrong about the old reaction") { bench in
            try bench.apply { $0.row("a", "u", like(at: 1), old: love) }
            try bench.apply { $0.row("a", "u", Register(version: Version(reading: 2, region: 1), reaction: love)) }
            #expect(try bench.counts("a") == [2: 1])
        },
        LedgerLaw("a batch that is not beyond its shard's position is skipped whole") { bench in
            try bench.apply(shard: 3, through: 7) { $0.row("a", "u", like(at: 1)) }
            for through: UInt64 in [6, 7] {
                try bench.apply(shard: 3, through: through) { batch in
                    batch.row("a", "v", like(at: 100))
                    batch.change("b") { $0.description = ContentDescription(type: bytes("post"), registered: true) }
                    batch.answers = [StoredAnswer(key: [1], fingerprint: 1, expires: 100, payload: [])]
                }
            }
            let reader = try bench.ledger.makeReader()
            #expect(try bench.counts("a") == [1: 1])
            #expect(try reader.content(bytes("b")) == nil)
            #expect(try reader.answers(unexpiredAt: 0).isEmpty)
            #expect(try reader.latestReading() == 1)
            try bench.apply(shard: 4, through: 1) { $0.row("c", "v", like(at: 2)) }
            #expect(try reader.positions() == [3: 7, 4: 1])
        },
        LedgerLaw("of several batches in one call each counts, and repeated ones once") { bench in
            var first = LedgerBatch(shard: 0, through: 1, now: 0)
            first.row("a", "u", like(at: 1))
            var second = LedgerBatch(shard: 0, through: 2, now: 0)
            second.row("a", "u", unlike(at: 2), old: .like)
            var other = LedgerBatch(shard: .max, through: UInt64(Int64.max), now: 0)
            other.row("b", "u", like(at: 3))
            try bench.ledger.apply([first, first, second, first, other])
            #expect(try bench.counts("a") == [:])
            #expect(try bench.counts("b") == [1: 1])
            #expect(try bench.ledger.makeReader().positions() == [0: 2, .max: UInt64(Int64.max)])
        },
        LedgerLaw("numbers of 2^63 and more, unknown reactions and users out of bounds are refused whole") { bench in
            var bad: [LedgerBatch] = []
            for register in [
                like(at: 1 << 63), Register(version: Version(reading: 1, region: 1), reaction: .init(rawValue: 65)),
            ] {
                bad.append(LedgerBatch(shard: 0, through: 1, now: 0))
                bad[bad.count - 1].row("a", "u", register)
            }
            bad.append(LedgerBatch(shard: 0, through: 1 << 63, now: 0))
            bad.append(LedgerBatch(shard: 0, through: 1, now: 0))
            bad[3].row("a", "u", like(at: 1))
            bad[3].userBytes = []
            for batch in bad {
                var good = LedgerBatch(shard: 1, through: 1, now: 0)
                good.row("b", "u", like(at: 1))
                #expect(throws: LedgerError.self) { try bench.ledger.apply([good, batch]) }
            }
            let reader = try bench.ledger.makeReader()
            #expect(try reader.positions().isEmpty)
            #expect(try reader.content(bytes("b")) == nil)
        },
        LedgerLaw("the widest ids, regions and reactions are held as they are") { bench in
            let content = String(repeating: "é", count: 128)
            let user = String(repeating: "ü", count: 64)
            let register = Register(
                version: Version(reading: UInt64(Int64.max), region: .max), reaction: Reaction(rawValue: Reaction.limit)
            )
            try bench.apply { $0.row(content, user, register) }
            #expect(try bench.register(content, user) == register)
            #expect(try bench.counts(content) == [64: 1])
            let reader = try bench.ledger.makeReader()
            let likes = try reader.likes(ofUser: bytes(user), behind: nil, limit: 10)
            #expect(likes == [LedgerLike(content: bytes(content), user: bytes(user), register: register)])
            #expect(try reader.latestReading() == UInt64(Int64.max))
        },
    ]
}

// MARK: Contents

extension LedgerLaw {
    static let contents: [LedgerLaw] = [
        LedgerLaw("a content keeps its description until another one comes") { bench in
            let described = ContentDescription(type: bytes("video"), visibility: .private, registered: true)
            try bench.apply { $0.row("a", "u", like(at: 1)) }
            #expect(try bench.content("a").description == ContentDescription())
            try bench.apply { $0.change("a") { $0.description = described } }
            try bench.apply { $0.row("a", "v", like(at: 2)) }
            #expect(try bench.content("a").description == described)
            #expect(try bench.counts("a") == [1: 2])
        },
        LedgerLaw("a deletion takes registers, counts and description, and a new life begins") { bench in
            try bench.apply { batch in
                batch.row("a", "u", like(at: 1))
                batch.row("a", "v", like(at: 2))
                batch.row("b", "u", like(at: 3))
                batch.change("a") { $0.description = ContentDescription(type: bytes("video"), registered: true) }
            }
            let old = try bench.content("a")
            let deleted = Version(reading: 50, region: 2)
            try bench.apply { batch in
                batch.change("a") { $0.deleted = deleted }
                batch.row("a", "v", like(at: 51))
            }
            let new = try bench.content("a")
            let reader = try bench.ledger.makeReader()
            #expect(new.key != old.key)
            #expect(new.deleted == deleted)
            #expect(new.description == ContentDescription())
            #expect(try bench.counts("a") == [1: 1])
            #expect(try bench.register("a", "u") == .untouched)
            #expect(try bench.register("a", "v") == like(at: 51))
            #expect(try reader.likes(ofUser: bytes("u"), behind: nil, limit: 10).map(\.content) == [bytes("b")])
            #expect(try reader.likes(ofContent: bytes("a"), behind: nil, limit: 10).map(\.user) == [bytes("v")])
            #expect(try bench.contentIDs(page: 10) == ["a", "b"])
        },
        LedgerLaw("a deletion that is not later than the one held does nothing, but its description and rows count") {
            bench in
            try bench.apply { $0.change("a") { $0.deleted = Version(reading: 50, region: 2) } }
            try bench.apply { $0.row("a", "u", like(at: 60)) }
            let before = try bench.content("a")
            for version in [
                Version(reading: 50, region: 2), Version(reading: 50, region: 1), Version(reading: 49, region: 9),
            ] {
                try bench.apply { batch in
                    batch.change("a") {
                        $0.deleted = version
                        $0.description = ContentDescription(type: bytes("post"))
                    }
                    batch.row("a", "v", like(at: 61))
                }
            }
            let after = try bench.content("a")
            #expect(after.key == before.key)
            #expect(after.deleted == before.deleted)
            #expect(after.description.type == bytes("post"))
            #expect(try bench.counts("a") == [1: 2])
        },
        LedgerLaw("the deletion of a content that nobody knew is held") { bench in
            let deleted = Version(reading: 7, region: 1)
            try bench.apply { $0.change("a") { $0.deleted = deleted } }
            #expect(try bench.content("a").deleted == deleted)
            #expect(try bench.ledger.makeReader().latestReading() == 7)
        },
        LedgerLaw("a content's number is never used again") { bench in
            var keys: Set<Int64> = []
            for i in 1...5 as ClosedRange<UInt64> {
                try bench.apply { batch in
                    batch.change("a") { $0.deleted = Version(reading: i * 10, region: 1) }
                    batch.row("a", "u", like(at: i * 10 + 1))
                }
                #expect(keys.insert(try bench.content("a").key).inserted)
                while try bench.ledger.purge(limit: 1) {}
            }
        },
        LedgerLaw("purge takes away what deletions left, a bounded number at a time, and nothing else") { bench in
            try bench.apply { batch in
                for i in 0..<25 { batch.row("a", "user-\(i)", like(at: UInt64(i + 1))) }
                batch.row("b", "u", like(at: 99))
            }
            let old = try bench.content("a").key
            try bench.apply { batch in
                batch.change("a") { $0.deleted = Version(reading: 100, region: 1) }
                batch.row("a", "v", like(at: 101))
            }
            var calls = 0
            while try bench.ledger.purge(limit: 10) { calls += 1 }
            #expect(calls == 2)
            let reader = try bench.ledger.makeReader()
            #expect(try reader.users(ofContent: old, after: [], limit: 100) { _ in } == nil)
            #expect(try bench.register(key: old, "user-1") == .untouched)
            #expect(try bench.counts("a") == [1: 1])
            #expect(try bench.counts("b") == [1: 1])
            #expect(try bench.register("a", "v") == like(at: 101))
        },
    ]
}

// MARK: Lists

extension LedgerLaw {
    static let listing: [LedgerLaw] = [
        LedgerLaw("likes are listed newest first, ties by id, and pages join without a gap or a repeat") { bench in
            // Versions in groups of three that are equal, so that pages of every size end inside of a group.
            let versions: [Version] = (0..<20).map { (i: Int) in
                Version(reading: UInt64(10 + i / 6), region: UInt16(i / 3 % 2))
            }
            let ids: [String] = (0..<20).map { (i: Int) in "id-\(i * 7 % 20)" }
            try bench.apply { batch in
                for (version, id) in zip(versions, ids) {
                    batch.row("content", id, Register(version: version, reaction: .like))
                    batch.row(id, "user", Register(version: version, reaction: love))
                }
                batch.row("content", "gone", unlike(at: 100))
                batch.row("gone", "user", unlike(at: 100))
                batch.row("other", "other", like(at: 100))
            }
            let places = zip(versions, ids).map { LikePosition(version: $0, id: bytes($1)) }
            let expected = places.sorted { $0.precedes($1) }
            let reader = try bench.ledger.makeReader()
            for size in [1, 2, 3, 7, 19, 20, 21] {
                let byUser = try pages { position in
                    try reader.likes(ofUser: bytes("user"), behind: position, limit: size)
                        .map { LikePosition(version: $0.register.version, id: $0.content) }
                }
                #expect(byUser == expected)
                let byContent = try pages { position in
                    try reader.likes(ofContent: bytes("content"), behind: position, limit: size)
                        .map { LikePosition(version: $0.register.version, id: $0.user) }
                }
                #expect(byContent == expected)
            }
            #expect(try reader.likes(ofUser: bytes("nobody"), behind: nil, limit: 5).isEmpty)
            #expect(try reader.likes(ofContent: bytes("nothing"), behind: nil, limit: 5).isEmpty)
        },
        LedgerLaw("a like that changes moves to the front of both lists") { bench in
            try bench.apply { batch in
                for i in 1...3 { batch.row("a\(i)", "u", like(at: UInt64(i))) }
            }
            let changed = Register(version: Version(reading: 9, region: 1), reaction: love)
            try bench.apply { batch in
                batch.row("a1", "u", changed, old: .like)
                batch.row("a2", "u", unlike(at: 8), old: .like)
            }
            let likes = try bench.ledger.makeReader().likes(ofUser: bytes("u"), behind: nil, limit: 9)
            #expect(likes.map(\.content) == [bytes("a1"), bytes("a3")])
            #expect(likes.first?.register == changed)
        },
        LedgerLaw("users are walked in the order of their bytes, held or not") { bench in
            let users = ["a", "aa", "b", "B", "é", "z", "~", "日本"]
            try bench.apply { batch in
                for user in users { batch.row("c", user, user == "b" ? unlike(at: 1) : like(at: 1)) }
            }
            let key = try bench.content("c").key
            let expected = users.map(bytes).sorted { $0.lexicographicallyPrecedes($1) }
            let reader = try bench.ledger.makeReader()
            for limit in 1...9 {
                var found: [[UInt8]] = []
                var after: [UInt8]? = []
                while let start = after {
                    after = try reader.users(ofContent: key, after: start, limit: limit) { found.append(Array($0)) }
                }
                #expect(found == expected)
            }
        },
        LedgerLaw("contents are walked one page after the other") { bench in
            try bench.apply { batch in
                for i in 0..<7 { batch.row("c\(i)", "u", like(at: 1)) }
            }
            for size in 1...8 { #expect(try bench.contentIDs(page: size) == (0..<7).map { "c\($0)" }) }
        },
    ]

    static func pages(_ page: (LikePosition?) throws -> [LikePosition]) throws -> [LikePosition] {
        var result: [LikePosition] = []
        while true {
            let next = try page(result.last)
            if next.isEmpty { return result }
            result += next
            try #require(result.count <= 1_000, "the pages do not come to an end")
        }
    }
}

// MARK: Answers, trends, names

extension LedgerLaw {
    static let besides: [LedgerLaw] = [
        LedgerLaw("answers are held until they expire, and a new one with the same key replaces the old") { bench in
            let first = StoredAnswer(key: [0, 255], fingerprint: .max, expires: 100, payload: [0, 1, 2])
            let second = StoredAnswer(key: [7], fingerprint: 0, expires: 200, payload: [])
            try bench.apply { $0.answers = [first, second] }
            let reader = try bench.ledger.makeReader()
            #expect(try Set(reader.answers(unexpiredAt: 99)) == [first, second])
            #expect(try reader.answers(unexpiredAt: 100) == [second])
            try bench.apply(now: 150) { _ in }
            #expect(try reader.answers(unexpiredAt: 150) == [second])
            let third = StoredAnswer(key: [7], fingerprint: 1 << 63, expires: 300, payload: [9])
            try bench.apply(now: 250) { $0.answers = [third] }
            #expect(try reader.answers(unexpiredAt: 250) == [third])
            #expect(try reader.answers(unexpiredAt: .max).isEmpty)
        },
        LedgerLaw("a trend bucket replaces the one with its start and length, and an empty one removes it") { bench in
            func bucket(_ start: UInt64, _ length: UInt64, _ gains: [(String, Int64)]) -> TrendBucket {
                TrendBucket(
                    start: start, length: length,
                    entries: gains.map { TrendBucket.Entry(content: bytes($0.0), gained: $0.1) })
            }
            let minute = bucket(60_000, 60_000, [("z", 9), ("a", 5), ("m", -2)])
            let hour = bucket(60_000, 3_600_000, [("a", 1)])
            let late = bucket(120_000, 60_000, [("b", 4)])
            try bench.apply { $0.trends = [late, bucket(60_000, 60_000, [("old", 1), ("older", 1)]), hour] }
            try bench.apply { $0.trends = [minute] }
            let reader = try bench.ledger.makeReader()
            #expect(try reader.trends(since: 0) == [minute, hour, late])
            #expect(try reader.trends(since: 60_001) == [late])
            try bench.apply { $0.trends = [bucket(60_000, 60_000, [])] }
            #expect(try reader.trends(since: 0) == [hour, late])
            #expect(try reader.trends(since: .max).isEmpty)
        },
        LedgerLaw("the latest reading is the highest ever taken") { bench in
            let reader = try bench.ledger.makeReader()
            try bench.apply { $0.row("a", "u", like(at: 20)) }
            try bench.apply { $0.row("a", "v", like(at: 10)) }
            #expect(try reader.latestReading() == 20)
            try bench.apply { $0.change("a") { $0.deleted = Version(reading: 30, region: 1) } }
            #expect(try reader.latestReading() == 30)
        },
        LedgerLaw("names of reactions are only ever added") { bench in
            let reader = try bench.ledger.makeReader()
            try bench.ledger.setReactions(["like", "love"])
            try bench.ledger.setReactions(["like", "love", "haha"])
            #expect(try reader.reactions() == ["like", "love", "haha"])
            for wrong in [["like", "haha"], ["like"], ["love", "like", "haha"]] {
                #expect(throws: LedgerError.self) { try bench.ledger.setReactions(wrong) }
            }
            #expect(try reader.reactions() == ["like", "love", "haha"])
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
