import NIOCore
import Synchronization

/// What a node reports to the topology.
enum RedisNodeEvent {
    /// A connection is ready; `again`: in the place of one that ended.
    case connected(again: Bool)
    /// A connection ended, or could not be made; `isNews`: for another reason than the last one.
    case disconnected(RedisConnectionEnd, isNews: Bool)
    case pushed(RedisValue)
}

/// One server: its connections, and the breaker that leaves it alone when it fails.
final class RedisNode: Sendable {
    private struct State {
        var breaker: RedisBreaker
        var connected = 0
        var connections: UInt64 = 0
        var lastEnd: RedisConnectionEnd?
    }

    /// What links report to; apart from the node, so that neither keeps the other alive.
    private final class Watch: Sendable {
        let state: Mutex<State>
        let links: UInt64
        let handle: @Sendable (RedisNodeEvent) -> Void

        init(_ breaker: RedisBreaker, links: Int, _ handle: @escaping @Sendable (RedisNodeEvent) -> Void) {
            state = Mutex(State(breaker: breaker))
            self.links = UInt64(links)
            self.handle = handle
        }

        func take(_ event: RedisLinkEvent) {
            switch event {
            case .connected:
                let again = state.withLock { state in
                    state.connected += 1
                    state.connections += 1
                    return state.connections > links
                }
                handle(.connected(again: again))
            case .disconnected(let reason, let wasConnected):
                let isNews = state.withLock { state in
                    defer { state.lastEnd = reason }
                    if wasConnected { state.connected -= 1 }
                    state.breaker.failed(at: NIODeadline.now().uptimeNanoseconds)
                    return wasConnected || state.lastEnd != reason
                }
                handle(.disconnected(reason, isNews: isNews))
            case .answered: state.withLock { $0.breaker.succeeded() }
            case .pushed(let value): handle(.pushed(value))
            }
        }
    }

    let address: RedisAddress
    private let isSentinel: Bool
    private let watch: Watch
    private let links: [RedisLink]

    /// A node that connects when it is first asked for something, or told to. `handle` is called on an event loop.
    init(
        _ address: RedisAddress, _ options: RedisOptions, purpose: RedisHandshake.Purpose,
        group: any EventLoopGroup, handle: @escaping @Sendable (RedisNodeEvent) -> Void
    ) {
        let isSentinel = purpose == .sentinel
        let settings = RedisLinkSettings(
            address: address,
            handshake: RedisHandshake(
                username: isSentinel ? options.sentinelUsername : options.username,
                password: isSentinel ? options.sentinelPassword : options.password, purpose: purpose),
            connectTimeout: options.connectTimeout.wholeNanoseconds,
            inFlightLimit: options.commandsInFlightPerConnection,
            backoff: RedisBackoff(base: 20_000_000, limit: options.longestReconnectDelay.wholeNanoseconds))
        let breaker = RedisBreaker(
            threshold: options.breakerFailures, openTime: options.breakerOpenTime.wholeNanoseconds)
        let count = isSentinel ? 1 : max(1, options.connectionsPerNode)
        let watch = Watch(breaker, links: count, handle)
        self.address = address
        self.isSentinel = isSentinel
        self.watch = watch
        links = (0..<count).map { _ in
            RedisLink(settings, on: group.next()) { watch.take($0) }
        }
    }

    /// Makes the connections, where there are none.
    func connect() {
        for link in links { link.connect() }
    }

    /// Sends a flight over the connection that has least to do, or finishes it with the reason why not.
    func submit(_ flight: RedisFlight) {
        let isAdmitted = watch.state.withLock { $0.breaker.admits(at: NIODeadline.now().uptimeNanoseconds) }
        guard isAdmitted else { return flight.finish(missing: .unavailable(.breakerOpen)) }
        var best = links[0]
        if links.count > 1 {
            var least = Int.max
            for link in links {
                let load = link.load
                if load < least { (best, least) = (link, load) }
            }
        }
        best.submit(flight)
    }

    /// Ends the connections for good.
    func shutDown() -> [EventLoopFuture<Void>] {
        links.map { $0.shutDown() }
    }

    /// How it is at the moment.
    var health: RedisNodeHealth {
        watch.state.withLock { state in
            RedisNodeHealth(
                address: address, isSentinel: isSentinel, connected: state.connected, breaker: state.breaker.state,
                reconnects: state.connections > UInt64(links.count) ? state.connections - UInt64(links.count) : 0,
                lastError: state.lastEnd.map { String(describing: $0) })
        }
    }
}

/// How a node is.
package struct RedisNodeHealth: Hashable, Sendable {
    /// Where it listens.
    package var address: RedisAddress
    /// A sentinel, which keeps no data.
    package var isSentinel: Bool
    /// Connections that are ready for commands.
    package var connected: Int
    /// Whether calls are let through to it.
    package var breaker: RedisBreaker.State
    /// Connections made beyond the first ones.
    package var reconnects: UInt64
    /// Why the last connection ended, or could not be made, for the log and the operator.
    package var lastError: String?
}
