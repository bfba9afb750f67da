// Which server holds which content, also while contents move from one number of servers to another.
//
// A layout of n servers places contents by jump hash. A move is always to one server more or to one less, so that all
// that moves goes to the last server, or comes from it: every move is between that one and one of the others, a pair.
// In each pair contents go over in the order of their ids (as bytes), a chunk at a time, and a watermark says how far
// that has come. So a move needs no index but the one that finds contents by their id, a chunk can be as small as the
// load asks for, and where a content lies follows from its hash and a watermark for each pair.
//
// The truth is in the database, not in the cluster's file: each server has a row of its own. The first server's row
// says what the layout is, the giving server's row how far a pair has come; `RebalanceChunk` has the argument why that
// is enough for everyone to see exactly one owner.

import LikewiseCore
package import LikewiseEngine

/// How far the contents of a pair have gone over, in the order of their ids.
package struct Watermark: Hashable, Sendable {
    /// The last id that has; empty: none.
    package var through: [UInt8] = []
    /// All have, also those that nobody has liked yet.
    package var isEnd = false

    package init(through: [UInt8] = [], isEnd: Bool = false) {
        self.through = through
        self.isEnd = isEnd
    }

    /// Whether a content of the pair has gone over.
    package func covers(_ content: [UInt8]) -> Bool { isEnd || !through.lexicographicallyPrecedes(content) }
}

/// A pair as one of its servers sees it.
package struct Handover: Hashable, Sendable {
    /// How far contents have gone over; of the server that takes them: how far it owns them.
    package var mark = Watermark()
    /// Of the server that takes: up to where copies may lie here, owned or not.
    package var prepared = Watermark()

    package init(mark: Watermark = Watermark(), prepared: Watermark = Watermark()) {
        self.mark = mark
        self.prepared = prepared
    }
}

/// How many servers contents lie on, and to how many they move; equal where nothing moves.
package struct Layout: Hashable, Sendable {
    package var servers: Int
    package var target: Int

    package init(servers: Int, target: Int) {
        precondition(abs(servers - target) <= 1, "a move from \(servers) to \(target) servers in one go")
        self.servers = servers
        self.target = target
    }

    package var isSettled: Bool { servers == target }
    /// The servers that may hold contents.
    package var count: Int { max(servers, target) }
    /// The server that is one end of every pair.
    package var last: Int { count - 1 }

    /// Where a content is before and after the move.
    package func ends(of content: [UInt8]) -> (source: Int, target: Int) {
        let hash = Hash64.of(content, seed: 0)
        let source = Hash64.jump(hash, shards: servers)
        return (source, isSettled ? source : Hash64.jump(hash, shards: target))
    }

    /// The two ends of the pair of the last server and `other`.
    package func pair(_ other: Int) -> (source: Int, target: Int) {
        target > servers ? (source: other, target: last) : (source: last, target: other)
    }
}

/// A server's row about itself.
package struct PlacementRow: Hashable, Sendable {
    /// Its place among the servers, from 0; nil where it has none.
    package var number: Int?
    package var layout: Layout
    /// Rises with every change of what the server owns.
    package var epoch: Int64
    /// By the pair's other server.
    package var handovers: [Int: Handover]

    package init(number: Int?, layout: Layout, epoch: Int64, handovers: [Int: Handover] = [:]) {
        self.number = number
        self.layout = layout
        self.epoch = epoch
        self.handovers = handovers
    }

    /// The handover with `other`, as far as this row knows of the move at all.
    package func handover(_ other: Int, in layout: Layout) -> Handover {
        self.layout == layout ? handovers[other] ?? Handover() : Handover()
    }

    /// What a content that lies on this server is to it.
    package enum Claim: Hashable, Sendable {
        case own
        /// A copy that was made for a handover, and is not owned yet.
        case copy
        case stray
    }

    /// Whether a content that lies on this server belongs there; by this server's own word.
    package func claim(_ content: [UInt8]) -> Claim {
        guard let number else { return .stray }
        let (source, target) = layout.ends(of: content)
        if source == target { return source == number ? .own : .stray }
        if number == source { return handover(target, in: layout).mark.covers(content) ? .stray : .own }
        guard number == target else { return .stray }
        let handover = handover(source, in: layout)
        if handover.mark.covers(content) { return .own }
        return handover.prepared.covers(content) ? .copy : .stray
    }
}

/// Which server owns which content, and the epochs by which a server tells whether that is still so.
package struct Placement: Hashable, Sendable {
    package let layout: Layout
    /// How far each pair has come, by the number of the server beside the last one; empty where nothing moves.
    package let marks: [Watermark]
    /// Of the servers that hold contents; nil for one that could not be asked.
    package let epochs: [Int64?]
    /// The pairs, by that number, whose taking server does not own yet what it was given.
    package let pending: [Int]

    /// Contents on `servers` servers for ever, with no epochs: for ledgers that know nothing of moves.
    init(fixed servers: Int) {
        layout = Layout(servers: servers, target: servers)
        marks = []
        epochs = Array(repeating: nil, count: servers)
        pending = []
    }

    /// What the rows of the servers say, in the order of the cluster's file; nil for a server that could not be asked.
    /// The first server's row must have been the same before and after the others were read: it is the last to learn of
    /// a move's begin and the first to learn of its end.
    ///
    /// Throws `.unusable`, with what to do, where the file does not fit the rows; `.failed` where a row is needed that
    /// is not there; `.moved` where the rows are of different moments.
    package init(_ rows: [PlacementRow?]) throws(LedgerError) {
        try Self.checkNumbers(rows)
        let layout = try Self.layout(rows)
        try Self.checkCount(rows, layout)
        self.layout = layout
        epochs = (0..<layout.count).map { rows[$0]?.epoch }
        guard !layout.isSettled else {
            (marks, pending) = ([], [])
            return
        }
        var marks: [Watermark] = []
        var pending: [Int] = []
        for other in 0..<layout.last {
            let pair = layout.pair(other)
            guard let source = rows[pair.source], let target = rows[pair.target] else {
                throw .failed("contents move between the ledger's servers, and one of them cannot be asked")
            }
            // Of different moments; the next look finds them in step.
            guard source.layout == layout, target.layout == layout else { throw .moved }
            let given = source.handover(pair.target, in: layout).mark
            marks.append(given)
            if target.handover(pair.source, in: layout).mark != given { pending.append(other) }
        }
        (self.marks, self.pending) = (marks, pending)
    }

    /// The server that owns a content.
    package func server(of content: [UInt8]) -> Int {
        let (source, target) = layout.ends(of: content)
        guard source != target else { return source }
        return marks[min(source, target)].covers(content) ? target : source
    }

    // MARK: Rows that do not fit

    private static func checkNumbers(_ rows: [PlacementRow?]) throws(LedgerError) {
        for (place, row) in rows.enumerated() {
            guard let number = row?.number, number != place else { continue }
            throw .unusable(
                """
                postgresql: the \(ordinal(place)) server says that it is number \(number + 1): put them in the order in \
                which they were added
                """)
        }
    }

    private static func layout(_ rows: [PlacementRow?]) throws(LedgerError) -> Layout {
        if let first = rows[0] {
            guard first.number != nil else {
                throw .unusable("the ledger's servers have no numbers yet: run `likewise migrate`")
            }
            return first.layout
        }
        // A row that knows of no move was written when there was none, or when one had ended: what it says holds.
        if let other = rows.lazy.compactMap({ $0 }).first(where: { $0.number != nil && $0.layout.isSettled }) {
            return other.layout
        }
        throw .failed("the ledger's first server cannot be asked where contents lie")
    }

    private static func checkCount(_ rows: [PlacementRow?], _ layout: Layout) throws(LedgerError) {
        guard layout.count <= rows.count else {
            if layout.isSettled {
                throw .unusable(
                    """
                    the ledger lies on \(layout.count) servers and the file names \(rows.count): name all of them under \
                    postgresql, in the order in which they were added; to take one away, empty it first with `likewise \
                    rebalance --servers \(rows.count)`
                    """)
            }
            throw .unusable(
                """
                the ledger is being moved from \(layout.servers) servers to \(layout.target) and the file names \
                \(rows.count): add the \(ordinal(layout.last)) one to postgresql, at the end
                """)
        }
        for place in 0..<layout.count {
            guard let row = rows[place], row.number == nil else { continue }
            throw .unusable(
                """
                postgresql: the \(ordinal(place)) server holds no part of the ledger, which lies on \(layout.count): put \
                the right one in its place; a new one goes to the end of the list
                """)
        }
    }

    /// "third", for 2.
    static func ordinal(_ place: Int) -> String {
        let words = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
        return words.indices.contains(place) ? words[place] : "\(place + 1)th"
    }
}
