// The HTTP of a role that takes no likes: liveness, readiness, metrics.

import LikewiseAPI
package import NIOCore
import NIOHTTP1
import NIOPosix

/// Answers `/health/live`, `/health/ready` and `/metrics`, and nothing else.
package struct StatusServer: Sendable {
    /// What a role says of itself.
    package struct Status: Sendable {
        package var isReady: Bool
        /// Fields of the readiness answer beside `status`.
        package var fields: [(name: String, value: String)]

        package init(isReady: Bool, fields: [(name: String, value: String)] = []) {
            self.isReady = isReady
            self.fields = fields
        }
    }

    /// Connections open at a time.
    private static let maxConnections: Int32 = 64

    private let channel: any Channel

    /// The port that it listens on.
    package var port: Int { channel.localAddress?.port ?? 0 }

    /// Begins to listen. Throws where it cannot.
    package init(
        host: String, port: Int, group: any EventLoopGroup, status: @escaping @Sendable () -> Status,
        metricsPage: @escaping @Sendable () -> [UInt8]
    ) async throws {
        channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: StatusServer.maxConnections)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandlers([
                        IdleStateHandler(allTimeout: .seconds(60)), StatusHandler(status, metricsPage),
                    ])
                }
            }
            .bind(host: host, port: port).get()
    }

    /// Takes no more connections.
    package func stop() async { try? await channel.close() }
}

private final class StatusHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let status: @Sendable () -> StatusServer.Status
    private let metricsPage: @Sendable () -> [UInt8]
    private var head: HTTPRequestHead?

    init(_ status: @escaping @Sendable () -> StatusServer.Status, _ metricsPage: @escaping @Sendable () -> [UInt8]) {
        self.status = status
        self.metricsPage = metricsPage
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var code = HTTPResponseStatus.ok
        var type = "application/json"
        var body: [UInt8]
        switch (head.method, head.uri.prefix { $0 != "?" }) {
        case (.GET, "/health/live"), (.HEAD, "/health/live"):
            body = JSONWriter.bytes { $0.object { $0.field("status", "ok") } }
        case (.GET, "/health/ready"), (.HEAD, "/health/ready"):
            let status = status()
            if !status.isReady { code = .serviceUnavailable }
            body = JSONWriter.bytes { writer in
                writer.object { object in
                    object.field("status", status.isReady ? "ok" : "not_ready")
                    for (name, value) in status.fields {
                        object.name(name)
                        object.string(value)
                    }
                }
            }
        case (.GET, "/metrics"), (.HEAD, "/metrics"):
            type = PrometheusMetrics.contentType
            body = metricsPage()
        default:
            code = .notFound
            type = Problem.mediaType
            body = JSONWriter.bytes { writer in
                Problem.write(
                    .notFound, detail: "There are /health/live, /health/ready and /metrics here.", to: &writer
                ) { _ in }
            }
        }
        var fields = HTTPHeaders([
            ("Content-Type", type), ("Content-Length", "\(body.count)"), ("Cache-Control", "no-store"),
        ])
        if !head.isKeepAlive { fields.add(name: "Connection", value: "close") }
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: code, headers: fields))), promise: nil)
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        }
        let isKeptAlive = head.isKeepAlive
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            if !isKeptAlive { channel.close(promise: nil) }
        }
    }
}
