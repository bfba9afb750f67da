// An issuer's address on loopback, which answers what a test wants.

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

final class KeySetServer: Sendable {
    /// What is answered.
    enum Mode: Sendable {
        case keys(String)
        case status(HTTPResponseStatus)
        /// Nothing, for as long as the connection lasts.
        case silent
        /// More bytes than any key set has.
        case endless
        case redirect(String)
    }

    /// What the connections share.
    private final class Answers: Sendable {
        private struct State {
            var mode: Mode
            var requests = 0
        }

        private let state: Mutex<State>
        init(_ mode: Mode) { state = Mutex(State(mode: mode)) }
        var requests: Int { state.withLock(\.requests) }
        func set(_ mode: Mode) { state.withLock { $0.mode = mode } }

        func next() -> Mode {
            state.withLock { state in
                state.requests += 1
                return state.mode
            }
        }
    }

    private let answers: Answers
    private let channel: any Channel

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/keys" }
    /// Requests that have come.
    var requests: Int { answers.requests }

    /// Runs `test` with a server of its own.
    static func run(_ mode: Mode, _ test: (KeySetServer) async throws -> Void) async throws {
        let server = try await KeySetServer(mode)
        let result: Result<Void, any Error>
        do { result = .success(try await test(server)) } catch { result = .failure(error) }
        try await server.channel.close()
        try result.get()
    }

    private init(_ mode: Mode) async throws {
        let answers = Answers(mode)
        self.answers = answers
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(answers))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    /// From now on this is answered.
    func answer(_ mode: Mode) { answers.set(mode) }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let answers: Answers
        init(_ answers: Answers) { self.answers = answers }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            switch answers.next() {
            case .keys(let text): write(.ok, text, [:], context)
            case .status(let status): write(status, "{}", [:], context)
            case .silent: break
            case .endless: write(.ok, "{" + String(repeating: " ", count: 1 << 20) + "}", [:], context)
            case .redirect(let target): write(.found, "", ["Location": target], context)
            }
        }

        private func write(
            _ status: HTTPResponseStatus, _ text: String, _ fields: HTTPHeaders, _ context: ChannelHandlerContext
        ) {
            var fields = fields
            fields.add(name: "Content-Length", value: "\(text.utf8.count)")
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: fields)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
