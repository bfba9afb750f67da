// A server in this process: the engine on real files in a folder of its own, HTTP on a free port.

import Foundation
import LikewiseEngine
import LikewiseServer
import LikewiseTestSupport
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

final class TestServer: Sendable {
    /// What a test may set.
    struct Options: Sendable {
        var http = HTTPServerOptions()
        var strictContent = false
        var shards = 2
        var ledger: any Ledger = SimulatedLedger()
        var disk: any Disk = PosixDisk()
        var identity: IdentityOptions?
        /// What requests go by; the engine goes by the machine's clock.
        var clock: any EngineClock = SystemClock()
        /// What credentials are checked by.
        var identityClock: any EngineClock = SystemClock()
        var judge: (any LikeJudge)?
        /// With it TLS is spoken.
        var certificate: TestCertificate?

        init() { http.port = 0 }
    }

    let engine: Engine
    let port: Int
    /// What TLS is spoken with.
    let certificates: ServerCertificates?
    /// Of the certificate and its key.
    let tls: TLSOptions
    private let group: ServiceGroup
    private let task: Task<Void, any Error>
    /// Keeps the keys of identity up to date.
    private let upkeep: Task<Void, Never>?

    /// Runs `test` against a fresh server, on a thread that may wait, and stops the server.
    static func run<T: Sendable>(
        _ options: Options = Options(), _ test: @escaping @Sendable (TestServer) throws -> T
    ) async throws -> T {
        let folder = try TemporaryFolder()
        let server = try await TestServer(options, folder: folder)
        let result: Result<T, any Error>
        do { result = .success(try await onThread { try test(server) }) } catch { result = .failure(error) }
        try await server.stop()
        withExtendedLifetime(folder) {}
        return try result.get()
    }

    /// Starts a server over `folder`.
    init(_ options: Options = Options(), folder: TemporaryFolder) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var engineOptions = EngineOptions(dataDirectory: folder.path)
        engineOptions.shards = options.shards
        engineOptions.strictContent = options.strictContent
        engineOptions.segmentBytes = 1 << 20
        engine = try Engine(
            engineOptions, disk: options.disk, clock: SystemClock(), ledger: options.ledger, seed: 7, logger: logger)
        let store = IdempotencyStore(IdempotencyStore.Options(), restoring: engine.storedAnswers)
        let service = LikeService(engine: engine, idempotency: store, clock: options.clock, judge: options.judge)
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let stopping = Flag()
        var authenticator: Authenticator?
        if let identity = options.identity {
            authenticator = try await Authenticator(
                identity, clock: options.identityClock, group: MultiThreadedEventLoopGroup.singleton, logger: logger)
        }
        upkeep = authenticator.map { authenticator in Task { await authenticator.run() } }
        tls = TLSOptions(certificate: folder.path + "/certificate.pem", key: folder.path + "/key.pem")
        var certificates: ServerCertificates?
        if let certificate = options.certificate {
            try TestServer.write(certificate, to: tls)
            certificates = try await ServerCertificates(tls, clock: options.clock, logger: logger)
        }
        self.certificates = certificates
        let server = HTTPServer(
            options.http, service: service, authenticator: authenticator, certificates: certificates,
            group: MultiThreadedEventLoopGroup.singleton, logger: logger,
            metricsPage: { Array("# none\n".utf8) }, isStopping: { stopping.isSet },
            onListening: { port in
                listening.yield(port)
                listening.finish()
            })
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [Served(server: server, stopping: stopping)], logger: logger))
        self.group = group
        task = Task {
            defer { listening.finish() }
            try await group.run()
        }
        guard let port = await ports.first(where: { _ in true }) else {
            try await task.value
            throw RawConnection.Failure.cannotConnect(0)
        }
        self.port = port
    }

    /// A new connection.
    func connect(receiveBuffer: Int32? = nil) throws -> RawConnection {
        try RawConnection(port: port, receiveBuffer: receiveBuffer)
    }

    /// Writes a certificate and its key into these files.
    static func write(_ certificate: TestCertificate, to files: TLSOptions) throws {
        try Data(certificate.certificate.utf8).write(to: URL(filePath: files.certificate), options: .atomic)
        try Data(certificate.key.utf8).write(to: URL(filePath: files.key), options: .atomic)
    }

    /// Begins to stop, as a signal to end would; does not wait.
    func beginStop() { Task { await group.triggerGracefulShutdown() } }

    /// Ends when all that was accepted has been answered.
    func stop() async throws {
        await group.triggerGracefulShutdown()
        try await task.value
        upkeep?.cancel()
        await upkeep?.value
        let engine = engine
        try await onThread { engine.stop() }
    }

    private struct Served: Service {
        let server: HTTPServer
        let stopping: Flag

        func run() async throws {
            try await withGracefulShutdownHandler {
                try await server.run()
            } onGracefulShutdown: {
                stopping.set()
            }
        }
    }
}

private final class Flag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}
