import LikewiseTestSupport
import Testing

@Suite("Calls of the console")
struct ConsoleCallTests {
    @Test("A thousand likes under one lock and through the shards: both count all, and the shards sync less often")
    func experiment() throws {
        try withServer { server in
            let http = try server.connect()
            let answer = try http.answer("POST", "/v1/admin/experiments/lock", [:])
            expect(answer, 200, ["likes": 1000])
            let (lock, shards) = (answer.json["lock"], answer.json["shards"])
            #expect(lock?["count"]?.int == 1000 && lock?["syncs"]?.int == 1000)
            #expect(shards?["count"]?.int == 1000)
            #expect((1..<1000).contains(shards?["syncs"]?.int ?? 0))
            #expect((1..<1000).contains(shards?["batches"]?.int ?? 0))
            // Nothing of it stays.
            expect(try http.answer("GET", "/v1/content/top?window=1m"), 200, ["contents": []])
        }
    }

    @Test("The plan over HTTP is the command's, and says what is wrong with a question")
    func plan() throws {
        let flags = ["--daily-users", "800000000", "--likes-per-user", "150"]
        let command = try Binary.run(["plan", "--json"] + flags)
        try withServer { server in
            let http = try server.connect()
            let answer = try http.answer("GET", "/v1/admin/plan?daily_users=800000000&likes_per_user=150")
            expect(answer, 200)
            #expect(answer.text + "\n" == command.output)
            for query in [
                "daily_users=0", "daily_users=x", "likes_per_user=nan", "peak=0.5", "regions=65", "peak=1&peak=2",
            ] {
                let refused = try http.answer("GET", "/v1/admin/plan?\(query)")
                expect(refused, 400)
                #expect(refused.json["field"] != nil, "\(query)")
            }
        }
        let text = try Binary.run(["plan"] + flags)
        for words in ["1.39 M likes/s", "800,000,000 × 150", "Rates", "Machines"] {
            #expect(text.output.contains(words), "\(words)")
        }
    }
}
