// Redis, Kafka and PostgreSQL as an API node sees them, in memory, with lag, loss and failures on demand.

import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Synchronization

/// What several nodes share.
final class SimulatedCluster: RegisterCache, ContentCache, LedgerView, EventPublisher, TrendSource {
    struct State {
        var random: SeededRandom
        var cached: [RegisterKey: Register] = [:]
        /// Acknowledged, and not in the ledger yet.
        var pending: [LikeEvent] = []
        var registers: [RegisterKey: Register] = [:]
        var deleted: [[UInt8]: Version] = [:]
        var descriptions: [[UInt8]: ContentDescription] = [:]
        /// Everything that was acknowledged, in order.
        var acknowledged: [LikeEvent] = []
        /// The keys that they went by.
        var keys: Set<[UInt8]> = []
        var isRedisDown = false
        /// Whether what Redis holds is the latest.
        var isSettled = true
        var isLedgerDown = false
        /// What becomes of events.
        var publication = Publication.durable
        var catchUps = 0
    }

    let state: Mutex<State>

    init(seed: UInt64) { state = Mutex(State(random: SeededRandom(seed: seed))) }

    // MARK: What the world does

    /// Takes some of the pending events into the ledger, in any order.
    func ledgerTakesSome() {
        state.withLock { state in
            guard !state.isLedgerDown else { return }
            let count = state.pending.isEmpty ? 0 : Int.random(in: 0...state.pending.count, using: &state.random)
            for _ in 0..<count {
                Self.take(
                    state.pending.remove(at: Int.random(in: 0..<state.pending.count, using: &state.random)), &state)
            }
        }
    }

    /// Removes each key of Redis with this probability.
    func redisLoses(_ share: Double) {
        state.withLock { state in
            for key in state.cached.keys.sorted(by: { "\($0)" < "\($1)" })
            where Double.random(in: 0..<1, using: &state.random) < share {
                state.cached[key] = nil
            }
        }
    }

    /// Whether Redis holds the register.
    func holds(_ content: String, _ user: String) -> Bool {
        let key = RegisterKey(content: Array(content.utf8), user: Array(user.utf8))
        return state.withLock { $0.cached[key] != nil }
    }

    func settle() {
        state.withLock { state in
            for event in state.pending { Self.take(event, &state) }
            state.pending = []
        }
    }

    private static func take(_ event: LikeEvent, _ state: inout State) {
        switch event.kind {
        case .register:
            let key = RegisterKey(content: event.content, user: event.user)
            guard event.version > state.deleted[event.content] ?? .zero else { return }
            state.registers[key, default: .untouched].merge(event.register)
        case .contentPut:
            state.descriptions[event.content] = ContentDescription(
                type: event.type, visibility: event.visibility, registered: true)
        case .contentDeleted:
            guard event.version > state.deleted[event.content] ?? .zero else { return }
            state.deleted[event.content] = event.version
            state.descriptions[event.content] = nil
            state.registers = state.registers.filter {
                $0.key.content != event.content || $0.value.version > event.version
            }
        }
    }

    private static func content(_ id: [UInt8], _ state: State) -> ClusterContent {
        var tally = Tally()
        for (key, register) in state.registers where key.content == id {
            tally.apply(old: .none, new: register.reaction)
        }
        return ClusterContent(
            tally: tally, description: state.descriptions[id] ?? ContentDescription(),
            deleted: state.deleted[id] ?? .zero)
    }

    // MARK: The ports

    func find(_ keys: [RegisterKey]) async -> [Register?] {
        await Task.yield()
        return state.withLock { state in state.isRedisDown ? keys.map { _ in nil } : keys.map { state.cached[$0] } }
    }

    var isSettled: Bool { state.withLock { $0.isSettled } }

    func put(_ registers: [(key: RegisterKey, register: Register)]) async {
        await Task.yield()
        state.withLock { state in
            guard !state.isRedisDown else { return }
            for (key, register) in registers {
                var held = state.cached[key] ?? .untouched
                held.merge(register)
                state.cached[key] = held
            }
        }
    }

    func published(_ content: UnsafeRawBufferPointer) -> ClusterContent? { nil }

    func contents(_ ids: [[UInt8]]) async -> [ClusterContent?] {
        state.withLock { state in ids.map { Self.content($0, state) } }
    }

    func note(_ content: ClusterContent, of id: [UInt8]) {}

    func registers(_ keys: [RegisterKey]) async throws(LedgerError) -> [Register] {
        await Task.yield()
        let found: [Register]? = state.withLock { state in
            state.isLedgerDown ? nil : keys.map { state.registers[$0] ?? .untouched }
        }
        guard let found else { throw .failed("the ledger is down") }
        return found
    }

    func catchUp(_ keys: [RegisterKey]) async -> Bool { await catchUp() }

    func catchUp() async -> Bool {
        await Task.yield()
        return state.withLock { state in
            state.catchUps += 1
            guard !state.isLedgerDown else { return false }
            for event in state.pending { Self.take(event, &state) }
            state.pending = []
            return true
        }
    }

    func likes(
        of subject: ListSubject, behind position: LikePosition?, limit: Int
    ) async throws(LedgerError) -> [LedgerLike] { [] }

    func publish(_ events: [KeyedEvent]) async -> [Publication] {
        await Task.yield()
        return state.withLock { state in
            if case .durable = state.publication {
                state.pending += events.map(\.event)
                state.acknowledged += events.map(\.event)
                state.keys.formUnion(events.map(\.key))
            }
            return events.map { _ in state.publication }
        }
    }

    func top(_ window: TrendWindow, limit: Int) async -> [TrendBucket.Entry] { [] }
}
