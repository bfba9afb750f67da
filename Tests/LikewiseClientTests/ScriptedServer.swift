import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A server on loopback that answers as it is told, one answer a request, and keeps what it was asked.
final class ScriptedServer: Sendable {
    /// A request as it came.
    struct Request: Sendable {
        var method: String
        var target: String
        var headers: [String: String]
        var body: String
    }

    /// What is done with a request.
    enum Step: Sendable {
        case answer(Int, body: String = "{}", fields: [String: String] = [:])
        /// Pieces of a body without a length, each written by itself; then the connection is closed, or stays open and
        /// silent.
        case stream([String], isOpen: Bool = false)
        /// The connection is closed without an answer.
        case close
        /// No answer, and the connection stays open.
        case silence
    }

    private let shared: Script
    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup

    /// Starts a server; `decide` is told the request's number, from 0, and the request.
    init(_ decide: @escaping @Sendable (Int, Request) -> Step) async throws {
        let script = Script(decide)
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        shared = script
        channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(ScriptHandler(script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    /// Runs `body` with a server, which is stopped at the end.
    static func with<Result: Sendable>(
        _ decide: @escaping @Sendable (Int, Request) -> Step, _ body: (ScriptedServer) async throws -> Result
    ) async throws -> Result {
        let server = try await ScriptedServer(decide)
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(server)) } catch { result = .failure(error) }
        try await server.channel.close()
        try await server.group.shutdownGracefully()
        return try result.get()
    }

    /// Where it listens.
    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    /// What it was asked so far.
    var requests: [Request] { shared.requests }
}

/// What the connections of a server share.
private final class Script: Sendable {
    private let decide: @Sendable (Int, ScriptedServer.Request) -> ScriptedServer.Step
    private let kept = Mutex<[ScriptedServer.Request]>([])

    init(_ decide: @escaping @Sendable (Int, ScriptedServer.Request) -> ScriptedServer.Step) { self.decide = decide }

    var requests: [ScriptedServer.Request] { kept.withLock { $0 } }

    func step(for request: ScriptedServer.Request) -> ScriptedServer.Step {
        let number = kept.withLock { kept in
            kept.append(request)
            return kept.count - 1
        }
        return decide(number, request)
    }
}

private final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let script: Script
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(_ script: Script) { self.script = script }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body(var part): body.writeBuffer(&part)
        case .end:
            guard let head else { return }
            let fields = head.headers.map { ($0.name.lowercased(), $0.value) }
            let request = ScriptedServer.Request(
                method: head.method.rawValue, target: head.uri,
                headers: Dictionary(fields, uniquingKeysWith: { $0 + "," + $1 }), body: String(buffer: body))
            body.clear()
            answer(context, script.step(for: request))
        }
    }

    private func answer(_ context: ChannelHandlerContext, _ step: ScriptedServer.Step) {
        switch step {
        case .answer(let status, let body, let fields):
            var headers = HTTPHeaders(fields.map { ($0.key, $0.value) })
            headers.add(name: "Content-Length", value: "\(body.utf8.count)")
            write(context, status, headers, [body])
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .stream(let pieces, let isOpen):
            write(context, 200, ["Content-Type": "text/event-stream"], pieces)
            guard !isOpen else { return }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            context.close(promise: nil)
        case .close: context.close(promise: nil)
        case .silence: break
        }
    }

    private func write(_ context: ChannelHandlerContext, _ status: Int, _ headers: HTTPHeaders, _ pieces: [String]) {
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        for piece in pieces {
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: piece)))), promise: nil)
        }
        context.flush()
    }
}
