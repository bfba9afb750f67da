// Where the servers of a cluster are, as texts say it.

internal import LikewiseServer

/// A server of PostgreSQL, as a connection URI names it (PostgreSQL's documentation, 34.1.1.2).
package struct PostgresAddress: Hashable, Sendable {
    package var host: String
    package var port: UInt16 = 5432
    package var database: String
    package var user: String
    package var password: String?
    /// What stands behind the question mark, for libpq.
    package var parameters: [String: String] = [:]

    /// nil where `uri` is none, or names no host, user or database.
    package init?(uri: String) {
        guard let scheme = ["postgresql://", "postgres://"].first(where: uri.hasPrefix) else { return nil }
        let rest = uri.dropFirst(scheme.count).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let at = rest[0].lastIndex(of: "@"), let slash = rest[0][at...].firstIndex(of: "/") else { return nil }
        let login = rest[0][..<at].split(separator: ":", maxSplits: 1).map(Self.decoded)
        let place = String(rest[0][rest[0].index(after: at)..<slash])
        guard let address = ServerAddress.parse(place.contains(":") ? place : place + ":5432") else { return nil }
        guard let user = login.first ?? nil, let database = Self.decoded(rest[0][rest[0].index(after: slash)...]),
            !user.isEmpty, !database.isEmpty
        else { return nil }
        host = address.host
        port = UInt16(address.port)
        self.user = user
        self.database = database
        if login.count > 1 {
            guard let given = login[1] else { return nil }
            password = given
        }
        for pair in rest.count > 1 ? rest[1].split(separator: "&") : [] {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = Self.decoded(parts[1]) else { return nil }
            parameters[String(parts[0])] = value
        }
    }

    private static func decoded(_ text: Substring) -> String? {
        guard let bytes = PercentEncoding.decode(text.utf8), !bytes.contains(0) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension SettingKind where Value == [PostgresAddress] {
    /// Connection URIs, with commas between them.
    static var postgresServers: Self {
        let words = "connection URIs, postgresql://user@host:port/database each, with commas between them"
        return Self(words, placeholder: "<uri,…>") { text in
            let uris = text.split(separator: ",", omittingEmptySubsequences: false).map {
                $0.trimmingPrefix(while: \.isWhitespace)
            }
            let servers = uris.compactMap { PostgresAddress(uri: String($0)) }
            return servers.count == uris.count && Set(servers).count == servers.count ? servers : nil
        }
    }
}

/// Where a Redis is, and of which kind it is.
package enum RedisPlace: Hashable, Sendable {
    case standalone(String)
    case cluster([String])
    case sentinel([String], master: String)
}

extension SettingKind where Value == RedisPlace {
    /// A URL whose scheme says the kind.
    static var redis: Self {
        let words = "redis://host:port, redis-cluster://host:port,… or redis-sentinel://host:port,…/master"
        return Self(words, placeholder: "<url>") { text in
            let parts = text.split(separator: "://", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return nil }
            let path = parts[1].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let addresses = path[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard addresses.allSatisfy(ServerAddress.isAddress) else { return nil }
            let name = path.count > 1 ? path[1] : ""
            switch parts[0] {
            case "redis": return addresses.count == 1 && name.isEmpty ? .standalone(addresses[0]) : nil
            case "redis-cluster": return name.isEmpty ? .cluster(addresses) : nil
            case "redis-sentinel": return name.isEmpty ? nil : .sentinel(addresses, master: name)
            default: return nil
            }
        }
    }
}

/// `host:port`; an IPv6 address stands in brackets.
package enum ServerAddress {
    /// The two parts; nil where `text` is no address.
    package static func parse(_ text: String) -> (host: String, port: Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0,
            text[text.index(after: colon)...].utf8.first != UInt8(ascii: "+")
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty, !host.utf8.contains(0), !host.contains(where: \.isWhitespace) else { return nil }
        return (host, Int(port))
    }

    static func isAddress(_ text: String) -> Bool { parse(text) != nil }
}
