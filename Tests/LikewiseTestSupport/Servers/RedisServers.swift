// Redis as the tests need it: one server, a cluster of masters with or without replicas, a master with a replica and
// sentinels. All on free ports of loopback, in temporary folders, and killed when the last reference goes.

import Foundation
import Glibc

/// A server did not do what was expected within the time limit.
package struct RedisServerFailed: Error, CustomStringConvertible {
    /// What went wrong, with the server's words.
    package let description: String
}

/// One redis-server, which can be killed and brought back on the same port with what it kept.
package final class RedisServerProcess: Sendable {
    /// What is kept over a restart.
    package enum Persistence: Sendable {
        case none
        /// Append-only file, synced each second.
        case appendOnly
    }

    /// The port of loopback that it listens on.
    package let port: UInt16
    /// Where it keeps its files.
    package let folder: TemporaryFolder
    private let arguments: [String]
    private let process: Monitor<ChildProcess?>

    /// What kind of server it is.
    package enum Kind: Sendable {
        case alone
        case clusterNode
        case sentinel
    }

    /// Starts a server and waits until it answers. `settings` are more arguments, as on its command line; for a sentinel,
    /// lines of its file.
    package init(kind: Kind = .alone, persistence: Persistence = .none, settings: [String] = []) throws {
        port = try RedisPorts.next()
        folder = try TemporaryFolder()
        let common = ["--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder.path, "--daemonize", "no"]
        let keeping = persistence == .appendOnly ? ["--appendonly", "yes", "--appendfsync", "everysec"] : []
        let alone = common + ["--save", "", "--enable-debug-command", "yes"] + keeping
        switch kind {
        case .alone: arguments = alone + settings
        case .clusterNode:
            // The bus has a port of its own; its usual place 10,000 above may be taken or not exist.
            arguments = alone + ["--cluster-enabled", "yes", "--cluster-port", "\(try RedisPorts.next())"] + settings
        case .sentinel:
            let file = "\(folder.path)/sentinel.conf"
            try settings.joined(separator: "\n").write(toFile: file, atomically: false, encoding: .utf8)
            arguments = [file, "--sentinel"] + common
        }
        process = Monitor(nil)
        try start()
    }

    deinit { stop() }

    /// Kills it with SIGKILL, and waits until it is gone.
    package func kill9() {
        process.update { $0 }?.kill9()
    }

    /// Stops it in its tracks; it keeps its connections and answers nothing.
    package func pause() { process.update { $0 }?.signal(SIGSTOP) }

    /// Goes on where `pause` stopped it.
    package func resume() { process.update { $0 }?.signal(SIGCONT) }

    /// Starts it again on the same port and folder, and waits until it answers.
    package func restart() throws {
        stop()
        try start()
    }

    private func stop() {
        process.update { process in
            process?.kill9()
            process = nil
        }
    }

    private func start() throws {
        let path = try ServerPrograms.find("redis-server")
        let child = try ChildProcess(path, arguments)
        process.update { $0 = child }
        let ready = RedisPoll.until(seconds: 20) {
            if child.ending != nil { return true }
            return (try? RedisTalk.say(["PING"], port: self.port))?.hasPrefix("+PONG") ?? false
        }
        guard ready, child.ending == nil else {
            throw RedisServerFailed(description: "redis-server on \(port): \(child.output) \(child.errors)")
        }
    }

    /// Sends one command on a connection of its own; the raw answer. For setting the scene, not for what is tested.
    @discardableResult
    package func say(_ words: String...) throws -> String { try say(words) }

    /// The same with the command's words in a list.
    package func say(_ words: [String]) throws -> String { try RedisTalk.say(words, port: port) }
}

/// A Redis Cluster: masters that share the slots evenly, and for each so many replicas.
package final class RedisClusterProcesses: Sendable {
    /// The masters as they were at the start, in the order of their slots.
    package let masters: [RedisServerProcess]
    /// The replicas as they were at the start; `replicas[i]` follows master i modulo the number of masters.
    package let replicas: [RedisServerProcess]

    /// Starts it and waits until every node says that the cluster is whole. A master counts as lost after
    /// `nodeTimeoutMilliseconds` without an answer.
    package init(
        masters count: Int = 3, replicasPerMaster: Int = 0, persistence: RedisServerProcess.Persistence = .none,
        nodeTimeoutMilliseconds: Int = 1_000
    ) throws {
        let settings = [
            "--cluster-node-timeout", "\(nodeTimeoutMilliseconds)",
            "--cluster-require-full-coverage", "no", "--cluster-replica-validity-factor", "0",
        ]
        func server() throws -> RedisServerProcess {
            try RedisServerProcess(kind: .clusterNode, persistence: persistence, settings: settings)
        }
        let masters = try (0..<count).map { _ in try server() }
        let replicas = try (0..<(count * replicasPerMaster)).map { _ in try server() }
        self.masters = masters
        self.replicas = replicas
        for (index, master) in masters.enumerated() {
            let (first, last) = (16_384 * index / count, 16_384 * (index + 1) / count - 1)
            try master.say("CLUSTER", "ADDSLOTSRANGE", "\(first)", "\(last)")
            try master.say("CLUSTER", "SET-CONFIG-EPOCH", "\(index + 1)")
        }
        let all = masters + replicas
        for server in all.dropFirst() { try Self.introduce(server, to: masters[0]) }
        try waitUntilWhole()
        for (index, replica) in replicas.enumerated() {
            let master = try Self.identifier(of: masters[index % count])
            guard
                RedisPoll.until(
                    seconds: 20, { (try? replica.say("CLUSTER", "REPLICATE", master)) == "+OK\r\n" })
            else {
                throw RedisServerFailed(description: "a replica found no master")
            }
        }
        let linked = RedisPoll.until(seconds: 30) {
            replicas.allSatisfy { (try? $0.say("INFO", "replication"))?.contains("master_link_status:up") ?? false }
        }
        guard linked else { throw RedisServerFailed(description: "the replicas did not follow") }
        try waitUntilWhole()
    }

    /// Waits until every server that runs says that all slots are served, and knows all others.
    package func waitUntilWhole(seconds: Double = 30) throws {
        let all = masters + replicas
        let isWhole = RedisPoll.until(seconds: seconds) {
            all.allSatisfy { server in
                guard let info = try? server.say("CLUSTER", "INFO") else { return false }
                return info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:\(all.count)")
                    && info.contains("cluster_slots_ok:16384")
            }
        }
        guard isWhole else { throw RedisServerFailed(description: "the cluster did not become whole") }
    }

    private static func introduce(_ server: RedisServerProcess, to other: RedisServerProcess) throws {
        let nodes = try other.say("CLUSTER", "NODES")
        // `id host:port@bus …`
        guard let bus = nodes.split(separator: "@").dropFirst().first?.prefix(while: { $0.isNumber }) else {
            throw RedisServerFailed(description: "CLUSTER NODES: \(nodes)")
        }
        try server.say("CLUSTER", "MEET", "127.0.0.1", "\(other.port)", "\(bus)")
    }

    /// The name that a node has in its cluster.
    package static func identifier(of server: RedisServerProcess) throws -> String {
        let answer = try server.say("CLUSTER", "MYID")
        return String(answer.split(separator: "\r\n").last ?? "")
    }
}

/// A master and a replica that three sentinels look after.
package final class RedisSentinelProcesses: Sendable {
    /// What the sentinels call the master.
    package static let name = "likewise-test"
    /// The master as it was at the start.
    package let master: RedisServerProcess
    /// The replica as it was at the start.
    package let replica: RedisServerProcess
    /// The three sentinels.
    package let sentinels: [RedisServerProcess]

    /// Starts all, and waits until the sentinels know each other and the replica. A master counts as lost after
    /// `downAfterMilliseconds` without an answer.
    package init(downAfterMilliseconds: Int = 500) throws {
        let master = try RedisServerProcess()
        let replica = try RedisServerProcess(settings: ["--replicaof", "127.0.0.1", "\(master.port)"])
        let linked = RedisPoll.until(seconds: 20) {
            (try? replica.say("INFO", "replication"))?.contains("master_link_status:up") ?? false
        }
        guard linked else { throw RedisServerFailed(description: "the replica did not follow") }
        let settings = [
            "sentinel monitor \(Self.name) 127.0.0.1 \(master.port) 2",
            "sentinel down-after-milliseconds \(Self.name) \(downAfterMilliseconds)",
            "sentinel failover-timeout \(Self.name) 5000",
        ]
        let sentinels = try (0..<3).map { _ in try RedisServerProcess(kind: .sentinel, settings: settings) }
        (self.master, self.replica, self.sentinels) = (master, replica, sentinels)
        let known = RedisPoll.until(seconds: 30) {
            sentinels.allSatisfy { sentinel in
                let answer = (try? sentinel.say("INFO", "sentinel")) ?? ""
                return answer.contains("slaves=1,sentinels=3")
            }
        }
        guard known else { throw RedisServerFailed(description: "the sentinels did not find each other") }
    }
}

/// Ports for servers that are killed and come back on the same one: below those that Linux gives to connections, so that
/// none takes it meanwhile (32,768 and above).
private enum RedisPorts {
    private static let given = Monitor<Set<UInt16>>([])

    /// A port of loopback that was free just now, and that this process has not given out before.
    static func next() throws -> UInt16 {
        for _ in 0..<1_000 {
            let port = UInt16.random(in: 20_000..<32_000)
            guard given.update({ $0.insert(port).inserted }), isFree(port) else { continue }
            return port
        }
        throw RedisServerFailed(description: "no port is free")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var address = RedisTalk.loopback(port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(socket, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

/// Asks again and again, with small pauses, until something is so: servers have no other way to be waited for.
package enum RedisPoll {
    /// Whether `isSo` answered true within `seconds`. Blocks the thread.
    package static func until(seconds: Double, _ isSo: () -> Bool) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while Date() < deadline {
            if isSo() { return true }
            usleep(10_000)
        }
        return isSo()
    }
}

/// One command on a blocking socket.
enum RedisTalk {
    static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        address.sin_port = port.bigEndian
        return address
    }

    static func say(_ words: [String], port: UInt16) throws -> String {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw POSIXError(.EMFILE) }
        defer { close(socket) }
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = loopback(port)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                connect(socket, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard connected else { throw POSIXError(.ECONNREFUSED) }
        let command = "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
        guard send(socket, command, command.utf8.count, Int32(MSG_NOSIGNAL)) == command.utf8.count else {
            throw POSIXError(.EPIPE)
        }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while !isWhole(answer) {
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count > 0 else { throw POSIXError(.ETIMEDOUT) }
            answer += chunk[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }

    /// Whether this is a line, or a text with all of its bytes. Arrays are taken as they come with the first packet.
    private static func isWhole(_ answer: [UInt8]) -> Bool {
        guard let end = answer.firstIndex(of: UInt8(ascii: "\n")) else { return false }
        guard answer[0] == UInt8(ascii: "$"), let length = Int(String(decoding: answer[1..<(end - 1)], as: UTF8.self))
        else { return true }
        return length < 0 || answer.count >= end + 1 + length + 2
    }
}
