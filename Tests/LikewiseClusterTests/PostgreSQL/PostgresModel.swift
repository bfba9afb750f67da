import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

/// What a partition says, for a test: a register, or a content's deletion.
enum PostgresEvent: Sendable {
    case register(content: String, user: String, Register)
    case deletion(content: String, Version)

    /// Random events of which many are of one register, and few have equal versions. One of `deletions` is a deletion;
    /// 0: none.
    static func random(_ count: Int, deletions: Int, contents: Int, users: Int, _ random: inout SeededRandom) -> [Self]
    {
        (0..<count).map { _ in
            let content = "content-\(random.below(contents))"
            let version = Version(reading: UInt64(random.within(1...5_000)), region: UInt16(random.within(1...3)))
            if deletions > 0, random.chance(oneIn: deletions) { return .deletion(content: content, version) }
            var reaction = Reaction(rawValue: UInt8(random.below(4)))
            if random.chance(oneIn: 4) { reaction = reaction.asHeld }
            return .register(
                content: content, user: "user-\(random.below(users))", Register(version: version, reaction: reaction))
        }
    }
}

extension LedgerBatch {
    /// What one partition says: the registers of each user folded into one.
    init(_ events: some Sequence<PostgresEvent>, shard: UInt16, through: UInt64) {
        self.init(shard: shard, through: through, now: 0)
        var registers: [String: [String: Register]] = [:]
        for event in events {
            switch event {
            case .register(let content, let user, let register):
                registers[content, default: [:]][user, default: .untouched].merge(register)
            case .deletion(let content, let version):
                change(content) { $0.deleted = max($0.deleted ?? .zero, version) }
            }
        }
        for (content, users) in registers {
            for (user, register) in users { row(content, user, register) }
        }
    }
}

/// What a ledger must say once it has taken events in whatever order: plain dictionaries.
struct PostgresModel {
    private var deleted: [String: Version] = [:]
    private var registers: [String: [String: Register]] = [:]

    mutating func take(_ events: some Sequence<PostgresEvent>) {
        for event in events {
            switch event {
            case .register(let content, let user, let register):
                registers[content, default: [:]][user, default: .untouched].merge(register)
            case .deletion(let content, let version): deleted[content] = max(deleted[content] ?? .zero, version)
            }
        }
    }

    /// The registers of a content that outlive its deletion.
    private func held(_ content: String) -> [String: Register] {
        let deletion = deleted[content] ?? .zero
        return (registers[content] ?? [:]).filter { $0.value.version > deletion }
    }

    /// Compares with what the reader says of every content and register.
    func compare(_ reader: any LedgerReader, _ comment: Comment) throws {
        for content in Set(registers.keys).union(deleted.keys) {
            let found = try #require(try reader.content(Array(content.utf8)), comment)
            let expected = held(content)
            var tally = Tally()
            for register in expected.values { tally.apply(old: .none, new: register.reaction) }
            #expect(found.tally == tally, comment)
            #expect(found.deleted == deleted[content] ?? .zero, comment)
            var users: [String: Register] = [:]
            var names: [[UInt8]] = []
            _ = try reader.users(ofContent: found.key, after: [], limit: 100_000) { names.append(Array($0)) }
            for name in names {
                users[String(decoding: name, as: UTF8.self)] = try name.withUnsafeBytes {
                    try reader.register(content: found.key, user: $0)
                }
            }
            #expect(users == expected, comment)
        }
    }
}
