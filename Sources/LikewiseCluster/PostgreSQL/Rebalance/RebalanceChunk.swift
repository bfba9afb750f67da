// How a chunk of contents goes from the server that gives to the one that takes, with everybody reading and writing.
//
//     1  copy      giver's snapshot ─► taker, in a transaction of the taker's. Nobody asks the taker for these
//                  contents: they are the giver's still.
//     2  lock      on the giver: nobody merges there until 4. (A merge holds the same lock in common.)
//     3  prepare   what was written since the snapshot is copied too; the taker keeps the giver's positions. Committed.
//     4  give      the giver's rows go, its watermark and epoch rise. Committed: from this moment the taker owns them.
//     5  take      the taker's watermark and epoch rise, its positions go back to the giver's where they were ahead.
//
// One owner, at every moment, and for everyone. The giver's watermark decides (4), so there is never more than one.
// That the taker learns of it a moment later (5) makes nobody err:
//
// - A reader asks by the giver's watermark, and each server answers with its epoch. Before 4 the giver answers. After 4
//   its epoch tells the reader to look again, and he asks the taker, who has had the rows since 3. What lies at the
//   taker unowned is left out of lists by the same watermark.
// - A writer splits a batch by a placement in which both ends of every pair have the same watermark, and each end takes
//   its part only at the epoch that was read with it: so by its own view of what it owns. Before 4 that is the old
//   placement at both ends. The giver refuses it from 4 on. The taker takes it until 5, which moves its positions on
//   over events of contents that are about to be its own: therefore 5 sets them back to what the giver held when it was
//   copied. All writers are refused after 5, read the placement, then the positions, and say again what came since;
//   merging it again changes nothing.
//
// A crash leaves one of these: a copy that nobody asks for, which the next attempt removes first (its extent was
// written down with it); or 4 without 5, which the first writer who reads the rows completes, or the next attempt.
// Every commit here waits for the disk, also where others do not: so the rows are at the taker's before they go from
// the giver's, and what a crash takes back of a writer's transactions, it takes back before any commit here that came
// later.

import LikewiseCore
import LikewiseEngine

/// One chunk: the contents of a pair behind one watermark, up to another.
struct RebalanceChunk {
    let layout: Layout
    let source: RebalanceServer
    let target: RebalanceServer
    let from: Watermark
    let to: Watermark
    /// Rows in memory at a time.
    let portion: Int
    /// Called after each step; what it throws ends the move there.
    let observe: (PostgresRebalance.Step) throws -> Void

    /// Far more than transactions of others (purges, statistics) can end at the giver between 3 and 4.
    private static let orderMargin: Int64 = 1_000_000

    private func isMoving(_ id: [UInt8]) -> Bool { layout.ends(of: id) == (source.number, target.number) }

    /// What was moved, and how long the giver's writers were locked out for it.
    struct Moved {
        var contents: UInt64
        var registers: UInt64
        var lockNanoseconds: UInt64
    }

    /// Moves the chunk.
    func run() throws -> Moved {
        let clock = SystemClock()
        var copy = RebalanceCopy(source: source.connection, target: target.connection, portion: portion)
        let snapshot = try copyAll(&copy)
        try observe(.copied)
        try source.beginAlone()
        let locked = clock.nanoseconds()
        do {
            try observe(.locked)
            try prepare(&copy, since: snapshot)
            try observe(.prepared)
            try give(copy)
        } catch {
            source.rollBack()
            throw error
        }
        let lockNanoseconds = clock.nanoseconds() - locked
        try observe(.given)
        try PostgresLedger.takeOver(target.connection, from: source.number, through: to)
        try observe(.taken)
        try source.purge(limit: portion)
        try observe(.purged)
        return Moved(
            contents: UInt64(copy.contents.count), registers: copy.registers, lockNanoseconds: lockNanoseconds)
    }

    /// Step 1; answers from when on changes are not in the copy.
    private func copyAll(_ copy: inout RebalanceCopy) throws -> String {
        let held = try target.row().handover(source.number, in: layout)
        if held.prepared != held.mark { try dropLeftovers(through: held.prepared) }
        return try source.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") { giver in
            let snapshot = try giver.run(RebalanceStatements.findSnapshot()).text(0, 0)
            try target.transaction { taker in
                _ = try taker.run(
                    RebalanceStatements.announce(
                        .int4(Int32(source.number)), .bytes(to.through), .bytes([to.isEnd ? 1 : 0])))
                try copy.copy(behind: from.through, through: to, where: isMoving)
            }
            return snapshot
        }
    }

    /// Removes copies that an earlier attempt left.
    private func dropLeftovers(through end: Watermark) throws {
        var after = from.through
        while true {
            let found = try target.connection.run(
                RebalanceStatements.findContents(
                    .bytes(after), .bytes(end.through), .bytes([end.isEnd ? 1 : 0]),
                    .bytes(Array(RebalanceStatements.everything.utf8)), .int4(Int32(portion))))
            let left = (0..<found.count).filter { isMoving(found.bytes($0, 0)) }.map { found.int($0, 1) }
            if !left.isEmpty { _ = try target.connection.run(RebalanceStatements.dropContents(.int8s(left))) }
            guard found.count == portion else { return }
            after = found.bytes(portion - 1, 0)
        }
    }

    /// Step 3.
    private func prepare(_ copy: inout RebalanceCopy, since snapshot: String) throws {
        let giver = source.connection
        try target.transaction { taker in
            try copy.copy(behind: from.through, through: to, since: snapshot, where: isMoving)
            let positions = try giver.run(RebalanceStatements.findPositions())
            let rows = 0..<positions.count
            _ = try taker.run(
                RebalanceStatements.keepPositions(
                    .int4(Int32(source.number)), .int4s(rows.map { Int32(truncatingIfNeeded: positions.int($0, 0)) }),
                    .int8s(rows.map { positions.int($0, 1) }), .int8s(rows.map { positions.int($0, 2) })))
            let order = try giver.run(RebalanceStatements.findOrder()).int(0, 0)
            _ = try taker.run(RebalanceStatements.raiseOrder(.int8(order + Self.orderMargin)))
        }
    }

    /// Step 4.
    private func give(_ copy: RebalanceCopy) throws(PostgresError) {
        _ = try source.connection.run(
            RebalanceStatements.giveAway(
                .int4(Int32(target.number)), .bytes(to.through), .bytes([to.isEnd ? 1 : 0]),
                .int8s(copy.contents.values.map(\.source).sorted())))
        try source.connection.execute("COMMIT")
    }
}
