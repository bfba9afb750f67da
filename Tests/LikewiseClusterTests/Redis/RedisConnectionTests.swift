import LikewiseCluster
import NIOCore
import NIOEmbedded
import Testing

/// A connection without a socket, whose clock moves when told to.
private final class TestConnection {
    let channel = EmbeddedChannel()
    private(set) var events: [String] = []
    private(set) var results: [String: [Result<RedisValue, RedisError>]] = [:]
    private var connection: RedisConnection?

    init(greets: Bool = true) throws {
        let handshake = RedisHandshake(username: nil, password: nil, purpose: .node)
        let connection = RedisConnection(handshake: handshake) { [weak self] _, event in
            self?.events.append("\(event)")
        }
        self.connection = connection
        try channel.pipeline.syncOperations.addHandler(connection)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        _ = try sent()
        if greets { try receive("%0\r\n") }
    }

    func sent() throws -> String? {
        try channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) }
    }

    func receive(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    /// Sends so many PINGs under a name; their results come to `results`.
    func send(_ name: String, _ count: Int, seconds: UInt64 = 60) -> RedisFlight {
        let box = NIOLoopBound(self, eventLoop: channel.eventLoop)
        let deadline = channel.eventLoop.now.uptimeNanoseconds + seconds * 1_000_000_000
        return RedisFlight((0..<count).map { _ in RedisCommand("PING") }, deadline: deadline) {
            box.value.results[name] = $0
        }
    }

    func write(_ flights: RedisFlight...) { connection?.write(flights) }
    func end() { connection?.end(.shutDown) }
}

struct RedisConnectionTests {
    private static let pong = Result<RedisValue, RedisError>.success(.simple(ByteBuffer(string: "PONG")))

    @Test func `flights go out in one write and are answered one by one, in halves of answers too`() throws {
        let test = try TestConnection()
        test.write(test.send("a", 2), test.send("b", 1))
        #expect(try test.sent() == String(repeating: "*1\r\n$4\r\nPING\r\n", count: 3))
        #expect(try test.sent() == nil)
        try test.receive("+PONG\r\n+PO")
        #expect(test.results.isEmpty)
        try test.receive("NG\r\n-ERR no\r\n")
        #expect(test.results["a"] == [Self.pong, Self.pong])
        #expect(test.results["b"] == [.failure(.refused(code: "ERR", words: "no"))])
        #expect(test.events == ["ready", "answered(1)", "answered(2)"])
    }

    @Test func `a late command ends the connection: it is late, those behind it are lost, answered ones stay`() throws {
        let test = try TestConnection()
        test.write(test.send("a", 2, seconds: 5), test.send("b", 1, seconds: 9), test.send("c", 1, seconds: 1))
        try test.receive("+PONG\r\n")
        test.channel.embeddedEventLoop.advanceTime(by: .milliseconds(999))
        #expect(test.results.isEmpty)
        test.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(test.results["a"] == [Self.pong, .failure(.connectionLost)])
        #expect(test.results["b"] == [.failure(.connectionLost)])
        #expect(test.results["c"] == [.failure(.timeout)])
        #expect(test.events.last == "\(RedisConnection.Event.ended(.timeout, unanswered: 3))")
        #expect(!test.channel.isActive)
    }

    @Test func `what was answered in its time sets no timer off`() throws {
        let test = try TestConnection()
        test.write(test.send("a", 1, seconds: 1))
        try test.receive("+PONG\r\n")
        test.write(test.send("b", 1, seconds: 3))
        test.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(test.channel.isActive)
        test.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(test.results["b"] == [.failure(.timeout)])
    }

    @Test(
        arguments: [
            ("x\r\n", RedisConnectionEnd.badBytes(.unknownType(UInt8(ascii: "x")))),
            ("+PONG\r\n+PONG\r\n+PONG\r\n", .unaskedAnswer),
        ])
    func `bad bytes and answers that nobody asked for end the connection`(text: String, end: RedisConnectionEnd) throws
    {
        let test = try TestConnection()
        test.write(test.send("a", 2))
        try test.receive(text)
        #expect(test.events.last?.hasPrefix("ended(") == true)
        #expect(test.events.last?.contains("\(end)".prefix(8)) == true)
        #expect(test.results["a"]?.count == 2)
        #expect(!test.channel.isActive)
    }

    @Test func `a refused handshake ends the connection`() throws {
        let test = try TestConnection(greets: false)
        try test.receive("-NOAUTH HELLO must be called with AUTH\r\n")
        #expect(test.events.count == 1)
        #expect(test.events.first?.contains("NOAUTH") == true)
        #expect(!test.channel.isActive)
    }

    @Test func `after the end flights are refused unsent`() throws {
        let test = try TestConnection()
        test.end()
        test.write(test.send("a", 1))
        #expect(test.results["a"] == [.failure(.unavailable(.notConnected))])
    }

    @Test func `what is pushed is no answer`() throws {
        let test = try TestConnection()
        test.write(test.send("a", 1))
        try test.receive(">1\r\n+hi\r\n+PONG\r\n")
        #expect(test.results["a"] == [Self.pong])
        #expect(test.events.count == 3)
    }
}
