// The contract through the API nodes of a whole cluster: what is asked of one node is looked at through the other. What
// a user holds is exact at once on both; counts may lag by two seconds, and are waited for.

import LikewiseTestSupport
import Testing

@Suite("The contract, through a cluster's nodes", .cluster(), .timeLimit(.minutes(5)))
struct ClusterContractTests {
    /// A connection to each of the two nodes.
    struct Nodes {
        let cluster: TestCluster
        let one: HTTPConnection
        let other: HTTPConnection

        init() throws {
            cluster = try TestCluster.current()
            one = try cluster.connect(0)
            other = try cluster.connect(1)
        }

        var both: [HTTPConnection] { [one, other] }

        /// Asks both nodes until their answers have these members, and expects that they come to have them.
        func expectSoon(
            _ target: String, _ members: [String: JSON], without: [String] = [],
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            for http in both {
                try expectEventually(http, target, members, without: without, sourceLocation: sourceLocation)
            }
        }

        /// Sends lines to `one` as a bulk intake.
        func bulk(_ lines: [String]) throws -> HTTPAnswer {
            try one.answer(
                HTTPCall(
                    "POST", Target.bulk, contentType: "application/x-ndjson",
                    body: Array((lines.joined(separator: "\n") + "\n").utf8)))
        }
    }

    @Test("A first like is answered with what is held; the other node answers the second with 409 and the same fields")
    func like() throws {
        let nodes = try Nodes()
        let body: JSON = ["content_id": "like-c", "user_id": "ann", "content_type": "video"]
        let first = try nodes.one.answer("POST", Target.likes, body)
        let held: [String: JSON] = [
            "content_id": "like-c", "user_id": "ann", "liked": true, "reaction": "like", "count": 1,
            "reactions": ["like": 1], "approx": true,
        ]
        expect(first, 200, held)
        expectNoStore(first)
        for http in [nodes.other, nodes.one] {
            let again = try http.answer("POST", Target.likes, body)
            expectProblem(again, 409, "already_liked")
            expect(again, 409, held)
            expectNoStore(again)
        }
        try nodes.expectSoon(Target.count("like-c"), ["count": 1, "reactions": ["like": 1]])
    }

    @Test("Another reaction replaces the one that is held, whichever node is asked, and the user still counts once")
    func changeOfReaction() throws {
        let nodes = try Nodes()
        let love: JSON = ["content_id": "change-c", "user_id": "ann", "reaction": "love"]
        _ = try nodes.one.answer("POST", Target.likes, ["content_id": "change-c", "user_id": "ann"])
        expect(
            try nodes.other.answer("POST", Target.likes, love), 200,
            ["liked": true, "reaction": "love", "count": 1, "reactions": ["love": 1]])
        let again = try nodes.one.answer("POST", Target.likes, love)
        expectProblem(again, 409, "already_liked")
        expect(again, 409, ["liked": true, "reaction": "love"])
        try nodes.expectSoon(Target.count("change-c"), ["count": 1, "reactions": ["love": 1]])
    }

    @Test(
        "An unlike takes back what another node took, the content in the body or in the path", arguments: [true, false])
    func unlike(inPath: Bool) throws {
        let nodes = try Nodes()
        let content = "unlike-\(inPath)"
        let like: JSON = ["content_id": .string(content), "user_id": "ann"]
        func unlike(_ http: HTTPConnection) throws -> HTTPAnswer {
            inPath
                ? try http.answer("DELETE", Target.likes(content), ["user_id": "ann"])
                : try http.answer("DELETE", Target.likes, like)
        }
        expectProblem(try unlike(nodes.one), 404, "not_liked")
        expect(try nodes.one.answer("POST", Target.likes, like), 200)
        let answer = try unlike(nodes.other)
        expect(
            answer, 200, ["content_id": .string(content), "user_id": "ann", "liked": false], without: ["reaction"])
        expectNoStore(answer)
        for http in nodes.both { expectProblem(try unlike(http), 404, "not_liked") }
        try nodes.expectSoon(Target.count(content), ["count": 0, "reactions": [:]])
        expect(try nodes.other.answer("POST", Target.likes, like), 200, ["liked": true])
        try nodes.expectSoon(Target.count(content), ["count": 1])
    }

    @Test("The idempotent form says whether it changed anything, also of what another node did")
    func idempotentForm() throws {
        let nodes = try Nodes()
        let target = Target.like("ann", "form-c")
        let empty = HTTPCall("PUT", target, contentType: "application/json", body: [])
        expect(
            try nodes.one.answer(empty), 200,
            ["content_id": "form-c", "user_id": "ann", "liked": true, "reaction": "like", "changed": true, "count": 1])
        for http in nodes.both { expect(try http.answer("PUT", target, [:]), 200, ["changed": false, "liked": true]) }
        expect(
            try nodes.other.answer("PUT", target, ["reaction": "wow"]), 200, ["changed": true, "reaction": "wow"])
        let delete = try nodes.one.answer("DELETE", target)
        expect(delete, 200, ["changed": true, "liked": false], without: ["reaction"])
        expectNoStore(delete)
        for http in nodes.both { expect(try http.answer("DELETE", target), 200, ["changed": false, "liked": false]) }
        try nodes.expectSoon(Target.count("form-c"), ["count": 0])
    }

    @Test("Both nodes tell a user's state alike, and since when")
    func state() throws {
        let nodes = try Nodes()
        let target = Target.like("ann", "state-c")
        for http in nodes.both {
            expect(try http.answer("GET", target), 200, ["liked": false], without: ["reaction", "since"])
        }
        _ = try nodes.one.answer("PUT", target, ["reaction": "sad"])
        let held = try nodes.both.map { try $0.answer("GET", target) }
        for answer in held {
            expect(
                answer, 200, ["content_id": "state-c", "user_id": "ann", "liked": true, "reaction": "sad"])
        }
        let since = held[0].json["since"]?.text ?? ""
        #expect(since.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(since)")
        #expect(held[1].json["since"] == held[0].json["since"])
        _ = try nodes.other.answer("DELETE", target)
        for http in nodes.both {
            expect(try http.answer("GET", target), 200, ["liked": false], without: ["reaction", "since"])
        }
    }

    @Test("Ids may hold any character but control characters", arguments: ContractTables.unusualIDs)
    func unusualIds(id: String) throws {
        let nodes = try Nodes()
        let body: JSON = ["content_id": .string(id), "user_id": .string(id)]
        let ids: [String: JSON] = ["content_id": .string(id), "user_id": .string(id)]
        expect(try nodes.one.answer("POST", Target.likes, body), 200, ids)
        expect(try nodes.other.answer("GET", Target.like(id, id)), 200, ids.merging(["liked": true]) { $1 })
        expect(
            try nodes.other.answer("GET", Target.count(id, user: id)), 200,
            ["content_id": .string(id), "count": 1, "liked": true])
        let likes = try nodes.other.answer("GET", Target.likesOfUser(id))
        expect(likes, 200, ["user_id": .string(id)])
        #expect(likes.json["likes"]?.entries.first?["content_id"] == .string(id))
        expect(try nodes.one.answer("DELETE", Target.likes(id), ["user_id": .string(id)]), 200, ["liked": false])
    }
}

/// Asks until the answer has these members, and expects that it comes to have them. Counts lag by two seconds at most;
/// a busy machine is given more.
func expectEventually(
    _ http: HTTPConnection, _ target: String, _ members: [String: JSON], without: [String] = [], seconds: Double = 15,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    var answer = try http.answer("GET", target)
    var failure: (any Error)?
    _ = RedisPoll.until(seconds: seconds) {
        do { answer = try http.answer("GET", target) } catch {
            failure = error
            return true
        }
        return members.allSatisfy { answer.json[$0.key] == $0.value } && without.allSatisfy { answer.json[$0] == nil }
    }
    if let failure { throw failure }
    expect(answer, 200, members, without: without, sourceLocation: sourceLocation)
}
