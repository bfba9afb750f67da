// A PostgreSQL server with a database cluster of its own, in a folder that goes with it. It refuses to run as root, so
// root starts it as the user `postgres`, who comes with Debian's package. `setpriv` does that, and lets the kernel end
// the server together with the thread that started it; that thread waits until the server is no longer wanted, or the
// process of the tests ends, however it does.

import Dispatch
import Foundation
import Glibc

/// A PostgreSQL server on a free port of loopback; killed, with its files, when the last reference goes. Connections
/// need no password, as the superuser `postgres` in the database `postgres`.
package final class PostgresCluster: Sendable {
    package static let user = "postgres"
    package static let database = "postgres"

    package let port: UInt16
    private let folder: TemporaryFolder
    private let programs: String
    private let settings: [String]
    private let process: Monitor<ChildProcess?>
    /// Raised when the threads that started something may end.
    private let end = DispatchSemaphore(value: 0)

    /// Makes a database cluster and starts its server. `settings`: further ones of postgresql.conf, "name=value".
    /// Throws `ServerMissing` where PostgreSQL is not installed.
    package init(settings: [String] = []) throws {
        folder = try TemporaryFolder()
        programs = try ServerPrograms.postgres()
        port = try ServerPrograms.freePort()
        self.settings = settings
        process = Monitor(nil)
        chmod(folder.path, 0o755)
        let data = folder.path + "/data"
        mkdir(data, 0o700)
        if let owner = getpwnam(Self.user), getuid() == 0 { chown(data, owner.pointee.pw_uid, owner.pointee.pw_gid) }
        let initdb = try start(
            "initdb", ["-D", data, "-A", "trust", "-U", Self.user, "--locale=C", "--encoding=UTF8", "--no-sync"])
        guard initdb.waitForEnd(seconds: 120) == .exited(0) else {
            throw Failure(words: "initdb made no database: \(initdb.output) \(initdb.errors)")
        }
        try startServer()
    }

    deinit {
        kill()
        end.signal()
    }

    /// Kills the server and all of its processes at once, as a crash would.
    package func kill() {
        guard
            let server = process.update({ process in
                defer { process = nil }
                return process
            })
        else { return }
        // Stopped, it starts no new children, and those it has die with it.
        server.signal(SIGSTOP)
        for child in Self.children(of: server.id) { Glibc.kill(child, SIGKILL) }
        server.kill9()
    }

    /// Lets the server and its processes stand still, as if the network swallowed everything.
    package func freeze() { signalAll(SIGSTOP) }

    /// Lets them go on.
    package func thaw() { signalAll(SIGCONT) }

    /// Starts it again after `kill`, on the same files and port, and waits until it has recovered.
    package func restart() throws { try startServer() }

    /// Runs SQL with `psql`; its output, without headers. Throws what it says where it fails.
    @discardableResult
    package func psql(_ sql: String) throws -> String {
        let psql = try ChildProcess(
            "\(programs)/psql",
            [
                "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", "\(port)", "-U", Self.user,
                "-c", sql, Self.database,
            ])
        guard psql.waitForEnd(seconds: 120) == .exited(0) else { throw Failure(words: psql.errors) }
        return psql.output
    }

    package struct Failure: Error, CustomStringConvertible {
        package var words: String
        package var description: String { words }
    }

    // MARK: Processes

    private func signalAll(_ number: Int32) {
        process.update { process in
            guard let process else { return }
            process.signal(number)
            for child in Self.children(of: process.id) { Glibc.kill(child, number) }
        }
    }

    /// Starts the server and waits for the line that says that it is ready. The memory of one that was killed is held
    /// until its last process is gone: then it ends at once, and is started again.
    private func startServer() throws {
        let deadline = Date(timeIntervalSinceNow: 60)
        while true {
            let server = try start(
                "postgres",
                [
                    "-D", folder.path + "/data", "-p", "\(port)", "-c", "listen_addresses=127.0.0.1",
                    "-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "log_min_messages=log",
                ] + settings.flatMap { ["-c", $0] })
            let isReady = server.waitForErrorLine(seconds: 60) { line -> Bool? in
                line.contains("database system is ready to accept connections") ? true : nil
            }
            if isReady == true {
                process.update { $0 = server }
                return
            }
            server.kill9()
            let isHeld = server.errors.contains("still in use") || server.errors.contains("lock file")
            guard isHeld, Date() < deadline else { throw Failure(words: "PostgreSQL did not start: \(server.errors)") }
        }
    }

    private func start(_ program: String, _ arguments: [String]) throws -> ChildProcess {
        let setpriv = try ServerPrograms.find("setpriv", in: ["/usr/bin"])
        let asOwner = getuid() == 0 ? ["--reuid=\(Self.user)", "--regid=\(Self.user)", "--clear-groups"] : []
        let all = asOwner + ["--pdeathsig=KILL", "\(programs)/\(program)"] + arguments
        let started = Monitor<Result<ChildProcess, any Error>?>(nil)
        let end = end
        Thread.detachNewThread {
            let result = Result { try ChildProcess(setpriv, all) }
            started.update { $0 = result }
            end.wait()
            end.signal()
        }
        guard let result = started.wait(seconds: 60, for: { $0 }) else { throw Failure(words: "no thread was started") }
        return try result.get()
    }

    private static func children(of id: pid_t) -> [pid_t] {
        let path = "/proc/\(id)/task/\(id)/children"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: " ").compactMap { pid_t($0) }
    }
}
