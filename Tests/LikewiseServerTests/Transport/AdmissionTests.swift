import LikewiseServer
import LikewiseTestSupport
import NIOCore
import Testing

@Suite("Who is let in, and whose connection it is")
struct AdmissionTests {
    private static let count = RawRequest("GET", "/v1/likes/count/v")
    private static let loopback = NetworkRange("127.0.0.0/8").map { TrustedProxies([$0]) } ?? TrustedProxies()

    private static func options(max: Int? = nil, announced: Bool = false, secure: Bool = false) -> TestServer.Options {
        var options = TestServer.Options()
        options.http.maxConnectionsPerAddress = max
        options.http.proxyProtocol = announced
        if announced { options.http.trustedProxies = loopback }
        if secure { options.certificate = .first }
        return options
    }

    /// A connection through a proxy that asks for `client`.
    private static func announced(_ server: TestServer, _ client: String) throws -> RawConnection {
        let connection = try server.connect()
        try connection.send("PROXY TCP4 \(client) 127.0.0.1 4711 443\r\n")
        return connection
    }

    @Test("A connection above an address's bound is closed at once; when one of its own ends there is room again")
    func perAddress() async throws {
        try await TestServer.run(AdmissionTests.options(max: 2)) { server in
            var first: RawConnection? = try server.connect()
            let second = try server.connect()
            #expect(try first?.ask(AdmissionTests.count).status == 200)
            // One that the full stack has counts as well.
            #expect(try second.ask(RawRequest("GET", "/health/live")).status == 200)
            for _ in 0..<3 {
                #expect(throws: RawConnection.Failure.closed) { try server.connect().ask(AdmissionTests.count) }
            }
            first = nil
            var isIn = false
            while !isIn {
                do { isIn = try server.connect().ask(AdmissionTests.count).status == 200 } catch RawConnection.Failure
                    .closed
                {}
            }
            #expect(try second.ask(AdmissionTests.count).status == 200)
        }
    }

    @Test("The bound is for the clients of a proxy, and not for the proxy")
    func behindProxy() async throws {
        try await TestServer.run(AdmissionTests.options(max: 1, announced: true)) { server in
            let first = try AdmissionTests.announced(server, "192.0.2.1")
            let second = try AdmissionTests.announced(server, "192.0.2.2")
            for connection in [first, second] { #expect(try connection.ask(AdmissionTests.count).status == 200) }
            #expect(throws: RawConnection.Failure.closed) {
                try AdmissionTests.announced(server, "192.0.2.1").ask(AdmissionTests.count)
            }
            for connection in [first, second] { #expect(try connection.ask(AdmissionTests.count).status == 200) }
        }
    }

    @Test("The first request may come with the preamble, or the preamble in parts")
    func parts() async throws {
        try await TestServer.run(AdmissionTests.options(announced: true)) { server in
            let text = Array("PROXY TCP4 192.0.2.1 127.0.0.1 4711 443\r\n".utf8) + AdmissionTests.count.bytes
            let whole = try server.connect()
            try whole.send(text)
            #expect(try whole.receive().status == 200)
            let dripped = try server.connect()
            for byte in text { try dripped.send([byte]) }
            #expect(try dripped.receive().status == 200)
            #expect(try dripped.ask(RawRequest("GET", "/health/live")).status == 200)
        }
    }

    @Test(
        "A trusted proxy that does not say for whom it asks is cut off",
        arguments: ["GET / HTTP/1.1\r\n", "\r\nPROXY", "P"])
    func noPreamble(_ text: String) async throws {
        var options = AdmissionTests.options(announced: true)
        options.http.readTimeout = .milliseconds(200)
        try await TestServer.run(options) { server in
            let connection = try server.connect()
            try connection.send(text)
            try connection.expectEnd()
        }
    }

    @Test("From who is not trusted a preamble is a request that is none")
    func untrusted() async throws {
        var options = AdmissionTests.options()
        options.http.proxyProtocol = true
        try await TestServer.run(options) { server in
            let connection = try AdmissionTests.announced(server, "192.0.2.1")
            try connection.send(AdmissionTests.count.bytes)
            #expect(try connection.receive().status == 400)
            #expect(try server.connect().ask(AdmissionTests.count).status == 200)
        }
    }

    @Test("TLS begins behind the preamble")
    func secure() async throws {
        try await TestServer.run(AdmissionTests.options(announced: true, secure: true)) { server in
            let connection = try SecureConnection(
                port: server.port, preamble: Array("PROXY TCP4 192.0.2.1 127.0.0.1 4711 443\r\n".utf8))
            try connection.send(AdmissionTests.count.bytes)
            #expect(try connection.receive().status == 200)
        }
    }
}
