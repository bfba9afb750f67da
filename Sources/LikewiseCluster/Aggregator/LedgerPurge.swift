package import LikewiseEngine
package import Logging
import Synchronization

/// Takes away bit by bit what deletions of contents left in the ledger, on a thread of its own. Several processes may do so
/// at once: each passes over what another is at.
package final class LedgerPurge: Sendable {
    /// Registers that one transaction removes.
    package static let rowsAtOnce = 5_000

    private let ledger: any Ledger
    private let interval: UInt64
    private let logger: Logger
    private let signal = ThreadSignal()
    private let isStopping = Mutex(false)
    private let thread = Mutex<EngineThread?>(nil)

    /// Starts to look every `interval`. `ledger` should have connections of its own, for whoever writes by the same ones
    /// waits meanwhile.
    package init(_ ledger: any Ledger, every interval: Duration = .seconds(10), logger: Logger) {
        self.ledger = ledger
        self.interval = UInt64(interval.wholeMilliseconds)
        self.logger = logger
        let started = EngineThread(name: "purge", turns: .long) { [self] in run() }
        thread.withLock { $0 = started }
    }

    /// Ends it after the transaction under way. Blocks.
    package func stop() {
        isStopping.withLock { $0 = true }
        signal.signal()
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    private func run() {
        var isFailing = false
        while !isStopping.withLock({ $0 }) {
            do throws(LedgerError) {
                let isLeft = try ledger.purge(limit: Self.rowsAtOnce)
                isFailing = false
                if isLeft { continue }
            } catch {
                // The next look tries again; who writes says what is wrong with the ledger.
                logger.log(
                    level: isFailing ? .debug : .warning, "what was deleted is not purged",
                    metadata: ["reason": "\(error)"])
                isFailing = true
            }
            signal.wait(milliseconds: interval)
        }
    }
}
