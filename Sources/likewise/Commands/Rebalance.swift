// `likewise rebalance`: brings the ledger's contents onto all PostgreSQL servers that the cluster's file names, or onto
// fewer, while the cluster works.

import ArgumentParser
import LikewiseCluster
import LikewiseEngine
import Logging

struct Rebalance: SettingsCommand {
    typealias Table = RebalanceSettings

    static let configuration = settingsConfiguration(
        abstract:
            "Move contents between a cluster's PostgreSQL servers, after one was added or before one is taken away.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run(_ settings: Settings<RebalanceSettings>) async throws {
        Logs.bootstrap(format: settings.logFormat, level: settings.logLevel)
        let logger = Logger(label: "likewise")
        let file = try ClusterFile(path: settings.cluster)
        let wanted = settings.servers ?? file.postgres.count
        guard wanted <= file.postgres.count else {
            throw Failure.exit(
                "the file names \(file.postgres.count) servers: add the others to postgresql, at the end")
        }
        _ = try file.migrateLedger(logger: logger)
        let started = ContinuousClock.now
        var progress = Progress("contents looked at")
        let report: PostgresRebalance.Report
        do {
            let rebalance = PostgresRebalance(file.postgres, logger: logger) { _, report in
                progress.show(Self.words(report, since: started))
            }
            report = try rebalance.run(to: wanted)
        } catch {
            progress.end()
            throw Failure.exit("\(error); what has moved stays moved: run this again to go on")
        }
        progress.end()
        tell(report, wanted, seconds: (ContinuousClock.now - started).components.seconds)
    }

    /// How far it has come, and how long the rest takes at this rate.
    private static func words(_ report: PostgresRebalance.Report, since started: ContinuousClock.Instant) -> String {
        let elapsed = Double((ContinuousClock.now - started).components.seconds)
        let share = Double(report.walked) / Double(max(1, report.total))
        let left = share > 0 ? ", about \(Int(elapsed / share - elapsed)) s left" : ""
        return "\(report.walked) of \(report.total), \(report.contents) moved with \(report.registers) registers\(left)"
    }

    private func tell(_ report: PostgresRebalance.Report, _ wanted: Int, seconds: Int64) {
        if report.before == wanted && report.chunks == 0 {
            print("rebalance: the ledger lies on \(servers(wanted)) already; nothing had to be moved")
            return
        }
        print(
            "rebalance: \(report.contents) contents with \(report.registers) registers moved in \(seconds) s, writers locked "
                + "out for \(report.longestLockMilliseconds) ms at most; the ledger lies on \(servers(wanted)) now")
        if wanted < report.before {
            print("rebalance: what is behind the first \(servers(wanted)) is empty, and may be taken out of the file")
        }
    }

    private func servers(_ count: Int) -> String { count == 1 ? "1 server" : "\(count) servers" }
}
