import LikewiseEngine
import Synchronization

/// The thread that brings batches into the ledger while the next events are read: one transaction at a time.
final class LedgerStage: Sendable {
    /// A transaction that is over, well or not.
    struct Outcome: Sendable {
        /// What it was made of.
        var events: EventBatcher
        var nanoseconds: UInt64
        var error: LedgerError?
    }

    private enum State {
        case idle
        case working(EventBatcher, [LedgerBatch])
        case over(Outcome)
        case ended
    }

    private let ledger: any Ledger
    private let clock: any EngineClock
    private let finished: @Sendable () -> Void
    private let state = Mutex(State.idle)
    private let work = ThreadSignal()
    private let over = ThreadSignal()
    private let thread = Mutex<EngineThread?>(nil)

    /// Starts the thread. `finished` is called on it after each transaction.
    init(_ ledger: any Ledger, clock: any EngineClock, finished: @escaping @Sendable () -> Void) {
        self.ledger = ledger
        self.clock = clock
        self.finished = finished
        let started = EngineThread(name: "ledger") { [self] in run() }
        thread.withLock { $0 = started }
    }

    /// Whether `begin` may be called: no transaction is under way, and the last one's outcome was taken.
    var isIdle: Bool {
        state.withLock { state in
            if case .idle = state { true } else { false }
        }
    }

    /// Begins a transaction of all that was gathered.
    func begin(_ events: EventBatcher, now: UInt64) {
        let batches = events.batches(now: now)
        state.withLock { state in
            guard case .idle = state else {
                preconditionFailure("a transaction is under way, or its outcome not taken")
            }
            state = .working(events, batches)
        }
        work.signal()
    }

    /// The outcome of the last transaction, once, when it is over.
    func takeOutcome() -> Outcome? {
        state.withLock { state in
            guard case .over(let outcome) = state else { return nil }
            state = .idle
            return outcome
        }
    }

    /// Returns when no transaction is under way. For one thread, the one that begins them.
    func wait() {
        while isWorking { over.wait() }
    }

    /// Ends the thread, when no transaction is under way. Once.
    func end() {
        wait()
        state.withLock { $0 = .ended }
        work.signal()
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    private var isWorking: Bool {
        state.withLock { state in
            if case .working = state { true } else { false }
        }
    }

    private func run() {
        while true {
            work.wait()
            let next = state.withLock { state -> (events: EventBatcher, batches: [LedgerBatch])? in
                guard case .working(let events, let batches) = state else { return nil }
                return (events, batches)
            }
            guard let next else { return }
            let started = clock.nanoseconds()
            var outcome = Outcome(events: next.events, nanoseconds: 0)
            do throws(LedgerError) { try ledger.apply(next.batches) } catch { outcome.error = error }
            outcome.nanoseconds = clock.nanoseconds() - started
            state.withLock { [outcome] in $0 = .over(outcome) }
            over.signal()
            finished()
        }
    }
}
