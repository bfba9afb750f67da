package import LikewiseEngine

/// What lies on a server, and whether it belongs there.
package struct PlacementCheck: Hashable, Sendable {
    package var contents: UInt64 = 0
    /// Copies that were made for a move under way, which nobody asks for.
    package var copies: UInt64 = 0
    /// Contents that another server owns.
    package var strays: UInt64 = 0
    /// The first of them.
    package var first: [[UInt8]] = []

    /// How many strays are named.
    package static let namedLimit = 100
    private static let portion = 10_000

    package init() {}
}

extension PlacementCheck {
    /// Looks at every content of a server, in one snapshot, and keeps nobody waiting. By the server's own word, so that
    /// it may run while contents move.
    package init(_ options: PostgresOptions) throws(LedgerError) {
        self.init()
        do throws(PostgresError) {
            let connection = try PostgresConnection(options, for: .moving)
            try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            let row = PlacementRow(try connection.run(PlacementRow.find()))
            var after: [UInt8] = []
            while true {
                let found = try connection.run(RebalanceStatements.walk(.bytes(after), .int4(Int32(Self.portion))))
                for place in 0..<found.count { note(found.bytes(place, 0), row.claim(found.bytes(place, 0))) }
                guard found.count == Self.portion else { break }
                after = found.bytes(found.count - 1, 0)
            }
            try connection.execute("COMMIT")
        } catch { throw error.ledgerError }
    }

    private mutating func note(_ id: [UInt8], _ claim: PlacementRow.Claim) {
        contents += 1
        switch claim {
        case .own: break
        case .copy: copies += 1
        case .stray:
            strays += 1
            if first.count < Self.namedLimit { first.append(id) }
        }
    }
}
