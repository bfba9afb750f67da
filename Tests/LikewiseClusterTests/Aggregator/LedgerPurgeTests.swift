import LikewiseCluster
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("What deletions left", .timeLimit(.minutes(1)))
struct LedgerPurgeTests {
    /// Has so much left to purge; fails when it is told to.
    private final class LeftoverLedger: Ledger {
        let state = Monitor((left: 0, calls: 0, failing: 0))

        func purge(limit: Int) throws(LedgerError) -> Bool {
            let failed = state.update { state in
                state.calls += 1
                if state.failing > 0 {
                    state.failing -= 1
                    return true
                }
                state.left = max(0, state.left - limit)
                return false
            }
            if failed { throw .failed("made up: it is down") }
            return state.update { $0.left > 0 }
        }

        func apply(_ batches: [LedgerBatch]) throws(LedgerError) {}
        func makeReader() throws(LedgerError) -> any LedgerReader { throw .failed("made up: nobody reads") }
        func setReactions(_ names: [String]) throws(LedgerError) {}
        func save(_ trends: [TrendBucket]) throws(LedgerError) {}
    }

    @Test(
        "all of it is taken away, a bounded number at a time, also where the ledger fails in between; stopped, it ends")
    func purges() async throws {
        let ledger = LeftoverLedger()
        ledger.state.update { ($0.left, $0.failing) = (12 * LedgerPurge.rowsAtOnce, 2) }
        let purge = LedgerPurge(ledger, every: .milliseconds(5), logger: .silent)
        let calls = try await RedisBed.started {
            ledger.state.wait(seconds: 30) { $0.left == 0 ? $0.calls : nil }
        }
        #expect((calls ?? 0) >= 14)
        // What is deleted later is found as well.
        ledger.state.update { $0.left = 1 }
        let isFound = try await RedisBed.started { ledger.state.wait(seconds: 30) { $0.left == 0 ? true : nil } }
        #expect(isFound == true)
        try await RedisBed.started { purge.stop() }
        let after = ledger.state.update { state in
            state.left = 1
            return state.calls
        }
        #expect(ledger.state.update { $0.calls } == after)
    }
}
