import LikewiseCluster
import LikewiseEngine
import LikewiseTestSupport
import Synchronization
import Testing

@Suite("The fence in front of the ledger", .timeLimit(.minutes(1)))
struct LedgerFenceTests {
    /// Kafka and the ledger as the fence sees them. Time goes by only while the fence pauses, and `onPause` is what the
    /// world does meanwhile.
    private final class MadeUpPorts: FencePorts {
        struct State {
            var ends: [Int32: Int64]
            var held: [Int32: Int64]
            var areEndsDown = false
            var isLedgerDown = false
            var endQuestions = 0
            var looks = 0
            var pauses = 0
        }

        struct Down: Error {}

        let state: Mutex<State>
        let clock: SimulatedClock
        let onPause: @Sendable (inout State) -> Void
        let onQuestion: @Sendable ([Int32]) async -> Void
        let beforePause: @Sendable () async -> Void

        init(
            ends: [Int32: Int64], held: [Int32: Int64], clock: SimulatedClock,
            onQuestion: @escaping @Sendable ([Int32]) async -> Void = { _ in },
            beforePause: @escaping @Sendable () async -> Void = {},
            onPause: @escaping @Sendable (inout State) -> Void = { _ in }
        ) {
            state = Mutex(State(ends: ends, held: held))
            self.clock = clock
            self.onQuestion = onQuestion
            self.beforePause = beforePause
            self.onPause = onPause
        }

        func endOffsets(_ partitions: [Int32]) async throws -> [Int32: Int64] {
            let answer: [Int32: Int64]? = state.withLock { state in
                state.endQuestions += 1
                return state.areEndsDown ? nil : state.ends.filter { partitions.contains($0.key) }
            }
            await onQuestion(partitions)
            guard let answer else { throw Down() }
            return answer
        }

        func ledgerOffsets() async throws -> [Int32: Int64] {
            let answer: [Int32: Int64]? = state.withLock { state in
                state.looks += 1
                return state.isLedgerDown ? nil : state.held
            }
            guard let answer else { throw Down() }
            return answer
        }

        func pause(milliseconds: UInt64) async {
            await beforePause()
            clock.advance(milliseconds: milliseconds)
            state.withLock { state in
                state.pauses += 1
                onPause(&state)
            }
        }
    }

    private let clock = SimulatedClock()

    @Test("returns true when the ledger has reached the ends noted at the call, whatever came since, and not before")
    func reachesEnds() async {
        let ports = MadeUpPorts(
            ends: [0: 10, 1: 5], held: [0: 8, 1: 5], clock: clock,
            onPause: { state in
                state.ends[0] = 100
                state.held[0, default: 0] += 1
            })
        let fence = LedgerFence(ports, clock: clock)
        #expect(await fence.wait([0, 1]))
        #expect(ports.state.withLock { $0.pauses } == 2)
        #expect(ports.state.withLock { $0.held[0] } == 10)
    }

    @Test("a ledger that is there already, or holds nothing of an empty partition, is not waited for")
    func isThere() async {
        let ports = MadeUpPorts(ends: [0: 10, 1: 0], held: [0: 10], clock: clock)
        let fence = LedgerFence(ports, clock: clock)
        #expect(await fence.wait([0, 1]))
        #expect(ports.state.withLock { $0.pauses } == 0)
    }

    @Test("a ledger that has nothing of a partition yet is behind")
    func nothingYet() async {
        let ports = MadeUpPorts(ends: [0: 1], held: [:], clock: clock, onPause: { $0.held = [0: 1] })
        let fence = LedgerFence(ports, clock: clock)
        #expect(await fence.wait([0]))
        #expect(ports.state.withLock { $0.pauses } == 1)
    }

    @Test("gives up when the patience is over")
    func patience() async {
        let ports = MadeUpPorts(ends: [0: 10], held: [0: 9], clock: clock)
        let fence = LedgerFence(ports, clock: clock, patience: 300)
        let started = clock.nanoseconds()
        #expect(await !fence.wait([0]))
        let milliseconds = (clock.nanoseconds() - started) / 1_000_000
        #expect((300...310).contains(milliseconds))
    }

    @Test("many who wait at a time cost a few questions")
    func singleFlight() async {
        /// Opens the gate at the so-and-so-many-th reading: each who waits reads the clock once when he comes.
        final class CountingClock: EngineClock {
            let readings = Mutex(0)
            let gate: Gate
            let most: Int

            init(_ gate: Gate, most: Int) {
                self.gate = gate
                self.most = most
            }

            func milliseconds() -> UInt64 { 0 }

            func nanoseconds() -> UInt64 {
                if readings.withLock({
                    $0 += 1; return $0
                }) == most {
                    gate.open()
                }
                return 1_000_000_000
            }
        }
        let gate = Gate()
        let ports = MadeUpPorts(ends: [0: 10], held: [0: 10], clock: clock, onQuestion: { _ in await gate.pass() })
        let fence = LedgerFence(ports, clock: CountingClock(gate, most: 500))
        let held = await withTaskGroup(of: Bool.self) { tasks in
            for _ in 0..<500 { tasks.addTask { await fence.wait([0]) } }
            return await tasks.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(held == 500)
        #expect(ports.state.withLock { $0.endQuestions } <= 10)
    }

    @Test("a partition that stands still holds up nobody else while fewer rounds than the bound wait for it")
    func standsStill() async {
        let gate = Gate()
        let ports = MadeUpPorts(
            ends: [0: 10, 1: 10], held: [0: 9, 1: 10], clock: clock, beforePause: { await gate.pass() })
        let fence = LedgerFence(ports, clock: clock)
        let stuck = Task {
            await withTaskGroup(of: Bool.self) { tasks in
                for number in 1...3 {
                    tasks.addTask { await fence.wait([0]) }
                    await gate.arrivals(number)
                }
                return await tasks.reduce(into: []) { $0.append($1) }
            }
        }
        await gate.arrivals(3)
        #expect(await fence.wait([1]))
        gate.open()
        #expect(await stuck.value == [false, false, false])
    }

    @Test("when all rounds wait for a partition that stands still, others wait no longer than its patience")
    func allStandStill() async {
        let gate = Gate()
        let ports = MadeUpPorts(
            ends: [0: 10, 1: 10], held: [0: 9, 1: 10], clock: clock, beforePause: { await gate.pass() })
        let fence = LedgerFence(ports, clock: clock, patience: 200)
        let started = clock.nanoseconds()
        await withTaskGroup(of: Void.self) { tasks in
            for number in 1...4 {
                tasks.addTask { #expect(await !fence.wait([0])) }
                await gate.arrivals(number)
            }
            tasks.addTask { #expect(await fence.wait([1])) }
            gate.open()
        }
        #expect((clock.nanoseconds() - started) / 1_000_000 <= 4 * 205)
    }

    @Test("who shares a round with a partition that stands still is let go as soon as his own are there")
    func sharedRound() async {
        let ports = MadeUpPorts(ends: [0: 10, 1: 10], held: [0: 9, 1: 9], clock: clock, onPause: { $0.held[1] = 10 })
        let fence = LedgerFence(ports, clock: clock)
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { #expect(await !fence.wait([0])) }
            tasks.addTask { #expect(await fence.wait([1])) }
        }
    }

    @Test("where nobody can be asked all are told so, and for a while nobody is asked again", arguments: [true, false])
    func failure(isKafka: Bool) async {
        let ports = MadeUpPorts(ends: [0: 10], held: [0: 10], clock: clock)
        ports.state.withLock { state in
            if isKafka { state.areEndsDown = true } else { state.isLedgerDown = true }
        }
        let fence = LedgerFence(ports, clock: clock)
        #expect(await !fence.wait([0]))
        ports.state.withLock { ($0.areEndsDown, $0.isLedgerDown) = (false, false) }
        #expect(await !fence.wait([0]))
        #expect(ports.state.withLock { $0.endQuestions } == 1)
        clock.advance(milliseconds: 500)
        #expect(await fence.wait([0]))
        #expect(ports.state.withLock { $0.endQuestions } == 2)
    }
}
