import LikewiseCore
import LikewiseServer
import Testing
import likewise

@Suite("Settings")
struct SettingsTests {
    private func serve(
        _ arguments: [String] = [], environment: [String: String] = [:], file: String? = nil
    ) throws -> Settings<ServeSettings> {
        try resolve(ServeSettings.self, arguments, environment: environment, file: file)
    }

    /// The messages that resolving fails with.
    private func problems(
        _ arguments: [String] = [], environment: [String: String] = [:], file: String? = nil
    ) -> [String] {
        do {
            _ = try serve(arguments, environment: environment, file: file)
            return []
        } catch let error as SettingsError {
            return error.problems.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }

    @Test("Without anything given every setting has its documented default")
    func defaults() throws {
        let settings = try serve()
        #expect(settings.host == "127.0.0.1")
        #expect(settings.port == 8080)
        #expect(settings.dataDir == "./data")
        #expect(settings.insecure == false)
        #expect(settings.memory == 1 << 30)
        #expect(settings.overlayBytes == nil)
        #expect(settings.overlayBudget == 1 << 27)
        #expect(settings.sync == .always)
        #expect(settings.retention == .seconds(7 * 86400))
        #expect(settings.segmentBytes == 64 << 20)
        #expect(settings.content == .open)
        #expect(settings.reactions == ["like", "love", "haha", "wow", "sad", "angry"])
        #expect(settings.rateLimit.isEmpty)
        #expect(settings.trustedProxies.ranges.isEmpty)
        #expect(settings.logFormat == .text)
        #expect(settings.origin(of: \.port) == .fallback)
    }

    @Test(
        "A flag wins over the environment, the environment over the file, the file over the default",
        arguments: [
            (["--port", "1"], ["LIKEWISE_PORT": "2"], "port: 3", 1), ([], ["LIKEWISE_PORT": "2"], "port: 3", 2),
            ([], [:], "port: 3", 3), ([], [:], "host: localhost", 8080),
        ])
    func precedence(arguments: [String], environment: [String: String], file: String, port: Int) throws {
        #expect(try serve(arguments, environment: environment, file: file).port == port)
    }

    @Test("The origin of a value is known")
    func origins() throws {
        let settings = try serve(
            ["--port", "1"], environment: ["LIKEWISE_HOST": "::1", "HOME": "/root"], file: "region: 7")
        #expect(settings.origin(of: \.port) == .flag)
        #expect(settings.origin(of: \.host) == .environment)
        #expect(settings.origin(of: \.memory) == .fallback)
        guard case .file(let path) = settings.origin(of: \.region) else {
            Issue.record("region did not come from the file")
            return
        }
        #expect(path.hasSuffix("likewise.yaml"))
        #expect(settings.effective.first { $0.name == "region" }?.text == "7")
    }

    @Test(
        "A misspelt name is an error that names the nearest known one, wherever it stands",
        arguments: [
            (["--prot", "9"], [:], nil, "unknown flag --prot; did you mean --port?"),
            (["--data_dir=x"], [:], nil, "unknown flag --data_dir; did you mean --data-dir?"),
            (["-port", "9"], [:], nil, "unknown flag -port; did you mean --port?"),
            (
                [], ["LIKEWISE_DATADIR": "x"], nil,
                "unknown environment variable LIKEWISE_DATADIR; did you mean LIKEWISE_DATA_DIR?"
            ),
            ([], [:], "segment_bytes: 64MiB", "did you mean 'segment-bytes'?"),
            ([], [:], "server:\n  port: 1", "unknown key 'server.port'"),
        ] as [([String], [String: String], String?, String)])
    func unknown(arguments: [String], environment: [String: String], file: String?, message: String) {
        let found = problems(arguments, environment: environment, file: file)
        #expect(found.count == 1)
        #expect(found.first?.contains(message) == true, "\(found)")
    }

    @Test("A flag of another command is named as such, and its variable and key are no error")
    func otherCommand() throws {
        #expect(problems(["--into", "x"]) == ["unknown flag --into here: it belongs to `likewise replay`"])
        let settings = try serve(environment: ["LIKEWISE_INTO": "x"], file: "into: y")
        #expect(settings.port == 8080)
    }

    @Test("The file cannot name a file")
    func configInFile() {
        #expect(problems(file: "config: other.yaml").first?.contains("unknown key 'config'") == true)
    }

    @Test("A bad value is told with its setting, its place, itself and what is accepted")
    func badValues() {
        #expect(
            problems(["--port", "99999"]) == [
                "port: '99999', from the flag --port, is not accepted; it takes a whole number from 0 to 65535"
            ])
        #expect(
            problems(environment: ["LIKEWISE_LOG_FORMAT": "xml"]) == [
                "log-format: 'xml', from the environment variable LIKEWISE_LOG_FORMAT, is not accepted; "
                    + "it takes one of text, json"
            ])
        let inFile = problems(file: "read-timeout: 15")
        #expect(inFile.first?.hasPrefix("read-timeout: '15', from the key 'read-timeout' of /") == true)
        #expect(inFile.first?.contains("it takes a time from 1ms to 1d, with the unit us, ms, s, m, h or d") == true)
        #expect(
            problems(["--rate-limit", "100/s"]).first?.contains(
                "it takes none, or limits of user-content, user, address, key, such as user-content=10/1m") == true)
    }

    @Test(
        "What is out of bounds or malformed is refused",
        arguments: [
            ("port", "-1"), ("port", "+80"), ("port", "80 "), ("port", ""), ("host", ""), ("host", "a b"),
            ("data-dir", ""), ("memory", "1MiB"), ("memory", "1GB"), ("sync", "interval"), ("sync", "interval=0s"),
            ("sync", "interval=2m"), ("sync", "never"), ("content", "Open"), ("insecure", "maybe"),
            ("reactions", "love,wow"), ("reactions", "like,,love"), ("reactions", "like,like"),
            ("reactions", "like,LOVE"),
            ("region", "65536"), ("threads", "many"), ("retention", "7"), ("overlay-bytes", "0"), ("rate-limit", "off"),
            ("rate-limit", "user=10"), ("rate-limit", "user=0/1m"), ("rate-limit", "users=10/1m"),
            ("rate-limit", "user=+1/1m"),
            ("rate-limit", "user=1/1m,"), ("rate-limit", "user=1/1m,user=2/1m"), ("rate-limit", "user=1/31d"),
            ("trusted-proxies", "10.0.0.1/8"), ("trusted-proxies", "localhost"), ("trusted-proxies", "10.0.0.1,"),
        ])
    func refused(name: String, value: String) {
        let found = problems(["--\(name)=\(value)"])
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("\(name): '\(value)', from the flag --\(name), is not accepted") == true)
    }

    @Test("All that is wrong is told at once")
    func everything() {
        let found = problems(
            ["--prot", "1", "--memory", "little", "extra"], environment: ["LIKEWISE_X": "1", "LIKEWISE_REGION": "-1"],
            file: "prt: 2")
        #expect(found.count == 6)
    }

    @Test("Each kind of value is read")
    func kinds() throws {
        let settings = try serve([
            "--sync=interval=250ms", "--reactions", "like, love", "--retention=12h", "--content", "strict",
            "--overlay-bytes", "8MiB", "--log-level=debug", "--shards", "3", "--data-dir", "/tmp/with space",
            "--rate-limit", "user-content=10/1m,address=5/1s", "--trusted-proxies", "10.0.0.0/8,2001:db8::1",
        ])
        #expect(settings.rateLimit[.userContent] == RateLimit(10, in: 60_000_000_000))
        #expect(settings.rateLimit[.address] == RateLimit(5, in: 1_000_000_000))
        #expect(settings.rateLimit[.user] == nil && settings.rateLimit[.key] == nil)
        #expect(settings.trustedProxies.ranges == [NetworkRange("10.0.0.0/8"), NetworkRange("2001:db8::1")])
        #expect(settings.sync == .interval(.milliseconds(250)))
        #expect(settings.reactions == ["like", "love"])
        #expect(settings.retention == .seconds(12 * 3600))
        #expect(settings.content == .strict)
        #expect(settings.overlayBudget == 8 << 20)
        #expect(settings.logLevel == .debug)
        #expect(settings.shardCount(cores: 64) == 3)
        #expect(settings.dataDir == "/tmp/with space")
    }

    @Test("Zero shards are a quarter of the cores, at least one", arguments: [(1, 1), (2, 1), (8, 2), (64, 16)])
    func shards(cores: Int, shards: Int) throws {
        #expect(try serve().shardCount(cores: cores) == shards)
        #expect(try serve().threadCount(cores: cores) == cores)
    }

    @Test(
        "A switch may stand alone or have a word",
        arguments: [
            (["--insecure"], true), (["--insecure", "--port", "1"], true), (["--insecure", "off"], false),
            (["--insecure=no"], false), (["--insecure=ON"], true),
        ])
    func switches(arguments: [String], insecure: Bool) throws {
        #expect(try serve(arguments).insecure == insecure)
    }

    @Test("A flag without its value, or given twice, is an error")
    func flagMistakes() {
        #expect(problems(["--port"]).first == "--port needs a value: a whole number from 0 to 65535")
        #expect(problems(["--host", "--port", "1"]).first?.hasPrefix("--host needs a value") == true)
        #expect(problems(["--port", "1", "--port=2"]) == ["--port is given more than once"])
        #expect(problems(["--", "--port"]) == ["unexpected argument '--port'"])
    }

    @Test(
        "An address that is not loopback needs --insecure",
        arguments: [
            ("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("localhost", true), ("0.0.0.0", false),
            ("::", false),
            ("10.0.0.1", false), ("127.0.0.1.example.com", false), ("127.0.0", false), ("127.0.0.256", false),
            ("127.+0.0.1", false),
        ])
    func loopback(host: String, isLoopback: Bool) throws {
        #expect(problems(["--host", host]).isEmpty == isLoopback)
        #expect(try serve(["--host", host, "--insecure"]).host == host)
    }

    @Test("An overlay larger than the memory it is a part of is an error")
    func overlay() {
        let found = problems(["--memory", "64MiB", "--overlay-bytes", "65MiB"])
        #expect(found == ["overlay-bytes: 65MiB is more than memory, 64MiB, of which it is a part"])
    }

    @Test("Help wins over every error")
    func help() throws {
        let resolver = SettingsResolver(environment: ["LIKEWISE_X": "1"])
        for flag in ["--help", "-h"] {
            guard case .help = try resolver.resolve(ServeSettings.self, arguments: ["--prot", "1", flag]) else {
                Issue.record("\(flag) did not ask for help")
                continue
            }
        }
    }

    @Test("A required setting that is missing is told with its flag and its variable")
    func required() throws {
        #expect(throws: SettingsError.self) { try resolve(ReplaySettings.self, []) }
        #expect(try resolve(ReplaySettings.self, ["--into", "x"]).into == "x")
        do { _ = try resolve(ReplaySettings.self, []) } catch {
            #expect("\(error)" == "--into (or LIKEWISE_INTO) is required: Folder in which the new ledger is built")
        }
    }

    private struct BenchLike: SettingsTable {
        static let command = "bench"
        static let arguments = ["suite"]
        static let examples: [(line: String, does: String)] = [("likewise bench engine --seconds 5s", "measures")]
        let seconds = Setting("seconds", .duration(.seconds(1)...(.seconds(60))), default: "10s", "How long")
    }

    @Test("A command may take arguments that are not flags, as many as it names")
    func arguments() throws {
        let resolver = SettingsResolver(environment: [:], catalogue: SettingsCatalogue.tables + [BenchLike.self])
        guard
            case .settings(let settings) = try resolver.resolve(
                BenchLike.self, arguments: ["--seconds", "5s", "engine"])
        else {
            Issue.record("no settings")
            return
        }
        #expect(settings.arguments == ["engine"])
        #expect(settings.seconds == .seconds(5))
        #expect(throws: SettingsError([.argumentMissing("suite")])) {
            try resolver.resolve(BenchLike.self, arguments: [])
        }
        #expect(throws: SettingsError([.unexpectedArgument("b")])) {
            try resolver.resolve(BenchLike.self, arguments: ["a", "b"])
        }
        #expect(SettingsHelp.usage(of: BenchLike.self) == "likewise bench <suite> [--setting value]…")
    }
}
