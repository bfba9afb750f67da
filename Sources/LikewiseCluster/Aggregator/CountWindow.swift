// What changed since the last second: a tumbling window, whose contents' counts are read from the ledger and written to
// Redis as absolute values.
//
// The last few windows are remembered. Where a Redis node was away in the meantime it may have lost what it had answered
// for, so they are written once more; a value never gives way to an older one, so that does no harm. While a node is away
// none is forgotten: what it may have lost is of the seconds before it went, however long it stays away.

package import LikewiseEngine
import Metrics
import Synchronization

/// What a window shows to others.
package protocol WindowWriter: Sendable {
    /// Writes the present counts of these contents, and these registers. Answers what could not be written, which is part
    /// of the next window: an older register that Redis kept must not stand for longer than Redis is away.
    func write(_ window: CountWindow.Changes) async -> CountWindow.Changes
    /// Rises when a Redis node came back, or the topology changed.
    var epoch: UInt64 { get }
}

/// Gathers what changes, from one thread, and writes it once a second from a task.
package final class CountWindow: Sendable {
    /// What changed in a span of time.
    package struct Changes: Sendable {
        package var contents: Set<[UInt8]> = []
        /// The latest of each.
        package var registers = RegisterTable()

        package init() {}

        package var isEmpty: Bool { contents.isEmpty && registers.isEmpty }

        /// Answers how many registers were left out because of the bound.
        mutating func merge(_ contents: Set<[UInt8]>, _ registers: RegisterTable) -> Int {
            self.contents.formUnion(contents)
            return self.registers.merge(registers, bound: CountWindow.registersBound)
        }
    }

    /// Registers of one window, those that could not be written before included. What is beyond is not written and
    /// counted in the metrics: where Redis was away for so long, an older register that it kept may stand until it expires.
    package static let registersBound = 1_000_000
    /// Windows that are remembered; all those that end while something cannot be written are one.
    private static let remembered = 5

    private struct State {
        var changes = Changes()
        var gains: [[UInt8]: Int64] = [:]
        var last: [Changes] = []
        /// Whether something of the last window could not be written.
        var isAway = false
        var epoch: UInt64

        /// Answers how many registers were left out because of the bound.
        mutating func remember(_ changes: Changes) -> Int {
            if isAway, !last.isEmpty { return last[last.count - 1].merge(changes.contents, changes.registers) }
            last.append(changes)
            if last.count > CountWindow.remembered { last.removeFirst() }
            return 0
        }
    }

    private let state: Mutex<State>
    private let writer: any WindowWriter
    private let trends: TrendBoard
    private let clock: any EngineClock
    private let left = Metrics.Counter(label: "likewise_window_registers_left_out")

    /// A window that `writer` shows; what gained goes to `trends` as well.
    package init(_ writer: any WindowWriter, trends: TrendBoard, clock: any EngineClock) {
        self.writer = writer
        self.trends = trends
        self.clock = clock
        state = Mutex(State(epoch: writer.epoch))
    }

    /// Notes what a committed transaction was made of, or one that may have been: to show what did not change does no harm.
    /// What contents gained is told to the trends only with `gains`.
    package func add(_ batcher: EventBatcher, gains: Bool = true) {
        let contents = batcher.contents
        let gains = gains ? batcher.gains : [:]
        note(
            state.withLock { state in
                for (content, gained) in gains { state.gains[content, default: 0] += gained }
                return state.changes.merge(contents, batcher.registers)
            })
    }

    /// Writes what changed since the last call.
    package func close() async {
        let epoch = writer.epoch
        let (changes, gains, leftOut) = state.withLock { state in
            var changes = state.changes
            let gains = state.gains
            (state.changes, state.gains) = (Changes(), [:])
            var leftOut = state.remember(changes)
            if epoch != state.epoch {
                state.epoch = epoch
                for earlier in state.last { leftOut += changes.merge(earlier.contents, earlier.registers) }
            }
            return (changes, gains, leftOut)
        }
        note(leftOut)
        tell(gains)
        guard !changes.isEmpty else { return }
        let failed = await writer.write(changes)
        note(
            state.withLock { state in
                state.isAway = !failed.isEmpty
                return state.changes.merge(failed.contents, failed.registers)
            })
    }

    /// Gives the trends what gained most.
    private func tell(_ gains: [[UInt8]: Int64]) {
        var entries = gains.map { TrendBucket.Entry(content: $0.key, gained: $0.value) }
        guard !entries.isEmpty else { return }
        if entries.count > TrendBoard.reportedContents {
            entries.sort { $0.gained > $1.gained }
            entries.removeLast(entries.count - TrendBoard.reportedContents)
        }
        trends.add(entries, at: clock.milliseconds())
    }

    private func note(_ count: Int) {
        if count > 0 { left.increment(by: count) }
    }
}
