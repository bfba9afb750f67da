// A lane's queue: groups wait here while a batch is on its way.

import LikewiseEngine
import Synchronization

/// One lane of a node. Groups are taken in the order in which they come.
final class Lane: Sendable {
    private struct State {
        var waiting: [IntentGroup] = []
        var intents = 0
        var isRunning = false
        var isClosed = false
        var health = ShardHealth.good
        /// Resumed when nothing waits and nothing is on its way.
        var idle: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let core: LaneCore
    private let bound: Int
    private let batchLimit: Int

    /// - Parameter bound: intents that may wait. `batchLimit`: intents of one batch, the first group aside.
    init(_ core: LaneCore, bound: Int, batchLimit: Int) {
        self.core = core
        self.bound = bound
        self.batchLimit = batchLimit
    }

    var health: ShardHealth { state.withLock { $0.health } }
    var waiting: Int { state.withLock { $0.intents } }

    /// The contents that this lane spreads, or may soon.
    func warm() async -> [ContentRate] { await core.warm }

    /// The other nodes have these likes a minute.
    func note(elsewhere: [[UInt8]: Int]) async { await core.note(elsewhere: elsewhere) }

    /// Takes the group, or completes it with nothing changed where it cannot be taken.
    func submit(_ group: IntentGroup) {
        enum Answer { case start, wait, full, closed }
        let answer = state.withLock { state -> Answer in
            if state.isClosed { return .closed }
            // A group alone is taken whatever its size.
            if state.intents > 0, state.intents + group.count > bound { return .full }
            state.waiting.append(group)
            state.intents += group.count
            if state.isRunning { return .wait }
            state.isRunning = true
            return .start
        }
        switch answer {
        case .wait: break
        case .start: Task { await run() }
        case .full: refuse(group, .overloaded)
        case .closed: refuse(group, .shuttingDown)
        }
    }

    private func refuse(_ group: IntentGroup, _ status: Outcome.Status) {
        group.fail(status)
        group.complete(group)
    }

    private func run() async {
        while let groups = next() {
            let health = await core.process(groups)
            state.withLock { $0.health = health }
        }
    }

    /// The groups of the next batch; nil where none wait, and the lane then rests.
    private func next() -> [IntentGroup]? {
        let (groups, idle) = state.withLock { state -> ([IntentGroup]?, [CheckedContinuation<Void, Never>]) in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                defer { state.idle = [] }
                return (nil, state.idle)
            }
            var count = 0
            var intents = 0
            for group in state.waiting {
                if count > 0, intents + group.count > batchLimit { break }
                intents += group.count
                count += 1
            }
            let groups = Array(state.waiting.prefix(count))
            state.waiting.removeFirst(count)
            state.intents -= intents
            return (groups, [])
        }
        for waiter in idle { waiter.resume() }
        return groups
    }

    /// Takes no more, and returns when all that was taken is answered.
    func close() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state -> Bool in
                state.isClosed = true
                guard state.isRunning else { return true }
                state.idle.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }
}
