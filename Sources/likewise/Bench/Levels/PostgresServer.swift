// A PostgreSQL with Debian's defaults in a folder of its own. It refuses to run as root, so root starts it as the user
// `postgres`, who comes with the package.

import Glibc

final class PostgresServer {
    private static let owner = "postgres"

    let port: UInt16
    private let resources: BenchResources
    private let programs: String
    private let folder: String
    private let callers: Int
    private var process: ChildProcess

    /// Makes a database cluster in `folder` and starts it, for `callers` connections and a few more.
    init(_ resources: BenchResources, folder: String, callers: Int) throws {
        guard let programs = Programs.folder(of: "postgres", below: "/usr/lib/postgresql") else {
            throw MissingServer("PostgreSQL is not installed: run scripts/bench/setup.sh (Debian: postgresql)")
        }
        self.resources = resources
        self.programs = programs
        let folder = Programs.absolute(folder)
        self.folder = folder
        self.callers = callers
        port = try BenchAddress.freePort()
        if getuid() == 0 {
            guard let owner = getpwnam(PostgresServer.owner) else {
                throw MissingServer("there is no user 'postgres' to run PostgreSQL as: install Debian's postgresql")
            }
            if let closed = Programs.closedFolder(above: folder) {
                throw MissingServer("the user 'postgres' may not enter \(closed): give a --data-dir that all may enter")
            }
            chown(folder, owner.pointee.pw_uid, owner.pointee.pw_gid)
        }
        let initdb = try Self.start(
            resources, "\(programs)/initdb",
            ["-D", "\(folder)/data", "-A", "trust", "-U", PostgresServer.owner, "--locale=C", "--encoding=UTF8"],
            log: "\(folder).log")
        _ = BenchClock.wait(seconds: 60) { initdb.isRunning ? nil : true }
        guard ProcText.read("\(folder)/data/PG_VERSION") != "" else {
            throw BenchError("initdb made no database; it printed:\n\(initdb.lastWords)")
        }
        process = try Self.startServer(resources, programs, folder, port, callers)
        try waitUntilReady()
    }

    /// A connection as the superuser.
    func connect() throws -> PostgresConnection { try PostgresConnection(port: port, user: PostgresServer.owner) }

    /// Kills the server and all of its processes at once.
    func kill() {
        // Each child is in a session of its own, so there is no group to signal; stopped, the server makes no new ones.
        process.signal(SIGSTOP)
        let children = ProcText.read("/proc/\(process.id)/task/\(process.id)/children")
        for child in children.split(separator: " ").compactMap({ pid_t($0) }) { Glibc.kill(child, SIGKILL) }
        process.kill()
    }

    /// Starts it again on the same folder and port, and waits until it has recovered.
    func restart() throws {
        process = try Self.startServer(resources, programs, folder, port, callers)
        try waitUntilReady()
    }

    /// Ends it.
    func stop() { kill() }

    private func waitUntilReady() throws {
        let isReady = try BenchClock.wait(seconds: 60) { () throws -> Bool? in
            if !process.isRunning {
                // The memory of one that was killed is held until its last process is gone.
                guard process.lastWords.contains("still in use") else {
                    throw BenchError("PostgreSQL ended; it printed:\n\(process.lastWords)")
                }
                process = try Self.startServer(resources, programs, folder, port, callers)
            }
            return (try? connect().query("select 1")) == "1" ? true : nil
        }
        guard isReady == true else { throw BenchError("PostgreSQL did not answer; it printed:\n\(process.lastWords)") }
    }

    private static func startServer(
        _ resources: BenchResources, _ programs: String, _ folder: String, _ port: UInt16, _ callers: Int
    ) throws -> ChildProcess {
        try start(
            resources, "\(programs)/postgres",
            [
                "-D", "\(folder)/data", "-p", "\(port)", "-c", "listen_addresses=127.0.0.1",
                "-c", "unix_socket_directories=", "-c", "max_connections=\(callers + 10)",
            ], log: "\(folder).log")
    }

    private static func start(
        _ resources: BenchResources, _ program: String, _ arguments: [String], log: String
    ) throws -> ChildProcess {
        guard getuid() == 0 else { return try resources.start(program, arguments, log: log) }
        let asOwner = ["--reuid=\(owner)", "--regid=\(owner)", "--clear-groups", program]
        return try resources.start("setpriv", asOwner + arguments, log: log)
    }
}

/// A blocking connection to PostgreSQL.
final class PostgresConnection {
    let socket: CallerSocket
    private var input = ReplyBuffer()

    init(port: UInt16, user: String) throws {
        socket = CallerSocket(try BenchConnection(port: port))
        var output: [UInt8] = []
        Postgres.appendStartup(user: user, database: "postgres", to: &output)
        _ = try exchange(output)
    }

    /// Runs a query, and answers the first column of its last row.
    @discardableResult
    func query(_ sql: String) throws -> String? {
        var output: [UInt8] = []
        Postgres.appendQuery(sql, to: &output)
        return try exchange(output)
    }

    /// Prepares `sql` for `Postgres.appendRun`.
    func prepare(_ sql: String) throws {
        var output: [UInt8] = []
        Postgres.appendPrepare(sql, to: &output)
        _ = try exchange(output)
    }

    private func exchange(_ bytes: [UInt8]) throws -> String? {
        try socket.connection.send(bytes)
        var room = [UInt8](repeating: 0, count: 16 << 10)
        var found: String?
        while true {
            while let message = Postgres.takeMessage(from: &input) {
                switch message.type {
                case UInt8(ascii: "E"): throw BenchError("postgres: \(message.errorText)")
                case UInt8(ascii: "D"): found = message.firstColumn
                case UInt8(ascii: "Z"): return found
                default: break
                }
            }
            let count = try room.withUnsafeMutableBytes { room in
                try socket.connection.receive(room)
            }
            input.append(room[..<count])
        }
    }
}
