// The connections of the full stack: those that the front gave away.

import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import NIOPosix
import Synchronization

/// Runs Hummingbird's HTTP/1.1 channel on sockets that are connected already.
final class AdoptedConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isQuiescing = false
    }

    private let stack: FullStack
    private let configuration: HTTP1Channel.Configuration
    private let submitters: LoopSubmitters
    private let timeouts: ConnectionTimeouts
    private let group: any EventLoopGroup
    private let logger: Logger
    private let state = Mutex(State())

    init(
        _ stack: FullStack, maxHeaderBytes: Int, submitters: LoopSubmitters, timeouts: ConnectionTimeouts,
        group: any EventLoopGroup, logger: Logger
    ) {
        self.stack = stack
        configuration = HTTP1Channel.Configuration(
            additionalChannelHandlers: [FullStackMonitor()],
            httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                maxHeaderFieldSize: maxHeaderBytes, maxHeaderListSize: maxHeaderBytes,
                maxHeaderFieldCount: RequestScanner.maxFields))
        self.submitters = submitters
        self.timeouts = timeouts
        self.group = group
        self.logger = logger
    }

    /// Serves a connection until it ends.
    func serve(_ adoption: Adoption) async {
        let http = channel(to: adoption.peer)
        let value: HTTP1Channel.Value
        do {
            value = try await ClientBootstrap(group: group)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .withConnectedSocket(adoption.descriptor) { [submitters, timeouts, logger] channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            ConnectionHandler(
                                peer: adoption.peer, submitter: submitters.here(channel.eventLoop), timeouts: timeouts,
                                bytes: channel.allocator.buffer(bytes: adoption.bytes)))
                    }.flatMap { http.setup(channel: channel, logger: logger) }
                }
        } catch {
            return logger.debug("a connection ended on its way to the full stack", metadata: ["reason": "\(error)"])
        }
        let channel = value.channel
        let isQuiescing = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = channel
            return state.isQuiescing
        }
        if isQuiescing { AdoptedConnections.quiesce(channel) }
        await http.handle(value: value, logger: logger)
        state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// What serves a connection whose other end is `peer`.
    private func channel(to peer: NetworkAddress) -> HTTP1Channel {
        HTTP1Channel(
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
