import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("PostgreSQL's ledger and a server that crashes")
struct PostgresCrashTests {
    private struct Progress {
        var isUp = true
        var applied = 0
        var crashes = 0
    }

    @Test(
        "a server killed while two writers merge loses nothing and counts nothing twice, replayed from positions",
        arguments: [true, false])
    func crash(synchronousCommit: Bool) throws {
        // The log's writer is slow, so that without synchronous commits a crash does take something back.
        let bed = try PostgresBed(
            PostgresCluster(settings: ["wal_writer_delay=10s", "wal_writer_flush_after=1GB", "shared_buffers=32MB"]))
        var options = bed.options
        options.synchronousCommit = synchronousCommit
        let opened = options
        var random = SeededRandom(seed: 11)
        let events = PostgresEvent.random(12_000, deletions: 500, contents: 10, users: 200, &random)
        let batches = stride(from: 0, to: events.count, by: 50).map { Array(events[$0..<$0 + 50]) }
        let progress = Monitor(Progress())
        let writers = Crew(2) { writer -> Int in
            // Every other batch is this writer's, over a partition of its own, whose offset is the batch's number.
            let mine = batches.enumerated().filter { $0.offset % 2 == writer }.map(\.element)
            let ledger = try PostgresLedger(opened, writers: 2, logger: PostgresBed.logger)
            let shard = UInt16(writer)
            var (next, wentBack) = (0, 0)
            while next < mine.count {
                do {
                    try ledger.apply([LedgerBatch(mine[next], shard: shard, through: UInt64(next + 1))])
                    next += 1
                    progress.update { $0.applied += 1 }
                } catch {
                    _ = try #require(progress.wait(seconds: 120) { $0.isUp ? $0.crashes : nil })
                    guard let reader = try? PostgresReader(opened),
                        let held = try? reader.positions()[shard, default: 0]
                    else { continue }
                    if held < next { wentBack += 1 }
                    next = Int(held)
                }
            }
            return wentBack
        }
        for crash in 1...3 {
            _ = try #require(progress.wait(seconds: 120) { $0.applied >= crash * 40 ? $0.applied : nil })
            progress.update { $0.isUp = false }
            bed.server.kill()
            try bed.server.restart()
            progress.update { ($0.isUp, $0.crashes) = (true, crash) }
        }
        let wentBack = try writers.finish().reduce(0, +)
        #expect(synchronousCommit ? wentBack == 0 : wentBack > 0)
        var model = PostgresModel()
        model.take(events)
        try model.compare(PostgresReader(opened), "")
        #expect(try PostgresLedger.recount(opened).driftCount == 0)
    }

    @Test("a writer that lost its connection says so once, and changes nothing until the positions were read again")
    func loss() throws {
        let bed = try PostgresBed()
        let ledger = try bed.ledger()
        let like = Register(version: Version(reading: 1, region: 1), reaction: .like)
        func apply(_ user: String, through: UInt64) throws {
            try ledger.apply([
                LedgerBatch([.register(content: "a", user: user, like)], shard: 0, through: through)
            ])
        }
        try apply("first", through: 1)
        try bed.dropConnections()
        // A call that may go over a loss does not hide it from one that may not.
        #expect(try ledger.purge(limit: 1) == false)
        #expect(throws: LedgerError.self) { try apply("second", through: 2) }
        let reader = try ledger.reader()
        #expect(try reader.positions() == [0: 1])
        try apply("second", through: 2)
        #expect(try reader.content(Array("a".utf8))?.tally.likes == 2)
    }
}
