// A place for one connection to a node: it makes the connection, makes it again when it ends, and takes flights for it
// from any thread. Flights that come while the loop is busy wait together and go out in one write.

import NIOCore
import NIOPosix
import Synchronization

/// What a link reports.
enum RedisLinkEvent {
    /// A connection is ready for commands.
    case connected
    /// The connection ended, or an attempt to make one failed. `wasConnected`: it had been ready.
    case disconnected(RedisConnectionEnd, wasConnected: Bool)
    /// Commands were answered.
    case answered
    case pushed(RedisValue)
}

/// What a link needs to know of `RedisOptions`.
struct RedisLinkSettings: Sendable {
    let address: RedisAddress
    let handshake: RedisHandshake
    let connectTimeout: UInt64
    let inFlightLimit: Int
    let backoff: RedisBackoff
}

/// All but `inbox` is touched on `loop` alone.
final class RedisLink: @unchecked Sendable {
    private struct Inbox {
        var waiting: [RedisFlight] = []
        /// Commands taken in that have no result yet.
        var load = 0
        var isDrainScheduled = false
        /// Why flights are not taken at the moment.
        var refusal: RedisError.Reason?
    }

    private enum Phase {
        /// Nobody has asked for anything yet.
        case idle
        case connecting(RedisConnection, timer: Scheduled<Void>)
        case connected(RedisConnection)
        case backingOff(Scheduled<Void>)
        case shutDown
    }

    private let loop: any EventLoop
    private let settings: RedisLinkSettings
    private let inbox = Mutex(Inbox())
    private var phase = Phase.idle
    private var backoff: RedisBackoff
    /// Goes off when the time of a flight is over that waits for a connection.
    private var lateTimer: Scheduled<Void>?
    private let handle: @Sendable (RedisLinkEvent) -> Void

    /// `handle` is called on `loop`.
    init(_ settings: RedisLinkSettings, on loop: any EventLoop, handle: @escaping @Sendable (RedisLinkEvent) -> Void) {
        self.settings = settings
        self.loop = loop
        self.handle = handle
        backoff = settings.backoff
    }

    /// Commands that have no result yet.
    var load: Int { inbox.withLock { $0.load } }

    /// Takes a flight, or finishes it with the reason why not. While a connection is being made it waits for it.
    func submit(_ flight: RedisFlight) {
        let count = flight.commands.count
        let refusal = inbox.withLock { inbox -> RedisError? in
            if let refusal = inbox.refusal { return .unavailable(refusal) }
            guard inbox.load + count <= settings.inFlightLimit else { return .overloaded }
            inbox.load += count
            inbox.waiting.append(flight)
            if !inbox.isDrainScheduled {
                inbox.isDrainScheduled = true
                loop.execute { self.drain() }
            }
            return nil
        }
        if let refusal { flight.finish(missing: refusal) }
    }

    /// Makes a connection, unless there is one.
    func connect() {
        loop.execute {
            if case .idle = self.phase { self.startConnecting() }
        }
    }

    /// Ends the connection for good.
    func shutDown() -> EventLoopFuture<Void> {
        loop.submit {
            let phase = self.phase
            self.phase = .shutDown
            self.refuse(.shutDown)
            switch phase {
            case .connected(let connection): connection.end(.shutDown)
            case .connecting(let connection, let timer):
                timer.cancel()
                connection.end(.shutDown)
            case .backingOff(let timer): timer.cancel()
            case .idle, .shutDown: break
            }
        }
    }

    // MARK: On the loop

    private func drain() {
        guard case .connected(let connection) = phase else {
            inbox.withLock { $0.isDrainScheduled = false }
            if case .idle = phase { startConnecting() }
            return armLateTimer()
        }
        let flights = inbox.withLock { inbox in
            defer {
                inbox.waiting.removeAll(keepingCapacity: false)
                inbox.isDrainScheduled = false
            }
            return inbox.waiting
        }
        let now = NIODeadline.now().uptimeNanoseconds
        let late = flights.filter { $0.deadline <= now }
        if late.isEmpty { return flights.isEmpty ? () : connection.write(flights) }
        // Not sent, so that nobody has to wonder whether they took effect.
        drop(late, .notConnected)
        let rest = flights.filter { $0.deadline > now }
        if !rest.isEmpty { connection.write(rest) }
    }

    /// Flights wait for a connection no longer than they have time.
    private func armLateTimer() {
        guard lateTimer == nil, let next = inbox.withLock({ $0.waiting.lazy.map(\.deadline).min() }) else { return }
        lateTimer = loop.scheduleTask(deadline: .uptimeNanoseconds(next)) {
            self.lateTimer = nil
            let now = NIODeadline.now().uptimeNanoseconds
            let late = self.inbox.withLock { inbox in
                defer { inbox.waiting.removeAll { $0.deadline <= now } }
                return inbox.waiting.filter { $0.deadline <= now }
            }
            self.drop(late, .notConnected)
            self.armLateTimer()
        }
    }

    private func drop(_ flights: [RedisFlight], _ reason: RedisError.Reason) {
        inbox.withLock { inbox in inbox.load -= flights.reduce(0) { $0 + $1.commands.count } }
        for flight in flights { flight.finish(missing: .unavailable(reason)) }
    }

    /// From here on flights are not taken, and those that wait are finished.
    private func refuse(_ reason: RedisError.Reason) {
        let flights = inbox.withLock { inbox in
            defer { inbox.waiting = [] }
            inbox.refusal = reason
            return inbox.waiting
        }
        drop(flights, reason)
    }

    private func startConnecting() {
        inbox.withLock { $0.refusal = nil }
        let connection = RedisConnection(handshake: settings.handshake) { self.take($1, of: $0) }
        let timeout = TimeAmount.nanoseconds(Int64(clamping: settings.connectTimeout))
        let timer = loop.scheduleTask(in: timeout) { connection.end(.timeout) }
        phase = .connecting(connection, timer: timer)
        ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(connection) }
            }
            .connect(host: settings.address.host, port: Int(settings.address.port))
            .hop(to: loop)
            .whenFailure { error in connection.end(.failed(String(describing: error))) }
    }

    private func take(_ event: RedisConnection.Event, of connection: RedisConnection) {
        switch event {
        case .ready:
            guard case .connecting(_, let timer) = phase else { return connection.end(.shutDown) }
            timer.cancel()
            phase = .connected(connection)
            handle(.connected)
            drain()
        case .answered(let count):
            backoff.reset()
            inbox.withLock { $0.load -= count }
            handle(.answered)
        case .pushed(let value): handle(.pushed(value))
        case .ended(let reason, let unanswered): takeEnd(reason, unanswered: unanswered)
        }
    }

    private func takeEnd(_ reason: RedisConnectionEnd, unanswered: Int) {
        inbox.withLock { $0.load -= unanswered }
        var wasConnected = false
        switch phase {
        case .shutDown: return
        case .connecting(_, let timer): timer.cancel()
        case .connected: wasConnected = true
        case .idle, .backingOff: preconditionFailure("a connection ended where there was none")
        }
        let delay = TimeAmount.nanoseconds(Int64(backoff.next(random: .random(in: 0..<1))))
        phase = .backingOff(loop.scheduleTask(in: delay) { self.startConnecting() })
        refuse(.notConnected)
        handle(.disconnected(reason, wasConnected: wasConnected))
    }
}
