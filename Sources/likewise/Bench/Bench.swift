// `likewise bench`: what the claims are measured with. One object of JSON a line on standard output; progress on standard
// error. A suite is a type in a file or folder of its own here; what they share is in `Harness`.

import ArgumentParser
import Glibc
import Logging

struct Bench: SettingsCommand {
    typealias Table = BenchSettings

    static let configuration = settingsConfiguration(
        abstract: "Measure: \(BenchSuites.all.map { $0.name }.joined(separator: ", ")), or all of them.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run(_ settings: Settings<BenchSettings>) async throws {
        Logs.bootstrap(format: settings.logFormat, level: settings.logLevel)
        signal(SIGPIPE, SIG_IGN)
        let resources: BenchResources
        do { resources = try BenchResources(in: settings.dataDir ?? ".") } catch { throw Failure.exit("\(error)") }
        defer { resources.release() }
        let watch = Task { await resources.endProcessOnSignal() }
        defer { watch.cancel() }
        let bench = BenchContext(settings: settings, machine: .current(), resources: resources)
        var failures = 0
        for suite in BenchSuites.named(settings.arguments) where !resources.isReleased {
            do { try await suite.init().run(bench) } catch {
                // A suite that fails because its servers are being ended has nothing to say. The others go on: their
                // figures do not depend on it.
                guard !resources.isReleased else { break }
                LogSink.standardError.write(Array("\nerror: \(suite.name): \(error)\n".utf8))
                failures += 1
            }
        }
        // A signal ends the process, with its own code, as soon as everything is cleared away.
        if resources.isReleased { await watch.value }
        if failures > 0 { throw ExitCode(1) }
    }
}
