import Foundation
import LikewiseTestSupport
import Testing

@Suite("The commands load and top")
struct LoadAndTopTests {
    /// The value of a series in the server's metrics; 0 where it is not there.
    private func metric(_ server: ServerProcess, _ series: String) throws -> Int64 {
        let page = try server.connect().answer("GET", "/metrics").text
        let line = page.split(separator: "\n").first { $0.hasPrefix(series + " ") }
        return line.flatMap { $0.split(separator: " ").last }.flatMap { Int64($0) } ?? 0
    }

    @Test("What load says was answered is what the server counted", arguments: [[], ["--rate", "400"]])
    func load(flags: [String]) throws {
        try withServer { server in
            let run = try Binary.run(
                [
                    "load", "http://127.0.0.1:\(server.port)", "--duration", "500ms", "--connections", "8",
                    "--contents",
                    "20", "--users", "50", "--json",
                ] + flags)
            #expect(run.ending == .exited(0), "\(run.errors)\(run.output)")
            let json = try JSON(parsing: Array(run.output.utf8))
            let requests = try #require(json["requests"]?.int)
            #expect(json["failed"] == 0 && json["settings"]?["contents"] == 20)
            if !flags.isEmpty { #expect(requests == 200) }
            // Without a rate, what is answered behind the end belongs to no figure: one request a connection at most.
            let late: ClosedRange<Int64> = flags.isEmpty ? 0...8 : 0...0
            func expectCounted(_ outcome: String, _ told: Int) throws {
                let counted = try metric(server, "likewise_likes_total{outcome=\"\(outcome)\"}")
                #expect(late.contains(counted - Int64(told)), "\(outcome): counted \(counted), told \(told)")
            }
            let statuses = { (call: String, status: String) in json["calls"]?[call]?["statuses"]?[status]?.int ?? 0 }
            try expectCounted("liked", statuses("like", "200"))
            try expectCounted("unliked", statuses("unlike", "200"))
            try expectCounted("unchanged", statuses("like", "409") + statuses("unlike", "404"))
            #expect(json["calls"]?["count"]?["requests"]?.int == statuses("count", "200"))
            #expect(json["latency"]?["p99.9"] != nil)
        }
    }

    @Test("Ctrl-C ends a load early, with the figures so far")
    func interrupted() throws {
        try withServer { server in
            let load = try ChildProcess(
                Binary.path(), ["load", "http://127.0.0.1:\(server.port)", "--duration", "1h", "--reads", "0"])
            defer { load.kill9() }
            #expect(load.waitForErrorLine(seconds: 30) { $0.contains(" answers, ") ? true : nil } == true)
            load.signal(SIGINT)
            #expect(load.waitForEnd(seconds: 30) == .exited(0))
            #expect(load.output.contains("p99.9 ms") && load.output.contains("like: "), "\(load.output)")
        }
    }

    @Test("Where nothing listens, load and top say what to run", arguments: ["load", "top"])
    func nobody(command: String) throws {
        let port = try ClosedPort()
        let run = try Binary.run([command, "http://127.0.0.1:\(port.number)"], seconds: 20)
        #expect(run.ending == .exited(1) && run.errors.contains("likewise serve"), "\(run.errors)")
    }

    @Test("A load whose requests are refused ends with 1 and tells the statuses; with a key it does not")
    func refused() throws {
        try withFolder { folder in
            let (keys, key) = (folder + "/keys.json", folder + "/key")
            let made = try Binary.run(["keys", "make", "--api-keys", keys, "--name", "l", "--scopes", "likes:write"])
            try made.output.write(toFile: key, atomically: true, encoding: .utf8)
            try withServer(["--api-keys", keys]) { server in
                let load = ["load", "http://127.0.0.1:\(server.port)", "--duration", "200ms", "--reads", "0"]
                let run = try Binary.run(load)
                #expect(run.ending == .exited(1) && run.output.contains("like: 401: "), "\(run.output)")
                #expect(try Binary.run(load + ["--token-file", key]).ending == .exited(0))
            }
        }
    }

    @Test("Top tells in plain lines what happened between two looks")
    func top() throws {
        try withServer { server in
            let load = try ChildProcess(
                Binary.path(), ["load", "http://127.0.0.1:\(server.port)", "--duration", "1h", "--rate", "200"])
            defer { load.kill9() }
            #expect(load.waitForErrorLine(seconds: 30) { $0.contains(" answers, ") ? true : nil } == true)
            let run = try Binary.run(["top", "http://127.0.0.1:\(server.port)", "--once"])
            #expect(run.ending == .exited(0), "\(run.errors)")
            for part in ["likes/s ", "reads/s ", "refused/s 0", "sync p99", "load_0000", "live streams 0"] {
                #expect(run.output.contains(part), "\(run.output)")
            }
            #expect(!run.output.contains("\u{1b}"))
        }
    }

    @Test("Top asks for an admin's key where the server wants one")
    func topWithKey() throws {
        try withFolder { folder in
            let (keys, key) = (folder + "/keys.json", folder + "/key")
            let made = try Binary.run(["keys", "make", "--api-keys", keys, "--name", "o", "--scopes", "admin"])
            try made.output.write(toFile: key, atomically: true, encoding: .utf8)
            try withServer(["--api-keys", keys]) { server in
                let top = ["top", "http://127.0.0.1:\(server.port)", "--once", "--interval", "100ms"]
                let without = try Binary.run(top)
                #expect(without.ending == .exited(1) && without.errors.contains("--key-file"), "\(without.errors)")
                let with = try Binary.run(top + ["--key-file", key])
                #expect(with.ending == .exited(0) && with.output.contains("likes/s"), "\(with.errors)")
            }
        }
    }
}
