import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Behind the HTTP codec: tells the connection's first handler when the full stack has answered.
final class FullStackMonitor: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private var connection: ConnectionHandler?

    func handlerAdded(context: ChannelHandlerContext) {
        do {
            connection = try context.pipeline.syncOperations.handler(type: ConnectionHandler.self)
        } catch {
            // A connection without the first handler has nothing to be told.
            connection = nil
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { connection = nil }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            if head.headerFields[.connection]?.lowercased() == "close" { connection?.fullStackCloses() }
            context.write(data, promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            connection?.fullStackAnswered()
        }
    }
}
