import Foundation
import LikewiseEngine
import LikewiseServer
import LikewiseTestSupport
import Logging
import NIOCore
import Testing

@Suite("TLS")
struct TLSTests {
    static func options() -> TestServer.Options {
        var options = TestServer.Options()
        options.certificate = .first
        return options
    }

    static func like(_ user: String, _ content: String = "v") -> RawRequest {
        RawRequest("POST", "/v1/likes", #"{"content_id":"\#(content)","user_id":"\#(user)"}"#)
    }

    private static let count = RawRequest("GET", "/v1/likes/count/v")

    /// A body without the time at which a like began.
    private static func timeless(_ text: String) -> String { text.replacing(/"since":"[^"]*"/, with: "") }

    @Test("Hot calls and others are answered under TLS as in the clear, pipelined and in order")
    func answers() async throws {
        let requests = [
            TLSTests.like("ann"), TLSTests.like("ann"), TLSTests.count, RawRequest("GET", "/v1/users/ann/likes/v"),
            TLSTests.like("bob"), RawRequest("GET", "/health/live"), RawRequest("GET", "/nothing"), TLSTests.count,
        ]
        let plain = try await TestServer.run { server in
            let connection = try server.connect()
            return try requests.map { request in
                let answer = try connection.ask(request)
                return "\(answer.status) \(TLSTests.timeless(answer.text))"
            }
        }
        let secure = try await TestServer.run(TLSTests.options()) { server in
            let connection = try SecureConnection(port: server.port)
            #expect(connection.negotiated == "http/1.1")
            try connection.send(requests.flatMap(\.bytes))
            return try requests.map { _ in
                let answer = try connection.receive()
                return "\(answer.status) \(TLSTests.timeless(answer.text))"
            }
        }
        #expect(plain == secure)
    }

    @Test(
        "The protocol is the client's best that the server knows, and HTTP/1.1 where nothing is offered",
        arguments: [
            (["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), (["h3", "h2"], "h2"), ([String](), "none"),
        ])
    func negotiation(_ offered: [String], _ expected: String) async throws {
        try await TestServer.run(TLSTests.options()) { server in
            let connection = try SecureConnection(port: server.port, offering: offered)
            #expect((connection.negotiated ?? "none") == expected)
            guard expected != "h2" else { return }
            try connection.send(TLSTests.count.bytes)
            #expect(try connection.receive().status == 200)
        }
    }

    @Test("Plain HTTP to the port is told to come with TLS, and the connection ends")
    func plainText() async throws {
        var options = TLSTests.options()
        options.http.readTimeout = .milliseconds(200)
        try await TestServer.run(options) { server in
            let connection = try server.connect()
            let answer = try connection.ask(TLSTests.count)
            #expect(answer.status == 400)
            #expect(answer.text.contains("https://"))
            try connection.expectEnd()
        }
    }

    @Test("A handshake that does not come to its end is cut off", arguments: [[UInt8](), [22], [22, 3, 1, 0, 80, 1]])
    func handshakeTimeout(_ bytes: [UInt8]) async throws {
        var options = TLSTests.options()
        options.http.readTimeout = .milliseconds(100)
        try await TestServer.run(options) { server in
            let connection = try server.connect()
            if !bytes.isEmpty { try connection.send(bytes) }
            try connection.expectEnd()
        }
    }

    @Test(
        "A request that does not come to its end, and a connection on which nothing comes, are cut off under TLS too",
        arguments: [
            "", "GET / HTTP/1.1\r\nA: ", "PUT /v1/users/u/likes/v HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{",
        ])
    func timeouts(_ text: String) async throws {
        var options = TLSTests.options()
        options.http.readTimeout = .milliseconds(2_000)
        options.http.idleTimeout = .milliseconds(2_000)
        try await TestServer.run(options) { server in
            let connection = try SecureConnection(port: server.port)
            if !text.isEmpty { try connection.send(Array(text.utf8)) }
            #expect(connection.isClosedByServer())
        }
    }

    // MARK: Files

    struct BadFiles: Sendable, CustomTestStringConvertible {
        var certificate: String
        var key: String
        var says: String
        var testDescription: String { says }
    }

    @Test(
        "Files that are of no use stop the start with words that say which and what to do",
        arguments: [
            BadFiles(
                certificate: "nothing", key: TestCertificate.first.key, says: "tls-certificate holds no certificate"),
            BadFiles(certificate: "", key: TestCertificate.first.key, says: "tls-certificate"),
            BadFiles(
                certificate: TestCertificate.first.certificate, key: "nothing", says: "tls-key holds no private key"),
            BadFiles(
                certificate: TestCertificate.first.certificate, key: TestCertificate.second.key,
                says: "tls-key is not that of the first certificate"),
            BadFiles(
                certificate: TestCertificate.expired.certificate, key: TestCertificate.expired.key, says: "has expired"),
        ])
    func badFiles(_ files: BadFiles) async throws {
        let folder = try TemporaryFolder()
        let tls = TLSOptions(certificate: folder.path + "/c.pem", key: folder.path + "/k.pem")
        try Data(files.certificate.utf8).write(to: URL(filePath: tls.certificate))
        try Data(files.key.utf8).write(to: URL(filePath: tls.key))
        let problem = await #expect(throws: TLSProblem.self) {
            try await ServerCertificates(tls, clock: SystemClock(), logger: Logger(label: "test"))
        }
        #expect(problem?.description.contains(files.says) == true, "\(problem?.description ?? "")")
    }

    @Test("A file that is not there is named")
    func missingFile() async throws {
        let folder = try TemporaryFolder()
        let tls = TLSOptions(certificate: folder.path + "/c.pem", key: folder.path + "/absent.pem")
        try Data(TestCertificate.first.certificate.utf8).write(to: URL(filePath: tls.certificate))
        let problem = await #expect(throws: TLSProblem.self) {
            try await ServerCertificates(tls, clock: SystemClock(), logger: Logger(label: "test"))
        }
        #expect(problem?.description.contains("absent.pem") == true, "\(problem?.description ?? "")")
    }

    // MARK: Reload

    /// Looks at the certificate's files as the server does every two seconds.
    private static func lookAgain(_ server: TestServer) throws {
        let done = Monitor(false)
        Task {
            await server.certificates?.lookAgain()
            done.update { $0 = true }
        }
        try #require(done.wait(seconds: 30) { $0 ? true : nil } == true)
    }

    @Test("A new certificate is for new connections, and those that are open go on without a break")
    func reload() async throws {
        try await TestServer.run(TLSTests.options()) { server in
            let old = try SecureConnection(port: server.port)
            let oldFrames = try FrameConnection(port: server.port)
            try old.send(TLSTests.like("ann").bytes)
            #expect(try old.receive().status == 200)
            #expect(server.certificates?.expiry == TestCertificate.expiries.first)
            try TestServer.write(.second, to: server.tls)
            try TLSTests.lookAgain(server)
            #expect(server.certificates?.expiry == TestCertificate.expiries.second)
            let new = try SecureConnection(port: server.port, trusting: .second)
            #expect(throws: SecureFailure.self) { try SecureConnection(port: server.port, trusting: .first) }
            for connection in [old, new] {
                try connection.send(TLSTests.count.bytes)
                #expect(try connection.receive().text.contains(#""count":1"#))
            }
            #expect(try oldFrames.ask("GET", "/v1/likes/count/v").status == 200)
        }
    }

    @Test(
        "A pair that cannot be used leaves the one before in use, until it can",
        arguments: [
            TestCertificate.expired,
            TestCertificate(certificate: TestCertificate.second.certificate, key: TestCertificate.first.key),
            TestCertificate(certificate: "half of a fi", key: TestCertificate.second.key),
        ])
    func badReload(_ bad: TestCertificate) async throws {
        try await TestServer.run(TLSTests.options()) { server in
            try TestServer.write(bad, to: server.tls)
            try TLSTests.lookAgain(server)
            #expect(server.certificates?.expiry == TestCertificate.expiries.first)
            _ = try SecureConnection(port: server.port, trusting: .first)
            try TestServer.write(.second, to: server.tls)
            try TLSTests.lookAgain(server)
            _ = try SecureConnection(port: server.port, trusting: .second)
        }
    }
}
