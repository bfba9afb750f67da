// Bulk intake as it arrives over a connection: in pieces, in chunks, slowly, and not at all.

import LikewiseServer
import LikewiseTestSupport
import NIOCore
import Testing

@Suite("Bulk intake over connections")
struct BulkConnectionTests {
    private static func lines(_ users: Range<Int>, more: String = "") -> [UInt8] {
        users.flatMap { Array("{\"content_id\":\"v\",\"user_id\":\"u\($0)\(more)\",\"action\":\"like\"}\n".utf8) }
    }

    private static func head(_ more: String) -> String {
        "POST /v1/likes/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\n\(more)\r\n\r\n"
    }

    private static let like = #"{"content_id":"v","user_id":"u0"}"#
    private static let count = RawRequest("GET", "/v1/likes/count/v")

    @Test("A body in chunks is taken as one with a length is")
    func chunks() async throws {
        try await TestServer.run { server in
            let connection = try server.connect()
            try connection.send(Self.head("Transfer-Encoding: chunked"))
            for start in stride(from: 0, to: 1_000, by: 100) {
                let part = Self.lines(start..<(start + 100))
                try connection.send(Array("\(String(part.count, radix: 16))\r\n".utf8) + part + Array("\r\n".utf8))
            }
            try connection.send("0\r\n\r\n")
            let answer = try connection.receive()
            #expect(answer.status == 200 && answer.says("accepted", "1000"))
            #expect(try server.connect().ask(Self.count).says("count", "1000"))
        }
    }

    @Test("A long body that comes slowly, and steadily, is taken whole although it takes longer than the read timeout")
    func slow() async throws {
        var options = TestServer.Options()
        options.http.readTimeout = .milliseconds(2_000)
        try await TestServer.run(options) { server in
            let connection = try server.connect()
            let parts = (0..<4).map { Self.lines(($0 * 2_000)..<($0 * 2_000 + 2_000)) }
            #expect(parts.allSatisfy { $0.count > 80 << 10 })
            try connection.send(Self.head("Content-Length: \(parts.reduce(0) { $0 + $1.count })"))
            let began = ContinuousClock.now
            for (i, part) in parts.enumerated() {
                // Round trips elsewhere are the time between two parts.
                while ContinuousClock.now - began < .milliseconds(800 * i) {
                    #expect(try server.connect().ask(Self.count).status == 200)
                }
                try connection.send(part)
            }
            #expect(try connection.receive().says("accepted", "8000"))
            #expect(ContinuousClock.now - began > .milliseconds(2_000))
        }
    }

    @Test("A body that the server itself holds up for longer than the read timeout is taken whole")
    func held() async throws {
        let disk = HeldDisk()
        var options = TestServer.Options()
        options.disk = disk
        options.shards = 1
        options.http.readTimeout = .milliseconds(1_000)
        try await TestServer.run(options) { server in
            // The log's file is made here, so that only batches are held up.
            #expect(try server.connect().ask(RawRequest("POST", "/v1/likes", Self.like)).status == 200)
            // More than fits into the sockets' buffers.
            let body = Self.lines(0..<95_000, more: String(repeating: "x", count: 110))
            let connection = try server.connect()
            disk.hold()
            let sending = Sending(connection, Array(Self.head("Content-Length: \(body.count)").utf8) + body)
            let began = ContinuousClock.now
            // Round trips elsewhere are the time that passes.
            while ContinuousClock.now - began < .milliseconds(3_000) {
                #expect(try server.connect().ask(Self.count).status == 200)
            }
            #expect(!sending.isDone, "the server took the body without holding it up, so this tests nothing")
            disk.release()
            #expect(try connection.receive().says("accepted", "95000"))
            #expect(sending.isDone)
        }
    }

    @Test("A body that is answered before its end, and then stops, ends the connection after the read timeout")
    func answeredEarly() async throws {
        var options = TestServer.Options()
        options.http.readTimeout = .milliseconds(1_000)
        try await TestServer.run(options) { server in
            let connection = try server.connect()
            try connection.send("POST /v1/nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n")
            try connection.send(Self.lines(0..<10_000))
            #expect(try connection.receive().status == 404)
            try connection.expectEnd()
        }
    }

    @Test("A body that stops in the middle ends the connection after the read timeout; what came of it may count, once")
    func stalled() async throws {
        var options = TestServer.Options()
        options.http.readTimeout = .milliseconds(2_000)
        try await TestServer.run(options) { server in
            let body = Self.lines(0..<10_000)
            let connection = try server.connect()
            try connection.send(Self.head("Content-Length: 10000000"))
            try connection.send(body)
            try connection.expectEnd()
            let again = try server.connect()
            try again.send(Array(Self.head("Content-Length: \(body.count)").utf8) + body)
            #expect(try again.receive().says("accepted", "10000"))
            #expect(try again.ask(Self.count).says("count", "10000"))
        }
    }
}
