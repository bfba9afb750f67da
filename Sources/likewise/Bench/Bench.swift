// `likewise bench`: what the claims are measured with. One object of JSON a line on standard output; progress on standard
// error.

import ArgumentParser
import LikewiseEngine
import Logging

struct Bench: SettingsCommand {
    typealias Table = BenchSettings

    static let configuration = settingsConfiguration(
        abstract: "Measure: `engine`, the likes a second through shards, log and ledger without HTTP.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run(_ settings: Settings<BenchSettings>) async throws {
        Logs.bootstrap(format: settings.logFormat, level: settings.logLevel)
        let suite = settings.arguments[0]
        guard suite == "engine" else {
            throw Failure.exit("there is no suite '\(suite)': the suites are engine")
        }
        let folder = settings.dataDir ?? "./likewise-bench-\(UInt32.random(in: .min ... .max))"
        try await EngineBench(folder: folder, intents: settings.likes, rounds: settings.rounds).run()
    }
}
