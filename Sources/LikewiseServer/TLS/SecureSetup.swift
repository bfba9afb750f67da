import HummingbirdCore
import LikewiseAPI
import LikewiseEngine
import NIOCore
import NIOSSL
import NIOTLS

/// How a connection comes to speak HTTP under TLS: the handshake, and in it which version of HTTP.
struct SecureSetup: Sendable {
    enum Negotiated: Sendable {
        case http1(HTTP1Channel.Value)
        case http2(HTTP2Connections.Multiplexer)
    }

    let certificates: ServerCertificates
    let http2: HTTP2Connections
    let timeouts: ConnectionTimeouts
    let failures: HandshakeFailures
    let clock: any EngineClock
    let fields: AnswerFields

    /// Begins a connection, on its loop. The future is there when its protocol is known and set up.
    /// - Parameters:
    ///   - bytes: what was read of it already.
    ///   - http1: sets HTTP/1.1 up.
    func begin(
        _ channel: any Channel, _ bytes: ByteBuffer,
        http1: @escaping @Sendable (any Channel) -> EventLoopFuture<HTTP1Channel.Value>
    ) throws -> EventLoopFuture<Negotiated> {
        let gate = TLSGate(
            timeout: .nanoseconds(Int64(timeouts.read)), bytes: bytes, failures: failures,
            refusal: { [clock, fields] in SecureSetup.refusal(clock, fields) })
        let bound = NIOLoopBound(gate, eventLoop: channel.eventLoop)
        let negotiation = NIOTypedApplicationProtocolNegotiationHandler<Negotiated> { [http2] result, channel in
            guard case .negotiated("h2") = result else {
                let ready = http1(channel).map { Negotiated.http1($0) }
                ready.whenSuccess { _ in bound.value.establish() }
                return ready
            }
            return channel.eventLoop.makeCompletedFuture {
                let (multiplexer, farewell) = try http2.setUp(channel)
                bound.value.establish { farewell.say() }
                return .http2(multiplexer)
            }
        }
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(gate)
        try pipeline.addHandler(NIOSSLServerHandler(context: certificates.context))
        try pipeline.addHandler(negotiation)
        return negotiation.protocolNegotiationResult
    }

    /// The answer to plain HTTP.
    private static func refusal(_ clock: any EngineClock, _ fields: AnswerFields) -> [UInt8] {
        var encoder = ResponseEncoder(clock: clock, fields: fields)
        var bytes = GrowingBytes()
        let problem = APIProblem(.invalidRequest, "This port speaks TLS: ask with https://.")
        encoder.appendClosing(problem.response, reason: "Bad Request", to: &bytes)
        return bytes.withBytes { Array($0) }
    }
}
