// Clients of a cluster that know what must be so. Each owns some users, and asks for one change after the other, each of a
// node drawn at random, as a load balancer would send it: so he knows what every answer must be, whichever node gives it.

import LikewiseTestSupport

/// What clients of a cluster did.
struct ClusterAccount: Sendable {
    var pairs: [Pair: Knowledge] = [:]
    /// Answers that contradict what was answered before, in words.
    var wrong: [String] = []
    /// Writes that were not answered with success, in words.
    var refused: [String] = []
    /// Reads that were not answered with success, in words.
    var unread: [String] = []

    mutating func merge(_ other: ClusterAccount) {
        pairs.merge(other.pairs) { $1 }
        wrong += other.wrong
        refused += other.refused
        unread += other.unread
    }
}

/// Load on a cluster, from when it is made until `finish`.
final class ClusterLoad: Sendable {
    private struct State {
        var answers = 0
        var isEnding = false
    }

    /// Printed by tests that fail: the same seed asks for the same changes.
    let seed: UInt64
    private let state: Monitor<State>
    private let crew: Crew<ClusterAccount>

    /// Starts `clients` threads; the names of all contents begin with `name`. A client stops by itself after `limit` answers.
    init(
        _ cluster: TestCluster, _ name: String, clients: Int = 4, users: Int = 20, contents: Int = 6,
        limit: Int = .max
    ) {
        let seed = UInt64.random(in: 0...UInt64.max)
        let state = Monitor(State())
        self.seed = seed
        self.state = state
        crew = Crew(clients) { number in
            var client = ClusterClient(
                cluster: cluster, users: (0..<users).filter { $0 % clients == number }.map { "\(name)-u\($0)" },
                contents: (0..<contents).map { "\(name)-c\($0)" }, random: Random(seed: seed &+ UInt64(number)))
            for _ in 0..<limit {
                guard !state.update({ $0.isEnding }) else { break }
                if client.step() { state.update { $0.answers += 1 } }
            }
            return client.account
        }
    }

    /// Waits for so many more answers; throws where they do not come within `seconds`.
    func wait(answers count: Int, seconds: Double = 60) throws {
        let wanted = state.update { $0.answers } + count
        guard state.wait(seconds: seconds, for: { $0.answers >= wanted ? true : nil }) == true else {
            throw TestCluster.IsLate(description: "\(count) answers within \(seconds) s")
        }
    }

    /// Answers so far.
    var answers: Int { state.update { $0.answers } }

    /// Ends the load, or waits for its end where the clients have a limit.
    func finish(isEnding: Bool = true) throws -> ClusterAccount {
        if isEnding { state.update { $0.isEnding = true } }
        return try crew.finish(seconds: 120).reduce(into: ClusterAccount()) { $0.merge($1) }
    }
}

/// One client: a thread's own.
private struct ClusterClient {
    let cluster: TestCluster
    let users: [String]
    let contents: [String]
    var random: Random
    var account = ClusterAccount()
    /// By port.
    private var connections: [UInt16: HTTPConnection] = [:]

    init(cluster: TestCluster, users: [String], contents: [String], random: Random) {
        self.cluster = cluster
        self.users = users
        self.contents = contents
        self.random = random
    }

    /// Asks once, and holds the answer against what is known; false where none came.
    mutating func step() -> Bool {
        let pair = Pair(user: users[random.below(users.count)], content: contents[random.below(contents.count)])
        let isRead = random.below(3) == 0
        var knowledge = account.pairs[pair] ?? Knowledge()
        let wanted = !knowledge.liked
        let ports = cluster.ports
        let port = ports[random.below(ports.count)]
        do {
            let http = try connections[port] ?? HTTPConnection(port: port)
            connections[port] = http
            if isRead {
                read(try http.answer("GET", Target.like(pair.user, pair.content)), pair, knowledge)
            } else {
                knowledge.unanswered.append(wanted)
                account.pairs[pair] = knowledge
                let body: JSON = ["content_id": .string(pair.content), "user_id": .string(pair.user)]
                write(try http.answer(wanted ? "POST" : "DELETE", Target.likes, body), pair, wanted, knowledge)
            }
            return true
        } catch {
            connections[port] = nil
            if isRead { account.unread.append("\(error)") } else { account.refused.append("\(error)") }
            return false
        }
    }

    private mutating func read(_ answer: HTTPAnswer, _ pair: Pair, _ knowledge: Knowledge) {
        guard answer.status == 200, case .bool(let liked)? = answer.json["liked"] else {
            account.unread.append("\(answer.status) \(answer.text)")
            return
        }
        if !knowledge.allows(liked) {
            account.wrong.append("\(pair) was said to be \(liked), where \(knowledge.liked) was answered")
        }
    }

    private mutating func write(_ answer: HTTPAnswer, _ pair: Pair, _ wanted: Bool, _ knowledge: Knowledge) {
        let isSure = knowledge.unanswered.count == 1
        let unchanged = wanted ? 409 : 404
        switch answer.status {
        case 200:
            if answer.json["liked"] != .bool(wanted) { account.wrong.append("\(wanted) \(pair): \(answer.text)") }
        case unchanged:
            if isSure { account.wrong.append("\(wanted) \(pair), a change: \(answer.text)") }
        default:
            account.refused.append("\(answer.status) \(answer.text)")
            return
        }
        account.pairs[pair] = Knowledge(liked: wanted)
    }
}

extension TestCluster {
    /// What does not fit the account within `seconds`, in words; none where all does: every node's answers, the ledger's own
    /// lists, and that `likewise verify` finds no drift.
    func differences(from account: ClusterAccount, within seconds: Double = 20) throws -> [String] {
        var wrong: [String] = []
        // The lists are looked at again, too: a like and an unlike still on their way leave a count as it should be.
        _ = RedisPoll.until(seconds: seconds) {
            var pairs = account.pairs
            do {
                wrong = try ports.indices.flatMap { try Audit(http: connect($0)).settle(&pairs) }
                if wrong.isEmpty { wrong = try misheldLists(pairs) }
            } catch { wrong = ["\(error)"] }
            return wrong.isEmpty
        }
        let drift = try drift()
        if wrong.isEmpty { return drift.map { [$0] } ?? [] }
        return ["verify: \(drift ?? "no drift")"] + wrong
    }

    /// Users whose list in the ledger is another than is known of them, in words.
    private func misheldLists(_ pairs: [Pair: Knowledge]) throws -> [String] {
        let http = try connect(0)
        return try Dictionary(grouping: pairs.keys, by: \.user).compactMap { user, held in
            let liked = held.filter { pairs[$0]?.liked == true }.map(\.content).sorted()
            let answer = try http.answer("GET", Target.likesOfUser(user) + "?limit=1000")
            let listed = (answer.json["likes"]?.entries ?? []).compactMap { $0["content_id"]?.text }.sorted()
            return listed == liked ? nil : "\(user) likes \(liked), listed are \(listed)"
        }
    }
}
