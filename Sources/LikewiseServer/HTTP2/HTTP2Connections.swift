// Connections that speak HTTP/2. Each stream is a request with its answer, through the full stack as those of HTTP/1.1; a
// stream that lasts, such as server-sent events, takes one of the places.
//
// Streams of a connection run side by side: an order of effects, as pipelined requests have it, there is none.

import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2

/// Bounds of one connection of HTTP/2.
enum HTTP2Limits {
    /// Streams open at a time.
    static let streams = 100
    /// Bytes of requests' bodies that a stream may have on their way.
    static let streamWindow = 64 << 10
    /// The same for all streams of a connection together.
    static let connectionWindow = 1 << 20
    /// Streams that the client may reset within `floodWindow`, and streams that may end by its errors (CVE-2023-44487,
    /// CVE-2025-8671).
    static let resets = 200
    /// PING, SETTINGS and PRIORITY frames that it may send within `floodWindow`.
    static let controlFrames = 400
    /// Answers to such frames that wait until the client takes them.
    static let bufferedControlFrames = 1_000
    /// CONTINUATION frames in a row.
    static let continuationFrames = 8
    static let floodWindow = TimeAmount.seconds(30)
    /// For the client to acknowledge the farewell.
    static let goAwayTime = TimeAmount.seconds(2)
    /// For the client to close too, once the server's side is closed.
    static let lingerTime = TimeAmount.seconds(1)
    /// Bytes of the client that are passed over meanwhile.
    static let lingerBytes = 1 << 20
}

struct HTTP2Connections: Sendable {
    typealias Stream = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
    typealias Multiplexer = NIOHTTP2Handler.AsyncStreamMultiplexer<Stream>

    let maxHeaderBytes: Int
    let timeouts: ConnectionTimeouts
    let logger: Logger

    /// Puts HTTP/2 onto a connection, on its loop. Answers its streams, and who says goodbye on it.
    func setUp(_ channel: any Channel) throws -> (Multiplexer, Farewell) {
        let idle = TimeAmount.nanoseconds(Int64(timeouts.idle))
        let manager = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: NIOHTTP2ServerConnectionManagementHandler.Configuration(
                maxIdleTime: idle, maxAge: nil, maxGraceTime: nil, keepalive: nil))
        let pipeline = channel.pipeline.syncOperations
        let ending = LingeringClose(unsentTime: idle)
        try pipeline.addHandler(ending)
        let multiplexer: Multiplexer = try pipeline.configureAsyncHTTP2Pipeline(
            mode: .server, streamDelegate: manager.http2StreamDelegate, frameDelegate: ending,
            configuration: configuration
        ) { [timeouts] stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTPServerCodec())
                try stream.pipeline.syncOperations.addHandler(StreamGuard(timeouts))
                return try Stream(wrappingChannelSynchronously: stream)
            }
        }
        let farewell = Farewell(ending)
        try pipeline.addHandler(farewell)
        try pipeline.addHandler(manager)
        farewell.begin()
        return (multiplexer, farewell)
    }

    private var configuration: NIOHTTP2Handler.Configuration {
        var configuration = NIOHTTP2Handler.Configuration()
        configuration.connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: HTTP2Limits.streams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: maxHeaderBytes),
        ]
        configuration.connection.maximumBufferedControlFrames = HTTP2Limits.bufferedControlFrames
        configuration.connection.maximumSequentialContinuationFrames = HTTP2Limits.continuationFrames
        configuration.connection.targetWindowSize = HTTP2Limits.connectionWindow
        configuration.connection.controlFrameRateLimit.maximumCount = HTTP2Limits.controlFrames
        configuration.connection.controlFrameRateLimit.windowLength = HTTP2Limits.floodWindow
        configuration.stream.targetWindowSize = HTTP2Limits.streamWindow
        configuration.stream.streamResetFrameRateLimit.maximumCount = HTTP2Limits.resets
        configuration.stream.streamResetFrameRateLimit.windowLength = HTTP2Limits.floodWindow
        configuration.stream.streamErrorRateLimit.maximumCount = HTTP2Limits.resets
        configuration.stream.streamErrorRateLimit.windowLength = HTTP2Limits.floodWindow
        return configuration
    }

    /// Serves a connection until it ends.
    func serve(_ multiplexer: Multiplexer, by http: HTTP1Channel) async {
        do {
            try await withThrowingDiscardingTaskGroup { tasks in
                for try await stream in multiplexer.inbound {
                    tasks.addTask { [logger] in await http.handle(value: stream, logger: logger) }
                }
            }
        } catch {
            logger.debug("a connection of HTTP/2 ended", metadata: ["reason": "\(error)"])
        }
    }
}
