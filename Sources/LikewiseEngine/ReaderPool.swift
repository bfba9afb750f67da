// Threads for what reads the ledger at length: lists, and filters to be loaded. Bounded in threads and in what waits.

import LikewiseCore

final class ReaderPool: Sendable {
    typealias Job = @Sendable (any LedgerReader) -> Void

    private struct Queue {
        var jobs: [Job] = []
        var isStopping = false
    }

    private let queue = Monitor(Queue())
    private let bound: Int
    private let threads: [EngineThread]

    /// Starts one thread per reader. `bound`: jobs that may wait.
    init(name: String, readers: [any LedgerReader], bound: Int) {
        self.bound = bound
        let queue = queue
        threads = readers.map { reader in
            let confined = Confined(reader)
            return EngineThread(name: name) { ReaderPool.run(queue, confined.value) }
        }
    }

    private enum Task {
        case job(Job)
        case stop
        case releaseMemory
    }

    private static func run(_ queue: Monitor<Queue>, _ reader: any LedgerReader) {
        var holdsMemory = true
        while true {
            let deadline = holdsMemory ? SystemClock().nanoseconds() + LedgerWriterOptions.idleInterval : nil
            let task = queue.wait(until: deadline) { queue -> Task? in
                if !queue.jobs.isEmpty { return .job(queue.jobs.removeFirst()) }
                return queue.isStopping ? .stop : nil
            }
            switch task ?? .releaseMemory {
            case .job(let job):
                job(reader)
                holdsMemory = true
            case .stop: return
            case .releaseMemory:
                reader.releaseMemory()
                holdsMemory = false
            }
        }
    }

    /// False at the bound, and once stopped.
    func submit(_ job: @escaping Job) -> Bool {
        queue.withLockAndSignal { queue in
            guard !queue.isStopping, queue.jobs.count < bound else { return (false, false) }
            queue.jobs.append(job)
            return (true, true)
        }
    }

    /// Ends the threads once the jobs that wait are done.
    func stop() {
        // One thread is woken by each signal, and wakes the next by ending.
        for _ in threads {
            queue.withLockAndSignal { queue in
                queue.isStopping = true
                return ((), true)
            }
        }
        for thread in threads { thread.join() }
    }
}
