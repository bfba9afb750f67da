import NIOCore
import NIOHTTP2

/// Between the frames and what manages a connection of HTTP/2: carries out how the manager says goodbye. It does so in
/// three steps: a GOAWAY that lets all streams in, a PING whose answer proves that the client knows, and a GOAWAY that
/// names the last stream. Streams that crossed the first one are served.
///
/// Two things are not as the manager has them. The frames' handler is not told of the first GOAWAY: it would take the
/// connection for ended as soon as no stream is open, and refuse those that cross it. And a client that does not answer
/// the PING in time, or cannot since it has closed its side, is taken to know.
final class Farewell: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let ending: LingeringClose
    private var context: ChannelHandlerContext?
    /// The PING that was sent.
    private var asked: HTTP2PingData?
    private var deadline: Scheduled<Void>?
    private var isInputClosed = false
    /// Whether the last stream was named.
    private var isFinal = false

    init(_ ending: LingeringClose) { self.ending = ending }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        self.context = nil
    }

    /// Starts the manager's timers, which wait for the event of a connection that begins: this one has begun, since its
    /// protocol was negotiated first.
    func begin() { context?.fireChannelActive() }

    /// Has the manager say goodbye, and end the connection when the streams have.
    func say() { context?.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        guard case ChannelEvent.inputClosed = event, !isInputClosed else { return }
        isInputClosed = true
        if asked == nil { say() } else { waitForAnswer(context) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data).payload {
        case .goAway(let last, .noError, _) where last == .maxID:
            ending.announce()
            promise?.succeed(())
        case .goAway:
            isFinal = true
            context.write(data, promise: promise)
        case .ping(let question, ack: false):
            asked = question
            waitForAnswer(context)
            context.write(data, promise: promise)
        default: context.write(data, promise: promise)
        }
    }

    /// When the time is over the manager is given the answer itself; it passes over a second one.
    private func waitForAnswer(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: isInputClosed ? .zero : HTTP2Limits.goAwayTime) {
            let (handler, context) = bound.value
            guard let asked = handler.asked else { return }
            let answer = HTTP2Frame(streamID: .rootStream, payload: .ping(asked, ack: true))
            context.fireChannelRead(handler.wrapInboundOut(answer))
            context.fireChannelReadComplete()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(error)
        // Errors of a stream have ended it, and those of the connection are told by a GOAWAY that `LingeringClose` sees:
        // but not after the last stream was named, since a GOAWAY may not take that back.
        if isFinal, !(error is NIOHTTP2Errors.StreamError) { context.close(promise: nil) }
    }
}
