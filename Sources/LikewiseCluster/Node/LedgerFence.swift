// How a reader waits until the ledger holds what was acknowledged: it notes how far each partition reaches now, and
// waits until the ledger's positions are there. One round serves all who came before it began, and only a few rounds are
// under way at a time, so that the price does not grow with the readers.

package import LikewiseEngine
import Synchronization

/// What the fence asks; both may take a network's round trip.
package protocol FencePorts: Sendable {
    /// The offset behind the last event of each partition, in Kafka.
    func endOffsets(_ partitions: [Int32]) async throws -> [Int32: Int64]
    /// The offset behind the last event of each partition that the ledger holds.
    func ledgerOffsets() async throws -> [Int32: Int64]
    /// Returns after about `milliseconds`.
    func pause(milliseconds: UInt64) async
}

/// Waits for the ledger.
package final class LedgerFence: Sendable {
    private struct Waiter {
        let partitions: Set<Int32>
        let deadline: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var waiting: [Waiter] = []
        var rounds = 0
        /// Milliseconds of the node's clock before which nobody is asked, since the last round failed.
        var restsUntil: UInt64 = 0
    }

    /// Rounds at a time: one that waits for a partition whose aggregator is gone must not hold up all others.
    private static let maxRounds = 4
    /// Milliseconds between two looks at the ledger's positions; the aggregators commit many times a second.
    private static let interval: UInt64 = 5
    /// Milliseconds that nobody is asked after a round failed.
    private static let rest: UInt64 = 500

    private let state = Mutex(State())
    private let ports: any FencePorts
    private let clock: any EngineClock
    private let patience: UInt64

    /// - Parameter patience: milliseconds that a caller waits at most.
    package init(_ ports: any FencePorts, clock: any EngineClock, patience: UInt64 = 1_000) {
        self.ports = ports
        self.clock = clock
        self.patience = patience
    }

    private var now: UInt64 { clock.nanoseconds() / 1_000_000 }

    /// Returns when the ledger holds all that these partitions had at the time of the call; false where it does not in
    /// time, or nobody can be asked.
    package func wait(_ partitions: Set<Int32>) async -> Bool {
        await withCheckedContinuation { continuation in
            let now = now
            let (starts, refused) = state.withLock { state -> (Bool, Bool) in
                if now < state.restsUntil { return (false, true) }
                state.waiting.append(
                    Waiter(partitions: partitions, deadline: now + patience, continuation: continuation))
                guard state.rounds < LedgerFence.maxRounds else { return (false, false) }
                state.rounds += 1
                return (true, false)
            }
            if refused { continuation.resume(returning: false) }
            if starts { Task { await run() } }
        }
    }

    private func run() async {
        while let round = takeRound() {
            await serve(round)
        }
    }

    private func takeRound() -> [Waiter]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.rounds -= 1
                return nil
            }
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    private func serve(_ round: [Waiter]) async {
        var left = round
        do {
            let partitions = round.reduce(into: Set<Int32>()) { $0.formUnion($1.partitions) }
            let ends = try await ports.endOffsets(partitions.sorted())
            while !left.isEmpty {
                let held = try await ports.ledgerOffsets()
                let behind = Set(ends.filter { held[$0.key, default: 0] < $0.value }.keys)
                let now = now
                left = left.filter { waiter in
                    let isDone = waiter.partitions.isDisjoint(with: behind)
                    guard isDone || now >= waiter.deadline else { return true }
                    waiter.continuation.resume(returning: isDone)
                    return false
                }
                if !left.isEmpty { await ports.pause(milliseconds: LedgerFence.interval) }
            }
        } catch {
            state.withLock { $0.restsUntil = now + LedgerFence.rest }
            for waiter in left { waiter.continuation.resume(returning: false) }
        }
    }
}
