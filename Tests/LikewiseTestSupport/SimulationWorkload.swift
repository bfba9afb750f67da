import LikewiseCore
import LikewiseEngine

/// The ids of a simulated history, and where they lie.
enum SimulationIDs {
    static let contents = 200
    static let users = 500
    static let maxShards = 3
    static let reactions = 6
    static let types: [[UInt8]] = ["", "video", "post", "comment"].map { Array($0.utf8) }

    /// By number; 0 is nobody.
    static let content: [[UInt8]] = (0...contents).map { id("v", $0, long: 240) }
    static let user: [[UInt8]] = (0...users).map { $0 == 0 ? [] : id("u", $0, long: 120) }

    /// One in seventeen is nearly as long as it may be.
    private static func id(_ letter: String, _ number: Int, long: Int) -> [UInt8] {
        let short = Array("\(letter)\(number)".utf8)
        return number % 17 == 0 ? short + [UInt8](repeating: 46, count: long) : short
    }

    /// The shard of each content, by the number of shards.
    static let shard: [[Int]] = (0...maxShards).map { shards in
        content.map { shards < 2 ? 0 : Hash64.jump(Hash64.of($0, seed: 0), shards: shards) }
    }

    /// Contents as they are asked for: the n-th most liked is asked for a n-th as often as the first (Zipf).
    static let zipf: [Int] = {
        let size = 8192
        let whole = (1...contents).reduce(0.0) { $0 + 1 / Double($1) }
        var table: [Int] = []
        var sum = 0.0
        for content in 1...contents {
            sum += 1 / Double(content)
            while Double(table.count) < sum / whole * Double(size) && table.count < size { table.append(content) }
        }
        while table.count < size { table.append(contents) }
        return table
    }()
}

/// An intent, by the numbers of its ids.
struct SimulatedIntent {
    var action: Intent.Action
    var content: Int
    /// 0 for none.
    var user = 0
    var reaction: UInt8 = 0
    /// Index into `SimulationIDs.types`.
    var type = 0
    var visibility = ContentDescription.Visibility.public
    var answer: StoredAnswer?
}

/// Draws what callers ask.
struct SimulationWorkload {
    private var random: SeededRandom
    private let strict: Bool
    private var keys = 0

    init(random: SeededRandom, strict: Bool) {
        self.random = random
        self.strict = strict
    }

    mutating func next(milliseconds: UInt64) -> SimulatedIntent {
        let content = SimulationIDs.zipf[random.below(SimulationIDs.zipf.count)]
        let user = 1 + random.below(random.chance(oneIn: 2) ? 24 : SimulationIDs.users)
        var intent: SimulatedIntent
        switch random.below(100) {
        case 0..<60:
            intent = SimulatedIntent(action: .react, content: content, user: user)
            intent.reaction = random.chance(oneIn: 3) ? UInt8(random.within(1...SimulationIDs.reactions)) : 1
            if random.chance(oneIn: 6) { intent.reaction += Reaction.heldBit }
            if random.chance(oneIn: 8) { intent.type = random.below(SimulationIDs.types.count) }
        case 60..<72: intent = SimulatedIntent(action: .clear, content: content, user: user)
        case 72..<75: intent = SimulatedIntent(action: .release, content: content, user: user)
        case 75..<77: intent = SimulatedIntent(action: .reject, content: content, user: user)
        case 77: intent = SimulatedIntent(action: .hold, content: content, user: user)
        case 78..<88: intent = SimulatedIntent(action: .read, content: content, user: user)
        case 88..<91: intent = SimulatedIntent(action: .read, content: content)
        case 91..<(strict ? 98 : 95):
            intent = SimulatedIntent(action: .putContent, content: content)
            intent.type = random.within(1...(SimulationIDs.types.count - 1))
            intent.visibility = random.chance(oneIn: 4) ? .private : .public
        case 98: intent = SimulatedIntent(action: .remember, content: content)
        default: intent = SimulatedIntent(action: .deleteContent, content: content)
        }
        if intent.action == .deleteContent, !random.chance(oneIn: 3) { intent.action = .read }
        if intent.action != .read, intent.action == .remember || random.chance(oneIn: 16) {
            intent.answer = answer(milliseconds)
            if intent.action == .remember { intent.answer?.payload = [7] + random.bytes(random.below(80)) }
        }
        return intent
    }

    private mutating func answer(_ milliseconds: UInt64) -> StoredAnswer {
        keys += 1
        return StoredAnswer(
            key: Array("key-\(keys)".utf8), fingerprint: random.next(), expires: milliseconds + 600_000, payload: [])
    }
}

extension IntentGroup {
    func append(_ intent: SimulatedIntent, seed: UInt64) {
        SimulationIDs.content[intent.content].withUnsafeBytes { content in
            SimulationIDs.user[intent.user].withUnsafeBytes { user in
                SimulationIDs.types[intent.type].withUnsafeBytes { type in
                    append(
                        intent.action, content: content, user: user, type: type,
                        reaction: Reaction(rawValue: intent.reaction), visibility: intent.visibility,
                        answer: intent.answer, seed: seed)
                }
            }
        }
    }
}
