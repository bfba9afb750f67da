import NIOCore
import NIOHTTP2

/// Between the frames and what manages a connection of HTTP/2: closes the connection where something is wrong with it as a
/// whole, which the frames' handler only tells the client, and where the client does not answer the farewell. The manager says it twice, the second time when the client has acknowledged the first, and would wait for that
/// for ever.
final class GoAwayDeadline: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let time: TimeAmount
    private var context: ChannelHandlerContext?
    private var deadline: Scheduled<Void>?
    private var isSaid = false

    init(time: TimeAmount) { self.time = time }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        self.context = nil
    }

    /// Starts the manager's timers, which wait for the event of a connection that begins: this one has begun, since its
    /// protocol was negotiated first.
    func begin() { context?.fireChannelActive() }

    /// Has the manager say goodbye, and end the connection when the streams have. The event does not come the usual way, from
    /// the first handler on: the one of the frames would refuse streams from then on, also those that came before the client
    /// can know.
    func say() { context?.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A stream's error has ended the stream.
        if !(error is NIOHTTP2Errors.StreamError) { context.close(promise: nil) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .goAway = unwrapOutboundIn(data).payload {
            deadline?.cancel()
            if !isSaid {
                let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
                deadline = context.eventLoop.scheduleTask(in: time) { bound.value.close(promise: nil) }
            }
            isSaid = true
        }
        context.write(data, promise: promise)
    }
}
