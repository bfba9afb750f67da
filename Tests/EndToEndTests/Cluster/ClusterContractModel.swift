// What a user holds, exact on every node at once: many users, each of whom asks one node after the other, drawn at
// random.

import LikewiseTestSupport
import Testing

extension ClusterContractTests {
    @Test("A user sees his own like at once on the other node: his state, the count, and his list")
    func ownLike() throws {
        let cluster = try TestCluster.current()
        let wrong = try Crew(8) { number in
            var wrong: [String] = []
            for index in 0..<25 {
                let (one, other) = (try cluster.connect(index % 2), try cluster.connect(1 - index % 2))
                let (user, content) = ("own-\(number)-\(index)", "own-c\(index % 5)")
                let like = try one.answer(
                    "POST", Target.likes, ["content_id": .string(content), "user_id": .string(user)])
                let state = try other.answer("GET", Target.like(user, content))
                let count = try other.answer("GET", Target.count(content, user: user))
                let list = try other.answer("GET", Target.likesOfUser(user))
                if like.status != 200 { wrong.append("like: \(like.status) \(like.text)") }
                if state.json["liked"] != true { wrong.append("state: \(state.status) \(state.text)") }
                let counted = count.json["reactions"]?["like"]?.int ?? 0
                if count.json["liked"] != true || counted < 1 { wrong.append("count: \(count.status) \(count.text)") }
                if list.json["likes"]?.entries.map({ $0["content_id"]?.text }) != [content] {
                    wrong.append("list: \(list.status) \(list.text)")
                }
            }
            return wrong
        }.finish().flatMap { $0 }
        #expect(wrong.isEmpty, "\(wrong.count) of 800 answers: \(wrong.prefix(5))")
    }

    @Test("Whatever users do, at whichever node, every answer is what he holds, and in the end every count is exact")
    func anyCallsAnyNode() throws {
        let nodes = try Nodes()
        let seed = UInt64.random(in: 0...UInt64.max)
        let contents = (0..<20).map { "model-c\($0)" }
        let (users, threads) = ((0..<50).map { "model-u\($0)" }, 20)
        let cluster = nodes.cluster
        let runs = try Crew(threads) { number in
            try ModelRun(
                cluster, contents: contents,
                users: users.enumerated().filter { $0.offset % threads == number }.map(\.element),
                random: Random(seed: seed &+ UInt64(number)), seconds: 5)
        }.finish()
        let wrong = runs.flatMap(\.wrong)
        let answers = runs.reduce(0) { $0 + $1.answers }
        #expect(wrong.isEmpty, "seed \(seed), \(wrong.count) of \(answers): \(wrong.prefix(5))\n\(cluster.logs)")
        let model = runs.reduce(into: LikeModel()) { $0.merge($1.model) }
        for content in contents { try nodes.expectSoon(Target.count(content), model.members(content)) }
        for http in nodes.both {
            let pairs = users.flatMap { user in contents.map { (user, $0) } }
            for (user, content) in pairs {
                let state = try http.answer("GET", Target.like(user, content))
                let held = model.held[content]?[user]
                #expect(
                    state.json["reaction"]?.text == held && state.json["liked"] == .bool(held != nil),
                    "seed \(seed), \(user), \(content): \(state.text), and not \(held ?? "nothing")")
            }
        }
        #expect(try cluster.drift() == nil, "seed \(seed)")
    }
}

/// What one thread's users did, one request after the other, each at a node drawn at random.
private struct ModelRun: Sendable {
    var model = LikeModel()
    var answers = 0
    /// Answers that were not what was due, in words.
    var wrong: [String] = []

    init(
        _ cluster: TestCluster, contents: [String], users: [String], random: Random, seconds: Double
    ) throws {
        var random = random
        let connections = [try cluster.connect(0), try cluster.connect(1)]
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            let step = try LikeStep(&random, &model, contents: contents, users: users)
            let node = random.below(2)
            let answer = try connections[node].answer(step.call)
            answers += 1
            let differs = step.exactMembers.contains { answer.json[$0.key] != $0.value }
            guard answer.status != step.status || differs else { continue }
            let asked =
                "\(step.call.method) \(step.call.target) \(String(decoding: step.call.body ?? [], as: UTF8.self))"
            wrong.append(
                "node \(node), \(asked): \(answer.status) \(answer.text), due \(step.status) \(step.exactMembers)")
        }
    }
}
