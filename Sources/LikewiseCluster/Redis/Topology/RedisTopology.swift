// Who is master of what. Standalone: said by the options. Sentinel: asked of the sentinels, at the start, when they say that
// it changed, and when the master is lost or turns out to be a replica. Cluster: asked of any node, at the start, when a
// node is lost or points elsewhere. In both also now and then unasked, and never more often than `RefreshPace` allows.

import Logging
import NIOCore
import Synchronization

/// A layout with the nodes to it, as calls use it; a change makes a new one.
final class RedisMap: Sendable {
    let layout: RedisLayout
    /// In the order of `layout.masters`.
    let nodes: [RedisNode]

    init(layout: RedisLayout, nodes: [RedisNode]) {
        self.layout = layout
        self.nodes = nodes
    }

    /// The master for a command; nil where nobody owns its slot.
    func node(for command: RedisCommand) -> RedisNode? {
        if nodes.count == 1, layout.owners.isEmpty { return nodes[0] }
        guard let slot = command.slot else { return nodes.randomElement() }
        return layout.owner(of: slot).map { nodes[$0] }
    }
}

final class RedisTopology: Sendable {
    /// Calls that wait for the first answer to who is who; beyond it they are refused.
    static let waiterLimit = 16_384
    /// Servers known at a time; beyond it redirections are not followed.
    static let nodeLimit = 1_024

    private struct State {
        var map: RedisMap?
        /// Masters, and what was asked or pointed to.
        var nodes: [RedisAddress: RedisNode] = [:]
        var sentinels: [RedisAddress: RedisNode] = [:]
        var pace: RefreshPace
        var hasFailed = false
        var waiters: [@Sendable () -> Void] = []
        var isShutDown = false
        var timer: Scheduled<Void>?
    }

    private let options: RedisOptions
    private let group: any EventLoopGroup
    private let logger: Logger
    private let state = Mutex(State(pace: RefreshPace(interval: 100_000_000)))
    private let changes = Atomic<UInt64>(0)
    /// What calls do.
    let traffic = RedisTraffic()

    init(_ options: RedisOptions, group: any EventLoopGroup, logger: Logger) {
        self.options = options
        self.group = group
        self.logger = logger
    }

    /// Begins to connect.
    func start() {
        switch options.topology {
        case .standalone(let address): apply(RedisLayout(single: address))
        case .sentinel(let addresses, _):
            state.withLock { state in
                for address in addresses { state.sentinels[address] = makeNode(address, .sentinel) }
                for sentinel in state.sentinels.values { sentinel.connect() }
            }
            requestRefresh()
            scheduleRefresh()
        case .cluster:
            requestRefresh()
            scheduleRefresh()
        }
    }

    /// Rises when a connection was made anew, and when masters changed.
    var epoch: UInt64 { changes.load(ordering: .acquiring) }

    /// nil until somebody has said who is who.
    var map: RedisMap? { state.withLock { $0.map } }

    var health: [RedisNodeHealth] {
        let nodes = state.withLock { Array($0.nodes.values) + Array($0.sentinels.values) }
        return nodes.map(\.health).sorted { $0.address.description < $1.address.description }
    }

    // MARK: What calls find out

    /// Calls `body` once, when there is a map or there will be none soon; false where too many wait already.
    func whenMapped(_ body: @escaping @Sendable () -> Void) -> Bool {
        enum Answer { case now, later, refused }
        let answer = state.withLock { state -> Answer in
            if state.map != nil || state.isShutDown || (state.hasFailed && !state.pace.isRunning) { return .now }
            guard state.waiters.count < Self.waiterLimit else { return .refused }
            state.waiters.append(body)
            return .later
        }
        switch answer {
        case .now: body()
        case .later: requestRefresh()
        case .refused: return false
        }
        return true
    }

    /// The server at an address that a redirection named; nil beyond the limit, and after the end.
    func node(at address: RedisAddress) -> RedisNode? {
        state.withLock { node(at: address, in: &$0) }
    }

    /// A server said that it has given a slot to another.
    func moved(slot: UInt16, to address: RedisAddress) {
        state.withLock { state in
            guard let map = state.map, let node = node(at: address, in: &state) else { return }
            if let owner = map.layout.owner(of: slot), map.nodes[owner] === node { return }
            var layout = map.layout
            layout.move(slot: slot, to: address)
            state.map = RedisMap(
                layout: layout, nodes: layout.masters.count > map.nodes.count ? map.nodes + [node] : map.nodes)
            changes.add(1, ordering: .acquiringAndReleasing)
        }
        requestRefresh()
    }

    /// Somebody has reason to think that masters have changed.
    func requestRefresh() {
        if case .standalone = options.topology { return }
        follow { state, now in state.isShutDown ? .none : state.pace.request(at: now) }
    }

    // MARK: The end

    func shutDown() -> [EventLoopFuture<Void>] {
        let (nodes, waiters) = state.withLock { state in
            state.isShutDown = true
            state.timer?.cancel()
            defer {
                state.nodes = [:]
                state.sentinels = [:]
                state.waiters = []
            }
            return (Array(state.nodes.values) + Array(state.sentinels.values), state.waiters)
        }
        for waiter in waiters { waiter() }
        return nodes.flatMap { $0.shutDown() }
    }

    var isShutDown: Bool { state.withLock { $0.isShutDown } }

    // MARK: Nodes

    private func node(at address: RedisAddress, in state: inout State) -> RedisNode? {
        if let node = state.nodes[address] { return node }
        guard !state.isShutDown, state.nodes.count < Self.nodeLimit else { return nil }
        let node = makeNode(address, isSentinel ? .master : .node)
        state.nodes[address] = node
        return node
    }

    private var isSentinel: Bool {
        if case .sentinel = options.topology { true } else { false }
    }

    private func makeNode(_ address: RedisAddress, _ purpose: RedisHandshake.Purpose) -> RedisNode {
        RedisNode(address, options, purpose: purpose, group: group) { [weak self] event in
            self?.take(event, of: address, isSentinel: purpose == .sentinel)
        }
    }

    private func take(_ event: RedisNodeEvent, of address: RedisAddress, isSentinel: Bool) {
        switch event {
        case .connected(let again):
            guard again, !isSentinel else { return }
            logger.notice("redis: connected again", metadata: ["node": "\(address)"])
            changes.add(1, ordering: .acquiringAndReleasing)
            requestRefresh()
        case .disconnected(let reason, let isNews):
            logger.log(
                level: isNews && reason != .shutDown ? .warning : .debug, "redis: no connection",
                metadata: ["node": "\(address)", "reason": "\(reason)"])
            requestRefresh()
        case .pushed(let value): takePush(value)
        }
    }

    /// `message`, `+switch-master`, `name old-host old-port host port`.
    private func takePush(_ value: RedisValue) {
        guard case .sentinel(_, let name) = options.topology, let parts = value.elements, parts.count == 3,
            parts[0].text == "message", parts[1].text == "+switch-master",
            let words = parts[2].text?.split(separator: " "), words.count == 5, words[0] == name,
            let port = UInt16(words[4])
        else { return }
        apply(RedisLayout(single: RedisAddress(String(words[3]), port)))
    }

    // MARK: Asking who is who

    private func scheduleRefresh() {
        let interval = Double(options.topologyRefreshInterval.wholeNanoseconds)
        let delay = TimeAmount.nanoseconds(Int64(interval * .random(in: 0.75...1.25)))
        let task = group.next().scheduleTask(in: delay) { [weak self] () -> Void in
            self?.requestRefresh()
            self?.scheduleRefresh()
        }
        state.withLock { state in
            if state.isShutDown { task.cancel() } else { state.timer = task }
        }
    }

    /// Has the pace decide, and does what it says.
    private func follow(_ decide: (inout State, UInt64) -> RefreshPace.Step) {
        let step = state.withLock { decide(&$0, NIODeadline.now().uptimeNanoseconds) }
        switch step {
        case .none: break
        case .start: ask(candidates())
        case .wait(let until):
            group.next().scheduleTask(deadline: .uptimeNanoseconds(until)) { [weak self] in
                self?.follow { state, _ in state.isShutDown ? .none : state.pace.due() }
            }
        }
    }

    /// Whom to ask, those first that are connected; each once.
    private func candidates() -> [RedisNode] {
        state.withLock { state in
            var nodes: [RedisNode]
            if isSentinel {
                nodes = Array(state.sentinels.values)
            } else {
                if case .cluster(let seeds) = options.topology {
                    for seed in seeds { _ = node(at: seed, in: &state) }
                }
                nodes = Array(state.nodes.values)
            }
            nodes.shuffle()
            return nodes.filter { $0.health.connected > 0 } + nodes.filter { $0.health.connected == 0 }
        }
    }

    private func ask(_ candidates: [RedisNode]) {
        guard let node = candidates.first else { return finishRefresh(nil) }
        let question: RedisCommand =
            if case .sentinel(_, let name) = options.topology {
                RedisCommand("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
            } else {
                RedisCommand("CLUSTER", "SLOTS")
            }
        let time = options.connectTimeout.wholeNanoseconds + options.commandTimeout.wholeNanoseconds
        let deadline = NIODeadline.now().uptimeNanoseconds + time
        node.submit(
            RedisFlight([question], deadline: deadline) { [weak self] results in
                guard let self else { return }
                if case .success(let answer)? = results.first, let layout = read(answer, from: node.address) {
                    finishRefresh(layout)
                } else {
                    ask(Array(candidates.dropFirst()))
                }
            })
    }

    private func read(_ answer: RedisValue, from address: RedisAddress) -> RedisLayout? {
        isSentinel ? RedisLayout(sentinel: answer) : RedisLayout(slots: answer, asked: address)
    }

    private func finishRefresh(_ layout: RedisLayout?) {
        if let layout { apply(layout) }
        let waiters = state.withLock { state in
            state.hasFailed = layout == nil
            defer { state.waiters = [] }
            return state.waiters
        }
        follow { state, now in state.pace.finished(at: now) }
        for waiter in waiters { waiter() }
    }

    /// Takes a layout over: connects to new masters, and lets go of nodes that are none any more.
    private func apply(_ layout: RedisLayout) {
        let (hasChanged, gone) = state.withLock { state -> (Bool, [RedisNode]) in
            let old = state.map
            if let old, old.layout.agrees(with: layout) { return (false, []) }
            let nodes = layout.masters.compactMap { node(at: $0, in: &state) }
            guard nodes.count == layout.masters.count else { return (false, []) }
            for node in nodes { node.connect() }
            state.map = RedisMap(layout: layout, nodes: nodes)
            var kept = Set(layout.masters)
            if case .cluster(let seeds) = options.topology { kept.formUnion(seeds) }
            let gone = state.nodes.filter { !kept.contains($0.key) }
            for address in gone.keys { state.nodes[address] = nil }
            return (old != nil, Array(gone.values))
        }
        for node in gone { _ = node.shutDown() }
        guard hasChanged else { return }
        logger.notice("redis: masters changed", metadata: ["masters": "\(layout.masters)"])
        changes.add(1, ordering: .acquiringAndReleasing)
    }
}
