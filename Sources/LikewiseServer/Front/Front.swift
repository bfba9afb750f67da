// The front: the loops that accept connections and answer hot calls, and what they share.

import LikewiseEngine
import Logging
import NIOCore
import Synchronization

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A socket on its way from the front to the full stack, with what was read of it and not taken.
struct Adoption: Sendable {
    let descriptor: Int32
    /// Who is at its other end.
    let peer: NetworkAddress
    let bytes: [UInt8]
}

/// What the loops of a front have in common.
final class FrontShared: Sendable {
    let clock: any EngineClock
    let timeouts: ConnectionTimeouts
    let logger: Logger
    let admission: Admission
    /// Whether every connection is for the full stack, from its first byte or from what a proxy says before that.
    let adoptsAll: Bool
    /// Takes a connection for the full stack.
    let adopt: @Sendable (Adoption) -> Void

    private let mailboxes: [FrontMailbox]
    private let maxConnections: Int
    private let connections = Atomic<Int>(0)
    /// Whether the accepting loop waits for a connection to end.
    private let isFull = Atomic(false)
    private let accepted = Atomic<Int>(0)

    init(
        clock: any EngineClock, options: Front.Options, logger: Logger, mailboxes: [FrontMailbox],
        adopt: @escaping @Sendable (Adoption) -> Void
    ) {
        self.clock = clock
        timeouts = options.timeouts
        maxConnections = options.maxConnections
        admission = options.admission
        adoptsAll = options.adoptsAll
        self.logger = logger
        self.mailboxes = mailboxes
        self.adopt = adopt
    }

    /// A place for one more connection; false where there is none, and then `release` says when there is.
    func reserve() -> Bool {
        if connections.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue <= maxConnections { return true }
        isFull.store(true, ordering: .sequentiallyConsistent)
        // One that ended meanwhile saw nobody waiting.
        if connections.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue < maxConnections {
            announceRoom()
        }
        return false
    }

    /// Gives back a place that was not used.
    func unreserve() { connections.wrappingSubtract(1, ordering: .acquiringAndReleasing) }

    /// Gives back the place of a connection that ended, whose other end was `peer`.
    func release(_ peer: NetworkAddress) {
        admission.leave(peer)
        release()
    }

    /// Gives back the place of a connection that was not admitted.
    func release() {
        connections.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        announceRoom()
    }

    private func announceRoom() {
        if isFull.exchange(false, ordering: .sequentiallyConsistent) { mailboxes[0].put(.accept) }
    }

    /// Gives an accepted socket, whose other end is `peer`, to the loop whose turn it is.
    func place(_ descriptor: Int32, _ peer: NetworkAddress) {
        let turn = accepted.wrappingAdd(1, ordering: .relaxed).oldValue % mailboxes.count
        if !mailboxes[turn].put(.connection(descriptor, peer)) {
            close(descriptor)
            release(peer)
        }
    }

    /// Called by the accepting loop when it accepts nothing more: the others end too.
    func stopOthers() { for mailbox in mailboxes.dropFirst() { mailbox.put(.stop) } }
}

/// The loops, each on a thread of its own.
final class Front: Sendable {
    /// The port that is listened on.
    let port: Int
    let shared: FrontShared
    private let mailboxes: [FrontMailbox]
    private let threads: [EngineThread]

    struct Options: Sendable {
        var host: String
        var port: Int
        /// Loops.
        var loops: Int
        var maxConnections: Int
        var timeouts: ConnectionTimeouts
        var admission: Admission
        /// Whether every connection is for the full stack.
        var adoptsAll: Bool
    }

    /// Listens, and serves until `stop`. Connections that need the full stack go to `adopt`; `ended` is called once,
    /// when all others have ended.
    init(
        _ options: Options, clock: any EngineClock, logger: Logger,
        makeSubmitter: (FrontMailbox) -> LoopSubmitter<FrontConnection>,
        adopt: @escaping @Sendable (Adoption) -> Void, ended: @escaping @Sendable () -> Void
    ) throws {
        var mailboxes: [FrontMailbox] = []
        for _ in 0..<options.loops { mailboxes.append(try FrontMailbox()) }
        self.mailboxes = mailboxes
        let shared = FrontShared(
            clock: clock, options: options, logger: logger, mailboxes: mailboxes, adopt: adopt)
        self.shared = shared
        let address = try SocketAddress.makeAddressResolvingHost(options.host, port: options.port)
        let listener = try Listener(address)
        port = listener.port
        let running = Running(options.loops)
        threads = try mailboxes.enumerated().map { i, mailbox in
            let loop = Confined(
                try FrontLoop(
                    shared: shared, mailbox: mailbox, listener: i == 0 ? listener.descriptor : nil,
                    submitter: makeSubmitter(mailbox)))
            return EngineThread(name: "front-\(i)", turns: .short) {
                loop.value.run()
                if running.leave() { ended() }
            }
        }
    }

    /// Accepts nothing more; connections end when all that came on them is answered.
    func stop() { mailboxes[0].put(.stop) }

    /// Ends all connections.
    func abort() { for mailbox in mailboxes { mailbox.put(.abort) } }

    /// Waits for the threads, which end after `ended` was called.
    func join() { for thread in threads { thread.join() } }

    /// Counts the loops that run.
    private final class Running: Sendable {
        private let count: Atomic<Int>
        init(_ count: Int) { self.count = Atomic(count) }
        /// Whether it was the last one.
        func leave() -> Bool { count.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
    }
}
