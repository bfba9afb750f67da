// Many small requests over many connections, from one thread: it shares the cores with the server that it measures, so it
// waits in epoll, allocates nothing for a request and reads answers in place. One request is on its way on a connection
// at a time.

import CPlatform
import Glibc

/// What a load came to.
package struct LoadResult: Sendable {
    /// Answers with status 200.
    package var good = 0
    /// Other answers.
    package var bad = 0
    /// From the first request to the last answer that counts.
    package var seconds = 0.0
    package var latencies = Latencies()

    /// Answers a second.
    package var rate: Double { seconds > 0 ? Double(good) / seconds : 0 }
}

/// Owns its sockets. For one thread.
struct LoadGenerator: ~Copyable {
    /// Answers are short; a longer one is an error.
    private static let roomBytes = 8192
    /// After the last request, the time that answers have to come in.
    private static let drainNanoseconds: UInt64 = 30_000_000_000

    private var sockets: [Int32] = []
    /// For each connection: bytes of its answer so far, and when its request was due.
    private var filled: [Int]
    private var due: [UInt64]
    private var free: [Int]
    private let poll: Int32
    private let room: UnsafeMutableRawBufferPointer
    private let events: UnsafeMutableBufferPointer<epoll_event>

    /// Connects `connections` times to a port of 127.0.0.1.
    init(port: UInt16, connections: Int) throws {
        filled = Array(repeating: 0, count: connections)
        due = Array(repeating: 0, count: connections)
        free = Array(0..<connections)
        room = .allocate(byteCount: connections * LoadGenerator.roomBytes, alignment: 64)
        events = .allocate(capacity: connections)
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        for i in 0..<connections {
            let socket = try BenchAddress.connect(port)
            sockets.append(socket)
            var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: UInt64(i)))
            guard epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event) == 0 else {
                throw BenchError("epoll takes no socket: \(lastError())")
            }
        }
    }

    deinit {
        for socket in sockets { close(socket) }
        close(poll)
        room.deallocate()
        events.deallocate()
    }

    /// Sends the next request on a connection as soon as the last is answered, for `seconds`: what the server can do.
    mutating func closedLoop(_ template: inout RequestTemplate, seconds: Double) throws -> LoadResult {
        var result = LoadResult()
        let start = BenchClock.now()
        let end = start + UInt64(seconds * 1e9)
        var now = start
        while now < end {
            while let connection = free.popLast() { try send(&template, on: connection, due: BenchClock.now()) }
            try wait(nanoseconds: end - now, &result)
            now = BenchClock.now()
        }
        result.seconds = Double(now - start) / 1e9
        // What is answered late belongs to no rate.
        var late = LoadResult()
        try drain(&late)
        result.bad += late.bad
        return result
    }

    /// Sends at a steady rate whatever the server does; latencies are counted from when a request was due.
    mutating func openLoop(_ template: inout RequestTemplate, rate: Double, seconds: Double) throws -> LoadResult {
        var result = LoadResult()
        let schedule = OpenLoopSchedule(rate: rate, seconds: seconds, start: BenchClock.now())
        var sent = 0
        while sent < schedule.count {
            let now = BenchClock.now()
            let dueCount = schedule.dueCount(at: now)
            // Where all connections are taken a request is sent later, and its latency has the wait in it.
            while sent < dueCount, let connection = free.popLast() {
                try send(&template, on: connection, due: schedule.due(sent))
                sent += 1
            }
            let next = sent < dueCount || sent == schedule.count ? now + 100_000_000 : schedule.due(sent)
            try wait(nanoseconds: next > now ? next - now : 0, &result)
        }
        try drain(&result)
        result.seconds = Double(BenchClock.now() - schedule.start) / 1e9
        return result
    }

    private mutating func drain(_ result: inout LoadResult) throws {
        let end = BenchClock.now() + LoadGenerator.drainNanoseconds
        while free.count < sockets.count {
            guard BenchClock.now() < end else {
                throw BenchError("\(sockets.count - free.count) requests were not answered within 30 s")
            }
            try wait(nanoseconds: 100_000_000, &result)
        }
    }

    private mutating func send(_ template: inout RequestTemplate, on connection: Int, due time: UInt64) throws {
        due[connection] = time
        filled[connection] = 0
        let socket = sockets[connection]
        let isSent = template.bytes.withUnsafeBytes { bytes in
            // A request is far smaller than a socket's buffer, which is empty: the last one was answered.
            Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
        }
        guard isSent else { throw BenchError("a request could not be sent: \(lastError())") }
        template.advance()
    }

    /// Waits for answers up to `nanoseconds`, and takes those that are there.
    private mutating func wait(nanoseconds: UInt64, _ result: inout LoadResult) throws {
        var limit = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
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
        guard count > 0 else {
            throw BenchError("the server closed a connection in the middle: \(count < 0 ? lastError() : "end of file")")
        }
        filled[connection] += count
        let bytes = UnsafeRawBufferPointer(rebasing: answer.prefix(filled[connection]))
        guard let head = HTTPHead(scanning: bytes), head.totalBytes <= bytes.count else {
            guard filled[connection] < LoadGenerator.roomBytes else { throw BenchError("an answer is too long") }
            return
        }
        if head.status == 200 { result.good += 1 } else { result.bad += 1 }
        result.latencies.record(nanoseconds: BenchClock.now() - due[connection])
        free.append(connection)
    }
}
