import Foundation
import LikewiseTestSupport
import Testing

@Suite("kill -9")
struct CrashTests {
    /// How often the server is killed; more with LIKEWISE_KILLS=50.
    private static let kills = ProcessInfo.processInfo.environment["LIKEWISE_KILLS"].flatMap { Int($0) } ?? 3
    private static let clients = 4

    @Test(
        "What was answered before kill -9 under load is there afterwards exactly once, and every count is right",
        arguments: ["on", "off", "evict"], ["sqlite", "rocksdb"])
    func killUnderLoad(filters: String, ledger: String) throws {
        let flags = ["--filters", filters, "--ledger", ledger]
        try withFolder { folder in
            let seed = UInt64.random(in: 0...UInt64.max)
            var random = Random(seed: seed)
            var known = [[Pair: Knowledge]](repeating: [:], count: Self.clients)
            var slowest = Duration.zero
            for round in 0..<Self.kills {
                // The first answers, too, are worth a kill: that is while filters load and the ledger lags.
                let enough = 1 + random.below(round % 3 == 0 ? 200 : 6_000)
                let answered = try loadAndKill(folder, flags, &known, seed: seed &+ UInt64(round), after: enough)
                try verify(folder, "after kill \(round)")
                try withServer(flags, dataFolder: folder) { server in
                    slowest = max(slowest, server.startup)
                    var all = known.reduce(into: [:]) { $0.merge($1) { $1 } }
                    let wrong = try Audit(http: server.connect()).settle(&all)
                    #expect(wrong.isEmpty, "seed \(seed), kill \(round): \(wrong.prefix(5))")
                    try likeAgain(server, all)
                    for client in known.indices {
                        for pair in known[client].keys { known[client][pair] = all[pair] }
                    }
                }
                try verify(folder, "after the check of kill \(round), with \(answered) answers")
            }
            print("filters \(filters), \(ledger): \(Self.kills) kills, seed \(seed): the slowest start took \(slowest)")
        }
    }

    /// Runs clients against a server, and kills it once they have had `enough` answers together.
    private func loadAndKill(
        _ folder: String, _ flags: [String], _ known: inout [[Pair: Knowledge]], seed: UInt64, after enough: Int
    ) throws -> Int {
        try withServer(flags, dataFolder: folder) { server in
            let answers = Monitor(0)
            let before = known
            let crew = Crew(Self.clients) { number in
                try LoadClient(number: number, port: server.port, seed: seed, known: before[number])
                    .run { count in answers.update { $0 += count } }
            }
            let reached = answers.wait(seconds: 60) { $0 >= enough ? $0 : nil }
            server.process.signal(9)
            let accounts = try crew.finish()
            #expect(reached != nil, "only \(accounts.map(\.answers)) answers came; seed \(seed)")
            for (number, account) in accounts.enumerated() {
                #expect(account.wrong.isEmpty, "seed \(seed): \(account.wrong.prefix(3))")
                #expect(account.end != .timedOut, "seed \(seed)")
                known[number] = account.pairs
            }
            return accounts.map(\.answers).reduce(0, +)
        }
    }

    /// Some of what is liked is liked once more: that must be a repetition for the server, too.
    private func likeAgain(_ server: ServerProcess, _ pairs: [Pair: Knowledge]) throws {
        let http = try server.connect()
        for pair in pairs.filter({ $0.value.liked }).keys.prefix(50) {
            let like: JSON = ["content_id": .string(pair.content), "user_id": .string(pair.user)]
            expectProblem(try http.answer("POST", Target.likes, like), 409, "already_liked", "\(pair)")
        }
    }

    private func verify(_ folder: String, _ when: String) throws {
        let verify = try Binary.run(["verify", "--data-dir", folder])
        #expect(verify.ending == .exited(0), "\(when): \(verify.output)\(verify.errors)")
        let said = (verify.output + verify.errors).lowercased()
        #expect(said.firstMatch(of: /drift[^0-9]{0,8}0\b/) != nil, "\(when): \(said)")
    }
}
