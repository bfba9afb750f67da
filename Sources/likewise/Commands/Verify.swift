// `likewise verify`: recounts all registers and compares with every tally (invariant 2, on real data).

import ArgumentParser
import LikewiseCore
import LikewiseEngine
import Logging

struct Verify: SettingsCommand {
    typealias Table = VerifySettings

    static let configuration = settingsConfiguration(
        abstract: "Recount all registers and compare with every tally; exit with 1 if any differs.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run(_ settings: Settings<VerifySettings>) async throws {
        if let path = settings.cluster {
            Logs.bootstrap(format: settings.logFormat, level: settings.logLevel)
            let verify = ClusterVerify(file: try ClusterFile(path: path), logger: Logger(label: "likewise"))
            if try await !verify.run() { throw ExitCode(1) }
            return
        }
        var progress = Progress("registers counted", total: Ledgers.estimatedRegisters(in: settings.dataDir))
        let result: RecountResult
        do {
            result = try Ledgers.recount(in: settings.dataDir) { progress.show($0) }
        } catch { throw Failure.exit("\(error)") }
        progress.end()
        Verify.report(result)
        var isGood = result.driftCount == 0
        if let against = settings.against { isGood = try compare(settings.dataDir, against) && isGood }
        if !isGood { throw ExitCode(1) }
    }

    /// Prints what a recount found.
    static func report(_ result: RecountResult) {
        print(
            "\(result.contents) contents, \(result.registers) registers, \(result.likes) likes"
                + (result.held > 0 ? ", \(result.held) held back" : "") + ": drift \(result.driftCount)")
        for drift in result.drifts {
            let content = drift.content.map { String(decoding: $0, as: UTF8.self) } ?? "no content, number \(drift.key)"
            print(
                "drift: \(content), reaction \(drift.reaction.rawValue): registers \(drift.counted), "
                    + "tally \(drift.tallied)")
        }
    }

    private func words(_ subject: LedgerDifference.Subject) -> String {
        switch subject {
        case .content: "the content itself"
        case .register(let user): "register of \(String(decoding: user, as: UTF8.self))"
        case .tally(let reaction): "tally of reaction \(reaction.rawValue)"
        }
    }

    private func compare(_ first: String, _ second: String) throws -> Bool {
        do {
            let found = try Ledgers.differences(first, second, limit: 100)
            print("differences between \(first) and \(second): \(found.count)\(found.count == 100 ? " or more" : "")")
            for difference in found {
                print(
                    "\(String(decoding: difference.content, as: UTF8.self)), \(words(difference.subject)): "
                        + "\(difference.first ?? "nothing") / \(difference.second ?? "nothing")")
            }
            return found.isEmpty
        } catch { throw Failure.exit("\(error)") }
    }
}
