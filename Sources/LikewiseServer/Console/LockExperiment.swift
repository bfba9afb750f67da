// One lock against shards, on this machine and its disk: the same number of likes that come at once, made durable first one by
// one under a lock, as a counter behind a mutex would, and then by the running shards, of which each syncs once for all that
// wait. Both are real: the one appends to a file of its own and syncs it each time, the other likes a content that is deleted
// afterwards.

import LikewiseCore
import LikewiseEngine
import Synchronization

/// What came of it.
struct LockExperiment: Sendable {
    /// One of the two ways.
    struct Way: Sendable {
        var nanoseconds: UInt64
        var syncs: UInt64
        /// Groups of likes that were made durable together.
        var batches: UInt64
        /// Likes that were counted, which must be all.
        var count: UInt64

        /// Likes a second.
        var rate: Double { Double(count) / max(Double(nanoseconds) / 1e9, 1e-9) }
    }

    /// What event logs did.
    struct LogWork: Sendable {
        var syncs: UInt64
        var batches: UInt64
    }

    /// Likes that come at once.
    static let likes = 1_000
    /// Threads that want the lock.
    private static let threads = 16
    /// Bytes that are appended for a like, about those of a record of the event log.
    private static let recordBytes = 60
    /// Where the disk is so slow that a thousand syncs take longer, the lock's way ends early.
    private static let limit: UInt64 = 20_000_000_000

    var lock: Way
    var shards: Way

    /// The lock's way, in a file under `directory` that is removed afterwards. Blocks.
    static func runLock(in directory: String, disk: any Disk, clock: any EngineClock) throws(DiskError) -> Way {
        struct Counter {
            var file: any DiskFile
            var count = 0
            var failure: DiskError?
        }
        let path = directory + "/lock-experiment.tmp"
        let counter = Mutex(Counter(file: try disk.create(path)))
        let started = clock.nanoseconds()
        let record = [UInt8](repeating: 0x2a, count: recordBytes)
        let crew = (0..<threads).map { _ in
            EngineThread(name: "lock-experiment") {
                var isDone = false
                while !isDone {
                    isDone = counter.withLock { counter in
                        guard counter.count < likes, counter.failure == nil, clock.nanoseconds() &- started < limit
                        else { return true }
                        do throws(DiskError) {
                            let offset = counter.count * recordBytes
                            let written = record.withUnsafeBytes { bytes in
                                Result { () throws(DiskError) in try counter.file.write(bytes, at: offset) }
                            }
                            try written.get()
                            try counter.file.sync()
                            counter.count += 1
                        } catch { counter.failure = error }
                        return false
                    }
                }
            }
        }
        for thread in crew { thread.join() }
        let elapsed = clock.nanoseconds() &- started
        let (count, failure) = counter.withLock { ($0.count, $0.failure) }
        try disk.remove(path)
        if let failure { throw failure }
        return Way(nanoseconds: elapsed, syncs: UInt64(count), batches: UInt64(count), count: UInt64(count))
    }

    /// The shards' way. `logs` reads what the logs did since the process began, for other callers too.
    static func runShards(_ service: LikeService, logs: () -> LogWork) async -> Way {
        let content = Array("lock-experiment-\(String(UInt64.random(in: .min ... .max), radix: 36))".utf8)
        let before = logs()
        let started = service.clock.nanoseconds()
        await withDiscardingTaskGroup { tasks in
            for number in 0..<likes {
                tasks.addTask {
                    var call = LikeService.Call(.react, content: content)
                    call.user = Array("visitor-\(number)".utf8)
                    call.reaction = .like
                    _ = await service.perform(call)
                }
            }
        }
        let elapsed = service.clock.nanoseconds() &- started
        let after = logs()
        let count = await service.read([content], user: nil)[0].tally.total
        _ = await service.perform(LikeService.Call(.deleteContent, content: content))
        return Way(
            nanoseconds: elapsed, syncs: after.syncs &- before.syncs, batches: after.batches &- before.batches,
            count: count)
    }
}
