import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Synchronization
import Testing

@Suite("What changed in the last second")
struct CountWindowTests {
    /// Keeps what is written; fails, and tells of a Redis node that came back, when the test says so.
    private final class MadeUpWriter: WindowWriter {
        struct State {
            var written: [CountWindow.Changes] = []
            var fails = false
            var epoch: UInt64 = 0
        }

        let state = Mutex(State())

        var epoch: UInt64 { state.withLock { $0.epoch } }

        func write(_ window: CountWindow.Changes) async -> CountWindow.Changes {
            state.withLock { state in
                state.written.append(window)
                return state.fails ? window : CountWindow.Changes()
            }
        }

        /// The contents of each window that was written since the last call.
        func take() -> [Set<String>] {
            state.withLock { state in
                defer { state.written = [] }
                return state.written.map { Set($0.contents.map { String(decoding: $0, as: UTF8.self) }) }
            }
        }
    }

    private let writer = MadeUpWriter()
    private let trends = TrendBoard()
    private let clock = SimulatedClock()
    private let window: CountWindow

    init() { window = CountWindow(writer, trends: trends, clock: clock) }

    private func add(_ events: LikeEvent...) {
        var batcher = EventBatcher()
        for (index, event) in events.enumerated() { batcher.take(event, partition: 0, offset: Int64(index)) }
        window.add(batcher)
    }

    @Test("a window has what changed since the last one, each content once; where nothing changed nothing is written")
    func tumbles() async {
        add(.register("a", "u", at: 1), .register("a", "v", at: 2))
        add(.register("b", "u", at: 3), .register("a", "u", at: 4, .none, was: .like))
        await window.close()
        let registers = writer.state.withLock { $0.written.first?.registers ?? RegisterTable() }
        #expect(registers.count == 3)
        #expect(registers[Array("a".utf8), Array("u".utf8)]?.reaction == Reaction.none)
        #expect(writer.take() == [["a", "b"]])
        await window.close()
        #expect(writer.take().isEmpty)
    }

    @Test("what a failed write had comes with the next, as often as it takes")
    func failedWrite() async {
        writer.state.withLock { $0.fails = true }
        add(.register("a", "u", at: 1))
        await window.close()
        add(.register("b", "u", at: 2), .register("a", "u", at: 3, .none, was: .like))
        await window.close()
        writer.state.withLock { $0.fails = false }
        await window.close()
        let last = writer.state.withLock { $0.written.last?.registers ?? RegisterTable() }
        #expect(last[Array("a".utf8), Array("u".utf8)]?.version.reading == 3)
        #expect(writer.take() == [["a"], ["a", "b"], ["a", "b"]])
        await window.close()
        #expect(writer.take().isEmpty)
    }

    @Test("when a Redis node came back the last five windows are written once more, and older ones are not")
    func epochRose() async {
        for number in 1...7 {
            add(.register("c\(number)", "u", at: UInt64(number)))
            await window.close()
        }
        #expect(writer.take().count == 7)
        writer.state.withLock { $0.epoch += 1 }
        await window.close()
        #expect(writer.take() == [["c4", "c5", "c6", "c7"]], "the window that is just over is one of the five")
        await window.close()
        #expect(writer.take().isEmpty)
    }

    @Test("while a Redis node is away, the windows before it went are remembered, however long that takes")
    func longAway() async {
        add(.register("before", "u", at: 1))
        await window.close()
        writer.state.withLock { $0.fails = true }
        for number in 1...12 {
            add(.register("c\(number)", "u", at: UInt64(number + 1)))
            await window.close()
        }
        writer.state.withLock { ($0.epoch, $0.fails) = (1, false) }
        _ = writer.take()
        await window.close()
        #expect(writer.take() == [Set((1...12).map { "c\($0)" } + ["before"])])
        for number in 20...25 {
            add(.register("c\(number)", "u", at: UInt64(number)))
            await window.close()
        }
        writer.state.withLock { $0.epoch = 2 }
        _ = writer.take()
        await window.close()
        #expect(writer.take() == [["c22", "c23", "c24", "c25"]], "once it is back, windows are forgotten again")
    }

    @Test("windows that are written again and fail come with the next although the node has not come back again")
    func epochRoseAndFailed() async {
        add(.register("a", "u", at: 1))
        await window.close()
        writer.state.withLock { ($0.epoch, $0.fails) = (1, true) }
        add(.register("b", "u", at: 2))
        await window.close()
        writer.state.withLock { $0.fails = false }
        await window.close()
        #expect(writer.take() == [["a"], ["a", "b"], ["a", "b"]])
    }

    @Test("registers are kept up to a bound, and contents are never left out")
    func bounds() async {
        let count = CountWindow.registersBound + 50
        var batcher = EventBatcher()
        for number in 0..<count {
            batcher.take(.register("c\(number)", "u", at: 1), partition: 0, offset: Int64(number))
        }
        window.add(batcher)
        await window.close()
        let (contents, registers) = writer.state.withLock { state in
            (state.written.first?.contents.count, state.written.first?.registers.count)
        }
        #expect(contents == count)
        #expect(registers == CountWindow.registersBound)
    }

    @Test("what contents gained goes to the trends when the window is over")
    func gains() async {
        add(.register("a", "u", at: 1), .register("b", "u", at: 2), .register("b", "v", at: 3))
        await window.close()
        #expect(trends.top(.minute, limit: 1, at: clock.milliseconds()).map(\.content) == [Array("b".utf8)])
        clock.advance(milliseconds: 120_000)
        #expect(trends.top(.minute, limit: 1, at: clock.milliseconds()).isEmpty)
    }
}
