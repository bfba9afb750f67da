// The connections of the full stack: those that the front gave away.

import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import NIOPosix
import Synchronization

/// Runs HTTP on sockets that are connected already: Hummingbird's HTTP/1.1 channel, or under TLS what is negotiated.
final class AdoptedConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isQuiescing = false
    }

    private let stack: FullStack
    private let configuration: HTTP1Channel.Configuration
    private let submitters: LoopSubmitters
    private let timeouts: ConnectionTimeouts
    private let secure: SecureSetup?
    private let group: any EventLoopGroup
    private let logger: Logger
    private let state = Mutex(State())

    init(
        _ stack: FullStack, maxHeaderBytes: Int, submitters: LoopSubmitters, timeouts: ConnectionTimeouts,
        certificates: ServerCertificates?, group: any EventLoopGroup, logger: Logger
    ) {
        self.stack = stack
        configuration = HTTP1Channel.Configuration(
            additionalChannelHandlers: [FullStackMonitor()],
            httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                maxHeaderFieldSize: maxHeaderBytes, maxHeaderListSize: maxHeaderBytes,
                maxHeaderFieldCount: RequestScanner.maxFields))
        self.submitters = submitters
        self.timeouts = timeouts
        secure = certificates.map { certificates in
            SecureSetup(
                certificates: certificates,
                http2: HTTP2Connections(maxHeaderBytes: maxHeaderBytes, timeouts: timeouts, logger: logger),
                timeouts: timeouts, failures: HandshakeFailures(logger: logger), clock: stack.clock,
                fields: stack.fields)
        }
        self.group = group
        self.logger = logger
    }

    /// Serves a connection until it ends.
    func serve(_ adoption: Adoption) async {
        do {
            if let secure { try await serve(adoption, secure) } else { try await servePlain(adoption) }
        } catch {
            logger.debug("a connection ended on its way to the full stack", metadata: ["reason": "\(error)"])
        }
    }

    private func servePlain(_ adoption: Adoption) async throws {
        let http = channel(to: adoption.peer)
        let bytes = ByteBuffer(bytes: adoption.bytes)
        let value = try await bootstrap.withConnectedSocket(adoption.descriptor) { channel in
            self.setUp(channel, for: adoption.peer, bytes, http)
        }
        enter(value.channel)
        await http.handle(value: value, logger: logger)
        leave(value.channel)
    }

    private func serve(_ adoption: Adoption, _ secure: SecureSetup) async throws {
        let http = channel(to: adoption.peer)
        let bytes = ByteBuffer(bytes: adoption.bytes)
        let (channel, negotiated) = try await bootstrap.withConnectedSocket(adoption.descriptor) { channel in
            channel.eventLoop.makeCompletedFuture {
                let negotiated = try secure.begin(channel, bytes) { channel in
                    self.setUp(channel, for: adoption.peer, ByteBuffer(), http)
                }
                return (channel, negotiated)
            }
        }
        enter(channel)
        defer { leave(channel) }
        do {
            switch try await negotiated.get() {
            case .http1(let value): await http.handle(value: value, logger: logger)
            case .http2(let multiplexer):
                let streams = self.channel(to: adoption.peer, isFramed: true)
                // Not cancelled with the others: a stream that came must be served, if only to find its connection closed.
                await Task { await secure.http2.serve(multiplexer, by: streams) }.value
                channel.close(promise: nil)
            }
        } catch {
            logger.debug("a connection did not come to speak HTTP", metadata: ["reason": "\(error)"])
            channel.close(promise: nil)
        }
        // A failure to close is one to reach a connection that has ended.
        try? await channel.closeFuture.get()
    }

    private var bootstrap: ClientBootstrap {
        ClientBootstrap(group: group).channelOption(.allowRemoteHalfClosure, value: true)
    }

    /// Puts HTTP/1.1 onto a connection, on its loop, with what was read of it already.
    private func setUp(
        _ channel: any Channel, for peer: NetworkAddress, _ bytes: ByteBuffer, _ http: HTTP1Channel
    ) -> EventLoopFuture<HTTP1Channel.Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
                ConnectionHandler(
                    peer: peer, submitter: submitters.here(channel.eventLoop), timeouts: timeouts, bytes: bytes,
                    lingers: secure == nil))
        }.flatMap { [logger] in http.setup(channel: channel, logger: logger) }
    }

    private func enter(_ channel: any Channel) {
        let isQuiescing = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = channel
            return state.isQuiescing
        }
        if isQuiescing { AdoptedConnections.quiesce(channel) }
    }

    private func leave(_ channel: any Channel) {
        state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// What serves a connection whose other end is `peer`. `isFramed`: its protocol tells where a body ends.
    private func channel(to peer: NetworkAddress, isFramed: Bool = false) -> HTTP1Channel {
        var stack = stack
        stack.isFramed = isFramed
        return HTTP1Channel(
            responder: { [stack] request, writer, _ in
                let response = await stack.respond(to: request, from: peer)
                try await writer.write(response: response.head, body: response.body)
            }, configuration: configuration)
    }

    /// Connections end when all that came on them is answered.
    func quiesce() {
        let channels = state.withLock { state in
            state.isQuiescing = true
            return Array(state.channels.values)
        }
        for channel in channels { AdoptedConnections.quiesce(channel) }
    }

    /// Ends all connections.
    func abort() {
        for channel in state.withLock({ Array($0.channels.values) }) {
            channel.pipeline.fireUserInboundEventTriggered(TLSGate.Abort())
            channel.close(promise: nil)
        }
    }

    private static func quiesce(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
}

/// One submitter for each of NIO's event loops, made when its first connection comes.
final class LoopSubmitters: Sendable {
    typealias Submitter = LoopSubmitter<ConnectionHandler>

    private let make: @Sendable (any EventLoop) -> Submitter
    private let bound = Mutex<[ObjectIdentifier: NIOLoopBound<Submitter>]>([:])

    init(make: @escaping @Sendable (any EventLoop) -> Submitter) { self.make = make }

    /// The submitter of `loop`; to be called on it.
    func here(_ loop: any EventLoop) -> Submitter {
        let known = bound.withLock { $0[ObjectIdentifier(loop)] }
        if let known { return known.value }
        let made = make(loop)
        let box = NIOLoopBound(made, eventLoop: loop)
        bound.withLock { $0[ObjectIdentifier(loop)] = box }
        return made
    }
}
