// One TCP connection: bytes out, answers in. It knows no reconnecting; when it ends, it says so once and is thrown away.

package import NIOCore

/// Why a connection ended.
package enum RedisConnectionEnd: Error, Hashable {
    /// The server closed it.
    case closed
    /// The socket failed, in the system's words.
    case failed(String)
    /// The oldest command has no answer in its time. Answers that come now would be taken for those of later commands.
    case timeout
    /// What was received is no RESP.
    case badBytes(RESPError)
    /// An answer that nobody asked for.
    case unaskedAnswer
    /// The server is not what we need.
    case handshake(RedisHandshakeError)
    /// Ended by us.
    case shutDown
}

/// One connection to a server. Touched on its channel's event loop alone.
package final class RedisConnection: ChannelInboundHandler, @unchecked Sendable {
    /// What the socket received.
    package typealias InboundIn = ByteBuffer
    /// What the socket is to send.
    package typealias OutboundOut = ByteBuffer

    /// What becomes of the connection.
    package enum Event {
        /// Ready for commands.
        case ready
        /// So many commands were answered.
        case answered(Int)
        /// The server said something that nobody asked for, as it may.
        case pushed(RedisValue)
        /// Comes last; so many commands were sent and not answered.
        case ended(RedisConnectionEnd, unanswered: Int)
    }

    private var handshake: RedisHandshake?
    private var decoder = RESPDecoder()
    private var pipeline = RedisPipeline<RedisFlight>()
    private var context: ChannelHandlerContext?
    private var timer: (deadline: UInt64, task: Scheduled<Void>)?
    private var hasEnded = false
    private var unanswered = 0
    private let handle: (RedisConnection, Event) -> Void

    /// `handle` is called on the loop.
    package init(handshake: RedisHandshake, handle: @escaping (RedisConnection, Event) -> Void) {
        self.handshake = handshake
        self.handle = handle
    }

    // MARK: Out

    /// Sends the commands of all flights in one write. Only after `ready`.
    package func write(_ flights: [RedisFlight]) {
        guard let context, !hasEnded else {
            for flight in flights { flight.finish(missing: .unavailable(.notConnected)) }
            return
        }
        let size = flights.reduce(0) { $0 + $1.commands.reduce(0) { $0 + $1.bytes.count } }
        var buffer = context.channel.allocator.buffer(capacity: size)
        var earliest = UInt64.max
        for flight in flights {
            flight.begin()
            for command in flight.commands { buffer.writeBytes(command.bytes) }
            pipeline.add(flight, count: flight.commands.count, deadline: flight.deadline)
            earliest = min(earliest, flight.deadline)
            unanswered += flight.commands.count
        }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        arm(for: earliest)
    }

    private func write(_ bytes: [UInt8]) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
    }

    // MARK: Time

    /// One timer for all: it goes off for the earliest deadline and looks what is the next then.
    private func arm(for deadline: UInt64) {
        guard let context else { return }
        if let timer {
            if timer.deadline <= deadline { return }
            timer.task.cancel()
        }
        let loop = context.eventLoop
        let task = loop.scheduleTask(
            deadline: .uptimeNanoseconds(deadline)
        ) {
            self.timer = nil
            guard let next = self.pipeline.earliestDeadline else { return }
            if next <= loop.now.uptimeNanoseconds { self.end(.timeout) } else { self.arm(for: next) }
        }
        timer = (deadline, task)
    }

    // MARK: In

    /// Greets, where the channel is connected already.
    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { greet() }
    }

    /// The channel is connected: greets.
    package func channelActive(context: ChannelHandlerContext) { greet() }

    private func greet() {
        if let handshake { write(handshake.greeting) }
    }

    /// Takes what was received.
    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasEnded else { return }
        decoder.append(unwrapInboundIn(data))
        var count = 0
        var finished: [RedisFlight] = []
        var failure: RedisConnectionEnd?
        do throws(RESPError) {
            while failure == nil, !hasEnded, let value = try decoder.next() {
                if case .push = value {
                    handle(self, .pushed(value))
                } else if handshake != nil {
                    failure = takeHandshake(value)
                } else if let answered = pipeline.answer() {
                    answered.owner.take(value)
                    count += 1
                    if answered.isLast { finished.append(answered.owner) }
                } else {
                    failure = .unaskedAnswer
                }
            }
        } catch {
            failure = .badBytes(error)
        }
        unanswered -= count
        if count > 0 { handle(self, .answered(count)) }
        for flight in finished { flight.finish() }
        if let failure { end(failure) }
    }

    private func takeHandshake(_ value: RedisValue) -> RedisConnectionEnd? {
        switch handshake?.take(value) {
        case .send(let bytes, let isLast):
            write(bytes)
            if isLast { becomeReady() }
        case .ready: becomeReady()
        case .failed(let error): return .handshake(error)
        case nil: break
        }
        return nil
    }

    private func becomeReady() {
        handshake = nil
        handle(self, .ready)
    }

    // MARK: The end

    /// The server closed the connection.
    package func channelInactive(context: ChannelHandlerContext) { end(.closed) }

    /// The socket failed.
    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.failed(String(describing: error)))
    }

    /// Closes, and finishes all that waits: it was sent, so nobody knows whether it took effect.
    package func end(_ reason: RedisConnectionEnd) {
        guard !hasEnded else { return }
        hasEnded = true
        timer?.task.cancel()
        timer = nil
        let now = (context?.eventLoop.now ?? .now()).uptimeNanoseconds
        context?.close(promise: nil)
        context = nil
        let open = pipeline.removeAll(at: now)
        handle(self, .ended(reason, unanswered: unanswered))
        for (flight, isLate) in open { flight.finish(missing: isLate ? .timeout : .connectionLost) }
    }
}
