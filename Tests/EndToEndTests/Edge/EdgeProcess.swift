// nginx and Varnish in front of nodes, with the configurations that ship. Only what their heads call 'to be fitted' is
// changed for the tests: the nodes' addresses, the port, and the cache's folder.

import Foundation
import Glibc
import LikewiseTestSupport
import Testing

/// A server that stands before the nodes.
enum EdgeKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case nginx
    case varnish

    var testDescription: String { rawValue }
}

/// A running edge, on a free port of loopback.
final class EdgeProcess: Sendable {
    struct DidNotStart: Error, CustomStringConvertible {
        var description: String
    }

    let port: UInt16
    private let process: ChildProcess
    private let folder: TemporaryFolder

    /// Starts an edge before two nodes, and waits until it answers. A single node may be named twice.
    init(_ kind: EdgeKind, nodes: (UInt16, UInt16)) throws {
        folder = try TemporaryFolder()
        port = EdgePorts.next()
        switch kind {
        case .nginx: process = try Self.nginx(port, nodes, folder.path)
        case .varnish: process = try Self.varnish(port, nodes, folder.path)
        }
        let (process, port) = (process, port)
        let answers = RedisPoll.until(seconds: 30) {
            process.ending != nil || (try? HTTPConnection(port: port).answer("GET", "/health/live").status) == 404
        }
        guard answers, process.ending == nil else {
            let words = "\(kind.rawValue) does not answer: \(process.errors.suffix(2_000))"
            stop()
            throw DidNotStart(description: words)
        }
    }

    deinit { stop() }

    /// Ends it with its workers, which would outlive a master that is killed.
    func stop() {
        process.signal(SIGTERM)
        if process.waitForEnd(seconds: 10) == nil { process.kill9() }
    }

    func connect() throws -> HTTPConnection { try HTTPConnection(port: port) }

    /// What it logged.
    var log: String { process.errors }

    private static func nginx(_ port: UInt16, _ nodes: (UInt16, UInt16), _ folder: String) throws -> ChildProcess {
        try copy(
            "deploy/nginx/likewise.conf", to: "\(folder)/likewise.conf",
            ["listen 8080;": "listen 127.0.0.1:\(port);", "/var/cache/nginx/likewise": "\(folder)/cache"])
        try copy(
            "deploy/nginx/likewise-nodes.conf", to: "\(folder)/likewise-nodes.conf",
            ["127.0.0.1:8081": "127.0.0.1:\(nodes.0)", "127.0.0.1:8082": "127.0.0.1:\(nodes.1)"])
        // What stands around it on a machine that has nginx. Root's workers could not enter the test's folder.
        let main = """
            \(geteuid() == 0 ? "user root;" : "")
            daemon off; pid nginx.pid; worker_processes 2;
            events { worker_connections 2048; }
            http {
                access_log off;
                proxy_temp_path a; client_body_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
                include likewise.conf;
            }
            """
        try main.write(toFile: "\(folder)/nginx.conf", atomically: true, encoding: .utf8)
        return try ChildProcess(
            ServerPrograms.find("nginx", in: ["/usr/sbin"]), ["-p", folder, "-c", "nginx.conf", "-e", "stderr"])
    }

    private static func varnish(_ port: UInt16, _ nodes: (UInt16, UInt16), _ folder: String) throws -> ChildProcess {
        _ = try ServerPrograms.find("varnishd", in: ["/usr/sbin"])
        let vcl = "\(folder)/likewise.vcl"
        try copy(
            "deploy/varnish/likewise.vcl", to: vcl,
            [".port = \"8081\"": ".port = \"\(nodes.0)\"", ".port = \"8082\"": ".port = \"\(nodes.1)\""])
        // Without a jail: its user could not enter the test's folder.
        return try ChildProcess(
            Binary.root.appending(path: "deploy/varnish/varnishd.sh").path,
            ["-j", "none", "-n", "\(folder)/work", "-a", "127.0.0.1:\(port)"], variables: ["VCL": vcl])
    }

    /// Copies a file that ships, with each of these texts, which it has exactly once, replaced.
    private static func copy(_ file: String, to path: String, _ fitted: [String: String]) throws {
        var text = try String(contentsOf: Binary.root.appending(path: file), encoding: .utf8)
        for (shipped, own) in fitted {
            let parts = text.components(separatedBy: shipped)
            try #require(parts.count == 2, "\(file) has \(shipped) \(parts.count - 1) times")
            text = parts.joined(separator: own)
        }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
}

/// Ports of loopback that this process has not given out before, below those that the system gives to connections: a
/// server may take a second to listen on its own.
enum EdgePorts {
    private static let given = Monitor<Set<UInt16>>([])

    static func next() -> UInt16 {
        while true {
            let port = UInt16.random(in: 12_000..<20_000)
            let isNew = given.update { $0.insert(port).inserted }
            if isNew, (try? HTTPConnection(port: port)) == nil { return port }
        }
    }
}

/// Runs `body` with a node and an edge before it; both end with it.
func withEdge<Result>(_ kind: EdgeKind, _ body: (ServerProcess, EdgeProcess) throws -> Result) throws -> Result {
    try withServer { server in
        let edge = try EdgeProcess(kind, nodes: (server.port, server.port))
        defer { edge.stop() }
        return try body(server, edge)
    }
}

extension ServerProcess {
    /// How many requests of a call the node has answered, by its own metrics.
    func answered(_ route: String) throws -> Int {
        let page = try connect().answer("GET", "/metrics").text
        let name = "likewise_http_request_seconds_count{route=\"\(route)\","
        return page.split(separator: "\n").filter { $0.hasPrefix(name) }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
    }
}
