import Dispatch
import LikewiseEngine
import Logging
import Synchronization

/// A call that waits for a reader.
struct PostgresPoolJob: Sendable {
    /// What a job is called with.
    enum Turn {
        case run(PostgresReader)
        case give(any Error)
    }

    enum Outcome {
        /// There is an answer, which the caller gets with this.
        case settled(deliver: @Sendable () -> Void)
        /// The connection was lost, and the caller still waits.
        case lost(any Error)
    }

    /// Nanoseconds of the clock that does not go back.
    let deadline: UInt64
    let isTrial: Bool
    let call: @Sendable (Turn) -> Outcome
}

extension PostgresPoolJob.Outcome {
    /// Gives the caller his answer, if there is one.
    func deliver() {
        if case .settled(let deliver) = self { deliver() }
    }
}

/// The queue and the breaker, shared by the pool and its threads.
final class PostgresPoolCore: Sendable {
    fileprivate struct State {
        var jobs: [PostgresPoolJob] = []
        var breaker: CircuitBreaker
        var health = PostgresPool.Health()
        var isClosed = false
    }

    let options: PostgresOptions
    let logger: Logger
    private let limits: PostgresPool.Limits
    private let state: Mutex<State>
    /// Raised once a job, and once a thread at the end.
    private let turns = DispatchSemaphore(value: 0)
    private let clock = SystemClock()

    init(_ options: PostgresOptions, limits: PostgresPool.Limits, logger: Logger) {
        self.options = options
        self.limits = limits
        self.logger = logger
        state = Mutex(State(breaker: CircuitBreaker(limits.breaker)))
    }

    var now: UInt64 { clock.nanoseconds() }

    var health: PostgresPool.Health {
        state.withLock { state in
            var health = state.health
            health.waiting = state.jobs.count
            health.breaker = state.breaker.state
            return health
        }
    }

    // MARK: For callers

    func submit(_ call: @escaping @Sendable (PostgresPoolJob.Turn) -> PostgresPoolJob.Outcome) {
        let refusal = state.withLock { state -> PostgresPoolError? in
            if state.isClosed { return .closed }
            if state.jobs.count >= limits.waiting { return state.refuse(.overloaded) }
            let admission = state.breaker.admit(now: now)
            if admission == .refused { return state.refuse(.unavailable) }
            let deadline = now + UInt64(limits.patience.timeoutMilliseconds) * 1_000_000
            state.jobs.append(PostgresPoolJob(deadline: deadline, isTrial: admission == .trial, call: call))
            return nil
        }
        if let refusal { call(.give(refusal)).deliver() } else { turns.signal() }
    }

    func close() {
        let waiting = state.withLock { state -> [PostgresPoolJob]? in
            if state.isClosed { return nil }
            state.isClosed = true
            defer { state.jobs = [] }
            return state.jobs
        }
        guard let waiting else { return }
        for job in waiting { job.call(.give(PostgresPoolError.closed)).deliver() }
        for _ in 0..<limits.connections { turns.signal() }
    }

    // MARK: For the pool's threads

    /// Waits for a job; nil at the end.
    func next() -> PostgresPoolJob? {
        while true {
            turns.wait()
            let (job, isClosed) = state.withLock { state in
                if !state.jobs.isEmpty { state.health.running += 1 }
                return (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isClosed)
            }
            if let job { return job }
            if isClosed { return nil }
        }
    }

    /// Why a job that has waited is not to be run any more.
    func refusal(of job: PostgresPoolJob) -> PostgresPoolError? {
        state.withLock { state in
            if now > job.deadline {
                if job.isTrial { state.fail(now) }
                return state.refuse(.late)
            }
            guard !job.isTrial, state.breaker.state != .closed else { return nil }
            return state.refuse(.unavailable)
        }
    }

    func ended() { state.withLock { $0.health.running -= 1 } }

    func answered() {
        state.withLock { state in
            state.breaker.succeeded()
            state.health.answered += 1
        }
    }

    func lost() {
        state.withLock { state in
            state.health.lost += 1
            state.fail(now)
        }
    }

    func connections(changedBy change: Int) { state.withLock { $0.health.connected += change } }
}

extension PostgresPoolCore.State {
    fileprivate mutating func refuse(_ error: PostgresPoolError) -> PostgresPoolError {
        health.refused += 1
        return error
    }

    fileprivate mutating func fail(_ now: UInt64) {
        var random = SystemRandomNumberGenerator()
        breaker.failed(now: now, random: &random)
    }
}

/// One thread of a pool, with its connection.
struct PostgresPoolThread {
    private let core: PostgresPoolCore
    private var reader: PostgresReader?
    /// What the last attempt to connect found, where it was not the server's absence.
    private var problem: LedgerError?

    init(_ core: PostgresPoolCore) { self.core = core }

    mutating func run() {
        while let job = core.next() {
            if let refusal = core.refusal(of: job) { give(refusal, job) } else { run(job) }
        }
        drop()
    }

    /// Runs a job on the connection there is, and on a new one where that is lost.
    private mutating func run(_ job: PostgresPoolJob) {
        let isOld = reader != nil
        if isOld, attempt(job) { return }
        if isOld, core.now > job.deadline { return giveUp(job) }
        if !attempt(job) { giveUp(job) }
    }

    private func giveUp(_ job: PostgresPoolJob) {
        core.lost()
        give(problem ?? PostgresPoolError.unavailable, job)
    }

    private func give(_ error: any Error, _ job: PostgresPoolJob) {
        core.ended()
        job.call(.give(error)).deliver()
    }

    /// False where there was no connection, or it was lost.
    private mutating func attempt(_ job: PostgresPoolJob) -> Bool {
        problem = nil
        do throws(LedgerError) {
            let reader = try opened()
            switch job.call(.run(reader)) {
            case .settled(let deliver):
                core.answered()
                core.ended()
                deliver()
                return true
            case .lost(let error):
                core.logger.info(
                    "a connection was lost", metadata: ["error": "\(error)", "words": "\(reader.lastWords)"])
            }
        } catch {
            if case .unusable = error { problem = error }
            core.logger.info("no connection", metadata: ["error": "\(error)"])
        }
        drop()
        return false
    }

    private mutating func opened() throws(LedgerError) -> PostgresReader {
        if let reader { return reader }
        let opened = try PostgresReader(core.options)
        core.connections(changedBy: 1)
        reader = opened
        return opened
    }

    private mutating func drop() {
        if reader != nil { core.connections(changedBy: -1) }
        reader = nil
    }
}
