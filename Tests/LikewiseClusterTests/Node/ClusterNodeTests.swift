import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Logging
import Synchronization
import Testing

@Suite("A node of a cluster")
struct ClusterNodeTests {
    private static func node(
        _ cluster: SimulatedCluster, strict: Bool = false, rates: (any RateExchange)? = nil, clock: SimulatedClock
    ) throws -> ClusterNode {
        var options = ClusterNodeOptions(reactions: try ReactionSet(ReactionSet.standard))
        options.lanes = 2
        options.strictContent = strict
        return ClusterNode(
            options, registers: cluster, contents: cluster, ledger: cluster, publisher: cluster, trends: cluster,
            rates: rates, clock: clock, seed: 1, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func ask(
        _ node: ClusterNode, _ action: Intent.Action, _ content: String, _ user: String, _ reaction: Reaction = .like
    ) async -> Outcome {
        await withCheckedContinuation { continuation in
            let group = IntentGroup { continuation.resume(returning: $0.outcomes[0]) }
            Array(content.utf8).withUnsafeBytes { content in
                Array(user.utf8).withUnsafeBytes { user in
                    group.append(
                        action, content: content, user: user, reaction: action == .react ? reaction : .none,
                        seed: node.seed)
                    node.submit(group, to: node.shard(of: content))
                }
            }
        }
    }

    @Test(
        "tells every user the truth about his own like, on any node, while Redis loses keys and the ledger lags",
        arguments: UInt64(1)...40)
    func ownLikes(seed: UInt64) async throws {
        let cluster = SimulatedCluster(seed: seed)
        let clock = SimulatedClock()
        let nodes = [try Self.node(cluster, clock: clock), try Self.node(cluster, clock: clock)]
        var random = SeededRandom(seed: seed)
        var held: [String: Reaction] = [:]
        for step in 0..<400 {
            let node = nodes[Int.random(in: 0..<2, using: &random)]
            let content = "c\(Int.random(in: 0..<3, using: &random))"
            let user = "u\(Int.random(in: 0..<5, using: &random))"
            let key = "\(content) \(user)"
            let before = held[key] ?? .none
            let kind = Int.random(in: 0..<10, using: &random)
            // Where Redis lacks the register and the ledger lags, what was held before is a guess; that nothing changes
            // never is.
            let isCertain = cluster.holds(content, user)
            let what: Comment = "seed \(seed), step \(step): \(key)"
            switch kind {
            case 0..<4:
                let reaction = Reaction(rawValue: UInt8.random(in: 1...3, using: &random))
                let outcome = await Self.ask(node, .react, content, user, reaction)
                #expect(outcome.status == .done && outcome.new == reaction, what)
                #expect(outcome.old == before || (!isCertain && outcome.changed), what)
                held[key] = reaction
            case 4..<6:
                let outcome = await Self.ask(node, .clear, content, user)
                #expect(outcome.status == .done && outcome.new == .none, what)
                #expect(outcome.old == before || (!isCertain && outcome.changed), what)
                held[key] = Reaction.none
            case 6..<9:
                let outcome = await Self.ask(node, .read, content, user)
                #expect(outcome.status == .done && outcome.new == before, what)
            default:
                cluster.redisLoses(0.33)
            }
            if kind % 2 == 0 { cluster.ledgerTakesSome() }
            // An answer takes longer than that: Kafka's acknowledgement lies in between.
            clock.advance(milliseconds: 1)
        }
        cluster.settle()
        let registers = cluster.state.withLock { $0.registers }
        for (key, register) in registers {
            let name = "\(String(decoding: key.content, as: UTF8.self)) \(String(decoding: key.user, as: UTF8.self))"
            #expect(register.reaction == held[name] ?? .none, "seed \(seed): \(name)")
        }
    }

    @Test("writes go on while Redis and the ledger are down, and its own users see them")
    func outage() async throws {
        let cluster = SimulatedCluster(seed: 7)
        let clock = SimulatedClock()
        let node = try Self.node(cluster, clock: clock)
        cluster.state.withLock { ($0.isRedisDown, $0.isLedgerDown) = (true, true) }
        let liked = await Self.ask(node, .react, "c", "u")
        #expect(liked.status == .done && liked.changed)
        let read = await Self.ask(node, .read, "c", "u")
        #expect(read.status == .done && read.new == .like)
        #expect(await Self.ask(node, .read, "c", "stranger").status == .ledgerFailed)
    }

    @Test("what could not be made durable fails, and what rests on it too")
    func lost() async throws {
        let cluster = SimulatedCluster(seed: 7)
        let node = try Self.node(cluster, clock: SimulatedClock())
        cluster.state.withLock { $0.publication = .full }
        #expect(await Self.ask(node, .react, "c", "u").status == .storageFull)
        cluster.state.withLock { $0.publication = .durable }
        let read = await Self.ask(node, .read, "c", "u")
        #expect(read.new == Reaction.none)
        #expect(await Self.ask(node, .react, "c", "u").changed)
    }

    @Test("a repeated like is no event, also where only the ledger knew of the first")
    func repeated() async throws {
        let cluster = SimulatedCluster(seed: 7)
        let node = try Self.node(cluster, clock: SimulatedClock())
        _ = await Self.ask(node, .react, "c", "u")
        #expect(!(await Self.ask(node, .react, "c", "u")).changed)
        cluster.settle()
        let other = try Self.node(cluster, clock: SimulatedClock())
        cluster.redisLoses(1)
        let again = await Self.ask(other, .react, "c", "u")
        #expect(again.status == .done && !again.changed)
        #expect(cluster.state.withLock { $0.acknowledged.count } == 1)
    }

    @Test("what a Redis that was away kept of an older register is not believed until it is settled")
    func unsettled() async throws {
        let cluster = SimulatedCluster(seed: 7)
        let node = try Self.node(cluster, clock: SimulatedClock())
        let other = try Self.node(cluster, clock: SimulatedClock())
        _ = await Self.ask(node, .react, "c", "u")
        cluster.state.withLock { $0.isRedisDown = true }
        #expect(await Self.ask(node, .clear, "c", "u").changed)
        cluster.state.withLock { ($0.isRedisDown, $0.isSettled) = (false, false) }
        #expect(await Self.ask(other, .read, "c", "u").new == Reaction.none)
        #expect(await Self.ask(other, .react, "c", "u").changed)
    }

    /// What nodes tell each other, without Redis between them.
    private final class Board: Sendable {
        let told = Mutex<[Int: [ContentFigure]]>([:])

        struct Place: RateExchange {
            let board: Board
            let number: Int

            func exchange(_ own: [ContentFigure]) async -> [[UInt8]: Int]? {
                board.told.withLock { told in
                    told[number] = own
                    return told.filter { $0.key != number }.values.joined().reduce(into: [:]) { sums, figure in
                        sums[figure.content, default: 0] += Int(figure.gained)
                    }
                }
            }
        }
    }

    @Test("two nodes spread a content by the rate of both, say so, and stop when it has cooled")
    func spread() async throws {
        let cluster = SimulatedCluster(seed: 7)
        let (clock, board) = (SimulatedClock(), Board())
        let nodes = try (0..<2).map {
            try Self.node(cluster, rates: Board.Place(board: board, number: $0), clock: clock)
        }
        let content = Array("c".utf8)
        for user in 0..<120 { _ = await Self.ask(nodes[user % 2], .react, "c", "u\(user)") }
        #expect(nodes.map { $0.spread(of: content) } == [1, 1], "neither has 100 a minute")
        for node in nodes + nodes { await node.exchangeRates() }
        for user in 120..<122 { _ = await Self.ask(nodes[user % 2], .react, "c", "u\(user)") }
        for node in nodes { await node.exchangeRates() }
        #expect(nodes.map { $0.spread(of: content) } == [2, 2])
        #expect(nodes[0].spread(of: Array("d".utf8)) == 1)
        let keys = cluster.state.withLock { $0.keys }
        #expect(keys.contains(content) && keys.count > 1, "likes after the rates were known go by other keys")
        clock.advance(milliseconds: 180_000)
        // What the other told before it cooled counts once more.
        for node in nodes + nodes + nodes { await node.exchangeRates() }
        #expect(nodes.map { $0.spread(of: content) } == [1, 1])
    }

    @Test("a deletion ends the likes before it at once")
    func deletion() async throws {
        let cluster = SimulatedCluster(seed: 7)
        let node = try Self.node(cluster, clock: SimulatedClock())
        _ = await Self.ask(node, .react, "c", "u")
        cluster.settle()
        #expect(await Self.ask(node, .deleteContent, "c", "").status == .done)
        cluster.settle()
        #expect(await Self.ask(node, .read, "c", "u").new == Reaction.none)
        #expect(await Self.ask(node, .react, "c", "u").changed)
        cluster.settle()
        #expect(await Self.ask(node, .read, "c", "u").tally.total == 1)
    }

    @Test("with --content strict only registered contents can be liked")
    func strict() async throws {
        let cluster = SimulatedCluster(seed: 7)
        let node = try Self.node(cluster, strict: true, clock: SimulatedClock())
        #expect(await Self.ask(node, .react, "c", "u").status == .contentNotFound)
        #expect(await Self.ask(node, .putContent, "c", "").status == .done)
        cluster.settle()
        #expect(await Self.ask(node, .react, "c", "u").changed)
    }

    @Test("a node that is stopped answers what it took, and refuses the rest")
    func stopped() async throws {
        let cluster = SimulatedCluster(seed: 7)
        let node = try Self.node(cluster, clock: SimulatedClock())
        async let first = Self.ask(node, .react, "c", "u")
        _ = await first
        await node.stop()
        #expect(await Self.ask(node, .react, "c", "v").status == .shuttingDown)
    }
}
