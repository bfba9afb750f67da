import LikewiseEngine

/// Where contents lie, as a writer or a reader on threads of its own knows it. For one of them alone: a writer must
/// read the positions again after each change, and would miss a change that another one's reading brought in.
struct LedgerPlacement {
    private var known: Placement?

    /// How often the rows are read until they fit together: while a chunk goes over, one that was read before and one
    /// that was read after may not.
    private static let attempts = 50

    /// What is known; nil where it has to be loaded.
    var current: Placement? { known }

    /// Reads the servers' rows with `row`. Where a server was given contents and does not own them yet, `takeOver`
    /// makes it. Throws with nothing known.
    mutating func load(
        servers: Int, row: (Int) throws(LedgerError) -> PlacementRow,
        takeOver: ((_ target: Int, _ source: Int, Watermark) throws(LedgerError) -> Void)? = nil
    ) throws(LedgerError) -> Placement {
        known = nil
        var pause = Backoff(first: .milliseconds(2), most: .milliseconds(200))
        for attempt in 0..<Self.attempts {
            if attempt > 0 { pause.rest() }
            guard let placement = try Self.read(servers, row) else { continue }
            if let takeOver, !placement.pending.isEmpty {
                for other in placement.pending {
                    let pair = placement.layout.pair(other)
                    try takeOver(pair.target, pair.source, placement.marks[other])
                }
                continue
            }
            known = placement
            return placement
        }
        throw .moved
    }

    /// Nil where the rows are of different moments.
    private static func read(
        _ servers: Int, _ row: (Int) throws(LedgerError) -> PlacementRow
    ) throws(LedgerError) -> Placement? {
        let first = try row(0)
        // A server that is named and holds nothing yet may be away.
        var rows: [PlacementRow?] = Array(repeating: nil, count: servers)
        rows[0] = first
        for server in 0..<min(servers, first.layout.count) where server > 0 { rows[server] = try row(server) }
        guard try row(0) == first else { return nil }
        do throws(LedgerError) { return try Placement(rows) } catch {
            if error == .moved { return nil }
            throw error
        }
    }

    /// It has changed; the next call has to load it.
    mutating func forget() { known = nil }
}
