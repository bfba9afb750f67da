// What the tests with real servers share: free ports, and where the servers' programs are. `make test` installs them.

package import Foundation
import Glibc

/// A server that a test needs is not on this machine.
package struct ServerMissing: Error, CustomStringConvertible {
    package let description: String

    package init(_ program: String) { description = "\(program) is not installed: `make setup` installs it" }
}

/// Programs and files of the servers.
package enum ServerPrograms {
    /// The package's folder.
    package static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The Python environment that holds a broker of Kafka's protocol and a newer librdkafka; `scripts/setup.sh` makes it.
    package static let environment =
        ProcessInfo.processInfo.environment["LIKEWISE_TEST_ENVIRONMENT"]
        ?? root.appending(path: ".build/bench-venv").path

    /// The program called `name`, in PATH or one of `folders`.
    package static func find(_ name: String, in folders: [String] = []) throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"].map { $0.split(separator: ":").map(String.init) } ?? []
        guard let folder = (folders + path).first(where: { access("\($0)/\(name)", X_OK) == 0 }) else {
            throw ServerMissing(name)
        }
        return "\(folder)/\(name)"
    }

    /// The folder of PostgreSQL's programs: the highest version that is installed.
    package static func postgres() throws -> String {
        let versions = "/usr/lib/postgresql"
        let found = (try? FileManager.default.contentsOfDirectory(atPath: versions)) ?? []
        let folders = found.compactMap { Int($0) }.sorted(by: >).map { "\(versions)/\($0)/bin" }
        return URL(filePath: try find("postgres", in: folders)).deletingLastPathComponent().path
    }

    /// A port of loopback that was free just now.
    package static func freePort() throws -> UInt16 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(socket, pointer, length) == 0 && getsockname(socket, pointer, &length) == 0
            }
        }
        guard bound else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        return UInt16(bigEndian: address.sin_port)
    }
}
