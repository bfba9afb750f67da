// `likewise replay`: rebuilds registers and tallies from the event log into a fresh folder.

import ArgumentParser
import LikewiseEngine

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

struct Replay: SettingsCommand {
    typealias Table = ReplaySettings

    static let configuration = settingsConfiguration(abstract: "Rebuild a ledger from the event log.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run(_ settings: Settings<ReplaySettings>) async throws {
        let disk = PosixDisk()
        let kind = settings.ledger
        let target = settings.into + "/" + kind.name
        let building = target + ".building"
        do {
            guard try !LogFolders.shards(in: settings.dataDir + "/log", disk: disk).isEmpty else {
                throw Failure.exit("there is no event log in \(settings.dataDir): check --data-dir")
            }
        } catch let error as EventLogError { throw Failure.exit("\(error)") }
        do {
            try disk.makeDirectory(settings.into)
            guard try Ledgers.kind(in: settings.into) == nil else {
                throw Failure.exit("\(settings.into) has a ledger already: choose a new folder for --into")
            }
            try Ledgers.remove(kind, path: building, disk: disk)
        } catch let error as DiskError {
            throw Failure.exit("\(error)")
        } catch let error as LedgerError { throw Failure.exit("\(error)") }
        let summary = try replay(settings, disk: disk, kind: kind, into: building)
        guard rename(building, target) == 0 else {
            throw Failure.exit("could not rename \(building) to \(target): error \(errno)")
        }
        do { try disk.syncDirectory(settings.into) } catch { throw Failure.exit("\(error)") }
        print("\(summary.records) records into \(target); \(summary.lost) lost, \(summary.tornBytes) bytes torn")
        guard summary.incomplete.isEmpty else {
            throw Failure.exit(
                "the log of shard \(summary.incomplete.map(String.init).joined(separator: ", ")) does not begin with its "
                    + "first record (older segments were removed after the retention time), so the new ledger holds "
                    + "only what the log still says")
        }
        if summary.lost > 0 { throw ExitCode(1) }
    }

    private func replay(
        _ settings: Settings<ReplaySettings>, disk: PosixDisk, kind: LedgerKind, into path: String
    ) throws -> LogReplay.Summary {
        // Where the logs cannot be read the replay itself says so.
        let total = try? LogReplay.records(in: settings.dataDir + "/log", disk: disk)
        var progress = Progress("records replayed", total: total)
        defer { progress.end() }
        do {
            let ledger = try Ledgers.open(kind, path: path)
            let replay = LogReplay(
                disk: disk, ledger: ledger, clock: SystemClock(), skipDamage: settings.skipDamage)
            return try replay.run(directory: settings.dataDir + "/log") { progress.show($0) }
        } catch {
            throw Failure.exit("\(error)")
        }
    }
}
