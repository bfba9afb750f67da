// Many small requests over many connections, from one thread: it shares the cores with the server that it measures, so it
// waits in epoll, allocates nothing for a request and reads answers in place. One request is on its way on a connection
// at a time.

import CPlatform
import Glibc

/// Where the requests of a load come from.
package protocol RequestSource {
    /// The bytes of the request that is sent next.
    var bytes: [UInt8] { get }
    /// Which of the kinds it is that are counted apart, from 0.
    var kind: Int { get }
    /// How many kinds there are, at most `LoadResult.mostKinds`.
    var kindCount: Int { get }
    /// Makes the next request.
    mutating func advance()
}

/// Owns its sockets. For one thread.
struct LoadGenerator: ~Copyable {
    /// What is done about connections that are lost, and answers that do not come.
    enum AtLoss {
        /// The measurement is void.
        case fail
        /// It counts, and the connection is made again.
        case count
    }

    /// Answers are short; a longer one is an error.
    private static let roomBytes = 8192
    /// After the last request, the time that answers have to come in.
    private static let drainNanoseconds: UInt64 = 30_000_000_000
    /// The longest between two calls of `watch`.
    private static let watchNanoseconds: UInt64 = 100_000_000

    private let server: BenchAddress
    private let atLoss: AtLoss
    /// Told what the load has come to so far; answers whether to go on.
    private let watch: (LoadResult) -> Bool
    private var watched: UInt64 = 0
    private var isStopped = false

    /// -1 where it is to be connected before it is used.
    private var sockets: [Int32] = []
    /// For each connection: bytes of its answer so far, when its request was due, and of which kind it is; -1 for none.
    private var filled: [Int]
    private var due: [UInt64]
    private var kinds: [Int]
    private var free: [Int]
    private let poll: Int32
    private let room: UnsafeMutableRawBufferPointer
    private let events: UnsafeMutableBufferPointer<epoll_event>

    /// Connects `connections` times to `server`.
    init(
        _ server: BenchAddress, connections: Int, atLoss: AtLoss = .fail,
        watch: @escaping (LoadResult) -> Bool = { _ in true }
    ) throws {
        self.server = server
        self.atLoss = atLoss
        self.watch = watch
        sockets = Array(repeating: -1, count: connections)
        filled = Array(repeating: 0, count: connections)
        due = Array(repeating: 0, count: connections)
        kinds = Array(repeating: -1, count: connections)
        free = Array(0..<connections)
        room = .allocate(byteCount: connections * LoadGenerator.roomBytes, alignment: 64)
        events = .allocate(capacity: connections)
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        for i in 0..<connections { try connect(i) }
    }

    /// The same to a port of 127.0.0.1.
    init(port: UInt16, connections: Int) throws {
        try self.init(BenchAddress(loopback: port), connections: connections)
    }

    deinit {
        for socket in sockets where socket >= 0 { close(socket) }
        close(poll)
        room.deallocate()
        events.deallocate()
    }

    private mutating func connect(_ connection: Int) throws {
        let socket = try server.connect()
        sockets[connection] = socket
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: UInt64(connection)))
        guard epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event) == 0 else {
            throw BenchError("epoll takes no socket: \(lastError())")
        }
    }

    /// Sends the next request on a connection as soon as the last is answered, for `seconds`: what the server can do.
    mutating func closedLoop(_ source: inout some RequestSource, seconds: Double) throws -> LoadResult {
        var result = LoadResult(kinds: source.kindCount)
        let start = BenchClock.now()
        let end = start + UInt64(seconds * 1e9)
        var now = start
        while now < end, !isStopped {
            while let connection = free.popLast() {
                try send(&source, on: connection, due: BenchClock.now(), &result)
            }
            try wait(nanoseconds: end - now, &result)
            now = BenchClock.now()
            result.seconds = Double(now - start) / 1e9
            tell(now, result)
        }
        // What is answered late belongs to no rate.
        var late = LoadResult()
        try drain(&late)
        result.addFailures(of: late)
        return result
    }

    /// Sends at a steady rate whatever the server does; latencies are counted from when a request was due.
    mutating func openLoop(
        _ source: inout some RequestSource, rate: Double, seconds: Double
    ) throws -> LoadResult {
        var result = LoadResult(kinds: source.kindCount)
        let schedule = OpenLoopSchedule(rate: rate, seconds: seconds, start: BenchClock.now())
        var sent = 0
        while sent < schedule.count, !isStopped {
            let now = BenchClock.now()
            let dueCount = schedule.dueCount(at: now)
            // Where all connections are taken a request is sent later, and its latency has the wait in it.
            while sent < dueCount, let connection = free.popLast() {
                try send(&source, on: connection, due: schedule.due(sent), &result)
                sent += 1
            }
            let next = sent < dueCount || sent == schedule.count ? now + 100_000_000 : schedule.due(sent)
            try wait(nanoseconds: next > now ? next - now : 0, &result)
            result.seconds = Double(BenchClock.now() - schedule.start) / 1e9
            tell(now, result)
        }
        try drain(&result)
        result.seconds = Double(BenchClock.now() - schedule.start) / 1e9
        return result
    }

    private mutating func tell(_ now: UInt64, _ result: LoadResult) {
        guard now >= watched + LoadGenerator.watchNanoseconds else { return }
        watched = now
        if !watch(result) { isStopped = true }
    }

    private mutating func drain(_ result: inout LoadResult) throws {
        let end = BenchClock.now() + (isStopped ? LoadGenerator.drainNanoseconds / 15 : LoadGenerator.drainNanoseconds)
        while free.count < sockets.count {
            guard BenchClock.now() < end else {
                let missing = sockets.count - free.count
                guard atLoss == .count else { throw BenchError("\(missing) requests were not answered within 30 s") }
                for kind in kinds where kind >= 0 { result.record(lost: kind) }
                return
            }
            try wait(nanoseconds: 100_000_000, &result)
        }
    }

    private mutating func send(
        _ source: inout some RequestSource, on connection: Int, due time: UInt64, _ result: inout LoadResult
    ) throws {
        if sockets[connection] < 0 { try connect(connection) }
        due[connection] = time
        filled[connection] = 0
        kinds[connection] = source.kind
        let socket = sockets[connection]
        let isSent = source.bytes.withUnsafeBytes { bytes in
            // A request is far smaller than a socket's buffer, which is empty: the last one was answered.
            Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
        }
        if !isSent { try lose(connection, "a request could not be sent: \(lastError())", &result) }
        source.advance()
    }

    /// A connection has ended.
    private mutating func lose(_ connection: Int, _ why: @autoclosure () -> String, _ result: inout LoadResult) throws {
        guard atLoss == .count else { throw BenchError(why()) }
        close(sockets[connection])
        sockets[connection] = -1
        // Servers close connections that were idle for long; that loses nothing.
        guard kinds[connection] >= 0 else { return }
        result.record(lost: kinds[connection])
        kinds[connection] = -1
        free.append(connection)
    }

    /// Waits for answers up to `nanoseconds`, and takes those that are there.
    private mutating func wait(nanoseconds: UInt64, _ result: inout LoadResult) throws {
        let nanoseconds = min(nanoseconds, LoadGenerator.watchNanoseconds)
        var limit = timespec(tv_sec: 0, tv_nsec: Int(nanoseconds))
        let count = epoll_pwait2(poll, events.baseAddress, Int32(events.count), &limit, nil)
        guard count >= 0 || errno == EINTR else { throw BenchError("epoll: \(lastError())") }
        for i in 0..<Int(max(0, count)) { try receive(Int(events[i].data.u64), &result) }
    }

    private mutating func receive(_ connection: Int, _ result: inout LoadResult) throws {
        let start = connection * LoadGenerator.roomBytes
        let answer = room[start..<start + LoadGenerator.roomBytes]
        let space = UnsafeMutableRawBufferPointer(rebasing: answer.dropFirst(filled[connection]))
        let count = recv(sockets[connection], space.baseAddress, space.count, Int32(MSG_DONTWAIT))
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        guard count > 0, kinds[connection] >= 0 else {
            let end = count == 0 ? "end of file" : count > 0 ? "bytes that nobody asked for" : lastError()
            return try lose(connection, "the server closed a connection in the middle: \(end)", &result)
        }
        filled[connection] += count
        let bytes = UnsafeRawBufferPointer(rebasing: answer.prefix(filled[connection]))
        guard let head = HTTPHead(scanning: bytes), head.totalBytes <= bytes.count else {
            guard filled[connection] < LoadGenerator.roomBytes else { throw BenchError("an answer is too long") }
            return
        }
        result.record(kinds[connection], status: head.status, nanoseconds: BenchClock.now() - due[connection])
        kinds[connection] = -1
        free.append(connection)
    }
}
