package import NIOCore
import NIOHPACK
package import NIOHTTP2
import Synchronization

/// A connection that speaks HTTP/2 under TLS, frame by frame: acknowledgements are given, all else is the test's.
package final class FrameConnection: Sendable {
    private struct State {
        var answers: [Int: SecureAnswer] = [:]
        var ended: Set<Int> = []
        var reset: [Int: HTTP2ErrorCode] = [:]
        var goAways: [(last: Int, code: HTTP2ErrorCode)] = []
        var settings: [HTTP2Setting] = []
        var isClosed = false
    }

    private let connection: SecureConnection
    private let state: Monitor<State>
    private let next = Atomic<Int>(1)

    /// Connects, and agrees on HTTP/2.
    package init(port: Int, trusting: TestCertificate = .first) throws {
        let state = Monitor(State())
        self.state = state
        connection = try SecureConnection(port: port, offering: ["h2"], trusting: trusting) { channel in
            var configuration = NIOHTTP2Handler.ConnectionConfiguration()
            // Answers to a flood are none.
            configuration.controlFrameRateLimit.maximumCount = 100_000
            try channel.pipeline.syncOperations.addHandler(Injector())
            try channel.pipeline.syncOperations.addHandler(
                NIOHTTP2Handler(mode: .client, connectionConfiguration: configuration))
            try channel.pipeline.syncOperations.addHandler(Reader(state))
        }
        guard connection.negotiated == "h2" else {
            throw SecureFailure.noHandshake("negotiated: \(connection.negotiated ?? "nothing")")
        }
    }

    package var isClosed: Bool { state.update { $0.isClosed } }

    /// The farewells that came: the last stream that the server takes, and why.
    package var goAways: [(last: Int, code: HTTP2ErrorCode)] { state.update { $0.goAways } }

    /// The settings that the server sent.
    package var settings: [HTTP2Setting] { state.update { $0.settings } }

    /// Begins a request, whole where `endsHere`; answers its stream.
    package func begin(
        _ method: String, _ path: String, _ fields: [(String, String)] = [], endsHere: Bool = true
    ) throws -> Int {
        let stream = next.wrappingAdd(2, ordering: .relaxed).oldValue
        var headers = HPACKHeaders([
            (":method", method), (":path", path), (":scheme", "https"), (":authority", "localhost"),
        ])
        for (name, value) in fields { headers.add(name: name, value: value) }
        try write(stream, .headers(HTTP2Frame.FramePayload.Headers(headers: headers, endStream: endsHere)))
        return stream
    }

    /// Sends a part of a request's body.
    package func send(_ body: [UInt8], on stream: Int, endsHere: Bool) throws {
        try write(
            stream, .data(HTTP2Frame.FramePayload.Data(data: .byteBuffer(ByteBuffer(bytes: body)), endStream: endsHere))
        )
    }

    /// Ends a stream by force.
    package func reset(_ stream: Int) throws { try write(stream, .rstStream(.cancel)) }

    /// Sends a request with a body of JSON, or without one; answers its stream.
    package func send(
        _ method: String, _ path: String, _ json: String? = nil, _ fields: [(String, String)] = []
    ) throws -> Int {
        guard let json else { return try begin(method, path, fields) }
        let body = Array(json.utf8)
        let stream = try begin(
            method, path, [("content-type", "application/json"), ("content-length", "\(body.count)")] + fields,
            endsHere: false)
        try send(body, on: stream, endsHere: true)
        return stream
    }

    /// Sends any frame.
    package func write(_ stream: Int, _ payload: HTTP2Frame.FramePayload) throws {
        let frame = HTTP2Frame(streamID: HTTP2StreamID(stream), payload: payload)
        do { try connection.channel.writeAndFlush(frame).wait() } catch { throw SecureFailure.closed }
    }

    /// Begins a request whose head the client's own frames would not let pass.
    /// - Parameters:
    ///   - frameBytes: of the head in a frame; the rest is in CONTINUATION frames.
    ///   - endsHere: whether the last of them says that it is.
    package func sendHead(_ fields: [(String, String)], frameBytes: Int, endsHere: Bool = true) throws {
        let stream = next.wrappingAdd(2, ordering: .relaxed).oldValue
        var headers = HPACKHeaders([
            (":method", "GET"), (":path", "/health/live"), (":scheme", "https"), (":authority", "localhost"),
        ])
        for (name, value) in fields { headers.add(name: name, value: value) }
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
        var block = ByteBuffer()
        try encoder.encode(headers: headers, to: &block)
        var bytes = ByteBuffer()
        var type: UInt8 = 1
        repeat {
            let part = block.readSlice(length: min(frameBytes, block.readableBytes)) ?? ByteBuffer()
            let isLast = endsHere && block.readableBytes == 0
            // RFC 9113, 4.1: a length of 24 bits, the type, END_HEADERS or not (and END_STREAM on the first), the stream.
            bytes.writeInteger(UInt32(part.readableBytes) << 8 | UInt32(type))
            bytes.writeInteger((isLast ? 4 : 0) | (type == 1 ? 1 : 0), as: UInt8.self)
            bytes.writeInteger(UInt32(stream))
            bytes.writeImmutableBuffer(part)
            type = 9
        } while block.readableBytes > 0
        try inject(bytes)
    }

    /// Sends bytes past the client's own frames.
    package func inject(_ bytes: ByteBuffer) throws {
        do { try connection.channel.triggerUserOutboundEvent(Raw(bytes: bytes)).wait() } catch {
            throw SecureFailure.closed
        }
    }

    /// Whether what the server sends is read.
    package func setReading(_ isReading: Bool) throws {
        try connection.channel.setOption(.autoRead, value: isReading).wait()
    }

    /// Begins to close.
    package func close() { connection.channel.close(promise: nil) }

    /// Waits for the whole answer of a stream.
    package func receive(_ stream: Int) throws -> SecureAnswer {
        let found = state.wait(seconds: SecureConnection.seconds) { state -> Result<SecureAnswer, SecureFailure>? in
            if state.ended.contains(stream), let answer = state.answers[stream] { return .success(answer) }
            if let code = state.reset[stream] { return .failure(.malformed("reset: \(code)")) }
            return state.isClosed ? .failure(.closed) : nil
        }
        guard let found else { throw SecureFailure.late }
        state.update { state in
            state.answers[stream] = nil
            state.ended.remove(stream)
        }
        return try found.get()
    }

    /// Sends a request and waits for its answer.
    package func ask(
        _ method: String, _ path: String, _ json: String? = nil, _ fields: [(String, String)] = []
    ) throws -> SecureAnswer {
        try receive(send(method, path, json, fields))
    }

    /// Waits until the server resets a stream; the reason, or nil where it does not in time.
    package func waitForReset(_ stream: Int) -> HTTP2ErrorCode? {
        state.wait(seconds: SecureConnection.seconds) { $0.reset[stream] }
    }

    /// Waits for the first farewell; its reason, or nil where it does not come in time.
    package func waitForGoAway() -> HTTP2ErrorCode? {
        state.wait(seconds: SecureConnection.seconds) { $0.goAways.first?.code }
    }

    /// Whether the server says goodbye, and that nothing is wrong; waits for it.
    package func isToldGoodbye() -> Bool { waitForGoAway() == .noError }

    /// Waits until the server closes; false where it does not in time.
    package func isClosedByServer(within seconds: Double = SecureConnection.seconds) -> Bool {
        connection.isClosedByServer(within: seconds)
    }

    /// Bytes to send as they are.
    private struct Raw: Sendable {
        var bytes: ByteBuffer
    }

    /// Sends bytes past the frames.
    private final class Injector: ChannelOutboundHandler {
        typealias OutboundIn = IOData
        typealias OutboundOut = IOData

        func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
            guard let raw = event as? Raw else {
                return context.triggerUserOutboundEvent(event, promise: promise)
            }
            context.writeAndFlush(wrapOutboundOut(.byteBuffer(raw.bytes)), promise: promise)
        }
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame
        typealias OutboundOut = HTTP2Frame

        private let state: Monitor<State>

        init(_ state: Monitor<State>) { self.state = state }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let frame = unwrapInboundIn(data)
            let stream = Int(frame.streamID)
            state.update { state in
                switch frame.payload {
                case .headers(let part):
                    var answer = SecureAnswer()
                    for (name, value, _) in part.headers {
                        if name == ":status" {
                            answer.status = Int(value) ?? 0
                        } else {
                            answer.fields.append([name, value])
                        }
                    }
                    state.answers[stream] = answer
                    if part.endStream { state.ended.insert(stream) }
                case .data(let part):
                    if case .byteBuffer(let bytes) = part.data {
                        state.answers[stream]?.body += Array(bytes.readableBytesView)
                    }
                    if part.endStream { state.ended.insert(stream) }
                case .rstStream(let code): state.reset[stream] = code
                case .goAway(let last, let code, _): state.goAways.append((Int(last), code))
                case .settings(.settings(let settings)): state.settings = settings
                default: break
                }
            }
            if case .data(let part) = frame.payload, part.data.readableBytes > 0 {
                let update = HTTP2Frame(
                    streamID: .rootStream, payload: .windowUpdate(windowSizeIncrement: part.data.readableBytes))
                context.writeAndFlush(wrapOutboundOut(update), promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            // What the server did wrong, if it did, shows in what comes after.
        }

        func channelInactive(context: ChannelHandlerContext) {
            state.update { $0.isClosed = true }
            context.fireChannelInactive()
        }
    }
}
