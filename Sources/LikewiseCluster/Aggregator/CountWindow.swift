// What changed since the last second: a tumbling window, whose contents' counts are read from the ledger and written to
// Redis as absolute values.
//
// The last few windows are remembered. Where a Redis node was away in the meantime it may have lost what it had answered
// for, so they are written once more; a value never gives way to an older one, so that does no harm.

package import LikewiseCore
package import LikewiseEngine
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
        /// The latest of each; none are kept beyond a bound, for they are only a help.
        package var registers: [RegisterKey: Register] = [:]

        package init() {}

        package var isEmpty: Bool { contents.isEmpty && registers.isEmpty }

        mutating func merge(_ other: Changes) {
            contents.formUnion(other.contents)
            for (key, register) in other.registers { add(key, register) }
        }

        mutating func add(_ key: RegisterKey, _ register: Register) {
            if var held = registers[key] {
                held.merge(register)
                registers[key] = held
            } else if registers.count < CountWindow.registersBound {
                registers[key] = register
            }
        }
    }

    /// Registers of one window, those that could not be written before included.
    package static let registersBound = 1_000_000
    /// Windows that are remembered.
    private static let remembered = 5

    private struct State {
        var changes = Changes()
        var last: [Changes] = []
        var epoch: UInt64
    }

    private let state: Mutex<State>
    private let writer: any WindowWriter
    private let trends: TrendBoard
    private let clock: any EngineClock

    /// A window that `writer` shows; what gained goes to `trends` as well.
    package init(_ writer: any WindowWriter, trends: TrendBoard, clock: any EngineClock) {
        self.writer = writer
        self.trends = trends
        self.clock = clock
        state = Mutex(State(epoch: writer.epoch))
    }

    /// Notes what a committed transaction was made of.
    package func add(_ batcher: EventBatcher) {
        let contents = batcher.contents
        let registers = batcher.registers
        state.withLock { state in
            state.changes.contents.formUnion(contents)
            for (key, register) in registers { state.changes.add(key, register) }
        }
        let gains = batcher.gains.map { TrendBucket.Entry(content: $0.key, gained: $0.value) }
        if !gains.isEmpty { trends.add(gains, at: clock.milliseconds()) }
    }

    /// Writes what changed since the last call.
    package func close() async {
        let epoch = writer.epoch
        let changes = state.withLock { state -> Changes in
            var changes = state.changes
            state.changes = Changes()
            state.last.append(changes)
            if state.last.count > CountWindow.remembered { state.last.removeFirst() }
            if epoch != state.epoch {
                state.epoch = epoch
                for earlier in state.last.dropLast() { changes.merge(earlier) }
            }
            return changes
        }
        guard !changes.isEmpty else { return }
        let left = await writer.write(changes)
        if !left.isEmpty { state.withLock { $0.changes.merge(left) } }
    }
}
