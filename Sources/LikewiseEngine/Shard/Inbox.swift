// What waits for a shard: groups of intents, bounded, and control messages. One lock, one wake-up for a whole group.

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A lock with a condition to wait for, for the engine's own threads. The cooperative pool never waits on it.
///
/// `@unchecked Sendable`: the value is only touched with the lock held.
final class Monitor<Value>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value

    init(_ value: Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<R>(_ body: (inout Value) -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&value)
    }

    /// Changes the value and wakes one waiter if `body` answers true.
    func withLockAndSignal<R>(_ body: (inout Value) -> (R, wake: Bool)) -> R {
        pthread_mutex_lock(mutex)
        let (result, wake) = body(&value)
        pthread_mutex_unlock(mutex)
        if wake { pthread_cond_signal(condition) }
        return result
    }

    /// Waits until `body` answers something, at most until `deadline` (nanoseconds of the monotonic clock).
    func wait<R>(until deadline: UInt64?, for body: (inout Value) -> R?) -> R? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&value) { return result }
            if let deadline {
                var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
                if pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { return body(&value) }
            } else {
                pthread_cond_wait(condition, mutex)
            }
        }
    }
}

/// A message to a shard beside intents.
enum ShardMessage: Sendable {
    /// The ledger holds the generations up to this number.
    case committed(UInt32)
    /// Answer all generations that the ledger does not hold, sealed; nil where they cannot be made durable.
    case snapshot(@Sendable ([Generation]?) -> Void)
    /// Tell the trends what was gained, then call.
    case trends(@Sendable () -> Void)
    /// A piece of a filter; the next one is sent when this one is taken.
    case filter(ShardCore.FilterRequest, keyHashes: [UInt64], isLast: Bool, taken: @Sendable () -> Void)
    case filterFailed(ShardCore.FilterRequest)
    /// A piece of what the ledger knows; the next one is sent when this one is taken.
    case knownContents(hashes: [UInt64], isLast: Bool, taken: @Sendable () -> Void)
    /// End once all that waits has been taken.
    case stop
}

/// A shard's queue.
final class Inbox: Sendable {
    struct Waiting {
        var groups = GroupQueue()
        var messages: [ShardMessage] = []
        var isClosed = false
        var isTakerWaiting = false
    }

    private let monitor = Monitor(Waiting())
    /// Intents that may wait at most.
    private let bound: Int

    init(bound: Int) { self.bound = bound }

    /// What became of a submission.
    enum Submission {
        case taken
        case full
        case closed
    }

    func submit(_ group: IntentGroup) -> Submission {
        monitor.withLockAndSignal { waiting in
            if waiting.isClosed { return (.closed, false) }
            // A group larger than the bound is taken when nothing else waits, else it never could be.
            if waiting.groups.intents > 0 && waiting.groups.intents + group.count > bound { return (.full, false) }
            waiting.groups.append(group)
            return (.taken, waiting.isTakerWaiting)
        }
    }

    func send(_ message: ShardMessage) {
        monitor.withLockAndSignal { waiting in
            waiting.messages.append(message)
            if case .stop = message { waiting.isClosed = true }
            return ((), true)
        }
    }

    /// Sends unless the shard is ending.
    func trySend(_ message: ShardMessage) -> Bool {
        monitor.withLockAndSignal { waiting in
            guard !waiting.isClosed else { return (false, false) }
            waiting.messages.append(message)
            return (true, true)
        }
    }

    /// Intents that wait.
    var depth: Int { monitor.withLock { $0.groups.intents } }

    /// Waits until `wanted` intents or a message are there, at most until `deadline`, without being woken by each group.
    func gather(_ wanted: Int, until deadline: UInt64) {
        _ = monitor.wait(until: deadline) { waiting -> Void? in
            waiting.groups.intents >= wanted || !waiting.messages.isEmpty || waiting.isClosed ? () : nil
        }
    }

    /// Takes the groups of a batch of up to `limit` intents (`GroupQueue`) and all messages; waits for either until
    /// `deadline`.
    func take(limit: Int, until deadline: UInt64) -> (groups: [IntentGroup], messages: [ShardMessage]) {
        let taken = monitor.wait(until: deadline) { waiting -> (groups: [IntentGroup], messages: [ShardMessage])? in
            if waiting.groups.isEmpty && waiting.messages.isEmpty {
                waiting.isTakerWaiting = true
                return nil
            }
            waiting.isTakerWaiting = false
            let messages = waiting.messages
            waiting.messages = []
            return (waiting.groups.take(limit: limit), messages)
        }
        return taken ?? ([], [])
    }
}
