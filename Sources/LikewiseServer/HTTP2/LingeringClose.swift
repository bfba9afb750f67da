// How a connection of HTTP/2 is closed. A socket that is closed while bytes wait to be read is reset by the kernel, and the
// reset overtakes what was sent before it, such as the GOAWAY that says why. So the server closes its side alone, and reads
// and passes over what the client still sends: until the client closes too, for a while, up to a number of bytes.

import NIOCore
import NIOHTTP2
import NIOSSL

/// Between TLS and the frames: makes each close a lingering one, and closes where the frames' handler has told the client of
/// an error of the connection as a whole, since that handler would go on.
final class LingeringClose: ChannelDuplexHandler, NIOHTTP2FrameDelegate {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// A GOAWAY without an error that lets all streams in (RFC 9113, 6.8).
    private static let announcement: [UInt8] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]

    private enum Phase {
        case open
        /// The client was told of an error; what it sends is passed over.
        case failed
        case closing
    }

    private let unsentTime: TimeAmount
    private var phase = Phase.open
    private var passedOver = 0
    private var context: ChannelHandlerContext?
    private var deadline: Scheduled<Void>?

    /// - Parameter unsentTime: for the client to take the answers that wait when its last stream has ended.
    init(unsentTime: TimeAmount) { self.unsentTime = unsentTime }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        self.context = nil
    }

    /// Tells the client to begin no more streams, without the frames' handler. Sent with the next flush.
    func announce() {
        context?.write(wrapOutboundOut(.byteBuffer(ByteBuffer(bytes: LingeringClose.announcement))), promise: nil)
    }

    func wroteFrame(_ frame: HTTP2Frame) {
        guard case .goAway(_, let code, _) = frame.payload, code != .noError, case .open = phase, let context else {
            return
        }
        phase = .failed
        // The frame is on its way when this turn is over.
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (handler, context) = bound.value
            handler.close(context: context, mode: .all, promise: nil)
        }
    }

    // MARK: Input

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .open = phase { return context.fireChannelRead(data) }
        passedOver += unwrapInboundIn(data).readableBytes
        if passedOver > HTTP2Limits.lingerBytes { abort(context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .closing = phase, case ChannelEvent.inputClosed = event { return abort(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A client that closes without the farewell of TLS. The event that says so follows; as an error it would end the
        // coming of streams, and leave the connection.
        if case NIOSSLError.uncleanShutdown = error { return }
        context.fireErrorCaught(error)
    }

    // MARK: Closing

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, context.channel.isActive else { return context.close(mode: mode, promise: promise) }
        context.channel.closeFuture.cascade(to: promise)
        let time: TimeAmount
        switch phase {
        case .open: time = unsentTime
        case .failed: time = HTTP2Limits.lingerTime
        case .closing: return
        }
        phase = .closing
        setDeadline(time, context)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        // When this has gone, all has.
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer()))).whenComplete { _ in
            let (handler, context) = bound.value
            guard handler.context != nil else { return }
            context.close(mode: .output, promise: nil)
            handler.setDeadline(HTTP2Limits.lingerTime, context)
        }
    }

    private func setDeadline(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: time) {
            let (handler, context) = bound.value
            handler.abort(context)
        }
    }

    /// Closes at once: TLS, asked to close, would wait for the client.
    private func abort(_ context: ChannelHandlerContext) {
        context.pipeline.fireUserInboundEventTriggered(TLSGate.Abort())
    }
}
