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

    @Test(
        "SIGTERM under load: over TLS, as many likes hold as were answered; the end comes in 10 s"
    )
    func drain() throws {
        try withFolder { folder in
            let files = Files(folder: folder)
            try files.write(.first)
            var likes = 0
            try withServer(files.flags, dataFolder: folder + "/data") { server in
                let answers = Monitor(0)
                let crew = Crew(4) { number in
                    try TransportTests.likeByBytes(number, server.port) { answers.update { $0 += 1 } }
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

    @Test("SIGHUP takes a new certificate while likes come in, and no connection is dropped")
    func reload() throws {
        try withFolder { folder in
            let files = Files(folder: folder)
            try files.write(.first)
            try withServer(files.flags, dataFolder: folder + "/data") { server in
                let isDone = Monitor(false)
                let begun = Monitor(0)
                let crew = Crew(3) { number in
                    let bytes = try SecureConnection(port: Int(server.port))
                    var likes = 0
                    repeat {
                        try bytes.send(try TransportTests.request("bytes_\(number)_\(likes)"))
                        #expect(try bytes.receive().status == 200)
                        likes += 1
                        if likes == 1 { begun.update { $0 += 1 } }
                    } while isDone.wait(seconds: 0, for: { $0 ? true : nil }) == nil
                    return likes
                }
                // All have the first certificate.
                try #require(begun.wait(seconds: 60) { $0 == 3 ? true : nil } == true)
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
                #expect(try connection.receive().text.contains("\"count\":\(likes),"))
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
