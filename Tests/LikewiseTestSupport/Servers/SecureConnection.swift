// Clients of a server that speaks TLS, with bytes or frames of HTTP/2 as a test wants them. They block, and are used from
// threads that may wait.

import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// An answer, of whichever version of HTTP.
package struct SecureAnswer: Equatable, Sendable {
    package var status = 0
    /// Names in lower case, in the order in which they came.
    package var fields: [[String]] = []
    package var body: [UInt8] = []

    package init() {}

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The value of the first field of this name, which is in lower case.
    package func field(_ name: String) -> String? { fields.first { $0[0] == name }?[1] }
}

/// What went wrong on a client's side.
package enum SecureFailure: Error, Equatable {
    /// The handshake did not come to an end.
    case noHandshake(String)
    /// The server closed the connection where more was due.
    case closed
    /// Nothing came in time.
    case late
    case malformed(String)
}

/// A connection under TLS that sends bytes.
package final class SecureConnection: Sendable {
    /// Longer than anything takes on a busy machine.
    package static let seconds = 30.0

    struct State {
        var isReady = false
        var negotiated: String?
        var bytes: [UInt8] = []
        var isClosed = false
        var failure = "nothing came"
    }

    let channel: any Channel
    private let state: Monitor<State>

    /// Connects, and ends the handshake.
    /// - Parameters:
    ///   - offering: protocols to choose from, the best first.
    ///   - trusting: the certificate that the server must have.
    ///   - preamble: what is sent before TLS.
    package convenience init(
        port: Int, offering: [String] = ["http/1.1"], trusting: TestCertificate = .first, preamble: [UInt8] = []
    ) throws {
        try self.init(port: port, offering: offering, trusting: trusting, preamble: preamble) { _ in }
    }

    /// `install` adds handlers behind TLS.
    init(
        port: Int, offering: [String], trusting: TestCertificate, preamble: [UInt8] = [],
        install: @escaping @Sendable (any Channel) throws -> Void
    ) throws {
        let state = Monitor(State())
        self.state = state
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = offering
        // A server that does not answer the farewell is to be seen.
        configuration.shutdownTimeout = .seconds(60)
        configuration.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMBytes(Array(trusting.certificate.utf8)))
        let context = try NIOSSLContext(configuration: configuration)
        channel = try ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if !preamble.isEmpty { try pipeline.addHandler(Preamble(preamble)) }
                    try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                    try pipeline.addHandler(Collector(state))
                    try install(channel)
                }
            }
            .connectTimeout(.seconds(Int64(SecureConnection.seconds)))
            .connect(host: "127.0.0.1", port: port).wait()
        let isReady = state.wait(seconds: SecureConnection.seconds) { $0.isReady || $0.isClosed ? $0.isReady : nil }
        guard isReady == true else {
            throw SecureFailure.noHandshake(state.update { $0.failure })
        }
    }

    deinit { channel.close(promise: nil) }

    /// The protocol that was chosen.
    package var negotiated: String? { state.update { $0.negotiated } }

    /// Whether the server has closed the connection.
    package var isClosed: Bool { state.update { $0.isClosed } }

    /// Sends bytes, when what was sent before has gone.
    package func send(_ bytes: [UInt8]) throws {
        do { try channel.writeAndFlush(ByteBuffer(bytes: bytes)).wait() } catch { throw SecureFailure.closed }
    }

    /// Waits until the server closes; false where it does not in time.
    package func isClosedByServer(within seconds: Double = SecureConnection.seconds) -> Bool {
        state.wait(seconds: seconds) { $0.isClosed ? true : nil } ?? false
    }

    /// The next answer of HTTP/1.1.
    package func receive() throws -> SecureAnswer {
        let found = state.wait(seconds: SecureConnection.seconds) {
            state -> Result<(SecureAnswer, Int), SecureFailure>? in
            switch SecureConnection.answer(state.bytes) {
            case .success(let found?): .success(found)
            case .success(.none): state.isClosed ? .failure(.closed) : nil
            case .failure(let failure): .failure(failure)
            }
        }
        guard let found else { throw SecureFailure.late }
        let (answer, length) = try found.get()
        state.update { $0.bytes.removeFirst(length) }
        return answer
    }

    /// The answer that `bytes` begin with, and its length; nil where it is not whole.
    private static func answer(_ bytes: [UInt8]) -> Result<(SecureAnswer, Int)?, SecureFailure> {
        var lines: [String] = []
        var at = 0
        while let feed = bytes[at...].firstIndex(of: 0x0a) {
            let line = String(decoding: bytes[at..<feed], as: UTF8.self).filter { $0 != "\r" && $0 != "\r\n" }
            at = feed + 1
            if !line.isEmpty {
                lines.append(line)
                continue
            }
            var answer = SecureAnswer()
            let words = lines.first?.split(separator: " ") ?? []
            guard words.count >= 2, let status = Int(words[1]) else { return .failure(.malformed("\(lines)")) }
            answer.status = status
            for field in lines.dropFirst() {
                let parts = field.split(separator: ":", maxSplits: 1)
                guard parts.count == 2 else { return .failure(.malformed(field)) }
                answer.fields.append([parts[0].lowercased(), String(parts[1].drop { $0 == " " })])
            }
            let length = answer.field("content-length").flatMap { Int($0) } ?? 0
            guard bytes.count - at >= length else { return .success(nil) }
            answer.body = Array(bytes[at..<(at + length)])
            return .success((answer, at + length))
        }
        return .success(nil)
    }

    /// Sends bytes in the clear as soon as there is a connection.
    private final class Preamble: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let bytes: [UInt8]

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            context.fireChannelActive()
        }
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let state: Monitor<State>

        init(_ state: Monitor<State>) { self.state = state }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case TLSUserEvent.handshakeCompleted(let negotiated) = event {
                state.update { state in
                    state.isReady = true
                    state.negotiated = negotiated
                }
            }
            context.fireUserInboundEventTriggered(event)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            state.update { $0.bytes += Array(bytes.readableBytesView) }
            context.fireChannelRead(data)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            state.update { $0.failure = "\(error)" }
        }

        func channelInactive(context: ChannelHandlerContext) {
            state.update { $0.isClosed = true }
            context.fireChannelInactive()
        }
    }
}
