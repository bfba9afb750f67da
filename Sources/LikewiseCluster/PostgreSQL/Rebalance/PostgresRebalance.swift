// `likewise rebalance`: brings the contents from the number of servers that they lie on to another, by one server at a
// time, while everybody reads and writes. `RebalanceChunk` says why nothing is lost or seen twice.
//
// What has been done is in the servers' rows, so it may be stopped at any point, and goes on when it is run again. A
// move begins at the first server last, and ends there first: whoever reads the first server's row, then the others,
// then the first again, and finds it unchanged, has rows that belong together.

import LikewiseEngine
package import Logging

/// A move of contents between the servers of a ledger.
package final class PostgresRebalance {
    /// Bounds of a chunk, and of trouble.
    package struct Options: Sendable {
        /// Contents that go over at a time.
        package var contents = 20_000
        /// Registers that go over at a time, one content aside: a content goes over whole.
        package var registers = 100_000
        /// Rows in memory at a time.
        package var portion = 10_000
        /// How often it connects again after a loss without having moved anything since.
        package var attempts = 30

        package init() {}
    }

    /// Where the move of a chunk can be when it is stopped.
    package enum Step: Hashable, Sendable, CaseIterable {
        case begun, chosen, copied, locked, prepared, given, taken, purged, ended
    }

    /// What was done since `run` was called.
    package struct Report: Hashable, Sendable {
        /// The servers that contents lay on when it began.
        package var before = 0
        package var contents: UInt64 = 0
        /// Registers copied; those that changed meanwhile count again.
        package var registers: UInt64 = 0
        package var chunks = 0
        /// How long the writers of a server were locked out for a chunk at most.
        package var longestLockMilliseconds: UInt64 = 0
        /// Contents that were looked at, and those that there were to look at.
        package var walked: UInt64 = 0
        package var total: UInt64 = 0
    }

    private let options: [PostgresOptions]
    private let bounds: Options
    private let logger: Logger
    private let observe: (Step, Report) throws -> Void
    private var report = Report()
    private var isFirst = true

    /// `servers` in the order of the cluster's file. `observe` is told of each step; what it throws ends the move
    /// there.
    package init(
        _ servers: [PostgresOptions], _ bounds: Options = Options(), logger: Logger,
        observe: @escaping (Step, Report) throws -> Void = { _, _ in }
    ) {
        options = servers
        self.bounds = bounds
        self.logger = logger
        self.observe = observe
    }

    /// Moves contents until they lie on the first `wanted` servers. A move that was begun before is ended first.
    /// Durable on return. Throws `LedgerError.unusable`, with what to do, where the servers are not those of the
    /// ledger, and what `observe` throws. A server that is away is waited for a while.
    package func run(to wanted: Int) throws -> Report {
        precondition((1...options.count).contains(wanted), "\(wanted) of \(options.count) servers")
        var pause = Backoff(first: .milliseconds(50), most: .seconds(2))
        var (losses, chunks) = (0, 0)
        while true {
            do {
                try move(to: wanted)
                return report
            } catch let error as PostgresError {
                if report.chunks > chunks {
                    (losses, chunks) = (0, report.chunks)
                    pause.reset()
                }
                losses += 1
                guard error.isWorthRepeating, losses < bounds.attempts else { throw error.ledgerError }
                logger.warning("a server of the ledger is waited for", metadata: ["words": "\(error.words)"])
                pause.rest()
            }
        }
    }

    private func move(to wanted: Int) throws {
        let servers = try options.enumerated().map { try RebalanceServer($0.offset, $0.element) }
        while true {
            let rows = try servers.map { try $0.row() }
            let layout = try Placement(rows).layout
            if isFirst { report.before = layout.servers }
            isFirst = false
            guard layout.isSettled else {
                try moveAll(servers, layout)
                try RebalanceLayout.end(layout, servers)
                try tell(.ended)
                continue
            }
            try RebalanceLayout.settle(layout, servers, rows)
            guard layout.servers != wanted else { break }
            let step = layout.servers < wanted ? 1 : -1
            try RebalanceLayout.begin(Layout(servers: layout.servers, target: layout.servers + step), servers)
            try tell(.begun)
        }
        for server in servers { try server.purge(limit: bounds.portion) }
    }

    private func tell(_ step: Step) throws { try observe(step, report) }

    // MARK: Pairs and chunks

    private func moveAll(_ servers: [RebalanceServer], _ layout: Layout) throws {
        report.total = report.walked
        let pairs = (0..<layout.last).map { layout.pair($0) }
        for pair in pairs {
            let mark = try servers[pair.source].row().handover(pair.target, in: layout).mark
            let left = try servers[pair.source].connection.run(RebalanceStatements.countLeft(.bytes(mark.through)))
            if !mark.isEnd { report.total += left.unsigned(0, 0) }
        }
        for pair in pairs { try movePair(servers[pair.source], servers[pair.target], layout) }
    }

    private func movePair(_ source: RebalanceServer, _ target: RebalanceServer, _ layout: Layout) throws {
        while true {
            let given = try source.row().handover(target.number, in: layout).mark
            let held = try target.row().handover(source.number, in: layout)
            if held.mark != given {
                guard held.prepared == given else {
                    throw LedgerError.unusable(
                        """
                        the \(Placement.ordinal(target.number)) server lacks what the \
                        \(Placement.ordinal(source.number)) gave it: was it restored from a backup? Restore both to the \
                        same moment, or empty all and read the topic again
                        """)
                }
                try PostgresLedger.takeOver(target.connection, from: source.number, through: given)
                try tell(.taken)
                continue
            }
            if given.isEnd { return }
            let (end, walked) = try choose(source, behind: given, layout, target.number)
            try tell(.chosen)
            let moved = try RebalanceChunk(
                layout: layout, source: source, target: target, from: given, to: end, portion: bounds.portion,
                observe: { [self] in try tell($0) }
            ).run()
            report.contents += moved.contents
            report.registers += moved.registers
            report.walked += walked
            report.chunks += 1
            report.longestLockMilliseconds = max(report.longestLockMilliseconds, moved.lockNanoseconds / 1_000_000)
        }
    }

    /// How far the next chunk goes, and how many contents are looked at for it.
    private func choose(
        _ source: RebalanceServer, behind mark: Watermark, _ layout: Layout, _ target: Int
    ) throws -> (end: Watermark, walked: UInt64) {
        var (contents, registers, walked) = (0, Int64(0), UInt64(0))
        var after = mark.through
        while true {
            let found = try source.connection.run(
                RebalanceStatements.walk(.bytes(after), .int4(Int32(bounds.portion))))
            let moving = (0..<found.count).filter {
                layout.ends(of: found.bytes($0, 0)) == (source.number, target)
            }
            let sizes = try source.connection.run(
                RebalanceStatements.findSizes(.int8s(moving.map { found.int($0, 1) })))
            for (place, row) in moving.enumerated() {
                contents += 1
                registers += sizes.int(place, 1)
                guard contents < bounds.contents, registers < bounds.registers else {
                    return (Watermark(through: found.bytes(row, 0)), walked + UInt64(row) + 1)
                }
            }
            walked += UInt64(found.count)
            guard found.count == bounds.portion else { return (Watermark(isEnd: true), walked) }
            after = found.bytes(found.count - 1, 0)
        }
    }
}
