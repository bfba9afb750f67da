// `likewise load`: sends what people might send to a server, and tells how it is answered.

import ArgumentParser
import Glibc
import Synchronization
import UnixSignals

struct Load: SettingsCommand {
    typealias Table = LoadSettings

    static let configuration = settingsConfiguration(
        abstract: "Send likes and reads by Zipf's law to a server; exit with 1 if any was not answered as it should.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run(_ settings: Settings<LoadSettings>) async throws {
        let run = LoadRun(settings)
        let watch = Task {
            // The first Ctrl-C ends the load with the figures so far; a second one, which nobody has to wait for, the
            // process.
            var isSecond = false
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                if isSecond { Glibc.exit(128 + SIGINT) }
                isSecond = true
                run.stop()
            }
        }
        defer { watch.cancel() }
        let outcome = await withCheckedContinuation { continuation in
            BenchThread.start { continuation.resume(returning: run.run()) }
        }
        if let result = outcome.result {
            let figures = LoadFigures(result, settings: run.described)
            print(settings.json ? figures.json : figures.table.joined(separator: "\n"))
            if outcome.error == nil, figures.failed == 0, figures.requests > 0 { return }
        }
        throw Failure.exit(outcome.error ?? "requests failed: the statuses above say how")
    }
}

/// One load, from a thread of its own.
private final class LoadRun: Sendable {
    /// What a load came to, also where it ended early.
    struct Outcome: Sendable {
        var result: LoadResult?
        var error: String?
    }

    private let settings: Settings<LoadSettings>
    private let isStopped = Atomic(false)
    /// What it had come to when it was last told.
    private let last = Mutex<LoadResult?>(nil)

    init(_ settings: Settings<LoadSettings>) { self.settings = settings }

    /// Lets the requests that are on their way be the last.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// What would have to be set alike to measure it again.
    var described: [BenchField] {
        settings.effective.filter { !["config", "token-file", "json", "log-level", "log-format"].contains($0.name) }.map
        {
            BenchField($0.name, Double($0.text).map(BenchValue.number) ?? .text($0.text))
        }
    }

    func run() -> Outcome {
        let progress = BenchProgress("load", steps: 1)
        defer { progress.end() }
        do { return Outcome(result: try load(progress)) } catch {
            return Outcome(result: last.withLock { $0 }, error: "\(error)")
        }
    }

    private func load(_ progress: BenchProgress) throws -> LoadResult {
        let authority = String(settings.arguments[0].dropFirst("http://".count).prefix { $0 != "/" })
        let place = ServerAddress.parse(authority) ?? (authority.filter { $0 != "[" && $0 != "]" }, 80)
        let seconds = settings.duration.inSeconds
        let mix = MixedTraffic.Mix(
            contents: settings.contents, users: settings.users, skew: settings.skew, reads: settings.reads,
            unlikes: settings.unlikes, seed: UInt64(settings.seed))
        let token = try settings.tokenFile.map { try AdminClient.key(in: $0, setting: "--token-file") }
        var traffic = MixedTraffic(mix, host: authority, token: token)
        let address = try BenchAddress(host: place.host, port: UInt16(place.port))
        var generator: LoadGenerator
        do {
            generator = try LoadGenerator(address, connections: settings.connections, atLoss: .count) { result in
                self.tell(result, of: seconds, progress)
            }
        } catch {
            throw BenchError(
                "\(error): start a server with `likewise serve --port \(place.port)`, or check the address")
        }
        guard let rate = settings.rate else { return try generator.closedLoop(&traffic, seconds: seconds) }
        return try generator.openLoop(&traffic, rate: Double(rate), seconds: seconds)
    }

    private func tell(_ result: LoadResult, of seconds: Double, _ progress: BenchProgress) -> Bool {
        last.withLock { $0 = result }
        let answers = result.good + result.bad
        progress.show(
            "\(answers) answers, \(Int(Double(answers) / max(result.seconds, 0.001))) a second",
            share: result.seconds / seconds)
        return !isStopped.load(ordering: .relaxed)
    }
}
