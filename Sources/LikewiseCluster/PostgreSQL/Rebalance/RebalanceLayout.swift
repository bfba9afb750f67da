// The servers' rows at the begin and the end of a move, and before the first one.

package import LikewiseEngine

/// Changes of the layout, a row after the other; each may be done again.
package enum RebalanceLayout {
    /// Numbers the servers of a ledger that has never been moved, in their order; durable on return. Where they have
    /// numbers it checks them. Answers on how many the ledger lies. Throws `.unusable`, with what to do, where the
    /// servers are not those of the ledger.
    package static func number(_ options: [PostgresOptions]) throws(LedgerError) -> Int {
        do {
            let connections = try options.map { try PostgresConnection($0, for: .moving) }
            let rows = try connections.map { PlacementRow(try $0.run(PlacementRow.find())) }
            if rows[0].number != nil { return try Placement(rows).layout.count }
            let used = try connections.map { try isUsed($0) }
            let count = used.lastIndex(of: true).map { $0 + 1 } ?? options.count
            if let empty = used.prefix(count).firstIndex(of: false), used.contains(true) {
                throw LedgerError.unusable(
                    """
                    postgresql: the \(Placement.ordinal(empty)) server is empty and stands before one that is not: put new \
                    servers at the end
                    """)
            }
            // The first one last: as long as it has no number, none was taken for granted.
            for server in (0..<count).reversed() {
                try set(connections[server], number: server, Layout(servers: count, target: count))
            }
            return try Placement(connections.map { PlacementRow(try $0.run(PlacementRow.find())) }).layout.count
        } catch let error as LedgerError { throw error } catch let error as PostgresError {
            throw error.ledgerError
        } catch {
            throw .failed("\(error)")
        }
    }

    private static func isUsed(_ connection: PostgresConnection) throws(PostgresError) -> Bool {
        if try connection.run(RebalanceStatements.hasContents()).flag(0, 0) { return true }
        return try connection.run(RebalanceStatements.findPositions()).count > 0
    }

    private static func set(
        _ connection: PostgresConnection, number: Int, _ layout: Layout
    ) throws(PostgresError) {
        _ = try connection.run(
            RebalanceStatements.setLayout(
                .int4(Int32(number)), .int4(Int32(layout.servers)), .int4(Int32(layout.target))))
    }

    /// Begins a move.
    static func begin(_ layout: Layout, _ servers: [RebalanceServer]) throws {
        if layout.target > layout.servers { try prepare(servers[layout.last], like: servers.prefix(layout.servers)) }
        for server in servers.prefix(layout.count).reversed() {
            try set(server.connection, number: server.number, layout)
        }
    }

    /// Ends a move in which everything has gone over.
    static func end(_ layout: Layout, _ servers: [RebalanceServer]) throws {
        let settled = Layout(servers: layout.target, target: layout.target)
        for server in servers.prefix(settled.count) { try set(server.connection, number: server.number, settled) }
    }

    /// Brings rows in line with the first one, where a move was stopped at its begin or its end.
    static func settle(_ layout: Layout, _ servers: [RebalanceServer], _ rows: [PlacementRow]) throws {
        for (server, row) in zip(servers, rows) {
            if server.number < layout.count {
                guard row.layout != layout || !row.handovers.isEmpty else { continue }
                try set(server.connection, number: server.number, layout)
            } else if row.number != nil {
                try checkEmpty(server)
                _ = try server.connection.run(RebalanceStatements.dropNumber())
            }
        }
    }

    /// Gives a new server the positions and the reactions of the others: it owns nothing yet, so it lacks nothing of
    /// them.
    private static func prepare(_ new: RebalanceServer, like others: ArraySlice<RebalanceServer>) throws {
        try checkEmpty(new)
        var positions: [Int64: (sequence: Int64, clock: Int64)] = [:]
        for (place, server) in others.enumerated() {
            let found = try server.connection.run(RebalanceStatements.findPositions())
            var held: [Int64: (sequence: Int64, clock: Int64)] = [:]
            for row in 0..<found.count { held[found.int(row, 0)] = (found.int(row, 1), found.int(row, 2)) }
            if place == 0 {
                positions = held
                continue
            }
            positions = positions.reduce(into: [:]) { lowest, entry in
                guard let other = held[entry.key] else { return }
                lowest[entry.key] = (
                    min(entry.value.sequence, other.sequence), max(entry.value.clock, other.clock)
                )
            }
        }
        let sorted = positions.sorted { $0.key < $1.key }
        let names = try others.first?.connection.run(PostgresReader.findReactions())
        let codes = 0..<(names?.count ?? 0)
        try new.transaction { connection in
            _ = try connection.run([
                RebalanceStatements.dropPositions(),
                RebalanceStatements.addPositions(
                    .int4s(sorted.map { Int32(truncatingIfNeeded: $0.key) }), .int8s(sorted.map(\.value.sequence)),
                    .int8s(sorted.map(\.value.clock))),
                RebalanceStatements.addReactions(
                    .int2s(codes.map { Int16(truncatingIfNeeded: names?.int($0, 0) ?? 0) }),
                    .texts(codes.map { names?.bytes($0, 1) ?? [] })),
            ])
        }
    }

    private static func checkEmpty(_ server: RebalanceServer) throws {
        guard try server.connection.run(RebalanceStatements.hasContents()).flag(0, 0) else { return }
        throw LedgerError.unusable(
            """
            postgresql: the \(Placement.ordinal(server.number)) server is not one of those that the ledger lies on, and \
            holds contents all the same: give it an empty database
            """)
    }
}
