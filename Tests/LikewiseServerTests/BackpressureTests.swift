// What happens to answers that wait because their reader is slow. Each test first sends requests and reads nothing, until
// the server has so many unread answers that it takes no more requests; a like in each round shows how far it has come.

import LikewiseServer
import LikewiseTestSupport
import Testing

@Suite("Readers that are slow")
struct BackpressureTests {
    private static let countsPerRound = 250
    /// Rounds until the server must have stopped; the kernel holds a few megabytes.
    private static let maxRounds = 1_000
    /// Questions on another connection while a round has no effect, until the server is taken to have stopped.
    private static let patience = 1_000

    private static func round(_ round: Int) -> [UInt8] {
        (0..<countsPerRound).flatMap { RawRequest("GET", "/v1/likes/count/c\(round)-\($0)").bytes }
            + RawRequest("POST", "/v1/likes", #"{"content_id":"rounds","user_id":"\#(round)"}"#).bytes
    }

    /// Sends rounds until the server takes no more; answers how many.
    private static func clog(_ server: TestServer, _ connection: RawConnection) throws -> Int {
        let other = try server.connect()
        for round in 0..<maxRounds {
            let bytes = BackpressureTests.round(round)
            var sent = 0
            while case let more = connection.sendWithoutReading(bytes[sent...]), more > 0 { sent += more }
            guard sent == bytes.count else { throw RawConnection.Failure.malformed("the kernel's buffer is full") }
            let question = RawRequest("GET", "/v1/likes/count/rounds?user_id=\(round)")
            var asked = 0
            while try !other.ask(question).says("liked", "true") {
                asked += 1
                if asked == patience { return round + 1 }
            }
        }
        throw RawConnection.Failure.malformed("the server took everything")
    }

    /// Short requests for long answers: as many as the server holds without looking at them, for more than it can hand
    /// to the kernel at once when it goes on.
    private static let backlog = 180
    private static let backlogRequest = RawRequest(
        "POST", "/v1/likes/count/batch",
        "{\"content_ids\":[\(Array(repeating: "\"rounds\"", count: 100).joined(separator: ","))]}")

    private static func sendBacklog(_ server: TestServer, _ connection: RawConnection) throws {
        for _ in 0..<backlog { try connection.send(backlogRequest.bytes) }
        // Round trips elsewhere, until the server has read it.
        let other = try server.connect()
        for _ in 0..<patience { _ = try other.ask(RawRequest("GET", "/v1/likes/count/c")) }
    }

    /// Reads the answers to `rounds` rounds and to the backlog.
    private static func drain(_ connection: RawConnection, rounds: Int) throws {
        for round in 0..<rounds {
            for i in 0..<countsPerRound {
                guard try connection.receive().says("content_id", "\"c\(round)-\(i)\"") else {
                    throw RawConnection.Failure.malformed("answer \(i) of round \(round) is another one")
                }
            }
            let answer = try connection.receive()
            guard answer.status == 200, answer.says("count", "\(round + 1)") else {
                throw RawConnection.Failure.malformed("the like of round \(round) is answered with \(answer.text)")
            }
        }
        for i in 0..<backlog {
            let answer = try connection.receive()
            guard answer.status == 200, answer.says("count", "\(rounds)") else {
                throw RawConnection.Failure.malformed("the backlog's request \(i) is answered with \(answer.text)")
            }
        }
    }

    @Test("Once the answers are read, the server takes requests again")
    func goesOn() async throws {
        try await TestServer.run { server in
            let connection = try server.connect(receiveBuffer: 128 << 10)
            let rounds = try BackpressureTests.clog(server, connection)
            try BackpressureTests.sendBacklog(server, connection)
            try BackpressureTests.drain(connection, rounds: rounds)
            let health = try connection.ask(RawRequest("GET", "/health/live"))
            #expect(health.status == 200)
        }
    }

    @Test("A client that sends no more gets all its answers, then the end", arguments: [false, true])
    func halfClose(endsWithFullStack: Bool) async throws {
        try await TestServer.run { server in
            let connection = try server.connect(receiveBuffer: 128 << 10)
            let rounds = try BackpressureTests.clog(server, connection)
            try BackpressureTests.sendBacklog(server, connection)
            if endsWithFullStack { try connection.send(RawRequest("GET", "/health/live").bytes) }
            connection.finishSending()
            try BackpressureTests.drain(connection, rounds: rounds)
            if endsWithFullStack {
                let health = try connection.receive()
                #expect(health.says("status", "\"ok\""))
            }
            try connection.expectEnd()
        }
    }

    @Test("A server that stops sends all answers first, then ends the connection")
    func shutdown() async throws {
        try await TestServer.run { server in
            let connection = try server.connect(receiveBuffer: 128 << 10)
            let rounds = try BackpressureTests.clog(server, connection)
            try BackpressureTests.sendBacklog(server, connection)
            let idle = try server.connect()
            let health = try idle.ask(RawRequest("GET", "/health/live"))
            #expect(health.status == 200)
            server.beginStop()
            // The server is stopping when an idle connection ends.
            try idle.expectEnd()
            try BackpressureTests.drain(connection, rounds: rounds)
            try connection.expectEnd()
        }
    }
}
