// The HTTP server: the front, which accepts connections and answers hot calls, and Hummingbird on NIO behind it, which takes
// over connections that need more.

import CPlatform
import LikewiseAPI
import LikewiseCore
import LikewiseEngine
package import Logging
package import NIOCore
import NIOPosix
import ServiceLifecycle

package struct HTTPServerOptions: Sendable {
    package var host = "127.0.0.1"
    /// 0: any free one.
    package var port = 8080
    package var maxHeaderBytes = 16 << 10
    package var idleTimeout = TimeAmount.seconds(60)
    package var readTimeout = TimeAmount.seconds(15)
    package var maxConnections = 10_000
    /// Threads that answer hot calls.
    package var loops = 2
    package var limits = API.Limits()
    /// How often callers may ask.
    package var rateLimits = RateLimitPolicy()
    /// Connections of one address open at a time; nil: as many as there may be at all. Those of trusted proxies do not count.
    package var maxConnectionsPerAddress: Int?
    /// Who stands between the callers and this server: whose X-Forwarded-For is believed.
    package var trustedProxies = TrustedProxies()
    /// Whether connections of trusted proxies begin with the PROXY protocol.
    package var proxyProtocol = false
    /// What every answer carries.
    package var fields = AnswerFields()
    /// What counts reactions of visitors whom nobody knows; nil: nothing does.
    package var anonymous: Anonymous?
    /// What the console may try on the server; nil: nothing.
    package var experiments: Experiments?

    package init() {}
}

package struct HTTPServer: Sendable {
    private let options: HTTPServerOptions
    private let service: LikeService
    private let authenticator: Authenticator?
    private let certificates: ServerCertificates?
    private let timings: RouteTimings
    private let api: API
    private let group: any EventLoopGroup
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    /// - Parameter authenticator: knows who is asking; nil where callers are believed.
    /// - Parameter certificates: what TLS is spoken with; nil where it is not.
    /// - Parameter isStopping: told by the caller when shutdown begins, for readiness.
    /// - Parameter onListening: called once with the port.
    package init(
        _ options: HTTPServerOptions, service: LikeService, authenticator: Authenticator? = nil,
        certificates: ServerCertificates? = nil,
        group: any EventLoopGroup, logger: Logger,
        metricsPage: @escaping @Sendable () -> [UInt8], isStopping: @escaping @Sendable () -> Bool,
        onListening: @escaping @Sendable (Int) -> Void
    ) {
        self.options = options
        self.service = service
        self.authenticator = authenticator
        self.certificates = certificates
        self.group = group
        self.logger = logger
        self.onListening = onListening
        timings = RouteTimings()
        let rateLimits = CallLimits(options.rateLimits, isShared: service.engine.sharesLimits)
        let origins = RequestOrigins(
            proxies: options.trustedProxies,
            isAsked: rateLimits?.goByAddress ?? false || service.judge != nil)
        api = API(
            service: service, limits: options.limits, rateLimits: rateLimits, origins: origins,
            visitors: RequestOrigins(
                proxies: options.trustedProxies, isAsked: options.anonymous?.goesByAddress ?? false),
            knowsCallers: authenticator != nil, anonymous: options.anonymous, experiments: options.experiments,
            timings: timings,
            metricsPage: {
                rateLimits?.report(now: service.clock.nanoseconds())
                service.judge?.report()
                return metricsPage()
            }, isStopping: isStopping)
    }

    /// Serves until the task is told to shut down gracefully, and then until what was accepted is answered; a task that
    /// is cancelled ends its connections. Throws where it cannot listen.
    package func run() async throws {
        let (adoptions, adopt) = AsyncStream.makeStream(of: Adoption.self)
        let adopted = AdoptedConnections(
            FullStack(
                api: api, authenticator: authenticator, timings: timings, clock: service.clock, fields: options.fields),
            maxHeaderBytes: options.maxHeaderBytes,
            submitters: LoopSubmitters { loop in submitter { loop.execute($0) } }, timeouts: timeouts,
            certificates: certificates, group: group, logger: logger)
        // The stream holds at most as many as there may be connections.
        let front = try Front(
            Front.Options(
                host: options.host, port: options.port, loops: options.loops, maxConnections: options.maxConnections,
                timeouts: timeouts,
                admission: Admission(
                    maxPerAddress: options.maxConnectionsPerAddress, proxies: options.trustedProxies,
                    proxiesAnnounce: options.proxyProtocol),
                adoptsAll: certificates != nil),
            clock: service.clock, logger: logger,
            makeSubmitter: { mailbox in submitter { mailbox.put(.work($0)) } },
            adopt: { adopt.yield($0) }, ended: { adopt.finish() })
        // Hot calls come first: under bulk intake they would wait for a turn of the processor at each of four hand-overs.
        for loop in group.makeIterator() { loop.execute { likewise_give_way() } }
        onListening(front.port)
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await withDiscardingTaskGroup { tasks in
                    tasks.addTask { await api.live.run() }
                    for await adoption in adoptions {
                        tasks.addTask {
                            await adopted.serve(adoption)
                            front.shared.release(adoption.peer)
                        }
                    }
                    api.live.stop()
                }
            } onGracefulShutdown: {
                front.stop()
                adopted.quiesce()
                api.live.stop()
            }
        } onCancel: {
            front.abort()
            api.live.stop()
            adopted.abort()
        }
        await withCheckedContinuation { continuation in
            NIOThreadPool.singleton.submit { _ in
                front.join()
                continuation.resume()
            }
        }
    }

    private var timeouts: ConnectionTimeouts {
        ConnectionTimeouts(
            idle: UInt64(max(0, options.idleTimeout.nanoseconds)), read: UInt64(max(0, options.readTimeout.nanoseconds))
        )
    }

    private func submitter<Connection>(
        _ execute: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) -> LoopSubmitter<Connection> {
        LoopSubmitter(
            engine: service.engine, answers: api.answers.copy(), clock: service.clock, timings: timings,
            limits: HotLimits(
                headBytes: options.maxHeaderBytes, bodyBytes: options.limits.bodyBytes,
                bulkBytes: options.limits.bulkBytes),
            rateLimits: api.rateLimits?.copy(), origins: api.origins.copy(),
            identity: authenticator.map { LoopIdentity($0, clock: service.clock) }, judge: service.judge,
            fields: options.fields, execute: execute)
    }
}
