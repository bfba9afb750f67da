import LikewiseCore
import LikewiseEngine
import Logging
import NIOCore

/// An engine over a data folder that this process holds.
struct OpenedEngine {
    let engine: Engine
    let lock: DataDirectoryLock

    /// Takes the data folder and starts the engine, or ends the command with what to do.
    init(_ settings: Settings<ServeSettings>, logger: Logger) throws {
        let started = ContinuousClock.now
        let disk = PosixDisk()
        let directory = settings.dataDir
        do {
            try disk.makeDirectory(directory)
            lock = try DataDirectoryLock(directory: directory)
        } catch { throw Failure.exit("\(error)") }
        var options = EngineOptions(dataDirectory: directory)
        options.shards = settings.shardCount(cores: System.coreCount)
        options.region = UInt16(settings.region)
        options.reactions = settings.reactions
        options.strictContent = settings.content == .strict
        options.filters = settings.filters
        options.sync = SyncPolicy(settings.sync)
        options.segmentBytes = settings.segmentBytes
        options.retention = settings.retention.milliseconds
        options.queueDepth = settings.queueDepth
        options.batchLimit = settings.batchLimit
        options.overlayBytes = settings.overlayBudget
        options.contentBytes = settings.memoryShares.contents
        do {
            let ledger = try Ledgers.open(
                in: directory, otherwise: settings.ledger, cacheBytes: settings.memoryShares.ledgerCache,
                readers: options.shards + options.readers + 1)
            engine = try Engine(
                options, disk: disk, clock: SystemClock(), ledger: ledger, seed: UInt64.random(in: .min ... .max),
                logger: logger)
        } catch { throw Failure.exit("\(error)") }
        logger.notice(
            "recovered",
            metadata: [
                "records": "\(engine.recoveries.reduce(0) { $0 + $1.records })",
                "torn_bytes": "\(engine.recoveries.reduce(0) { $0 + $1.tornBytes })",
                "milliseconds": "\((ContinuousClock.now - started).milliseconds)", "data_dir": "\(directory)",
            ])
    }
}

extension SyncPolicy {
    init(_ setting: SyncSetting) {
        switch setting {
        case .always: self = .always
        case .interval(let duration): self = .interval(nanoseconds: duration.nanoseconds)
        }
    }
}
