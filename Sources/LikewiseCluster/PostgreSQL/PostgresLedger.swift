// The cluster's ledger: the same port as the embedded ones, with several writers at once, in one process or in many.
//
// A shard is a partition of the topic. A `PostgresLedger` has one connection that writes, or several: each transaction of
// PostgreSQL's is the work of one process there, and so of one processor. The batches of a call are then shared out by
// shard, and each share is a transaction, as if as many members of the consumer group had taken them. Nothing is new in that:
// shares touch different positions and different rows of tallies; registers of one content merge in any order under their
// rows' locks, and all take these in the same order.

package import LikewiseEngine
package import Logging
import Synchronization

/// A ledger on one PostgreSQL server. Callers on several threads are served one by one; each reader has a connection of
/// its own. All calls block, also while the server is away, for `PostgresOptions.attempts` tries.
package final class PostgresLedger: Ledger {
    /// The server and how it is used.
    package let options: PostgresOptions
    private let lanes: [Lane]

    /// A connection that writes.
    private final class Lane: Sendable {
        let writer: Mutex<PostgresWriter>

        init(_ options: PostgresOptions, _ memory: PostgresContentMemory, logger: Logger) throws(LedgerError) {
            let writer = PostgresWriter(options, memory, logger: logger)
            try writer.perform("open") { (_) throws(PostgresError) in }
            self.writer = Mutex(writer)
        }
    }

    /// The most connections of one ledger that write.
    package static let writerLimit = 16

    /// Connects to the ledger, which `PostgresSchema.migrate` has made, by `writers` connections, among which the batches of
    /// a call are shared out. Throws `.unusable` where its tables are of another version than this build's, and `.failed`
    /// where the server cannot be reached. `logger` gets the server's own words.
    package init(_ options: PostgresOptions, writers: Int = 1, logger: Logger) throws(LedgerError) {
        precondition((1...Self.writerLimit).contains(writers), "\(writers) connections that write")
        self.options = options
        let memory = PostgresContentMemory(bound: options.rememberedContents)
        var lanes: [Lane] = []
        for _ in 0..<writers { lanes.append(try Lane(options, memory, logger: logger)) }
        self.lanes = lanes
    }

    /// As the port says, in a transaction of each connection that writes, with a shard's batches in one of them: registers of
    /// a content whose version is not later than its latest deletion are left out, for partitions are read at different
    /// speeds. Durable on return with `PostgresOptions.synchronousCommit`; without, a crash of the server may take back
    /// the last transactions, each whole, with its positions. Throws `.failed` for ids that `IDRules` refuses, with nothing
    /// changed. A transaction that lost to another one is tried again, `attempts` times in all.
    ///
    /// Where it throws, the batches of some shards may be taken and those of others not. After whatever it throws, the caller reads `positions()` again and goes on from there. A lost connection is
    /// always thrown, once, after a new one is open: the server may have crashed, or a replica taken its place, and
    /// have less than it said; a batch that came later would go over the gap. For the same reason, open the ledger
    /// before you read the positions that you begin with.
    package func apply(_ batches: [LedgerBatch]) throws(LedgerError) {
        try PostgresFold.check(batches)
        try apply(batches, epoch: nil)
    }

    /// The same for a part of batches that were split among several servers, whose ids are checked: throws `.moved` where
    /// the server's epoch is another one than `epoch`, with nothing changed by the transactions that found it so.
    package func apply(_ batches: [LedgerBatch], epoch: Int64?) throws(LedgerError) {
        let shares = PostgresShares.of(batches, among: lanes.count)
        try SideBySide.run(shares.count, name: "merge") { [self] (number) throws(LedgerError) in
            try perform("apply", by: number, overLoss: false) { (connection, memory) throws(PostgresError) in
                try PostgresMerge(connection: connection, memory: memory, epoch: epoch).apply(shares[number])
            }
        }
    }

    /// Runs a transaction on the first connection that writes, or another one; `PostgresWriter.perform`.
    func perform<T: Sendable>(
        _ name: String, by lane: Int = 0, overLoss: Bool = true,
        _ body: @Sendable (PostgresConnection, PostgresContentMemory) throws(PostgresError) -> T
    ) throws(LedgerError) -> T {
        try lanes[lane].writer.withLock { (writer) throws(LedgerError) in
            let memory = writer.memory
            return try writer.perform(name, overLoss: overLoss) { (connection) throws(PostgresError) in
                try body(connection, memory)
            }
        }
    }

    package func makeReader() throws(LedgerError) -> any LedgerReader { try reader() }

    /// The same reader, with what the cluster's roles ask beside the port.
    package func reader() throws(LedgerError) -> PostgresReader { try PostgresReader(options) }

    package func setReactions(_ names: [String]) throws(LedgerError) {
        let known = try perform("set reactions") { (connection, _) throws(PostgresError) -> [String] in
            try connection.run([PostgresMerge.begin(), Self.lockReactions()])
            let held = try connection.run(PostgresReader.findReactions())
            let known = (0..<held.count).map { held.text($0, 1) }
            let added = names.starts(with: known) ? Array(names.dropFirst(known.count)) : []
            let codes = added.indices.map { Int16(known.count + $0 + 1) }
            try connection.run([
                Self.addReactions(.int2s(codes), .texts(added.map { Array($0.utf8) })), PostgresMerge.commit(),
            ])
            return known
        }
        guard names.starts(with: known) else {
            throw .failed("the ledger knows the reactions \(known), which \(names) does not go on from")
        }
    }

    package func save(_ trends: [TrendBucket]) throws(LedgerError) {
        guard !trends.isEmpty else { return }
        try perform("save trends") { (connection, _) throws(PostgresError) in
            _ = try connection.run(PostgresMerge.set(trends))
        }
    }

    package func purge(limit: Int) throws(LedgerError) -> Bool {
        precondition(limit > 0, "purging \(limit) registers would never come to an end")
        let bound = PostgresValue.int8(Int64(limit))
        return try perform("purge") { (connection, _) throws(PostgresError) in
            try Self.purge(connection, bound)
        }
    }

    /// One portion; answers whether anything is left.
    static func purge(_ connection: PostgresConnection, _ bound: PostgresValue) throws(PostgresError) -> Bool {
        let results = try connection.run([
            PostgresMerge.begin(), Self.purgeRegisters(bound), Self.purgeGarbage(bound), Self.findGarbage(),
            PostgresMerge.commit(),
        ])
        return results[3].flag(0, 0)
    }

    // MARK: Statements

    private static let lockReactions = PostgresStatement(
        "lock_reactions", [], "LOCK TABLE reactions IN SHARE ROW EXCLUSIVE MODE")
    private static let addReactions = PostgresStatement(
        "add_reactions", [.int2s, .texts], "INSERT INTO reactions (code, name) SELECT * FROM unnest($1, $2)")

    /// Garbage that another purge holds is left to it.
    private static let purgeRegisters = PostgresStatement(
        "purge_registers", [.int8],
        """
        WITH old AS MATERIALIZED (
            SELECT content FROM garbage ORDER BY content LIMIT $1 FOR UPDATE SKIP LOCKED),
        portion AS (
            SELECT r.content, r.user_id FROM old CROSS JOIN LATERAL (
                SELECT content, user_id FROM registers WHERE content = old.content LIMIT $1) r LIMIT $1)
        DELETE FROM registers r USING portion s WHERE r.content = s.content AND r.user_id = s.user_id
        """)
    private static let purgeGarbage = PostgresStatement(
        "purge_garbage", [.int8],
        """
        WITH old AS MATERIALIZED (
            SELECT content FROM garbage ORDER BY content LIMIT $1 FOR UPDATE SKIP LOCKED)
        DELETE FROM garbage g USING old o WHERE g.content = o.content
            AND NOT EXISTS (SELECT FROM registers r WHERE r.content = o.content)
        """)
    private static let findGarbage = PostgresStatement("find_garbage", [], "SELECT EXISTS (SELECT FROM garbage)")
}
