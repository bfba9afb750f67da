import Foundation
import LikewiseTestSupport
import Testing

@Suite("Commands")
struct CommandTests {
    /// A mistake on the command line, in the environment or in the file, and a word of the message.
    struct Mistake: Sendable, CustomTestStringConvertible {
        var arguments: [String]
        var variables: [String: String] = [:]
        var file: String?
        var words: String
        var testDescription: String { "\(arguments.joined(separator: " ")) \(variables) \(file ?? "")" }
    }

    @Test(
        "A mistake in the settings ends the command, and the message names what was most likely meant",
        arguments: [
            Mistake(arguments: ["serve", "--prot", "8080"], words: "--port"),
            Mistake(arguments: ["serve", "--datadir", "x"], words: "--data-dir"),
            Mistake(arguments: ["serve", "--shard=2"], words: "--shards"),
            Mistake(arguments: ["serve", "--port", "eighty"], words: "eighty"),
            Mistake(arguments: ["serve", "--port", "70000"], words: "65535"),
            Mistake(arguments: ["serve", "--sync", "sometimes"], words: "always"),
            Mistake(arguments: ["serve", "--content", "stirct"], words: "strict"),
            Mistake(arguments: ["serve", "--port"], words: "--port"),
            Mistake(arguments: ["serve", "--port", "1", "--port", "2"], words: "--port"),
            Mistake(arguments: ["serve", "--host", "0.0.0.0", "--port", "0"], words: "--insecure"),
            Mistake(arguments: ["serve", "--reactions", "love"], words: "like"),
            Mistake(arguments: ["serve"], variables: ["LIKEWISE_PROT": "1"], words: "LIKEWISE_PORT"),
            Mistake(arguments: ["serve"], variables: ["LIKEWISE_PORT": "x"], words: "LIKEWISE_PORT"),
            Mistake(arguments: ["serve"], file: "prot: 8080\n", words: "port"),
            Mistake(arguments: ["serve"], file: "port: often\n", words: "often"),
            Mistake(arguments: ["serve"], file: "port: [1\n", words: "likewise.yaml"),
            Mistake(arguments: ["serve", "--config", "/nowhere/likewise.yaml"], words: "/nowhere/likewise.yaml"),
            Mistake(arguments: ["verify", "--data-dri", "x"], words: "--data-dir"),
            Mistake(arguments: ["replay", "--data-dir", "x"], words: "--into"),
            Mistake(arguments: ["sevre"], words: "serve"),
        ])
    func mistakes(mistake: Mistake) throws {
        try withFolder { folder in
            var arguments = mistake.arguments
            if let file = mistake.file {
                try file.write(toFile: folder + "/likewise.yaml", atomically: true, encoding: .utf8)
                arguments += ["--config", folder + "/likewise.yaml"]
            }
            var variables = mistake.variables
            if !arguments.contains("--data-dir"), arguments.first == "serve" {
                variables["LIKEWISE_DATA_DIR"] = folder + "/data"
            }
            let run = try Binary.run(arguments, variables: variables, seconds: 20)
            guard case .exited(let code) = run.ending, code != 0 else {
                Issue.record("it ended with \(run.ending.map { "\($0)" } ?? "nothing within 20 s"): \(run.errors)")
                return
            }
            #expect((run.errors + run.output).contains(mistake.words), "\(run.errors)\(run.output)")
            #expect(!FileManager.default.fileExists(atPath: folder + "/data"), "a folder was made all the same")
        }
    }

    @Test(
        "Every command has help with an example",
        arguments: [
            ("serve", "--"), ("verify", "--"), ("replay", "--"), ("load", "http://"), ("top", "http://"),
        ])
    func help(command: String, argument: String) throws {
        let run = try Binary.run([command, "--help"])
        #expect(run.ending == .exited(0))
        #expect(run.output.contains("likewise \(command) \(argument)"), "\(run.output)")
        let all = try Binary.run(["--help"])
        #expect(all.ending == .exited(0) && all.output.contains(command))
    }

    @Test("A flag wins over the environment, and that over the file")
    func precedence() throws {
        try withFolder { folder in
            try "content: strict\nreactions: like,moon\n".write(
                toFile: folder + "/likewise.yaml", atomically: true, encoding: .utf8)
            let file = ["--config", folder + "/likewise.yaml"]
            func status(_ server: ServerProcess) throws -> Int {
                try server.connect().answer("PUT", Target.like("u", "c"), ["reaction": "moon"]).status
            }
            #expect(try withServer(file, status) == 404)
            #expect(try withServer(file + ["--content", "open"], status) == 200)
            #expect(try withServer(file + ["--content", "open", "--reactions", "like"], status) == 400)
        }
    }

    @Test("A second server on the same data folder is refused, and told who has it")
    func secondServer() throws {
        try withFolder { folder in
            try withServer(dataFolder: folder) { server in
                _ = try server.connect().answer("PUT", Target.like("ann", "c"), [:])
                let second = try Binary.run(["serve", "--port", "0", "--data-dir", folder], seconds: 20)
                guard case .exited(let code) = second.ending, code != 0 else {
                    Issue.record("the second server was not refused: \(second.errors)")
                    return
                }
                #expect(second.errors.contains("\(server.process.id)"), "\(second.errors)")
                expect(try server.connect().answer("GET", Target.count("c")), 200, ["count": 1])
            }
        }
    }

    @Test("A ledger that is rebuilt from the log holds the same, and one that does not is told apart")
    func replay() throws {
        try withFolder { parent in
            let (data, rebuilt) = (parent + "/data", parent + "/rebuilt")
            try withServer(["--shards", "2"], dataFolder: data) { server in
                let http = try server.connect()
                var random = Random(seed: 7)
                for _ in 0..<40 {
                    let calls = try (0..<50).map { _ in
                        let target = Target.like("user_\(random.below(50))", "content_\(random.below(20))")
                        return random.below(3) == 0
                            ? try HTTPCall("DELETE", target) : try HTTPCall("PUT", target, ["reaction": "like"])
                    }
                    try http.send(calls)
                    for _ in calls { expect(try http.receive(), 200) }
                }
                _ = try http.answer("PUT", Target.content("content_1"), ["content_type": "post"])
                _ = try http.answer("DELETE", Target.content("content_2"))
                #expect(server.terminate() == .exited(0))
            }
            let replay = try Binary.run(["replay", "--data-dir", data, "--into", rebuilt])
            #expect(replay.ending == .exited(0), "\(replay.output)\(replay.errors)")
            let same = try Binary.run(["verify", "--data-dir", data, "--against", rebuilt])
            #expect(same.ending == .exited(0), "\(same.output)\(same.errors)")
            try withServer(["--shards", "2"], dataFolder: data) { server in
                _ = try server.connect().answer("PUT", Target.like("one more", "content_1"), [:])
                #expect(server.terminate() == .exited(0))
            }
            let different = try Binary.run(["verify", "--data-dir", data, "--against", rebuilt])
            #expect(different.ending == .exited(1), "\(different.output)\(different.errors)")
        }
    }
}
