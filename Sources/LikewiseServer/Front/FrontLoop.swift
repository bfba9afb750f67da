// A thread that waits on sockets with epoll and answers their hot calls.
//
// NIO's loop does the same for the full stack, and costs more a request than the request itself: eight handlers, a
// buffer and a promise for each read and write. Measured under `count` with one connection handler in front of an idle
// pipeline, 40% of the time was the kernel's and 30% the reference counts of the rest (docs/decisions/0010).
//
// In a turn the loop takes what the sockets have, then what other threads put into its mailbox, then hands the intents
// that came together to the shards.

import CPlatform
import LikewiseEngine
import Logging

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Touched on its own thread alone, which `run` is called on.
final class FrontLoop {
    /// Bytes read from a socket at a time.
    private static let readBytes = 64 << 10
    /// Events taken in a turn.
    private static let maxEvents = 512
    /// Connections accepted in a turn.
    private static let maxAccepted = 64
    /// Nanoseconds before accepting is tried again where the process has no descriptor left.
    private static let acceptPause: UInt64 = 100_000_000

    let submitter: LoopSubmitter<FrontConnection>
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: FrontLoop.readBytes, alignment: 64)
    /// Nanoseconds of the clock, read once a turn.
    private(set) var now: UInt64
    private(set) var isStopping = false

    private let shared: FrontShared
    private let mailbox: FrontMailbox
    private let epoll: Int32
    /// The socket that is listened on, on the loop that accepts, and while it does.
    private var listener: Int32?
    private var isAccepting = false
    private var acceptAgain: UInt64?
    private var hasWarned = false
    /// By descriptor: the kernel gives the lowest that is free.
    private var connections: [FrontConnection?] = []
    private var connectionCount = 0
    private var lookedAtTimeouts: UInt64

    init(
        shared: FrontShared, mailbox: FrontMailbox, listener: Int32?, submitter: LoopSubmitter<FrontConnection>
    ) throws(FrontError) {
        self.shared = shared
        self.mailbox = mailbox
        self.listener = listener
        self.submitter = submitter
        now = shared.clock.nanoseconds()
        lookedAtTimeouts = now
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw FrontError("epoll_create1", errno) }
        guard control(EPOLL_CTL_ADD, mailbox.descriptor, UInt32(EPOLLIN.rawValue)) else {
            throw FrontError("epoll_ctl", errno)
        }
    }

    deinit {
        readBuffer.deallocate()
        close(epoll)
    }

    private func control(_ operation: Int32, _ descriptor: Int32, _ events: UInt32) -> Bool {
        var event = epoll_event(events: events, data: epoll_data_t(fd: descriptor))
        return epoll_ctl(epoll, operation, descriptor, &event) == 0
    }

    // MARK: Turns

    /// Serves until it is told to stop and all connections have ended.
    func run() {
        resumeAccepting()
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: FrontLoop.maxEvents)
        defer { events.deallocate() }
        while !isStopping || connectionCount > 0 {
            let count = epoll_wait(epoll, events, Int32(FrontLoop.maxEvents), milliseconds(until: nextLook))
            now = shared.clock.nanoseconds()
            for i in 0..<max(0, Int(count)) { handle(events[i]) }
            if submitter.hasWaiting { submitter.handOverAll() }
            lookAtTimeouts()
        }
        closeListener()
        for case .connection(let descriptor, let peer) in mailbox.end() { drop(descriptor, peer) }
    }

    private func handle(_ event: epoll_event) {
        let descriptor = event.data.fd
        if descriptor == mailbox.descriptor {
            for item in mailbox.take() { take(item) }
        } else if descriptor == listener {
            accept()
        } else {
            connection(descriptor)?.ready(event.events)
        }
    }

    private func take(_ item: FrontMailbox.Item) {
        switch item {
        case .work(let work): work()
        case .connection(let descriptor, let peer): begin(descriptor, peer)
        case .accept: resumeAccepting()
        case .stop:
            stopAccepting()
            // What was just accepted.
            for item in mailbox.take() { take(item) }
            isStopping = true
            // What a client sent before now may still be unread.
            for connection in connections.compactMap(\.self) { connection.ready(UInt32(EPOLLIN.rawValue)) }
        case .abort:
            isStopping = true
            closeListener()
            for connection in connections.compactMap(\.self) { connection.end() }
        }
    }

    private var lookInterval: UInt64 {
        isStopping ? min(shared.timeouts.lookInterval, FrontConnection.lingerTime) : shared.timeouts.lookInterval
    }

    private var nextLook: UInt64 { min(lookedAtTimeouts &+ lookInterval, acceptAgain ?? .max) }

    /// Rounded up, so that the time has come when the wait ends.
    private func milliseconds(until deadline: UInt64) -> Int32 {
        let now = shared.clock.nanoseconds()
        return deadline <= now ? 0 : Int32(clamping: (deadline - now + 999_999) / 1_000_000)
    }

    private func lookAtTimeouts() {
        if let time = acceptAgain, now >= time {
            acceptAgain = nil
            resumeAccepting()
        }
        guard now &- lookedAtTimeouts >= lookInterval else { return }
        lookedAtTimeouts = now
        for connection in connections.compactMap(\.self) where connection.isOverTime(shared.timeouts) {
            connection.end()
        }
    }

    // MARK: Connections

    private func connection(_ descriptor: Int32) -> FrontConnection? {
        Int(descriptor) < connections.count ? connections[Int(descriptor)] : nil
    }

    private func remove(_ connection: FrontConnection) {
        connections[Int(connection.descriptor)] = nil
        connectionCount -= 1
    }

    private func begin(_ descriptor: Int32, _ peer: NetworkAddress) {
        guard !isStopping, control(EPOLL_CTL_ADD, descriptor, UInt32(EPOLLIN.rawValue)) else {
            return drop(descriptor, peer)
        }
        while connections.count <= Int(descriptor) { connections.append(nil) }
        connections[Int(descriptor)] = FrontConnection(
            descriptor: descriptor, peer: peer, isAnnounced: shared.admission.isAnnounced(by: peer), loop: self)
        connectionCount += 1
    }

    private func drop(_ descriptor: Int32, _ peer: NetworkAddress) {
        close(descriptor)
        shared.release(peer)
    }

    /// Changes what is waited for on a connection's socket.
    func watch(_ connection: FrontConnection, _ events: UInt32) {
        if !control(EPOLL_CTL_MOD, connection.descriptor, events) { connection.end() }
    }

    /// Called by a connection that ends.
    func forget(_ connection: FrontConnection) {
        remove(connection)
        shared.release(connection.peer)
    }

    /// A connection is that of `client`, as a trusted proxy says; false where `client` has too many.
    func announce(_ connection: FrontConnection, _ client: NetworkAddress) -> Bool {
        guard shared.admission.enter(client) else { return false }
        shared.admission.leave(connection.peer)
        return true
    }

    /// Whether all connections are for the full stack.
    var handsOverAll: Bool { shared.adoptsAll }

    /// Gives a connection to the full stack, with what it has read and not taken.
    func handOver(_ connection: FrontConnection, _ bytes: [UInt8]) {
        guard control(EPOLL_CTL_DEL, connection.descriptor, 0) else { return connection.end() }
        remove(connection)
        connection.leave()
        shared.adopt(Adoption(descriptor: connection.descriptor, peer: connection.peer, bytes: bytes))
    }

    // MARK: Accepting

    private func resumeAccepting() {
        guard let listener, !isAccepting, !isStopping else { return }
        isAccepting = control(EPOLL_CTL_ADD, listener, UInt32(EPOLLIN.rawValue))
    }

    private func pauseAccepting() {
        guard let listener, isAccepting else { return }
        isAccepting = !control(EPOLL_CTL_DEL, listener, 0)
    }

    /// On the loop that accepts: accepts what the kernel has, since clients of those connections count as connected, and
    /// nothing more.
    private func stopAccepting() {
        guard listener != nil else { return }
        for _ in 0..<(Int(Listener.backlog) / FrontLoop.maxAccepted) where accept() { continue }
        closeListener()
        shared.stopOthers()
    }

    private func closeListener() {
        guard let listener else { return }
        close(listener)
        self.listener = nil
    }

    /// Accepts connections, as many as one turn may; answers whether there may be more.
    @discardableResult
    private func accept() -> Bool {
        guard let listener else { return false }
        for _ in 0..<FrontLoop.maxAccepted {
            guard shared.reserve() else {
                pauseAccepting()
                return false
            }
            var peer: (UInt64, UInt64) = (0, 0)
            let descriptor = withUnsafeMutableBytes(of: &peer) { bytes in
                likewise_accept(listener, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
            }
            guard descriptor >= 0 else {
                let code = errno
                shared.unreserve()
                if code == EINTR || code == ECONNABORTED { continue }
                if code != EAGAIN { failed(code) }
                return false
            }
            hasWarned = false
            var on: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
            admit(descriptor, withUnsafeBytes(of: peer) { NetworkAddress(bytes: $0) })
        }
        return true
    }

    /// Gives an accepted socket to who serves it.
    private func admit(_ descriptor: Int32, _ peer: NetworkAddress) {
        guard shared.admission.enter(peer) else {
            close(descriptor)
            return shared.release()
        }
        if shared.adoptsAll, !shared.admission.isAnnounced(by: peer) {
            shared.adopt(Adoption(descriptor: descriptor, peer: peer, bytes: []))
        } else {
            shared.place(descriptor, peer)
        }
    }

    /// Accepting failed: most often the process has no descriptor left, which passes when connections end.
    private func failed(_ code: Int32) {
        pauseAccepting()
        acceptAgain = now &+ FrontLoop.acceptPause
        guard !hasWarned else { return }
        hasWarned = true
        shared.logger.warning(
            "connections cannot be accepted; it is tried again until they can",
            metadata: ["reason": "\(FrontError("accept", code))"])
    }
}
