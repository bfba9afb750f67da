import LikewiseTestSupport
import Testing

@Suite("Many connections")
struct ConcurrencyTests {
    @Test("Users who like and unlike one content at random, the same user on several connections, are counted exactly")
    func oneContent() throws {
        try withServer { server in
            let seed = UInt64.random(in: 0...UInt64.max)
            let users = (0..<40).map { "user_\($0)" }
            let wrong = try Crew(8) { number in
                var wrong: [String] = []
                var random = Random(seed: seed &+ UInt64(number))
                let http = try server.connect()
                for _ in 0..<100 {
                    let calls = try (0..<16).map { _ in try call(&random, users[random.below(users.count)]) }
                    try http.send(calls)
                    for call in calls {
                        let answer = try http.receive()
                        let count = answer.json["count"]?.int ?? 0
                        if ![200, 404, 409].contains(answer.status) || !(0...users.count).contains(count) {
                            wrong.append("\(call.method) \(call.target): \(answer.status) \(answer.text)")
                        }
                    }
                }
                return wrong
            }.finish().flatMap { $0 }
            #expect(wrong.isEmpty, "seed \(seed): \(wrong.prefix(3))")
            let audit = Audit(http: try server.connect())
            let liked = try audit.states(users.map { Pair(user: $0, content: "c") }).count { $0 }
            #expect(try audit.counts(["c"]) == [liked], "seed \(seed)")
            let listed = try audit.http.answer("GET", Target.likesOfContent("c") + "?limit=1000")
            #expect(listed.json["likes"]?.entries.count == liked, "seed \(seed)")
        }
    }

    @Sendable private func call(_ random: inout Random, _ user: String) throws -> HTTPCall {
        let body: JSON = [
            "content_id": "c", "user_id": .string(user), "reaction": random.below(2) == 0 ? "like" : "love",
        ]
        return switch random.below(5) {
        case 0, 1: try HTTPCall("POST", Target.likes, body)
        case 2: try HTTPCall("DELETE", Target.likes, body)
        case 3: try HTTPCall("PUT", Target.like(user, "c"), [:])
        default: try HTTPCall("DELETE", Target.like(user, "c"))
        }
    }

    @Test("One user who sends the same like on eight connections gets one 200 and else 409")
    func sameLike() throws {
        try withServer { server in
            for round in 0..<20 {
                let statuses = try Crew(8) { _ in
                    try server.connect()
                        .answer("POST", Target.likes, ["content_id": "c\(round)", "user_id": "ann"]).status
                }.finish()
                #expect(statuses.sorted() == [200] + [Int](repeating: 409, count: 7))
                expect(try server.connect().answer("GET", Target.count("c\(round)")), 200, ["count": 1])
            }
        }
    }
}
