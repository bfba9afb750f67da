// Gives an engine likes as fast as it takes them, a bounded number of groups at a time. A group that is refused for lack of
// room is kept and given again later.

import LikewiseCore
import LikewiseEngine
import Synchronization

/// For one thread.
final class LedgerFeeder {
    /// The mix in words, for the settings of a report.
    static let mix = "10 % on one content, the rest Zipf 1.0 over 1,000,000"
    /// The content that gets a tenth.
    static let largest = "video_0"
    /// Groups on their way at a time.
    private static let window = 8
    /// How long a feeder rests when there is no room, or nothing is answered yet.
    private static let rest: UInt64 = 10_000_000
    /// The most that one call of `feed` gives, so that its caller can look at the ledger in between.
    private static let groupsPerCall = 64

    private let engine: Engine
    private let likes: Int
    private var made = 0
    private var random = SplitMix(state: 1)
    private let zipf = ZipfSampler(count: 1_000_000)
    private let answered = Answered()
    private var onTheirWay = 0
    private var refused: [IntentGroup] = []

    init(engine: Engine, likes: Int) {
        self.engine = engine
        self.likes = likes
    }

    /// Gives some groups, and takes back what was answered or refused. Rests a little where there is nothing to do.
    func feed() throws {
        for _ in 0..<LedgerFeeder.groupsPerCall {
            try settle()
            guard onTheirWay < LedgerFeeder.window, let group = refused.popLast() ?? makeGroup() else {
                return BenchClock.rest(nanoseconds: LedgerFeeder.rest)
            }
            let answered = answered
            group.complete = { answered.add($0) }
            onTheirWay += 1
            engine.submit(group, to: 0)
        }
    }

    /// Looks at the groups that have come back.
    private func settle() throws {
        var hasRoom = true
        for group in answered.take() {
            onTheirWay -= 1
            switch group.briefOutcomes.first?.status {
            case .done:
                guard group.briefOutcomes.allSatisfy({ $0.changed }) else { throw BenchError("a like was not new") }
            case .overloaded:
                refused.append(group)
                hasRoom = false
            case let status: throw BenchError("the engine answered \(status.map { "\($0)" } ?? "nothing")")
            }
        }
        if !hasRoom { BenchClock.rest(nanoseconds: LedgerFeeder.rest) }
    }

    /// The next likes; nil when all are made. Every user is new.
    private func makeGroup() -> IntentGroup? {
        guard made < likes else { return nil }
        let group = IntentGroup(wantsTallies: false)
        while made < likes && !group.isFull {
            let number = random.next() % 10 == 0 ? 0 : zipf.sample(&random)
            let (content, user) = (Array("video_\(number)".utf8), Array("user_\(made)".utf8))
            content.withUnsafeBytes { content in
                user.withUnsafeBytes { user in
                    group.append(.react, content: content, user: user, reaction: .like, seed: engine.seed)
                }
            }
            made += 1
        }
        return group
    }
}

/// Groups that have come back, handed over from the shard's thread.
private final class Answered: Sendable {
    private let groups = Mutex<[IntentGroup]>([])

    func add(_ group: IntentGroup) { groups.withLock { $0.append(group) } }

    func take() -> [IntentGroup] {
        groups.withLock { groups in
            defer { groups = [] }
            return groups
        }
    }
}
