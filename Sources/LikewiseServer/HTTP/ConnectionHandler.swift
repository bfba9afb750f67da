// The first handler of a connection of the full stack. It answers the hot calls itself, as the front does before a
// connection needs the full stack, and hands all others, byte for byte, to what is behind it.
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

final class ConnectionHandler: ChannelDuplexHandler, HotConnection {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Bytes of a body that must come within the read timeout.
    private static let timedBytes = 64 << 10
    /// Bytes that wait to be looked at before reading stops.
    private static let maxWaitingBytes = 256 << 10
    /// As long as a connection of the front lingers.
    private static let lingerTime = TimeAmount.nanoseconds(Int64(FrontConnection.lingerTime))

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

    let peer: NetworkAddress
    private let submitter: LoopSubmitter<ConnectionHandler>
    private let timeouts: ConnectionTimeouts
    private var context: ChannelHandlerContext?
    private var mode = Mode.scanning
    private var waiting: ByteBuffer
    private var answers = AnswerQueue()
    var held: HeldRequest?
    private var isReadHeld = false
    private var heldEvents: [Any] = []
    private var isQuiescing = false
    private var isClosing = false
    /// Between `channelRead` and `channelReadComplete`; what is passed on at other times must be completed by itself.
    private var isReading = false
    private var hasPassed = false
    private var lastActivity = NIODeadline.now()
    private var requestBegan: NIODeadline?
    /// Bytes passed on since then.
    private var passed = 0
    /// Since when nobody behind has asked for more of a body that is not answered. That is not the client's time.
    private var heldSince: NIODeadline?
    private var timer: Scheduled<Void>?
    /// Since when the client has not taken what was written.
    private var unwritableSince: NIODeadline?
    /// Whether closing waits a moment for the client, and whether it does so now.
    private let lingers: Bool
    private var isLingering = false

    /// - Parameters:
    ///   - peer: who is at the connection's other end.
    ///   - bytes: what was read of the connection already.
    ///   - lingers: whether a connection that the server ends is read and passed over for a moment. To close at once could
    ///     take answers from the client that are still on their way to it, where it has sent more. TLS has a farewell of
    ///     its own.
    init(
        peer: NetworkAddress, submitter: LoopSubmitter<ConnectionHandler>, timeouts: ConnectionTimeouts,
        bytes: ByteBuffer, lingers: Bool
    ) {
        self.peer = peer
        self.submitter = submitter
        self.timeouts = timeouts
        self.lingers = lingers
        waiting = bytes
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

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        process(context)
        flushOut(context)
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
            answers.isSettled && held == nil
                && (waiting.readableBytes == 0 || requestBegan != nil && context.channel.isWritable)
        case .awaiting: false
        // The full stack knows of these, and sees the event.
        case .passing, .transparent: true
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed where isLingering: context.close(promise: nil)
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
            handler.isQuiescing = events.contains { $0 is ChannelShouldQuiesceEvent }
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
        if case .passing(_, isAnswered: false) = mode, requestBegan != nil { heldSince = .now() }
        flushOut(context)
        // Nobody behind has read anything where nothing was passed on, which for hot calls is always.
        guard hasPassed else { return }
        hasPassed = false
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        endHold()
        if waiting.readableBytes > ConnectionHandler.maxWaitingBytes { isReadHeld = true } else { context.read() }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all else { return context.close(mode: mode, promise: promise) }
        // What still comes must take no effect, as no answer reaches the client any more: TLS reads on for a while.
        isClosing = true
        waiting = ByteBuffer()
        guard lingers, isQuiescing, !isLingering, context.channel.isActive else {
            return context.close(mode: mode, promise: promise)
        }
        isLingering = true
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.close(mode: .output, promise: nil)
        context.eventLoop.scheduleTask(in: ConnectionHandler.lingerTime) { bound.value.close(promise: promise) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unwritableSince = context.channel.isWritable ? nil : .now()
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
                noteProgress(count)
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

    /// The read timeout is for each part of so many bytes, so that a long body may take its time and a dripping one may
    /// not.
    private func noteProgress(_ count: Int) {
        passed += count
        guard passed >= ConnectionHandler.timedBytes else { return }
        passed = 0
        requestBegan = .now()
    }

    /// From now on it is the client's time again: more of the body is wanted, or what is left of it is not.
    private func endHold() {
        guard let heldSince else { return }
        self.heldSince = nil
        requestBegan = requestBegan.map { $0 + (.now() - heldSince) }
    }

    private func pass(_ count: Int, _ context: ChannelHandlerContext) {
        guard let part = waiting.readSlice(length: count) else { return }
        if waiting.readableBytes == 0 { waiting = ByteBuffer() }
        hasPassed = true
        context.fireChannelRead(wrapInboundOut(part))
    }

    /// Takes the next request; false where it must wait.
    private func next(_ context: ChannelHandlerContext) -> Bool {
        let step = waiting.withUnsafeReadableBytes { submitter.step($0, of: self, &answers) }
        switch step {
        case .started(let length):
            requestBegan = nil
            waiting.moveReaderIndex(forwardBy: length)
            if waiting.readableBytes == 0 { waiting = ByteBuffer() }
            scheduleHandOver(context)
            return true
        case .partial:
            begin()
            return false
        case .mustWait:
            // What is being found out for it may be a question to a shard.
            scheduleHandOver(context)
            return false
        case .fullStack(let head):
            guard answers.isSettled else { return false }
            startPassing(head, context)
            return true
        case .irregular:
            guard answers.isSettled else { return false }
            requestBegan = nil
            mode = .transparent
            return true
        case .refused(let code, let detail):
            refuse(code, detail, context)
            return false
        }
    }

    private func scheduleHandOver(_ context: ChannelHandlerContext) {
        guard submitter.hasWaiting, !submitter.isHandOverScheduled else { return }
        submitter.isHandOverScheduled = true
        // Runs when all that is readable in this turn has been read.
        let bound = NIOLoopBound(submitter, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.handOverAll() }
    }

    private func begin() {
        if requestBegan == nil { requestBegan = .now() }
    }

    private func startPassing(_ head: ScannedHead, _ context: ChannelHandlerContext) {
        begin()
        passed = 0
        endsWithRequest = head.isLast
        mode = .passing(remaining: head.length + head.contentLength, isAnswered: false)
        if head.expectsContinue {
            answers.bytes.put("HTTP/1.1 100 Continue\r\n\r\n")
            flushOut(context)
        }
    }

    /// Answers a request that cannot be taken, and closes: where it ends is not known.
    private func refuse(_ code: ProblemCode, _ detail: String, _ context: ChannelHandlerContext) {
        guard answers.isSettled else { return }
        isClosing = true
        waiting = ByteBuffer()
        lastActivity = .now()
        submitter.writeClosing(code, detail, to: &answers.bytes)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(takeBytes(context))).whenComplete { _ in
            channel.close(mode: .output, promise: nil)
        }
    }

    // MARK: Answers

    /// Writes the answer of a slot, at once where it is the first that is due.
    func fill(_ slot: UInt64, _ write: (inout GrowingBytes) -> Void) {
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

    func goOn() {
        guard let context, !isClosing else { return }
        lastActivity = .now()
        process(context)
        flushOut(context)
    }

    private func flushOut(_ context: ChannelHandlerContext) {
        guard answers.hasBytes else { return }
        context.writeAndFlush(wrapOutboundOut(takeBytes(context)), promise: nil)
    }

    /// The bytes that are due, which are then the channel's.
    private func takeBytes(_ context: ChannelHandlerContext) -> ByteBuffer {
        let taken = answers.bytes.withBytes { context.channel.allocator.buffer(bytes: $0) }
        answers.bytes.removeAll(keepingAtMost: 4 << 10)
        return taken
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
        case .passing(let remaining, _):
            mode = .passing(remaining: remaining, isAnswered: true)
            endHold()
        case .scanning, .transparent: break
        }
    }

    // MARK: Time

    private func scheduleTimer(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let period = TimeAmount.nanoseconds(Int64(timeouts.lookInterval))
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
        if let unwritableSince, now - unwritableSince > .nanoseconds(Int64(timeouts.idle)) { return true }
        if held != nil { return false }
        if isClosing { return now - lastActivity > .nanoseconds(Int64(timeouts.read)) }
        if let requestBegan, heldSince == nil, answers.isSettled,
            now - requestBegan > .nanoseconds(Int64(timeouts.read))
        {
            return true
        }
        switch mode {
        case .scanning: return answers.isSettled && now - lastActivity > .nanoseconds(Int64(timeouts.idle))
        case .transparent: return now - lastActivity > .nanoseconds(Int64(timeouts.idle))
        case .passing, .awaiting: return false
        }
    }
}
