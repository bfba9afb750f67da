// The load of all levels: a closed loop of callers, each with a connection and one like at a time, on one thread with
// poll(2). A closed loop is what the levels are compared by, since their peaks lie three orders of magnitude apart; a
// latency in it is that of a like among as many others as there are callers.

import Glibc

/// An event log that likes are handed to, and that says later which of them it has stored.
protocol EventLogClient: AnyObject {
    /// Becomes readable when there are answers.
    var descriptor: Int32 { get }
    /// Appends the like of `user`; `token` comes back with the answer.
    func append(user: Int, token: Int) throws
    /// Gives each answer that has arrived to `body`: the token, and whether the like is stored.
    func takeAnswers(_ body: (Int, Bool) throws -> Void) throws
}

/// A connection that a caller holds on to. A class, since the connection cannot be copied into an array.
final class CallerSocket {
    let connection: BenchConnection
    init(_ connection: consuming BenchConnection) { self.connection = connection }
}

/// A caller: its connection, and the like that it waits for.
private struct Seat<Caller: CallerProtocol> {
    var socket: CallerSocket
    var caller: Caller
    var input = ReplyBuffer()
    var user = 0
    var sentAt: UInt64 = 0
    var isBusy = false
    var isClosed = false

    mutating func receive(_ bytes: UnsafeRawBufferPointer, output: inout [UInt8]) -> CallerProgress {
        input.append(bytes)
        return caller.receive(&input, output: &output)
    }
}

/// The callers of a level. Not safe to share between threads.
final class CallerLoop<Caller: CallerProtocol> {
    /// Latencies of acknowledged likes, from the sending of the first byte.
    private(set) var latencies = Latencies()
    /// Users whose like was acknowledged, each once.
    private(set) var acknowledged = 0

    private var seats: [Seat<Caller>] = []
    private var descriptors: [pollfd] = []
    private var busy = 0
    private var users = 0
    private var output: [UInt8] = []
    private var room = [UInt8](repeating: 0, count: 16 << 10)
    private let log: (any EventLogClient)?
    private let connect: () throws -> (CallerSocket, Caller)

    /// `count` callers that connect with `connect`; likes that are handed on go to `log`.
    init(count: Int, log: (any EventLogClient)?, connect: @escaping () throws -> (CallerSocket, Caller)) throws {
        self.log = log
        self.connect = connect
        for _ in 0..<count { seats.append(try newSeat()) }
        setDescriptors()
    }

    /// Makes all connections anew, after the server was started again.
    func reconnect() throws {
        precondition(busy == 0, "\(busy) likes would be forgotten")
        for i in seats.indices { seats[i] = try newSeat() }
        setDescriptors()
    }

    /// Likes of ever new users for `seconds`. Answers how many were acknowledged in that time; one a caller is still on
    /// its way afterwards.
    func load(seconds: Double) throws -> Int {
        let before = acknowledged
        let end = BenchClock.now() + UInt64(seconds * 1e9)
        try pump(
            until: end, canClose: false,
            next: {
                users += 1
                return users - 1
            }, acknowledge: { _ in acknowledged += 1 })
        return acknowledged - before
    }

    /// Waits up to `seconds` for the likes that are on their way. With `canClose` connections may end: a server was killed.
    func settle(seconds: Double = 10, canClose: Bool = false) throws {
        let end = BenchClock.now() + UInt64(seconds * 1e9)
        try pump(until: end, canClose: canClose, next: { nil }, acknowledge: { _ in acknowledged += 1 })
    }

    /// The users whose likes were not answered. From here on nobody waits for these answers.
    func takeUnanswered() -> [Int] {
        var found: [Int] = []
        for i in seats.indices where seats[i].isBusy {
            found.append(seats[i].user)
            seats[i].isBusy = false
        }
        busy = 0
        return found
    }

    /// Sends the likes of `list`, all of which have to be answered. They count as acknowledged unless they are repeats.
    func ask(_ list: some Sequence<Int>, areRepeats: Bool = false) throws {
        var rest = list.makeIterator()
        let end = BenchClock.now() + 60_000_000_000
        try pump(
            until: end, canClose: false, next: { rest.next() },
            acknowledge: { _ in
                if !areRepeats { acknowledged += 1 }
            })
        guard busy == 0 else { throw BenchError("\(busy) likes were not answered within 60 s") }
    }

    /// Begins the latencies anew.
    func forgetLatencies() { latencies = Latencies() }

    private func newSeat() throws -> Seat<Caller> {
        let (socket, caller) = try connect()
        return Seat(socket: socket, caller: caller)
    }

    private func setDescriptors() {
        descriptors = seats.map { pollfd(fd: $0.socket.connection.descriptor, events: Int16(POLLIN), revents: 0) }
        if let log { descriptors.append(pollfd(fd: log.descriptor, events: Int16(POLLIN), revents: 0)) }
    }

    /// Gives each idle caller what `next` answers, and goes on until nothing is on its way or it is `end`.
    private func pump(
        until end: UInt64, canClose: Bool, next: () -> Int?, acknowledge: (Int) -> Void
    ) throws {
        for i in seats.indices where !seats[i].isBusy && !seats[i].isClosed {
            guard let user = next() else { break }
            try send(user, from: i)
        }
        func finished(_ i: Int) throws {
            latencies.record(nanoseconds: BenchClock.now() - seats[i].sentAt)
            acknowledge(seats[i].user)
            seats[i].isBusy = false
            busy -= 1
            if let user = next() { try send(user, from: i) }
        }
        while true {
            let now = BenchClock.now()
            guard now < end, seats.contains(where: { $0.isBusy && !$0.isClosed }) else { return }
            _ = poll(&descriptors, nfds_t(descriptors.count), Int32(min(100, (end - now) / 1_000_000 + 1)))
            for i in seats.indices where descriptors[i].revents != 0 {
                if try receive(i, canClose: canClose) { try finished(i) }
            }
            if let log, let last = descriptors.last, last.revents != 0 {
                try log.takeAnswers { i, isStored in
                    // An answer that nobody waits for any more: its user has been asked again.
                    guard seats[i].isBusy else { return }
                    guard isStored else { throw BenchError("the event log refused a like") }
                    try finished(i)
                }
            }
        }
    }

    private func send(_ user: Int, from i: Int) throws {
        output.removeAll(keepingCapacity: true)
        seats[i].user = user
        seats[i].caller.begin(user: user, output: &output)
        seats[i].sentAt = BenchClock.now()
        seats[i].isBusy = true
        busy += 1
        try seats[i].socket.connection.send(output)
    }

    /// Reads what has arrived for a caller. Answers whether its like is acknowledged.
    private func receive(_ i: Int, canClose: Bool) throws -> Bool {
        let count = recv(seats[i].socket.connection.descriptor, &room, room.count, Int32(MSG_DONTWAIT))
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return false }
        guard count > 0 else {
            guard canClose else { throw BenchError("a server closed a caller's connection in the middle of the load") }
            seats[i].isClosed = true
            // A negative descriptor is passed over by poll.
            descriptors[i].fd = -1
            descriptors[i].revents = 0
            return false
        }
        output.removeAll(keepingCapacity: true)
        let progress = room.withUnsafeBytes { room in
            seats[i].receive(UnsafeRawBufferPointer(rebasing: room[..<count]), output: &output)
        }
        switch progress {
        case .waiting:
            // A server that is gone takes no bytes; its end of the connection is read next.
            do { if !output.isEmpty { try seats[i].socket.connection.send(output) } } catch {
                guard canClose else { throw error }
            }
            return false
        case .counted, .alreadyLiked: return true
        case .handedOn:
            guard let log else { throw BenchError("a like was handed on, and there is no event log") }
            try log.append(user: seats[i].user, token: i)
            return false
        case .refused(let sentence): throw BenchError(sentence)
        }
    }
}
