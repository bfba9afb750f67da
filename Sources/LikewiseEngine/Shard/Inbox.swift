// What waits for a shard: groups of intents, bounded, and control messages. One lock, one wake-up for a whole group.

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
    /// Room for an index that the shard asked for; nil where it cannot be had now.
    case room(IndexRoom?)
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
