import Foundation
import Glibc
import LikewiseTestSupport
import Testing

/// A folder of a test's own, removed when the test is done with it.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let path = FileManager.default.temporaryDirectory.appending(path: "likewise-e2e-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

/// The binary under test.
enum Binary {
    struct Missing: Error, CustomStringConvertible {
        var path: String
        var description: String {
            "there is no binary to test at \(path): build it with `swift build -c release --product likewise`, or say "
                + "where it is in LIKEWISE_BINARY"
        }
    }

    /// The package's folder.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func path() throws -> String {
        let given = ProcessInfo.processInfo.environment["LIKEWISE_BINARY"]
        let path = given ?? root.appending(path: ".build/release/likewise").path
        guard FileManager.default.isExecutableFile(atPath: path) else { throw Missing(path: path) }
        return path
    }

    /// Runs a command to its end.
    static func run(
        _ arguments: [String], variables: [String: String] = [:], seconds: Double = 60
    ) throws -> (ending: ChildProcess.Ending?, output: String, errors: String) {
        let process = try ChildProcess(path(), arguments, variables: variables)
        defer { process.kill9() }
        let ending = process.waitForEnd(seconds: seconds)
        return (ending, process.output, process.errors)
    }
}

/// `likewise serve` on a free port of loopback.
final class ServerProcess: Sendable {
    /// The server ended, or did not listen in time.
    struct DidNotStart: Error, CustomStringConvertible {
        var ending: ChildProcess.Ending?
        var errors: String
        var description: String {
            let end = ending.map { "\($0)" } ?? "it still runs"
            return "the server did not come to listen (\(end)); it printed:\n\(errors.suffix(4_000))"
        }
    }

    let process: ChildProcess
    let port: UInt16
    /// From the start of the process until it listens.
    let startup: Duration

    /// Starts a server and waits until it listens.
    init(dataFolder: String, _ flags: [String] = []) throws {
        let begin = ContinuousClock.now
        process = try ChildProcess(
            Binary.path(),
            ["serve", "--host", "127.0.0.1", "--port", "0", "--data-dir", dataFolder, "--log-format", "json"] + flags)
        guard let port = process.waitForErrorLine(seconds: 120, Self.port) else {
            let ending = process.waitForEnd(seconds: 1)
            process.kill9()
            throw DidNotStart(ending: ending, errors: process.errors)
        }
        self.port = port
        startup = ContinuousClock.now - begin
    }

    func connect() throws -> HTTPConnection { try HTTPConnection(port: port) }

    /// Asks the server to stop and waits until it has; nil where that takes longer than `seconds`.
    func terminate(seconds: Double = 20) -> ChildProcess.Ending? {
        process.signal(SIGTERM)
        return process.waitForEnd(seconds: seconds)
    }

    /// The port in a log line that says that the server listens.
    static func port(_ line: String) -> UInt16? {
        guard let json = try? JSON(parsing: Array(line.utf8)), json["message"] == "listening" else { return nil }
        let port = json["port"] ?? json["metadata"]?["port"]
        return (port?.int.map(String.init) ?? port?.text).flatMap { UInt16($0) }
    }
}

/// Runs `body` with a server, which is stopped at the end in any case. The folder is one of its own unless given.
func withServer<Result>(
    _ flags: [String] = [], dataFolder: String? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (ServerProcess) throws -> Result
) throws -> Result {
    func run(_ folder: String) throws -> Result {
        let server = try ServerProcess(dataFolder: folder, flags)
        defer { server.process.kill9() }
        defer {
            let ending = server.process.ending
            if let ending, ending != .exited(0), ending != .killed(signal: SIGKILL) {
                Issue.record(
                    "the server ended by itself: \(ending)\n\(server.process.errors.suffix(4_000))",
                    sourceLocation: sourceLocation)
            }
        }
        return try body(server)
    }
    if let dataFolder { return try run(dataFolder) }
    return try withFolder { try run($0 + "/data") }
}
