// The HTTP server: Hummingbird on NIO, with the handler of the hot calls in front on every connection.

import Hummingbird
import HummingbirdCore
import LikewiseAPI
import LikewiseCore
import LikewiseEngine
package import Logging
package import NIOCore
import NIOHTTPTypes
import NIOPosix
import Synchronization

package struct HTTPServerOptions: Sendable {
    package var host = "127.0.0.1"
    /// 0: any free one.
    package var port = 8080
    package var maxHeaderBytes = 16 << 10
    package var idleTimeout = TimeAmount.seconds(60)
    package var readTimeout = TimeAmount.seconds(15)
    package var maxConnections = 10_000
    package var limits = API.Limits()

    package init() {}
}

package struct HTTPServer: Sendable {
    private let application: Application<FullStack>

    /// - Parameter isStopping: told by the caller when shutdown begins, for readiness.
    /// - Parameter onListening: called once with the port.
    package init(
        _ options: HTTPServerOptions, service: LikeService, group: any EventLoopGroup, logger: Logger,
        metricsPage: @escaping @Sendable () -> [UInt8], isStopping: @escaping @Sendable () -> Bool,
        onListening: @escaping @Sendable (Int) -> Void
    ) {
        let timings = RouteTimings()
        let api = API(
            service: service, limits: options.limits, timings: timings, metricsPage: metricsPage,
            isStopping: isStopping)
        let submitters = LoopSubmitters { loop in
            LoopSubmitter(
                engine: service.engine, answers: api.answers.copy(), clock: service.clock, timings: timings, loop: loop)
        }
        application = Application(
            responder: FullStack(api: api, timings: timings, clock: service.clock),
            server: HTTPServerBuilder { responder in
                FrontChannel(
                    http: HTTP1Channel(
                        responder: responder,
                        configuration: HTTP1Channel.Configuration(
                            additionalChannelHandlers: [FullStackMonitor()],
                            httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                                maxHeaderFieldSize: options.maxHeaderBytes, maxHeaderListSize: options.maxHeaderBytes,
                                maxHeaderFieldCount: 200))),
                    limits: ConnectionHandler.Limits(
                        headBytes: options.maxHeaderBytes, bodyBytes: options.limits.bodyBytes,
                        bulkBytes: options.limits.bulkBytes, idleTimeout: options.idleTimeout,
                        readTimeout: options.readTimeout),
                    submitters: submitters)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port), backlog: 4096,
                availableConnectionsDelegate: MaximumAvailableConnections(options.maxConnections, logger: logger)),
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? options.port) },
            eventLoopGroupProvider: .shared(group), logger: logger)
    }

    /// Serves until the task is told to shut down gracefully, and then until what was accepted is answered.
    package func run() async throws {
        try await application.run()
    }
}

/// HTTP/1.1 with the hot calls answered in front.
private struct FrontChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    let http: HTTP1Channel
    let limits: ConnectionHandler.Limits
    let submitters: LoopSubmitters

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let limits = limits
        let submitters = submitters
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
                ConnectionHandler(submitter: submitters.here(channel.eventLoop), limits: limits))
        }.flatMap { http.setup(channel: channel, logger: logger) }
    }

    func handle(value: Value, logger: Logger) async {
        await http.handle(value: value, logger: logger)
    }
}

/// One submitter for each event loop, made when its first connection comes.
private final class LoopSubmitters: Sendable {
    private let make: @Sendable (any EventLoop) -> LoopSubmitter
    private let bound = Mutex<[ObjectIdentifier: NIOLoopBound<LoopSubmitter>]>([:])

    init(make: @escaping @Sendable (any EventLoop) -> LoopSubmitter) { self.make = make }

    /// The submitter of `loop`; to be called on it.
    func here(_ loop: any EventLoop) -> LoopSubmitter {
        let known = bound.withLock { $0[ObjectIdentifier(loop)] }
        if let known { return known.value }
        let made = make(loop)
        let box = NIOLoopBound(made, eventLoop: loop)
        bound.withLock { $0[ObjectIdentifier(loop)] = box }
        return made
    }
}
