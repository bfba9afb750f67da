// The first handler of every connection. It answers the hot calls itself and hands all others, byte for byte, to the full
// stack behind it.
//
// Requests of a connection take effect, and are answered, in the order in which they were sent. Hot calls may be several
// on their way at a time, each with a slot for its answer; a request for the full stack waits until they are answered,
// and they wait until it is.

import HTTPTypes
import LikewiseAPI
import LikewiseCore
import LikewiseEngine
import NIOCore
import NIOHTTPTypes

final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    struct Limits: Sendable {
        var headBytes: Int
        var bodyBytes: Int
        var bulkBytes: Int
        var idleTimeout: TimeAmount
        var readTimeout: TimeAmount
    }

    /// Hot calls of one connection on their way at a time.
    private static let maxPipelined = 256
    /// Bytes that wait to be looked at before reading stops.
    private static let maxWaitingBytes = 256 << 10
    /// Bytes of a hot call's body, which waits until it is whole; a longer one passes through the full stack.
    private static let maxHotBodyBytes = 64 << 10

    private enum Mode {
        /// Between requests.
        case scanning
        /// A request for the full stack, of which so many bytes are still to come.
        case passing(remaining: Int, isAnswered: Bool)
        /// The full stack has the request whole, and has not answered it.
        case awaiting
        /// The full stack has the connection for good.
        case transparent
    }

    /// The full stack ends the connection with the request that it has: nothing that follows may take effect.
    private var endsWithRequest = false
    private var modeBetweenRequests: Mode { endsWithRequest ? .transparent : .scanning }

    let submitter: LoopSubmitter
    let limits: Limits
    private let scanner: RequestScanner
    private var context: ChannelHandlerContext?
    private var mode = Mode.scanning
    var waiting = ByteBuffer()
    var answers = AnswerQueue()
    /// The shard that all hot calls on their way go to.
    var shardOnTheWay = 0
    private var isReadHeld = false
    private var heldEvents: [Any] = []
    private var isClosing = false
    /// Between `channelRead` and `channelReadComplete`; what is passed on at other times must be completed by itself.
    private var isReading = false
    private var hasPassed = false
    private var lastActivity = NIODeadline.now()
    private var requestBegan: NIODeadline?
    private var timer: Scheduled<Void>?

    init(submitter: LoopSubmitter, limits: Limits) {
        self.submitter = submitter
        self.limits = limits
        scanner = RequestScanner(maxHeadBytes: limits.headBytes)
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        scheduleTimer(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        timer?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosing = true
        timer?.cancel()
        context.fireChannelInactive()
    }

    /// Whether all that came whole is answered. What came in part counts as nothing: its rest may never come.
    private func isDone(_ context: ChannelHandlerContext) -> Bool {
        switch mode {
        case .scanning:
            answers.isSettled && (waiting.readableBytes == 0 || requestBegan != nil && context.channel.isWritable)
        case .awaiting: false
        // The full stack knows of these, and sees the event.
        case .passing, .transparent: true
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed, is ChannelShouldQuiesceEvent:
            heldEvents.append(event)
            releaseEvents(context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// Hands on half-closure and shutdown when what was accepted is answered, and the answers are with the kernel: the
    /// full stack may close at once, and what is unsent then is lost.
    private func releaseEvents(_ context: ChannelHandlerContext) {
        guard !heldEvents.isEmpty, isDone(context) else { return }
        flushOut(context)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            let (handler, context) = bound.value
            guard handler.context != nil, handler.isDone(context) else { return }
            let events = handler.heldEvents
            handler.heldEvents = []
            for event in events { context.fireUserInboundEventTriggered(event) }
        }
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // What a refused client still sends is read, so that closing does not take the answer from it.
        guard !isClosing else { return }
        var bytes = unwrapInboundIn(data)
        lastActivity = .now()
        isReading = true
        if waiting.readableBytes == 0 { waiting = bytes } else { waiting.writeBuffer(&bytes) }
        process(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        flushOut(context)
        // Nobody behind has read anything where nothing was passed on, which for hot calls is always.
        guard hasPassed else { return }
        hasPassed = false
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if waiting.readableBytes > ConnectionHandler.maxWaitingBytes { isReadHeld = true } else { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { process(context) }
        flushOut(context)
        context.fireChannelWritabilityChanged()
    }

    /// Looks at what waits until it is used up, or something must be answered first.
    private func process(_ context: ChannelHandlerContext) {
        while waiting.readableBytes > 0, !isClosing {
            let goesOn: Bool
            switch mode {
            case .transparent:
                pass(waiting.readableBytes, context)
                goesOn = false
            case .passing(let remaining, let isAnswered):
                let count = min(remaining, waiting.readableBytes)
                if count == remaining {
                    requestBegan = nil
                    mode = isAnswered ? modeBetweenRequests : .awaiting
                } else {
                    mode = .passing(remaining: remaining - count, isAnswered: isAnswered)
                }
                pass(count, context)
                goesOn = true
            case .awaiting: goesOn = false
            case .scanning: goesOn = context.channel.isWritable && next(context)
            }
            if !goesOn { break }
        }
        if hasPassed && !isReading {
            hasPassed = false
            context.fireChannelReadComplete()
        }
        if isReadHeld, waiting.readableBytes <= ConnectionHandler.maxWaitingBytes {
            isReadHeld = false
            context.read()
        }
        releaseEvents(context)
    }

    private func pass(_ count: Int, _ context: ChannelHandlerContext) {
        guard let part = waiting.readSlice(length: count) else { return }
        if waiting.readableBytes == 0 { waiting = ByteBuffer() }
        hasPassed = true
        context.fireChannelRead(wrapInboundOut(part))
    }

    /// Takes the next request; false where it must wait.
    private func next(_ context: ChannelHandlerContext) -> Bool {
        guard answers.count < ConnectionHandler.maxPipelined else { return false }
        switch waiting.withUnsafeReadableBytes({ scanner.scan($0) }) {
        case .partial:
            begin()
            return false
        case .head(let head):
            if head.isHot, head.contentLength <= min(limits.bodyBytes, ConnectionHandler.maxHotBodyBytes) {
                guard waiting.readableBytes >= head.length + head.contentLength else {
                    begin()
                    return false
                }
                switch startHot(head, context) {
                case .started:
                    requestBegan = nil
                    return true
                case .mustWait: return false
                case .notHot: break
                }
            }
            guard answers.isSettled else { return false }
            return startPassing(head, context)
        case .irregular:
            guard answers.isSettled else { return false }
            requestBegan = nil
            mode = .transparent
            return true
        case .tooLarge:
            return refuse(
                .headersTooLarge,
                "The head has more than \(limits.headBytes) bytes or \(RequestScanner.maxFields) fields.", context)
        case .targetTooLong:
            return refuse(
                .uriTooLong, "The target has more than \(RequestScanner.maxTargetBytes) bytes.", context)
        }
    }

    private func begin() {
        if requestBegan == nil { requestBegan = .now() }
    }

    private func startPassing(_ head: ScannedHead, _ context: ChannelHandlerContext) -> Bool {
        guard head.contentLength <= limits.bulkBytes else {
            return refuse(.bodyTooLarge, "The body has more than \(limits.bulkBytes) bytes.", context)
        }
        begin()
        endsWithRequest = head.isLast
        mode = .passing(remaining: head.length + head.contentLength, isAnswered: false)
        if head.expectsContinue {
            answers.bytes.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
            flushOut(context)
        }
        return true
    }

    /// Answers a request that cannot be taken, and closes: where it ends is not known.
    private func refuse(_ code: ProblemCode, _ detail: String, _ context: ChannelHandlerContext) -> Bool {
        guard answers.isSettled else { return false }
        isClosing = true
        waiting = ByteBuffer()
        lastActivity = .now()
        let reason: StaticString =
            switch code {
            case .headersTooLarge: "Request Header Fields Too Large"
            case .uriTooLong: "URI Too Long"
            default: "Content Too Large"
            }
        submitter.encoder.appendClosing(APIProblem(code, detail).response, reason: reason, to: &answers.bytes)
        let buffer = answers.takeBytes()
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(buffer)).whenComplete { _ in
            channel.close(mode: .output, promise: nil)
        }
        return false
    }

    // MARK: Answers

    /// Writes the answer of a slot, at once where it is the first that is due.
    func fill(_ slot: UInt64, _ write: (inout ByteBuffer) -> Void) {
        if !isClosing { answers.fill(slot, write) }
    }

    /// Called when a group of answers has been filled in.
    func answered() {
        guard let context, answers.hasBytes else { return }
        lastActivity = .now()
        flushOut(context)
        if waiting.readableBytes > 0 {
            process(context)
            flushOut(context)
        } else {
            releaseEvents(context)
        }
    }

    private func flushOut(_ context: ChannelHandlerContext) {
        guard answers.hasBytes else { return }
        context.writeAndFlush(wrapOutboundOut(answers.takeBytes()), promise: nil)
    }

    // MARK: The full stack

    /// Called when the full stack has written that it closes after this answer.
    func fullStackCloses() { endsWithRequest = true }

    /// Called when the full stack has written the end of an answer.
    func fullStackAnswered() {
        guard let context else { return }
        lastActivity = .now()
        switch mode {
        case .awaiting:
            mode = modeBetweenRequests
            // What waits is looked at in the next turn: this is called from within a write.
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.execute {
                let (handler, context) = bound.value
                guard handler.context != nil else { return }
                handler.process(context)
                handler.flushOut(context)
            }
        case .passing(let remaining, _): mode = .passing(remaining: remaining, isAnswered: true)
        case .scanning, .transparent: break
        }
    }

    // MARK: Time

    private func scheduleTimer(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let period = TimeAmount.nanoseconds(
            max(1_000_000, min(limits.idleTimeout.nanoseconds, limits.readTimeout.nanoseconds) / 2))
        timer = context.eventLoop.scheduleTask(in: period) {
            let (handler, context) = bound.value
            guard handler.context != nil else { return }
            if handler.isOverTime {
                context.close(promise: nil)
            } else {
                handler.scheduleTimer(context)
            }
        }
    }

    private var isOverTime: Bool {
        let now = NIODeadline.now()
        if isClosing { return now - lastActivity > limits.readTimeout }
        if let requestBegan, answers.isSettled, now - requestBegan > limits.readTimeout { return true }
        switch mode {
        case .scanning: return answers.isSettled && now - lastActivity > limits.idleTimeout
        case .transparent: return now - lastActivity > limits.idleTimeout
        case .passing, .awaiting: return false
        }
    }
}
