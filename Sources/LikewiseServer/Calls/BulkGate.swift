// What bounds the bulk intakes: how many there are at a time, and how many of their groups are at a shard.

import Synchronization

/// How many bulk intakes are worked on at a time.
final class BulkGate: Sendable {
    private let limit: Int
    private let active = Mutex(0)

    init(limit: Int) { self.limit = limit }

    func enter() -> Bool {
        active.withLock { active in
            guard active < limit else { return false }
            active += 1
            return true
        }
    }

    func leave() { active.withLock { $0 -= 1 } }
}

/// How many groups of all bulk intakes together may be at one shard. Beyond it an intake waits, and with it its caller:
/// bulk alone can neither fill a shard's queue nor keep a single like waiting for long.
package final class BulkWindow: Sendable {
    private struct State {
        var free: Int
        /// First come, first served.
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    /// Room for so many groups.
    package init(groups: Int) { state = Mutex(State(free: groups)) }

    /// Returns when there is room for a group, which is taken then.
    package func enter() async {
        await withCheckedContinuation { continuation in
            let hasRoom = state.withLock { state in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if hasRoom { continuation.resume() }
        }
    }

    /// Intakes that wait for room.
    package var waiting: Int { state.withLock { $0.waiting.count } }

    /// Gives the room back.
    package func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}
