// A connection on which nothing but hot calls has come: bytes are read, taken step by step, and answered.
//
// The first request for the full stack ends that: once all before it is answered, the socket moves to NIO with the bytes
// that wait (`AdoptedConnections`), and stays there. Logic and socket are in one type because each step depends on what
// the socket took.

import CPlatform
import LikewiseAPI

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Touched on its loop's thread alone.
final class FrontConnection: HotConnection {
    /// Bytes that wait to be looked at before reading stops.
    private static let maxWaitingBytes = 256 << 10
    /// Bytes of answers that the client has not taken before requests are left waiting.
    private static let maxUnsentBytes = 64 << 10
    /// Bytes of room that a quiet connection keeps.
    private static let keptCapacity = 4 << 10
    /// Nanoseconds for which a connection that the server ends is read and passed over. To close at once could take answers
    /// from the client that are still on their way to it, where it has sent more.
    static let lingerTime: UInt64 = 500_000_000

    /// Why nothing more is taken for now.
    private enum Pause {
        case none
        case partial
        case answersFirst
        case fullStack
        case refused
        /// The server is stopping: what comes now is passed over.
        case lingering
    }

    let descriptor: Int32
    /// The other end; where that is a proxy that says so, whom it asks for.
    private(set) var peer: NetworkAddress
    private let loop: FrontLoop
    /// Whether it begins with the PROXY protocol, and that has not come yet.
    private var awaitsPreamble: Bool
    /// What was read and not taken.
    private var waiting: [UInt8] = []
    private var answers = AnswerQueue()
    /// Bytes of `answers.bytes` that are with the kernel.
    private var sent = 0
    private var pause = Pause.none
    private var isInputClosed = false
    private var isOutputClosed = false
    private(set) var isClosed = false
    var held: HeldRequest?
    private var interest = UInt32(EPOLLIN.rawValue)
    private var lastActivity: UInt64
    private var requestBegan: UInt64?

    /// - Parameter isAnnounced: whether it begins with the PROXY protocol.
    init(descriptor: Int32, peer: NetworkAddress, isAnnounced: Bool, loop: FrontLoop) {
        self.descriptor = descriptor
        self.peer = peer
        self.loop = loop
        awaitsPreamble = isAnnounced
        lastActivity = loop.now
        if isAnnounced { requestBegan = loop.now }
    }

    private var isFlushed: Bool { sent == answers.bytes.count }
    private var mayTake: Bool { answers.bytes.count - sent < FrontConnection.maxUnsentBytes }

    // MARK: Events

    /// Called when the socket has something to read, or has room, or has failed.
    func ready(_ events: UInt32) {
        if events & UInt32(EPOLLIN.rawValue) != 0, !isInputClosed {
            read()
        } else if events & UInt32(EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 {
            return end()
        }
        settle()
    }

    private func read() {
        let room = loop.readBuffer
        let count = recv(descriptor, room.baseAddress, room.count, 0)
        if count > 0 {
            // What a refused client still sends is read, so that closing does not take the answer from it.
            guard pause != .refused, pause != .lingering else { return }
            lastActivity = loop.now
            let bytes = UnsafeRawBufferPointer(rebasing: room[..<count])
            if awaitsPreamble {
                waiting.append(contentsOf: bytes)
                takePreamble()
            } else if waiting.isEmpty {
                let taken = take(bytes)
                if taken < count { waiting.append(contentsOf: bytes[taken...]) }
            } else {
                waiting.append(contentsOf: bytes)
                takeWaiting()
            }
        } else if count == 0 {
            isInputClosed = true
        } else if errno != EAGAIN && errno != EINTR {
            end()
        }
    }

    /// Takes what a proxy says before the first byte. What is none ends the connection: whose it is nobody knows.
    private func takePreamble() {
        switch waiting.withUnsafeBytes({ ProxyPreamble.scan($0) }) {
        case .partial: pause = .partial
        case .malformed: end()
        case .whole(let client, let length):
            awaitsPreamble = false
            requestBegan = nil
            if let client {
                guard loop.announce(self, client) else { return end() }
                peer = client
            }
            waiting.removeFirst(length)
            if loop.handsOverAll { pause = .fullStack } else { takeWaiting() }
        }
    }

    private func takeWaiting() {
        let taken = waiting.withUnsafeBytes { take($0) }
        if taken == waiting.count { waiting = [] } else if taken > 0 { waiting.removeFirst(taken) }
    }

    /// Takes requests from the front of `bytes`; answers how many bytes they had.
    private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        var taken = 0
        pause = .none
        while taken < bytes.count, pause == .none {
            guard mayTake else {
                pause = .answersFirst
                break
            }
            let rest = UnsafeRawBufferPointer(rebasing: bytes[taken...])
            switch loop.submitter.step(rest, of: self, &answers) {
            case .started(let length):
                taken += length
                requestBegan = nil
            case .partial:
                pause = .partial
                if requestBegan == nil { requestBegan = loop.now }
            case .mustWait: pause = .answersFirst
            case .fullStack, .irregular: pause = .fullStack
            case .refused(let code, let detail):
                guard answers.isSettled else {
                    pause = .answersFirst
                    break
                }
                pause = .refused
                lastActivity = loop.now
                loop.submitter.writeClosing(code, detail, to: &answers.bytes)
                return bytes.count
            }
        }
        return taken
    }

    // MARK: Answers

    func fill(_ slot: UInt64, _ write: (inout GrowingBytes) -> Void) {
        if !isClosed { answers.fill(slot, write) }
    }

    func answered() {
        guard !isClosed, !isFlushed else { return }
        lastActivity = loop.now
        settle()
    }

    func goOn() {
        guard !isClosed else { return }
        lastActivity = loop.now
        settle()
    }

    /// Sends what is due, takes what may be taken now, and does what was waiting for that.
    func settle() {
        guard !isClosed else { return }
        flush()
        while !isClosed, !waiting.isEmpty, pause == .answersFirst, mayTake {
            let before = waiting.count
            takeWaiting()
            flush()
            if waiting.count == before { break }
        }
        guard !isClosed else { return }
        if answers.isSettled && isFlushed {
            if pause == .fullStack { return loop.handOver(self, waiting) }
            if pause == .refused {
                if !isOutputClosed {
                    isOutputClosed = true
                    shutdown(descriptor, Int32(SHUT_WR))
                }
                if isInputClosed { return end() }
            } else if isInputClosed && (waiting.isEmpty || pause == .partial || pause == .lingering) {
                return end()
            } else if loop.isStopping && pause != .lingering && (waiting.isEmpty || pause == .partial) {
                linger()
            }
        }
        watch()
    }

    private func flush() {
        while !isFlushed {
            let count = answers.bytes.withBytes { bytes in
                send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                if errno == EINTR { continue }
                if errno != EAGAIN { end() }
                return
            }
            sent += count
        }
        answers.bytes.removeAll(keepingAtMost: FrontConnection.keptCapacity)
        sent = 0
    }

    /// Says that no more answers come, and gives the client a moment to take those that it has got.
    private func linger() {
        pause = .lingering
        waiting = []
        lastActivity = loop.now
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Asks for the events that matter now.
    private func watch() {
        let isFull = waiting.count > FrontConnection.maxWaitingBytes || pause == .fullStack
        var wanted: UInt32 = isInputClosed || isFull ? 0 : UInt32(EPOLLIN.rawValue)
        if !isFlushed { wanted |= UInt32(EPOLLOUT.rawValue) }
        guard wanted != interest else { return }
        interest = wanted
        loop.watch(self, wanted)
    }

    // MARK: The end

    /// Whether it has been quiet for too long.
    func isOverTime(_ timeouts: ConnectionTimeouts) -> Bool {
        let quiet = loop.now &- lastActivity
        if pause == .refused { return quiet > timeouts.read }
        if pause == .lingering { return quiet >= FrontConnection.lingerTime }
        guard answers.isSettled, held == nil else { return false }
        if let requestBegan, loop.now &- requestBegan > timeouts.read { return true }
        return quiet > timeouts.idle
    }

    /// Closes the socket. Answers that are on their way are forgotten; what they answer has taken effect.
    func end() {
        guard !isClosed else { return }
        isClosed = true
        loop.forget(self)
        close(descriptor)
    }

    /// Ends without closing the socket, which is somebody else's now.
    func leave() { isClosed = true }
}
