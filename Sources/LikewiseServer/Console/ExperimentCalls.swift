// Experiments that the console runs on the server, for who wants to see and not to be told.

import LikewiseAPI
package import LikewiseEngine
import NIOPosix
import Synchronization

/// What experiments need: a folder on the disk that likes are written to, and that only one runs at a time.
package final class Experiments: Sendable {
    private let directory: String
    private let disk: any Disk
    private let isRunning = Atomic(false)

    /// - Parameter directory: files are made and removed in it.
    package init(directory: String, disk: any Disk) {
        self.directory = directory
        self.disk = disk
    }

    /// Runs the two ways one after the other; nil where an experiment is running.
    func lock(
        _ service: LikeService, logs: () -> LockExperiment.LogWork
    ) async -> Result<LockExperiment, DiskError>? {
        guard isRunning.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
            return nil
        }
        defer { isRunning.store(false, ordering: .releasing) }
        let lock = await withCheckedContinuation { continuation in
            NIOThreadPool.singleton.submit { [directory, disk] _ in
                continuation.resume(
                    returning: Result { () throws(DiskError) in
                        try LockExperiment.runLock(in: directory, disk: disk, clock: service.clock)
                    })
            }
        }
        switch lock {
        case .failure(let error): return .failure(error)
        case .success(let lock):
            return .success(LockExperiment(lock: lock, shards: await LockExperiment.runShards(service, logs: logs)))
        }
    }
}

extension API {
    /// A thousand likes under one lock, and through the shards.
    func lockExperiment(_ request: APIRequest) async throws(APIProblem) -> APIResponse {
        try request.caller.require(.admin)
        try limit(request)
        guard let experiments else {
            throw APIProblem(.notFound, "A node of a cluster runs no experiments: its shards have no log of their own.")
        }
        guard !service.engine.strictContent else {
            throw APIProblem(
                .forbidden,
                "The experiment likes a content that nobody registered, and this server takes registered ones only.")
        }
        guard let result = await experiments.lock(service, logs: { logWork() }) else {
            throw APIProblem(.overloaded, "An experiment is running; try again when it has ended.")
        }
        switch result {
        case .failure(let error):
            throw APIProblem(
                error.isFull ? .storageFull : .storageFailed,
                "The disk did not take the experiment's file, which counts nothing.")
        case .success(let experiment):
            return .json { writer in
                writer.object { body in
                    body.field("likes", LockExperiment.likes)
                    body.field("lock", object: { write(experiment.lock, to: &$0) })
                    body.field("shards", object: { write(experiment.shards, to: &$0) })
                }
            }
        }
    }

    private func write(_ way: LockExperiment.Way, to body: inout JSONWriter) {
        body.field("seconds", decimal: Double(way.nanoseconds) / 1e9)
        body.field("syncs", way.syncs)
        body.field("batches", way.batches)
        body.field("count", way.count)
        body.field("likes_per_second", decimal: way.rate.rounded())
    }

    /// What the event logs did since the process began, as the metrics have it.
    private func logWork() -> LockExperiment.LogWork {
        let lines = String(decoding: metricsPage(), as: UTF8.self).split(separator: "\n")
        func sum(_ name: String) -> UInt64 {
            lines.reduce(0) { sum, line in
                guard line.hasPrefix(name) else { return sum }
                return sum + (line.split(separator: " ").last.flatMap { Double($0) }.map { UInt64($0) } ?? 0)
            }
        }
        return LockExperiment.LogWork(
            syncs: sum("likewise_log_sync_seconds_count"), batches: sum("likewise_batch_intents_count"))
    }
}
