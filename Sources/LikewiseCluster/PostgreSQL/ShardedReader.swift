package import LikewiseCore
package import LikewiseEngine

/// Reads from a ledger on several servers: what is of one content from its server, the rest from all of them.
///
/// A content's key carries its server's number in its upper bits, so that walking along the keys goes through one
/// server after the other.
package final class ShardedReader: LedgerReader {
    /// The readers of the servers, in the order of their numbers.
    package let servers: [any LedgerReader]

    /// Bits of a content's number on its server; the bits above have the server's number.
    static let numberBits = 48

    package init(_ servers: [any LedgerReader]) {
        precondition((1...ShardedLedger.serverLimit).contains(servers.count), "a ledger on \(servers.count) servers")
        self.servers = servers
    }

    /// The server of a content, 0 ..< `servers.count`.
    package func server(of content: [UInt8]) -> Int { ShardedLedger.server(of: content, servers: servers.count) }

    // MARK: What is held in all

    /// For each shard that wrote to every server: the lowest position, up to which all of them hold everything.
    package func positions() throws(LedgerError) -> [UInt16: UInt64] {
        var result = try servers[0].positions()
        for server in servers.dropFirst() {
            let others = try server.positions()
            for (shard, position) in result { result[shard] = others[shard].map { min($0, position) } }
        }
        return result
    }

    /// What every server knows: a name that was given to some of them only is given to the others by the next call of
    /// `setReactions`.
    package func reactions() throws(LedgerError) -> [String] {
        var least = try servers[0].reactions()
        for server in servers.dropFirst() {
            let names = try server.reactions()
            if names.count < least.count { least = names }
        }
        return least
    }

    package func latestReading() throws(LedgerError) -> UInt64 {
        var latest: UInt64 = 0
        for server in servers { latest = max(latest, try server.latestReading()) }
        return latest
    }

    package func answers(unexpiredAt milliseconds: UInt64) throws(LedgerError) -> [StoredAnswer] {
        try servers[0].answers(unexpiredAt: milliseconds)
    }

    package func trends(since milliseconds: UInt64) throws(LedgerError) -> [TrendBucket] {
        try servers[0].trends(since: milliseconds)
    }

    // MARK: Contents and registers

    package func content(_ id: [UInt8]) throws(LedgerError) -> LedgerContent? {
        let server = server(of: id)
        guard var content = try servers[server].content(id) else { return nil }
        content.key = Self.key(content.key, on: server)
        return content
    }

    package func register(content key: Int64, user: UnsafeRawBufferPointer) throws(LedgerError) -> Register {
        guard let (server, number) = place(of: key) else { return .untouched }
        return try servers[server].register(content: number, user: user)
    }

    package func users(
        ofContent key: Int64, after: [UInt8], limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> [UInt8]? {
        guard let (server, number) = place(of: key) else { return nil }
        return try servers[server].users(ofContent: number, after: after, limit: limit, body)
    }

    package func contents(
        after: Int64, limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> Int64? {
        guard let start = place(of: after) else { return nil }
        var number = start.number
        var left = limit
        for server in start.server..<servers.count {
            var given = 0
            let last = try servers[server].contents(after: number, limit: left) { id in
                given += 1
                body(id)
            }
            if let last { return Self.key(last, on: server) }
            left -= given
            number = 0
        }
        return nil
    }

    private static func key(_ number: Int64, on server: Int) -> Int64 {
        precondition(number >> numberBits == 0, "content number \(number) is too high")
        return Int64(server) << numberBits | number
    }

    private func place(of key: Int64) -> (server: Int, number: Int64)? {
        let server = Int(key >> Self.numberBits)
        guard servers.indices.contains(server) else { return nil }
        return (server, key & (1 << Self.numberBits - 1))
    }

    // MARK: Likes

    /// The first of all the servers' first likes.
    package func likes(
        ofUser user: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        var found: [(like: LedgerLike, place: LikePosition)] = []
        for server in servers {
            found += try server.likes(ofUser: user, behind: position, limit: limit).map {
                ($0, LikePosition(version: $0.register.version, id: $0.content))
            }
        }
        return found.sorted { $0.place.precedes($1.place) }.prefix(limit).map(\.like)
    }

    package func likes(
        ofContent id: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        try servers[server(of: id)].likes(ofContent: id, behind: position, limit: limit)
    }
}
