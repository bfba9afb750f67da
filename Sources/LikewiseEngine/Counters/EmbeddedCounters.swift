// The counters of one machine: a thread that takes what waits, does it in one transaction, and answers. So the more come at a
// time, the more share a sync (group commit), as with likes.

import LikewiseCore
package import Logging

/// Counters in a file of the data folder.
package final class EmbeddedCounters: CounterStore {
    package struct Options: Sendable {
        /// Calls that may wait.
        package var queueDepth = 16_384
        /// Calls that share one transaction.
        package var batchLimit = 1_024
        /// Counters at most: a row of some 100 bytes for each, and names that strangers choose.
        package var counterLimit = 1_000_000

        package init() {}
    }

    private struct Waiting {
        var work: CounterFile.Work
        var completion: @Sendable (Result<[[CounterReading]], CounterFailure>) -> Void
    }

    private struct State {
        var queue: [Waiting] = []
        var isStopped = false
        var count = 0
    }

    private let options: Options
    private let state: Monitor<State>
    private let thread: EngineThread

    /// Opens the counters in `directory`. Throws where they cannot be used, saying what to do.
    package init(
        in directory: String, region: UInt16, options: Options = Options(), logger: Logger
    ) throws(LedgerError) {
        self.options = options
        let file = Confined(try CounterFile(in: directory, region: region))
        let state = Monitor(State(count: file.value.count))
        self.state = state
        thread = EngineThread(name: "counters", turns: .short) {
            EmbeddedCounters.work(file.value, state, options, logger)
        }
    }

    package var count: Int { state.withLock { $0.count } }

    package func add(_ count: UInt64, to name: CounterName) async throws(CounterFailure) -> [CounterReading] {
        try await submit(.add(count, name)).first ?? []
    }

    package func read(_ pages: [[UInt8]], of space: String) async throws(CounterFailure) -> [[CounterReading]] {
        try await submit(.read(pages, space: space))
    }

    private func submit(_ work: CounterFile.Work) async throws(CounterFailure) -> [[CounterReading]] {
        let result = await withCheckedContinuation { continuation in
            let refusal = state.withLockAndSignal { state -> (CounterFailure?, wake: Bool) in
                if state.isStopped { return (.shuttingDown, false) }
                guard state.queue.count < options.queueDepth else { return (.overloaded, false) }
                state.queue.append(Waiting(work: work) { continuation.resume(returning: $0) })
                return (nil, state.queue.count == 1)
            }
            if let refusal { continuation.resume(returning: .failure(refusal)) }
        }
        return try result.get()
    }

    /// Does what waits, takes nothing more, and closes the file. Blocks; call it once.
    package func stop() {
        state.withLockAndSignal { state in
            state.isStopped = true
            return ((), wake: true)
        }
        thread.join()
    }

    private static func work(_ file: CounterFile, _ state: Monitor<State>, _ options: Options, _ logger: Logger) {
        while true {
            let batch = state.wait(until: nil) { state -> [Waiting]? in
                guard !state.queue.isEmpty || state.isStopped else { return nil }
                let batch = Array(state.queue.prefix(options.batchLimit))
                state.queue.removeFirst(batch.count)
                return batch
            }
            guard let batch, !batch.isEmpty else { return }
            do {
                let results = try file.perform(batch.map(\.work), limit: options.counterLimit)
                let count = file.count
                state.withLock { $0.count = count }
                for (waiting, pages) in zip(batch, results) {
                    waiting.completion(pages.map { .success($0) } ?? .failure(.tooMany))
                }
            } catch {
                logger.error("counters were not written", metadata: ["error": "\(error)"])
                let failure: CounterFailure = if case .full = error { .full } else { .failed }
                for waiting in batch { waiting.completion(.failure(failure)) }
            }
        }
    }
}
