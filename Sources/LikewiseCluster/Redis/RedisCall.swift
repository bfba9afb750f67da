// One call of a caller: its commands go to the nodes that own their keys, one flight a node, and what a node answers with
// "not here" or "not now" goes on from there until the call's time is over. Only refusals are sent again: they had no
// effect, so that nothing takes effect twice.

import NIOCore
import Synchronization

final class RedisCall: Sendable {
    typealias Results = [Result<RedisValue, RedisError>]

    /// Times that one command is sent at most.
    static let attemptLimit = 10
    /// The bounds of the waits before a command is sent again that was refused for the moment: nanoseconds.
    static let (firstWait, longestWait): (UInt64, UInt64) = (5_000_000, 200_000_000)

    private struct Work: Sendable {
        enum Target: Sendable {
            case owner
            case node(RedisAddress, asking: Bool)
        }

        let index: Int
        var command: RedisCommand
        var target = Target.owner
        var attempts = 1
    }

    private struct State {
        var results: [Result<RedisValue, RedisError>?]
        var missing: Int
    }

    private let topology: RedisTopology
    private let loop: any EventLoop
    private let deadline: UInt64
    private let state: Mutex<State>
    private let completion: @Sendable (Results) -> Void

    private init(
        count: Int, deadline: UInt64, topology: RedisTopology, loop: any EventLoop,
        completion: @escaping @Sendable (Results) -> Void
    ) {
        self.topology = topology
        self.loop = loop
        self.deadline = deadline
        self.completion = completion
        state = Mutex(State(results: Array(repeating: nil, count: count), missing: count))
    }

    /// Sends `commands`; `completion` is called once, on any thread.
    static func start(
        _ commands: [RedisCommand], deadline: UInt64, topology: RedisTopology, loop: any EventLoop,
        completion: @escaping @Sendable (Results) -> Void
    ) {
        topology.traffic.sent(commands.count)
        let map = topology.map
        if let map, map.layout.owners.isEmpty {
            // The common case, all to one server: no bookkeeping unless one comes back.
            let node = map.nodes[0]
            return node.submit(
                RedisFlight(commands, deadline: deadline) { results in
                    if results.allSatisfy({ isFinal($0, of: node) }) { return completion(results) }
                    let call = RedisCall(
                        count: commands.count, deadline: deadline, topology: topology, loop: loop,
                        completion: completion)
                    call.take(results, for: commands.enumerated().map { Work(index: $0, command: $1) }, of: node)
                })
        }
        let call = RedisCall(
            count: commands.count, deadline: deadline, topology: topology, loop: loop, completion: completion)
        let work = commands.enumerated().map { Work(index: $0, command: $1) }
        if map != nil { return call.dispatch(work) }
        call.waitForMap(work)
    }

    /// Goes on when somebody has said who is who, or gives up when nobody does in time.
    private func waitForMap(_ work: [Work]) {
        // Whoever comes first, the map or the end of the time, takes the work.
        let waiting = Taken(work)
        let timer = loop.scheduleTask(deadline: .uptimeNanoseconds(deadline)) {
            self.refuse(waiting.take(), .unavailable(.noMaster))
        }
        let isWaiting = topology.whenMapped {
            timer.cancel()
            let work = waiting.take()
            if self.topology.map != nil { return self.dispatch(work) }
            self.topology.requestRefresh()
            self.refuse(work, .unavailable(self.topology.isShutDown ? .shutDown : .noMaster))
        }
        if isWaiting { return }
        timer.cancel()
        refuse(waiting.take(), .overloaded)
    }

    private func refuse(_ work: [Work], _ error: RedisError) {
        settle(work.map { ($0.index, .failure(error)) })
    }

    /// Something that the first who asks gets.
    private final class Taken: Sendable {
        private let work: Mutex<[Work]>

        init(_ work: [Work]) { self.work = Mutex(work) }

        /// The work for the first, nothing for all others.
        func take() -> [Work] {
            work.withLock { work in
                defer { work = [] }
                return work
            }
        }
    }

    private static func isFinal(_ result: Result<RedisValue, RedisError>, of node: RedisNode) -> Bool {
        switch result {
        case .success: true
        case .failure(.refused(let code, let words)):
            RedisVerdict(code: code, words: words, asked: node.address) == .final
        // The masters may have changed, which is to be found out.
        case .failure(let error): error != .unavailable(.notConnected) && error != .unavailable(.breakerOpen)
        }
    }

    // MARK: Out

    private func dispatch(_ work: [Work]) {
        let map = topology.map
        var groups: [ObjectIdentifier: (node: RedisNode, work: [Work])] = [:]
        var homeless: [Work] = []
        for item in work {
            let node: RedisNode? =
                switch item.target {
                case .owner: map?.node(for: item.command)
                case .node(let address, _): topology.node(at: address)
                }
            if let node {
                groups[ObjectIdentifier(node), default: (node, [])].work.append(item)
            } else {
                homeless.append(item)
            }
        }
        for (node, work) in groups.values { send(work, to: node) }
        guard !homeless.isEmpty else { return }
        topology.requestRefresh()
        let reason: RedisError.Reason = topology.isShutDown ? .shutDown : .noMaster
        repeatLater(homeless.map { ($0, .failure(.unavailable(reason))) })
    }

    private func send(_ work: [Work], to node: RedisNode) {
        var commands: [RedisCommand] = []
        commands.reserveCapacity(work.count)
        // Where each command's answer will be, if some are preceded by ASKING.
        var positions: [Int]?
        for (index, item) in work.enumerated() {
            if case .node(_, asking: true) = item.target {
                if positions == nil { positions = Array(0..<index) }
                commands.append(Self.asking)
            }
            positions?.append(commands.count)
            commands.append(item.command)
        }
        node.submit(
            RedisFlight(commands, deadline: deadline) { [positions] results in
                self.take(positions.map { $0.map { results[$0] } } ?? results, for: work, of: node)
            })
    }

    private static let asking = RedisCommand("ASKING")

    // MARK: In

    private func take(_ results: Results, for work: [Work], of node: RedisNode) {
        var settled: [(Int, Result<RedisValue, RedisError>)] = []
        settled.reserveCapacity(results.count)
        var again: [Work] = []
        var later: [(Work, Result<RedisValue, RedisError>)] = []
        for (item, result) in zip(work, results) {
            switch verdict(result, of: node) {
            case .moved(let slot, let address) where item.attempts < Self.attemptLimit:
                topology.traffic.redirected()
                topology.moved(slot: slot, to: address)
                again.append(next(item, .node(address, asking: false)))
            case .ask(let address) where item.attempts < Self.attemptLimit:
                topology.traffic.redirected()
                again.append(next(item, .node(address, asking: true)))
            case .withScriptText where item.command.script != nil:
                topology.traffic.repeated(1)
                var item = next(item, item.target)
                item.command = item.command.withScriptText ?? item.command
                again.append(item)
            case .later(let askWho) where item.attempts < Self.attemptLimit:
                if askWho { topology.requestRefresh() }
                later.append((item, result))
            default: settled.append((item.index, result))
            }
        }
        if !again.isEmpty { dispatch(again) }
        if !later.isEmpty { repeatLater(later) }
        settle(settled)
    }

    private func verdict(_ result: Result<RedisValue, RedisError>, of node: RedisNode) -> RedisVerdict {
        switch result {
        case .success: return .final
        case .failure(.refused(let code, let words)):
            return RedisVerdict(code: code, words: words, asked: node.address)
        case .failure(.unavailable):
            topology.requestRefresh()
            return .final
        case .failure: return .final
        }
    }

    private func next(_ item: Work, _ target: Work.Target) -> Work {
        var item = item
        item.target = target
        item.attempts += 1
        return item
    }

    /// Sends these again after a wait, or gives them their results where no time or attempt is left.
    private func repeatLater(_ work: [(item: Work, result: Result<RedisValue, RedisError>)]) {
        var backoff = RedisBackoff(base: Self.firstWait, limit: Self.longestWait)
        let attempts = work.map(\.item.attempts).max() ?? 1
        for _ in 1..<attempts { _ = backoff.next(random: 0) }
        let due = NIODeadline.now().uptimeNanoseconds + backoff.next(random: .random(in: 0.25..<1))
        if due >= deadline || attempts >= Self.attemptLimit || topology.isShutDown {
            return settle(work.map { ($0.item.index, $0.result) })
        }
        topology.traffic.repeated(work.count)
        let again = work.map { next($0.item, .owner) }
        loop.scheduleTask(deadline: .uptimeNanoseconds(due)) { self.dispatch(again) }
    }

    private func settle(_ settled: [(Int, Result<RedisValue, RedisError>)]) {
        guard !settled.isEmpty else { return }
        let results = state.withLock { state -> Results? in
            for (index, result) in settled { state.results[index] = result }
            state.missing -= settled.count
            guard state.missing == 0 else { return nil }
            defer { state.results = [] }
            return state.results.compactMap { $0 }
        }
        if let results { completion(results) }
    }
}
