import Foundation
import LikewiseTestSupport
import Testing

@Suite("Likes held back, in the binary")
struct HeldLikeTests {
    private static func settle(_ http: HTTPConnection, _ action: String, _ users: Range<Int>) throws -> JSON? {
        let items = users.map { JSON.object(["content_id": "c", "user_id": .string("u\($0)")]) }
        return try http.answer("POST", "/v1/admin/held/\(action)", ["items": .list(items)]).json["changed"]
    }

    private func verified(_ folder: String, _ words: String) throws {
        let verify = try Binary.run(["verify", "--data-dir", folder])
        #expect(verify.ending == .exited(0), "\(verify.output)\(verify.errors)")
        #expect(verify.output.contains(words), "\(verify.output)")
    }

    @Test(
        "What was held back, released and rejected is so after kill -9, and in a ledger that is replayed from the log",
        arguments: ["rocksdb", "sqlite"])
    func kill(ledger: String) throws {
        try withFolder { folder in
            let data = folder + "/data"
            let flags = ["--ledger", ledger]
            try withServer(flags, dataFolder: data) { server in
                let http = try server.connect()
                for i in 0..<40 {
                    expect(
                        try http.answer("POST", Target.likes, ["content_id": "c", "user_id": .string("u\(i)")]), 200)
                }
                #expect(try Self.settle(http, "hold", 0..<30) == 30)
                expect(try http.answer("GET", Target.count("c")), 200, ["count": 10])
                #expect(try Self.settle(http, "release", 0..<10) == 10)
                #expect(try Self.settle(http, "reject", 5..<20) == 10)
                server.process.signal(9)
                _ = server.process.waitForEnd(seconds: 20)
            }
            try withServer(flags, dataFolder: data) { server in
                let http = try server.connect()
                expect(try http.answer("GET", Target.count("c")), 200, ["count": 20, "reactions": ["like": 20]])
                expect(try http.answer("GET", Target.count("c", user: "u25")), 200, ["count": 20, "liked": true])
                expect(try http.answer("GET", Target.count("c", user: "u15")), 200, ["liked": false])
                let held = try http.answer("GET", "/v1/admin/held?content_id=c&limit=100").json["held"]?.entries ?? []
                #expect(Set(held.compactMap { $0["user_id"]?.text }) == Set((20..<30).map { "u\($0)" }))
                #expect(try Self.settle(http, "release", 0..<25) == 5)
                expect(try http.answer("GET", Target.count("c")), 200, ["count": 25])
                #expect(server.terminate() == .exited(0))
            }
            try verified(data, "25 likes, 5 held back: drift 0")
            let replay = try Binary.run(["replay", "--data-dir", data, "--into", folder + "/again"])
            #expect(replay.ending == .exited(0), "\(replay.errors)")
            try verified(folder + "/again", "25 likes, 5 held back: drift 0")
            let compared = try Binary.run(["verify", "--data-dir", data, "--against", folder + "/again"])
            #expect(compared.ending == .exited(0), "\(compared.output)\(compared.errors)")
        }
    }

    @Test("likewise abuse lists, shows, releases, rejects and holds back, with a key of scope admin")
    func command() throws {
        try withFolder { folder in
            let keys = folder + "/keys.json"
            func key(_ scopes: String) throws -> String {
                let made = try Binary.run(["keys", "make", "--api-keys", keys, "--name", "k", "--scopes", scopes])
                return made.output.trimmingCharacters(in: .whitespacesAndNewlines)
            }
            let (admin, writer) = (try key("admin"), try key("likes:write"))
            try "\(admin)\n".write(toFile: folder + "/admin.key", atomically: true, encoding: .utf8)
            let adminKey = ["--key-file", folder + "/admin.key"]
            try withServer(["--api-keys", keys], dataFolder: folder + "/data") { server in
                func run(
                    _ words: [String], key: [String]? = nil, _ variables: [String: String] = [:]
                ) throws -> (ending: ChildProcess.Ending?, output: String, errors: String) {
                    try Binary.run(
                        ["abuse"] + words + ["--url", "http://127.0.0.1:\(server.port)"] + (key ?? adminKey),
                        variables: variables)
                }
                let http = try server.connect()
                let strange = "a/b ?é\"%"
                for (content, user) in [("c", "ann"), ("c", "bob"), (strange, strange)] {
                    let like: JSON = ["content_id": .string(content), "user_id": .string(user), "reaction": "love"]
                    expect(
                        try http.answer(
                            "POST", Target.likes, like, headers: [(name: "Authorization", value: "Bearer \(writer)")]),
                        200)
                    #expect(try run(["hold", content, user]).output == "held back 1\n")
                }
                let list = try run(["list"])
                #expect(
                    list.output.split(separator: "\n").map {
                        $0.split(separator: "\t").dropFirst().joined(separator: "|")
                    }
                        == ["love|\(strange)|\(strange)", "love|c|bob", "love|c|ann"], "\(list.output)\(list.errors)")
                let one = try run(["list", "--content-id", "c", "--limit", "1"])
                #expect(one.output.hasSuffix("\tc\tbob\n") && one.errors.contains("there are more"), "\(one.output)")
                #expect(try run(["list", "--user-id", "ann"]).output.hasSuffix("\tc\tann\n"))
                #expect(try run(["show", strange, strange]).output.contains(strange))
                #expect(try run(["release", strange, strange]).output == "released 1\n")
                let gone = try run(["show", strange, strange])
                #expect(gone.ending == .exited(1) && gone.errors.contains("held back"), "\(gone.errors)")
                let again = try run(["release", strange, strange])
                #expect(again.ending == .exited(1) && again.errors.contains("nothing to release"), "\(again.errors)")
                #expect(try run(["reject", "c"], key: [], ["LIKEWISE_KEY": admin]).output == "rejected 2\n")
                #expect(try run(["list"]).output.isEmpty)
                let none = try run(["list"], key: [])
                #expect(none.ending == .exited(1) && none.errors.contains("--key-file"), "\(none.errors)")
                let wrong = try run(["list"], key: [], ["LIKEWISE_KEY": writer])
                #expect(wrong.ending == .exited(1) && wrong.errors.contains("admin"), "\(wrong.errors)")
            }
            let away = try Binary.run(["abuse", "list", "--url", "http://127.0.0.1:1"])
            #expect(away.ending == .exited(1) && away.errors.contains("--url"), "\(away.errors)")
        }
    }
}
