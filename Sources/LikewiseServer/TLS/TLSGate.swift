// What stands in front of TLS on a connection. It bounds the time of the handshake, tells a client that speaks plain HTTP
// what is wrong instead of closing without a word, and ends a connection without TLS's farewell where that must be now.

import LikewiseAPI
import Logging
import Metrics
import NIOCore
import Synchronization

/// The first handler of a connection under TLS, to its end.
final class TLSGate: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Tells the gate to end the connection at once.
    struct Abort: Sendable {}

    /// What the first byte of TLS is: the type of a record of the handshake (RFC 8446, 5.1).
    private static let handshakeRecord: UInt8 = 22
    /// For a handshake that goes on when the server begins to stop.
    private static let drainTime = TimeAmount.seconds(1)

    private enum Phase {
        case fresh
        case handshaking
        case established
        /// Plain HTTP was answered; what else comes is passed over.
        case refused
    }

    private let timeout: TimeAmount
    private let failures: HandshakeFailures
    private let refusal: @Sendable () -> [UInt8]
    /// What was read of the connection already.
    private var waiting: ByteBuffer
    private var phase = Phase.fresh
    private var deadline: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    private var isQuiescing = false
    /// What is done when the server begins to stop, in place of telling those behind.
    private var quiesce: (() -> Void)?

    /// - Parameters:
    ///   - timeout: for the handshake.
    ///   - bytes: what was read of the connection already.
    ///   - refusal: the answer to plain HTTP.
    init(
        timeout: TimeAmount, bytes: ByteBuffer, failures: HandshakeFailures,
        refusal: @escaping @Sendable () -> [UInt8]
    ) {
        self.timeout = timeout
        self.failures = failures
        self.refusal = refusal
        waiting = bytes
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        setDeadline(timeout, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        self.context = nil
        quiesce = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        guard waiting.readableBytes > 0 else { return }
        let bytes = waiting
        waiting = ByteBuffer()
        take(bytes, context)
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if phase == .handshaking { failures.count(.handshake) }
        phase = .refused
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if phase == .established { return context.fireChannelRead(data) }
        take(unwrapInboundIn(data), context)
    }

    private func take(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        if phase == .fresh, let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) {
            phase = first == TLSGate.handshakeRecord ? .handshaking : .refused
            if phase == .refused { refuse(context) }
        }
        if phase != .refused { context.fireChannelRead(wrapInboundOut(bytes)) }
    }

    /// Answers in plain HTTP. The client closes, or the deadline does: to close now might take the answer from it.
    private func refuse(_ context: ChannelHandlerContext) {
        failures.count(.plainText)
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: refusal())), promise: nil)
        context.close(mode: .output, promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is Abort: context.close(promise: nil)
        case is ChannelShouldQuiesceEvent where phase != .established:
            isQuiescing = true
            setDeadline(TLSGate.drainTime, context)
        case is ChannelShouldQuiesceEvent where quiesce != nil: quiesce?()
        case ChannelEvent.inputClosed where phase == .refused || phase == .fresh: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func setDeadline(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: time) {
            let (gate, context) = bound.value
            if gate.phase == .fresh || gate.phase == .handshaking { gate.failures.count(.timeout) }
            gate.phase = .refused
            context.close(promise: nil)
        }
    }

    /// Called when the handshake is done and those who serve the connection are behind the gate.
    /// - Parameter quiesce: done when the server begins to stop; nil: those behind are told by the event.
    func establish(quiesce: (() -> Void)? = nil) {
        guard let context else { return }
        deadline?.cancel()
        deadline = nil
        phase = .established
        self.quiesce = quiesce
        guard isQuiescing else { return }
        // What came with the end of the handshake is passed on first.
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (gate, context) = bound.value
            gate.userInboundEventTriggered(context: context, event: ChannelShouldQuiesceEvent())
        }
    }
}

/// Handshakes that came to nothing: counted, and told of once in a while.
final class HandshakeFailures: Sendable {
    enum Reason: String, CaseIterable {
        case plainText = "plain_text"
        case handshake
        case timeout
    }

    /// Between two lines of the log.
    private static let logInterval = TimeAmount.seconds(60)

    private let logger: Logger
    private let lastLogged = Mutex<NIODeadline?>(nil)
    private let counters: [Reason: Counter]

    init(logger: Logger) {
        self.logger = logger
        counters = Dictionary(
            uniqueKeysWithValues: Reason.allCases.map { reason in
                (reason, Counter(label: "likewise_tls_handshakes_failed", dimensions: [("reason", reason.rawValue)]))
            })
    }

    func count(_ reason: Reason) {
        counters[reason]?.increment()
        guard reason == .plainText else { return }
        let isDue = lastLogged.withLock { last in
            let now = NIODeadline.now()
            if let last, now - last < HandshakeFailures.logInterval { return false }
            last = now
            return true
        }
        guard isDue else { return }
        logger.notice(
            """
            plain HTTP came to the port, which speaks TLS: clients must ask with https://; further ones within a minute \
            are only counted
            """)
    }
}
