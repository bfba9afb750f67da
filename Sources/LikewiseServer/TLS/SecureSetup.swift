import HummingbirdCore
import LikewiseAPI
import LikewiseEngine
import NIOCore
import NIOSSL
import NIOTLS

/// How a connection comes to speak HTTP under TLS.
struct SecureSetup: Sendable {
    let certificates: ServerCertificates
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
    ) throws -> EventLoopFuture<HTTP1Channel.Value> {
        let gate = TLSGate(
            timeout: .nanoseconds(Int64(timeouts.read)), bytes: bytes, failures: failures,
            refusal: { [clock, fields] in SecureSetup.refusal(clock, fields) })
        let bound = NIOLoopBound(gate, eventLoop: channel.eventLoop)
        let negotiation = NIOTypedApplicationProtocolNegotiationHandler<HTTP1Channel.Value> { _, channel in
            let ready = http1(channel)
            ready.whenSuccess { _ in bound.value.establish() }
            return ready
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
