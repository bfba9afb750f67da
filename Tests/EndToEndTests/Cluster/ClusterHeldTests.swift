// Likes held back in a whole cluster: held back through one node, seen through the other, in PostgreSQL, and not counted.

import LikewiseTestSupport
import Testing

@Suite("Likes held back in a cluster", .cluster(), .timeLimit(.minutes(5)))
struct ClusterHeldTests {
    @Test("What is held back is in PostgreSQL and counts nowhere; released it counts everywhere; verify finds no drift")
    func held() throws {
        let cluster = try TestCluster.current()
        let (one, other) = (try cluster.connect(0), try cluster.connect(1))
        for i in 0..<6 {
            expect(
                try one.answer(
                    "POST", Target.likes, ["content_id": "held-c", "user_id": .string("u\(i)"), "reaction": "love"]),
                200)
        }
        for http in [one, other] { try expectEventually(http, Target.count("held-c"), ["count": 6]) }
        func settle(_ http: HTTPConnection, _ action: String, _ users: Range<Int>) throws -> JSON? {
            let items = users.map { JSON.object(["content_id": "held-c", "user_id": .string("u\($0)")]) }
            let answer = try http.answer("POST", "/v1/admin/held/\(action)", ["items": .list(items)])
            #expect(answer.status == 200, "\(answer.text)")
            return answer.json["changed"]
        }
        #expect(try settle(one, "hold", 0..<4) == 4)
        // Its user sees it on the other node at once, and likes it in vain.
        expect(try other.answer("GET", Target.like("u1", "held-c")), 200, ["liked": true, "reaction": "love"])
        expectProblem(
            try other.answer("POST", Target.likes, ["content_id": "held-c", "user_id": "u1", "reaction": "love"]), 409,
            "already_liked")
        for http in [one, other] {
            try expectEventually(http, Target.count("held-c"), ["count": 2, "reactions": ["love": 2]])
            let list = try http.answer("GET", Target.likesOfContent("held-c"))
            #expect(list.json["likes"]?.entries.count == 2, "\(list.text)")
            let held = try http.answer("GET", "/v1/admin/held?content_id=held-c")
            #expect(held.json["held"]?.entries.count == 4, "\(held.text)")
        }
        let durable = try cluster.postgres.map {
            try $0.psql("SELECT count(*) FROM likewise.held_likes WHERE content_id = 'held-c' AND reaction = 'love'")
        }
        #expect(durable.compactMap { Int($0.filter(\.isNumber)) }.reduce(0, +) == 4, "\(durable)")
        #expect(try cluster.drift() == nil)

        #expect(try settle(other, "release", 0..<2) == 2)
        #expect(try settle(one, "release", 0..<2) == 0)
        #expect(try settle(one, "reject", 0..<3) == 1)
        expect(try one.answer("DELETE", Target.like("u3", "held-c")), 200, ["changed": true, "liked": false])
        for http in [one, other] {
            try expectEventually(http, Target.count("held-c"), ["count": 4, "reactions": ["love": 4]])
            expect(try http.answer("GET", Target.like("u2", "held-c")), 200, ["liked": false])
            expect(try http.answer("GET", "/v1/admin/held?content_id=held-c"), 200, ["held": []])
        }
        // Rejected, he may like again, and counts.
        expect(try other.answer("POST", Target.likes, ["content_id": "held-c", "user_id": "u2"]), 200, ["liked": true])
        for http in [one, other] { try expectEventually(http, Target.count("held-c"), ["count": 5]) }
        #expect(try cluster.drift() == nil)
    }
}
