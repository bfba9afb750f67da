import Foundation
import Glibc
import LikewiseTestSupport
import Testing

@Suite("TLS, and the end under load")
struct TransportTests {
    /// The files of a certificate in `folder`, and the flags that name them.
    private struct Files: Sendable {
        let folder: String

        func write(_ certificate: TestCertificate) throws {
            try Data(certificate.certificate.utf8).write(to: URL(filePath: folder + "/tls.pem"), options: .atomic)
            try Data(certificate.key.utf8).write(to: URL(filePath: folder + "/tls.key"), options: .atomic)
        }

        var flags: [String] { ["--tls-certificate", folder + "/tls.pem", "--tls-key", folder + "/tls.key"] }
    }

    private static func like(_ user: String) -> String { #"{"content_id":"v","user_id":"\#(user)"}"# }

    private static func request(_ user: String) throws -> [UInt8] {
        try HTTPCall("POST", Target.likes, ["content_id": "v", "user_id": .string(user)]).bytes
    }

    /// Likes through HTTP/1.1, sixteen at a time, until the server ends the connection; answers how many were told to hold.
    private static func likeByBytes(_ number: Int, _ port: UInt16, _ answered: () -> Void) throws -> Int {
        let connection = try SecureConnection(port: Int(port))
        var likes = 0
        for round in 0... {
            do {
                let requests = try (0..<16).flatMap { try request("bytes_\(number)_\(round)_\($0)") }
                do { try connection.send(requests) } catch SecureFailure.closed {}
                for _ in 0..<16 {
                    let answer = try connection.receive()
                    guard answer.status == 200 else { throw SecureFailure.malformed("\(answer.status) \(answer.text)") }
                    likes += 1
                    answered()
                }
            } catch SecureFailure.closed { return likes }
        }
        return likes
    }

    /// The same through HTTP/2, on streams of one connection. Once the server says goodbye, no more are begun.
    private static func likeByFrames(_ number: Int, _ port: UInt16, _ answered: () -> Void) throws -> Int {
        let connection = try FrameConnection(port: Int(port))
        var likes = 0
        for round in 0... where connection.goAways.isEmpty && !connection.isClosed {
            var streams: [Int] = []
            for i in 0..<16 where connection.goAways.isEmpty {
                do {
                    streams.append(try connection.send("POST", "/v1/likes", like("frames_\(number)_\(round)_\(i)")))
                } catch SecureFailure.closed {}
            }
            for stream in streams {
                do {
                    let answer = try connection.receive(stream)
                    guard answer.status == 200 else { throw SecureFailure.malformed("\(answer.status) \(answer.text)") }
                    likes += 1
                    answered()
                } catch SecureFailure.closed where stream > connection.goAways.map(\.last).min() ?? 0 {
                    // The server has told that it did not take this one.
                }
            }
            if !connection.goAways.isEmpty || connection.isClosed { break }
        }
        return likes
    }

    @Test(
        "SIGTERM under load: over TLS, by HTTP/1.1 and HTTP/2, as many likes hold as were answered; the end comes in 10 s"
    )
    func drain() throws {
        try withFolder { folder in
            let files = Files(folder: folder)
            try files.write(.first)
            var likes = 0
            try withServer(files.flags, dataFolder: folder + "/data") { server in
                let answers = Monitor(0)
                let crew = Crew(6) { number in
                    let note: () -> Void = { answers.update { $0 += 1 } }
                    return number < 3
                        ? try TransportTests.likeByBytes(number, server.port, note)
                        : try TransportTests.likeByFrames(number, server.port, note)
                }
                #expect(answers.wait(seconds: 60) { $0 >= 2_000 ? $0 : nil } != nil)
                let begin = ContinuousClock.now
                #expect(server.terminate() == .exited(0), "\(server.process.errors.suffix(2_000))")
                let took = ContinuousClock.now - begin
                #expect(took < .seconds(10), "it took \(took)")
                likes = try crew.finish().reduce(0, +)
            }
            try withServer(dataFolder: folder + "/data") { server in
                let count = try server.connect().answer("GET", Target.count("v")).json["count"]
                #expect(count == .integer(Int64(likes)))
            }
        }
    }

    @Test("While a stopping server still answers what it has, nobody new is let in")
    func nobodyNew() throws {
        try withFolder { folder in
            let files = Files(folder: folder)
            try files.write(.first)
            try withServer(files.flags, dataFolder: folder + "/data") { server in
                let connection = try FrameConnection(port: Int(server.port))
                let fields = [("content-type", "application/json")]
                let begun = try connection.begin("POST", "/v1/likes", fields, endsHere: false)
                #expect(try connection.ask("GET", "/health/live").status == 200)
                server.process.signal(SIGTERM)
                #expect(connection.isToldGoodbye())
                #expect(throws: HTTPConnection.Failure.cannotConnect(code: ECONNREFUSED)) {
                    while true { _ = try HTTPConnection(port: server.port) }
                }
                try connection.send(Array(TransportTests.like("ann").utf8), on: begun, endsHere: true)
                #expect(try connection.receive(begun).status == 200)
                #expect(server.process.waitForEnd(seconds: 10) == .exited(0))
            }
        }
    }

    @Test(
        "A client that does not take its answers, and does not end, does not hold the server up for longer than it may")
    func stubborn() throws {
        try withFolder { folder in
            let files = Files(folder: folder)
            try files.write(.first)
            let flags = files.flags + ["--shutdown-timeout", "1s"]
            try withServer(flags, dataFolder: folder + "/data") { server in
                let connection = try FrameConnection(port: Int(server.port))
                _ = try connection.begin("POST", "/v1/likes", [("content-type", "application/json")], endsHere: false)
                #expect(try connection.ask("GET", "/health/live").status == 200)
                let begin = ContinuousClock.now
                #expect(server.terminate() == .exited(0))
                #expect(ContinuousClock.now - begin < .seconds(8))
            }
        }
    }

    @Test("SIGHUP takes a new certificate while likes come in, and no connection is dropped")
    func reload() throws {
        try withFolder { folder in
            let files = Files(folder: folder)
            try files.write(.first)
            try withServer(files.flags, dataFolder: folder + "/data") { server in
                let isDone = Monitor(false)
                let begun = Monitor(0)
                let crew = Crew(2) { number in
                    let bytes = try SecureConnection(port: Int(server.port))
                    let frames = try FrameConnection(port: Int(server.port))
                    var likes = 0
                    repeat {
                        try bytes.send(try TransportTests.request("bytes_\(number)_\(likes)"))
                        let other = try frames.ask(
                            "POST", "/v1/likes", TransportTests.like("frames_\(number)_\(likes)"))
                        #expect(other.status == 200)
                        #expect(try bytes.receive().status == 200)
                        likes += 1
                        if likes == 1 { begun.update { $0 += 1 } }
                    } while isDone.wait(seconds: 0, for: { $0 ? true : nil }) == nil
                    return likes
                }
                // All have the first certificate.
                try #require(begun.wait(seconds: 60) { $0 == 2 ? true : nil } == true)
                try files.write(.second)
                server.process.signal(SIGHUP)
                let deadline = ContinuousClock.now + .seconds(20)
                var isSeen = false
                while !isSeen, ContinuousClock.now < deadline {
                    do {
                        _ = try SecureConnection(port: Int(server.port), trusting: .second)
                        isSeen = true
                    } catch SecureFailure.noHandshake {}
                }
                #expect(isSeen)
                isDone.update { $0 = true }
                let likes = try crew.finish().reduce(0, +)
                let connection = try SecureConnection(port: Int(server.port), trusting: .second)
                try connection.send(HTTPCall("GET", Target.count("v")).bytes)
                #expect(try connection.receive().text.contains("\"count\":\(likes * 2),"))
            }
        }
    }

    @Test(
        "A certificate that cannot be used stops the start with words on what to do",
        arguments: [
            ["--tls-certificate", "/nowhere.pem", "--tls-key", "/nowhere.key"], ["--tls-key", "/nowhere.key"],
            ["--strict-transport-security", "1d"], ["--proxy-protocol"], ["--cors-origins", "https://a.example/"],
        ])
    func badSettings(_ flags: [String]) throws {
        try withFolder { folder in
            let (ending, _, errors) = try Binary.run(["serve", "--port", "0", "--data-dir", folder] + flags)
            #expect(ending != .exited(0))
            #expect(errors.contains(flags[0].dropFirst(2)), "\(errors)")
        }
    }
}
