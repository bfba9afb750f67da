package import LikewiseCore
package import LikewiseEngine

/// Reads from a ledger on several servers: what is of one content from its server, the rest from all of them.
///
/// A content's key carries its server's number in its upper bits, so that walking along the keys goes through one
/// server after the other.
///
/// On PostgreSQL's servers a call sees one placement: where contents moved while it asked, it asks again. A key that
/// was given out before its content moved is not understood after, and the call throws `.moved`: ask for the content
/// again.
package final class ShardedReader: LedgerReader {
    /// The readers of the servers, in the order of their numbers.
    package let servers: [any LedgerReader]
    /// The same readers, where the servers know what they own.
    private let placed: [PostgresReader]?
    private var placement = LedgerPlacement()

    /// How often a call is tried while contents move.
    private static let attempts = 20

    /// Bits of a content's number on its server; the bits above have the server's number.
    static let numberBits = 48

    package init(_ servers: [any LedgerReader]) {
        precondition((1...ShardedLedger.serverLimit).contains(servers.count), "a ledger on \(servers.count) servers")
        self.servers = servers
        placed = nil
    }

    /// Readers of PostgreSQL's servers, in the order of the cluster's file.
    init(placed readers: [PostgresReader]) throws(LedgerError) {
        servers = readers
        placed = readers
        _ = try load()
    }

    /// The server of a content, as far as this reader knows.
    package func server(of content: [UInt8]) throws(LedgerError) -> Int { try known().server(of: content) }

    private func known() throws(LedgerError) -> Placement {
        guard placed != nil else { return Placement(fixed: servers.count) }
        if let known = placement.current { return known }
        return try load()
    }

    private func load() throws(LedgerError) -> Placement {
        guard let placed else { return Placement(fixed: servers.count) }
        return try placement.load(
            servers: placed.count, row: { (number) throws(LedgerError) in try placed[number].placement() })
    }

    /// Runs `body` by the placement that is known, and again where that is not so any more.
    private func asking<T>(_ body: (Placement) throws(LedgerError) -> T) throws(LedgerError) -> T {
        for _ in 0..<Self.attempts {
            do throws(LedgerError) { return try body(try known()) } catch {
                guard error == .moved else { throw error }
                placement.forget()
            }
        }
        throw .moved
    }

    /// Asks one server, which must be as the placement has it.
    private func on<T>(
        _ server: Int, _ placement: Placement, _ body: (any LedgerReader) throws(LedgerError) -> T
    ) throws(LedgerError) -> T {
        guard let placed, let epoch = placement.epochs[server] else { return try body(servers[server]) }
        return try placed[server].at(epoch) { (reader) throws(LedgerError) in try body(reader) }
    }

    // MARK: What is held in all

    /// For each shard that wrote to every server: the lowest position, up to which all of them hold everything.
    package func positions() throws(LedgerError) -> [UInt16: UInt64] {
        try asking { (placement) throws(LedgerError) in
            var result: [UInt16: UInt64]?
            for server in 0..<placement.layout.count {
                let held = try on(server, placement) { (reader) throws(LedgerError) in try reader.positions() }
                result = result.map { Self.lowest($0, held) } ?? held
            }
            return result ?? [:]
        }
    }

    /// The lower of two positions of each shard that has both.
    static func lowest(_ a: [UInt16: UInt64], _ b: [UInt16: UInt64]) -> [UInt16: UInt64] {
        a.reduce(into: [:]) { lowest, entry in
            if let other = b[entry.key] { lowest[entry.key] = min(entry.value, other) }
        }
    }

    /// What every server knows: a name that was given to some of them only is given to the others by the next call of
    /// `setReactions`.
    package func reactions() throws(LedgerError) -> [String] {
        var least = try servers[0].reactions()
        for server in servers[1..<(try known().layout.count)] {
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
        try asking { (placement) throws(LedgerError) in
            let server = placement.server(of: id)
            let found = try on(server, placement) { (reader) throws(LedgerError) in try reader.content(id) }
            guard var content = found else { return nil }
            content.key = Self.key(content.key, on: server)
            return content
        }
    }

    package func register(content key: Int64, user: UnsafeRawBufferPointer) throws(LedgerError) -> Register {
        guard let (server, number) = place(of: key) else { return .untouched }
        return try byKey(server) { (reader) throws(LedgerError) in try reader.register(content: number, user: user) }
    }

    package func users(
        ofContent key: Int64, after: [UInt8], limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> [UInt8]? {
        guard let (server, number) = place(of: key) else { return nil }
        return try byKey(server) { (reader) throws(LedgerError) in
            try reader.users(ofContent: number, after: after, limit: limit, body)
        }
    }

    /// Of contents that move while they are walked some may be given twice, or not at all; nothing is given that does
    /// not belong to the server that has it.
    package func contents(
        after: Int64, limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> Int64? {
        guard let start = place(of: after) else { return nil }
        let placement = try known()
        var number = start.number
        var left = limit
        for server in start.server..<max(start.server, placement.layout.count) {
            var walked = 0
            let last = try byKey(server) { (reader) throws(LedgerError) in
                try reader.contents(after: number, limit: left) { id in
                    walked += 1
                    if placed == nil || placement.server(of: Array(id)) == server { body(id) }
                }
            }
            if let last { return Self.key(last, on: server) }
            left -= walked
            number = 0
        }
        return nil
    }

    /// Asks about what a key stands for.
    private func byKey<T>(
        _ server: Int, _ body: (any LedgerReader) throws(LedgerError) -> T
    ) throws(LedgerError) -> T {
        do throws(LedgerError) { return try on(server, try known(), body) } catch {
            if error == .moved { placement.forget() }
            throw error
        }
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
        try asking { (placement) throws(LedgerError) in
            var found: [LedgerLike] = []
            for server in 0..<placement.layout.count {
                found += try on(server, placement) { (reader) throws(LedgerError) in
                    guard let reader = placed?[server] else {
                        return try reader.likes(ofUser: user, behind: position, limit: limit)
                    }
                    return try reader.likes(ofUser: user, behind: position, limit: limit) {
                        placement.server(of: $0) == server
                    }
                }
            }
            return Self.newest(found, limit: limit)
        }
    }

    /// The newest of one user's likes.
    static func newest(_ likes: [LedgerLike], limit: Int) -> [LedgerLike] {
        let placed = likes.map { (like: $0, place: LikePosition(version: $0.register.version, id: $0.content)) }
        return placed.sorted { $0.place.precedes($1.place) }.prefix(limit).map(\.like)
    }

    /// The newest of what is held back.
    static func newestHeld(_ likes: [LedgerLike], limit: Int) -> [LedgerLike] {
        let placed = likes.map { (like: $0, place: $0.heldPosition) }
        return placed.sorted { $0.place.precedes($1.place) }.prefix(limit).map(\.like)
    }

    package func heldLikes(
        of filter: HeldFilter, behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        try asking { (placement) throws(LedgerError) in
            var found: [LedgerLike] = []
            for server in 0..<placement.layout.count {
                found += try on(server, placement) { (reader) throws(LedgerError) in
                    guard let reader = placed?[server] else {
                        return try reader.heldLikes(of: filter, behind: position, limit: limit)
                    }
                    return try reader.heldLikes(of: filter, behind: position, limit: limit) {
                        placement.server(of: $0) == server
                    }
                }
            }
            return Self.newestHeld(found, limit: limit)
        }
    }

    package func likes(
        ofContent id: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        try asking { (placement) throws(LedgerError) in
            try on(placement.server(of: id), placement) { (reader) throws(LedgerError) in
                try reader.likes(ofContent: id, behind: position, limit: limit)
            }
        }
    }
}
