import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("A table of registers")
struct RegisterTableTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func register(_ reading: Int, _ code: Int = 1) -> Register {
        Register(version: Version(reading: UInt64(reading), region: 0), reaction: Reaction(rawValue: UInt8(code)))
    }

    @Test(
        "it holds what a dictionary of merged registers holds, also after it was merged into another", arguments: 1...10
    )
    func model(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var table = RegisterTable()
        var model: [RegisterKey: Register] = [:]
        for _ in 0..<5_000 {
            // Ids that begin or end alike, and some that are long.
            let key = RegisterKey(
                content: bytes(String(repeating: "c", count: random.below(40)) + "\(random.below(30))"),
                user: bytes(String(repeating: "u", count: random.below(20)) + "\(random.below(40))"))
            let register = register(1 + random.below(1_000), random.below(4))
            let content = table.content(key.content, partition: Int32(random.below(3)))
            table.merge(register, of: key.user, on: content)
            model[key, default: .untouched].merge(register)
        }
        var merged = RegisterTable()
        merged.merge(table)
        #expect(merged.count == model.count, "seed \(seed)")
        for (key, register) in model { #expect(merged[key.content, key.user] == register, "seed \(seed)") }
        #expect(merged[bytes("nobody's"), bytes("u1")] == nil)
    }

    @Test("a content has a number for each partition, and its rows are sorted by the users' bytes")
    func sorted() {
        var table = RegisterTable()
        let (a, b) = (table.content(bytes("c"), partition: 1), table.content(bytes("c"), partition: 2))
        let again = table.content(bytes("c"), partition: 1)
        #expect([a, b, again] == [0, 1, 0])
        for user in ["z", "é", "a", "zz", ""] { table.merge(register(1), of: bytes(user), on: a) }
        table.merge(register(1), of: bytes("m"), on: b)
        let users = table.rowsByContent().map { rows in
            rows.map { table.withUser(of: table.rows[Int($0)]) { String(decoding: $0, as: UTF8.self) } }
        }
        #expect(users == [["", "a", "z", "zz", "é"], ["m"]])
    }

    @Test("a register beyond the bound is left out and counted, and one that is held is merged all the same")
    func bound() {
        var table = RegisterTable()
        let content = table.content(bytes("c"))
        let taken = [("u", 1), ("v", 2), ("u", 3)].map { user, reading in
            table.merge(register(reading), of: bytes(user), on: content, bound: 1)
        }
        #expect(taken == [true, false, true])
        #expect(table.count == 1)
        #expect(table[bytes("c"), bytes("u")] == register(3))
        var other = RegisterTable()
        let same = other.content(bytes("c"))
        for user in ["u", "v", "w"] { other.merge(register(4), of: bytes(user), on: same) }
        let left = table.merge(other, bound: 2)
        #expect(left == 1)
        #expect(table[bytes("c"), bytes("u")] == register(4))
    }
}
