/// Where a Redis server listens.
package struct RedisAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name or an address.
    package var host: String
    /// TCP.
    package var port: UInt16

    /// The server at `host` and `port`.
    package init(_ host: String, _ port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`, with the host in brackets or not; nil where it is something else.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.init(String(host), port)
    }

    /// `host:port`, for the log and the operator.
    package var description: String { "\(host):\(port)" }
}

/// How to reach one deployment of Redis.
package struct RedisOptions: Sendable {
    /// How the servers belong together.
    package enum Topology: Hashable, Sendable {
        /// One server.
        case standalone(RedisAddress)
        /// One master, which the sentinels at these addresses know under a name.
        case sentinel([RedisAddress], master: String)
        /// A Redis Cluster, of which these servers are asked for the others.
        case cluster([RedisAddress])
    }

    /// Where the servers are.
    package var topology: Topology
    /// nil: the default user.
    package var username: String?
    /// nil: no authentication.
    package var password: String?
    /// For the sentinels, which have users of their own.
    package var sentinelUsername: String?
    /// For the sentinels; nil: no authentication.
    package var sentinelPassword: String?
    /// For TCP's handshake and Redis' own, each.
    package var connectTimeout: Duration = .seconds(1)
    /// For a command with all of its redirections and repetitions.
    package var commandTimeout: Duration = .seconds(1)
    /// Connections to each server; calls go over the one that has least to do.
    package var connectionsPerNode = 1
    /// Commands of one connection that have no answer yet; beyond it: `RedisError.overloaded`. A single call of more
    /// commands for one node is refused likewise. With what Likewise sends, below 1 KiB a command, it bounds the memory
    /// of what waits to 16 MiB a connection.
    package var commandsInFlightPerConnection = 16_384
    /// The longest wait before a connection is tried again; the wait is drawn from 0 up to a value that doubles until
    /// it is this.
    package var longestReconnectDelay: Duration = .seconds(1)
    /// Failures in a row (timeouts, lost connections, failed attempts to connect) after which a node is left alone.
    package var breakerFailures = 5
    /// For how long a node is left alone before one call may try it again.
    package var breakerOpenTime: Duration = .milliseconds(500)
    /// The topology is read again this often, even where nothing says that it has changed.
    package var topologyRefreshInterval: Duration = .seconds(15)

    /// The usual bounds for `topology`.
    package init(topology: Topology, username: String? = nil, password: String? = nil) {
        self.topology = topology
        self.username = username
        self.password = password
    }
}

extension Duration {
    /// Whole nanoseconds; 0 for less than none.
    var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return seconds < 0 ? 0 : UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
