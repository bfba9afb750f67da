import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Resets a stream whose client does not keep pace (`StreamPace`).
final class StreamGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let lookInterval: TimeAmount
    private var pace: StreamPace
    private var timer: Scheduled<Void>?

    init(_ timeouts: ConnectionTimeouts) {
        lookInterval = .nanoseconds(Int64(timeouts.lookInterval))
        pace = StreamPace(readTimeout: timeouts.read, unsentTimeout: timeouts.idle)
    }

    private static var now: UInt64 { NIODeadline.now().uptimeNanoseconds }

    func handlerAdded(context: ChannelHandlerContext) {
        pace.asked(at: StreamGuard.now)
        schedule(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    private func schedule(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: lookInterval) {
            let (handler, context) = bound.value
            if handler.pace.isOver(at: StreamGuard.now) {
                context.close(promise: nil)
            } else {
                handler.schedule(context)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func read(context: ChannelHandlerContext) {
        pace.asked(at: StreamGuard.now)
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: break
        case .body(let part): pace.received(part.readableBytes, at: StreamGuard.now)
        case .end: pace.requestEnded()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        pace.wrote(at: StreamGuard.now)
        let promise = promise ?? context.eventLoop.makePromise()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in bound.value.pace.sent(at: StreamGuard.now) }
        context.write(data, promise: promise)
    }
}
