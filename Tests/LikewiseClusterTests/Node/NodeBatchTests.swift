import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Logging
import Synchronization
import Testing

@Suite("Several intents in one batch of a node", .timeLimit(.minutes(1)))
struct NodeBatchTests {
    /// One intent of a batch.
    private struct Ask {
        var action: Intent.Action
        var user: String
        var reaction = Reaction.none
        var content = "c"

        static func react(_ user: String, _ reaction: Reaction = .like) -> Ask {
            Ask(action: .react, user: user, reaction: reaction)
        }
        static func clear(_ user: String) -> Ask { Ask(action: .clear, user: user) }
        static func read(_ user: String) -> Ask { Ask(action: .read, user: user) }
        static var put: Ask { Ask(action: .putContent, user: "") }
        static var delete: Ask { Ask(action: .deleteContent, user: "") }
    }

    private let love = Reaction(rawValue: 2)
    private let cluster = SimulatedCluster(seed: 1)

    private func node(strict: Bool = false, publisher: (any EventPublisher)? = nil) throws -> ClusterNode {
        var options = ClusterNodeOptions(reactions: try ReactionSet(ReactionSet.standard))
        options.lanes = 1
        options.strictContent = strict
        return ClusterNode(
            options, registers: cluster, contents: cluster, ledger: cluster, publisher: publisher ?? cluster,
            trends: cluster, clock: SimulatedClock(), seed: 1, logger: .silent)
    }

    private func ask(_ node: ClusterNode, _ asks: [Ask], wantsTallies: Bool = true) async -> [Outcome] {
        await withCheckedContinuation { continuation in
            let group = IntentGroup(wantsTallies: wantsTallies) { group in
                continuation.resume(returning: wantsTallies ? group.outcomes : group.briefOutcomes.map { Outcome($0) })
            }
            for ask in asks {
                Array(ask.content.utf8).withUnsafeBytes { content in
                    Array(ask.user.utf8).withUnsafeBytes { user in
                        group.append(
                            ask.action, content: content, user: user, reaction: ask.reaction, seed: node.seed)
                    }
                }
            }
            node.submit(group, to: 0)
        }
    }

    /// Decides by number, over all that is published, what becomes of each event.
    private final class ChoosyPublisher: EventPublisher {
        private let state: Mutex<(number: Int, published: [LikeEvent])> = Mutex((0, []))
        private let lost: [Int: Publication]

        init(lost: [Int: Publication]) { self.lost = lost }

        var published: [LikeEvent] { state.withLock { $0.published } }

        func publish(_ events: [KeyedEvent]) async -> [Publication] {
            state.withLock { state in
                events.map { event in
                    defer { state.number += 1 }
                    if let publication = lost[state.number] { return publication }
                    state.published.append(event.event)
                    return .durable
                }
            }
        }
    }

    @Test("a second intent on a register rests on the first, and one that changes nothing is no event")
    func sameRegister() async throws {
        let node = try node()
        let outcomes = await ask(
            node, [.react("u"), .react("u"), .react("u", love), .read("u"), .clear("u"), .clear("u"), .react("u")])
        #expect(outcomes.map(\.status).allSatisfy { $0 == .done })
        #expect(outcomes.map(\.old) == [.none, .like, .like, love, love, .none, .none])
        #expect(outcomes.map(\.new) == [.like, .like, love, love, .none, .none, .like])
        #expect(outcomes.map(\.tally.total) == [1, 1, 1, 1, 0, 0, 1])
        let events = cluster.state.withLock { $0.acknowledged }
        #expect(events.map(\.reaction) == [.like, love, .none, .like])
        #expect(events.map(\.previous) == [.none, .like, love, .none])
        #expect(zip(events, events.dropFirst()).allSatisfy { $0.version < $1.version })
    }

    @Test(
        "what is held back counts only when it is released, which is done once; it stays so when its reaction changes")
    func held() async throws {
        let outcomes = await ask(
            try node(),
            [
                .react("u", .like.asHeld), .read("u"), .react("u"), .react("u", love), Ask(action: .release, user: "u"),
                Ask(action: .release, user: "u"), Ask(action: .reject, user: "u"), Ask(action: .hold, user: "u"),
                Ask(action: .reject, user: "u"), .react("u"),
            ])
        let held = Reaction.like.asHeld
        #expect(outcomes.map(\.status).allSatisfy { $0 == .done })
        #expect(outcomes.map(\.new) == [held, held, held, love.asHeld, love, love, love, love.asHeld, .none, .like])
        #expect(outcomes.map(\.tally.total) == [0, 0, 0, 0, 1, 1, 1, 0, 0, 1])
        let events = cluster.state.withLock { $0.acknowledged }
        #expect(events.map(\.reaction) == [held, love.asHeld, love, love.asHeld, .none, .like])
        #expect(events.map(\.previous) == [.none, held, love.asHeld, love, love.asHeld, .none])
    }

    @Test("an operator acts on what is certain alone: where nobody can say what is held, nothing is changed")
    func certainty() async throws {
        _ = await ask(try node(), [.react("u", .like.asHeld), .react("v"), .react("w", .like.asHeld)])
        cluster.redisLoses(1)
        cluster.state.withLock { $0.isLedgerDown = true }
        let asks = [
            Ask(action: .release, user: "u"), Ask(action: .hold, user: "v"), Ask(action: .reject, user: "w"),
            Ask(action: .reject, user: "x"),
        ]
        let other = try node()
        let before = cluster.state.withLock { $0.acknowledged.count }
        #expect(await ask(other, asks).map(\.status) == [.ledgerFailed, .ledgerFailed, .ledgerFailed, .ledgerFailed])
        #expect(cluster.state.withLock { $0.acknowledged.count } == before)
        cluster.state.withLock { $0.isLedgerDown = false }
        let outcomes = await ask(other, asks)
        #expect(outcomes.map(\.status).allSatisfy { $0 == .done })
        #expect(outcomes.map(\.new) == [.like, .like.asHeld, .none, .none])
        #expect(outcomes.map(\.changed) == [true, true, true, false])
        #expect(cluster.state.withLock { $0.acknowledged.count } == before + 3)
    }

    @Test("users of one batch are apart, and its count goes up with each of them")
    func severalUsers() async throws {
        let outcomes = await ask(try node(), [.react("u"), .react("v", love), .react("w"), .read("x")])
        #expect(outcomes.map(\.tally.total) == [1, 2, 3, 3])
        #expect(outcomes.last?.new == Reaction.none)
    }

    @Test("an event that is lost fails its intent and the later ones on that register that are none of their own")
    func lostEvent() async throws {
        let publisher = ChoosyPublisher(lost: [0: .failed])
        let node = try node(publisher: publisher)
        let outcomes = await ask(node, [.react("u"), .react("u"), .read("u"), .react("v"), .read("v")])
        #expect(outcomes.map(\.status) == [.storageFailed, .storageFailed, .storageFailed, .done, .done])
        #expect(publisher.published.map(\.user) == [Array("v".utf8)])
        let after = await ask(node, [.read("u"), .react("u")])
        #expect(after.map(\.status) == [.done, .done])
        #expect(after.map(\.old) == [.none, .none])
        #expect(after[1].changed)
    }

    @Test("a later event that is durable counts although an earlier one on its register was lost")
    func durableAfterLost() async throws {
        let publisher = ChoosyPublisher(lost: [0: .overloaded])
        let node = try node(publisher: publisher)
        let outcomes = await ask(node, [.react("u"), .react("u", love), .read("u")])
        #expect(outcomes[0].status == .overloaded)
        #expect(outcomes[1].status == .done && outcomes[1].new == love)
        #expect(publisher.published.map(\.reaction) == [love])
        let after = await ask(node, [.read("u")])
        #expect(after[0].new == love)
    }

    @Test("bulk intake, which asks for no tallies, is told the same")
    func brief() async throws {
        let publisher = ChoosyPublisher(lost: [1: .full])
        let outcomes = await ask(
            try node(publisher: publisher), [.react("u"), .react("v"), .clear("u")], wantsTallies: false)
        #expect(outcomes.map(\.status) == [.done, .storageFull, .done])
        #expect(outcomes.map(\.old) == [.none, .none, .like])
    }

    @Test("a content that is registered in a batch can be liked in it, with --content strict, and not before")
    func strict() async throws {
        let node = try node(strict: true)
        let outcomes = await ask(node, [.react("u"), .read("u"), .put, .react("u"), .read("u")])
        #expect(outcomes.map(\.status) == [.contentNotFound, .contentNotFound, .done, .done, .done])
        #expect(outcomes.map(\.new) == [.none, .none, .none, .like, .like])
        #expect(cluster.state.withLock { $0.acknowledged.map(\.kind) } == [.contentPut, .register])
    }

    @Test("a like behind a deletion in one batch begins the content's new life")
    func deletion() async throws {
        let node = try node()
        let outcomes = await ask(node, [.react("u"), .react("v"), .delete, .read("u"), .react("u")])
        #expect(outcomes.map(\.status).allSatisfy { $0 == .done })
        #expect(outcomes.map(\.new) == [.like, .like, .none, .none, .like])
        #expect(outcomes.map(\.tally.total) == [1, 2, 0, 0, 1])
        cluster.settle()
        let after = await ask(node, [.read("u"), .read("v")])
        #expect(after.map(\.new) == [.like, .none])
        #expect(after.map(\.tally.total) == [1, 1])
    }

    @Test("more intents than a lane's queue takes are refused whole, with nothing changed")
    func overloaded() async throws {
        let gate = Gate()
        struct HeldPublisher: EventPublisher {
            let gate: Gate
            func publish(_ events: [KeyedEvent]) async -> [Publication] {
                await gate.pass()
                return events.map { _ in .durable }
            }
        }
        var options = ClusterNodeOptions(reactions: try ReactionSet(ReactionSet.standard))
        options.lanes = 1
        options.queueDepth = 2
        let node = ClusterNode(
            options, registers: cluster, contents: cluster, ledger: cluster, publisher: HeldPublisher(gate: gate),
            trends: cluster, clock: SimulatedClock(), seed: 1, logger: .silent)
        async let first = ask(node, [.react("u")])
        await gate.arrivals(1)
        // One batch is on its way; this group waits alone, and is taken whatever its size.
        let waits = Gate()
        async let second = withCheckedContinuation { (continuation: CheckedContinuation<[Outcome], Never>) in
            let group = IntentGroup { continuation.resume(returning: $0.outcomes) }
            for user in ["v", "w"] {
                Array("c".utf8).withUnsafeBytes { content in
                    Array(user.utf8).withUnsafeBytes { user in
                        group.append(.react, content: content, user: user, reaction: .like, seed: node.seed)
                    }
                }
            }
            node.submit(group, to: 0)
            waits.open()
        }
        await waits.pass()
        #expect(await ask(node, [.react("x")]).map(\.status) == [.overloaded])
        gate.open()
        #expect(await first.map(\.status) == [.done])
        #expect(await second.map(\.status) == [.done, .done])
    }
}
