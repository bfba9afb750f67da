import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("What an aggregator makes of a poll")
struct EventBatcherTests {
    private let love = Reaction(rawValue: 2)

    /// The one batch of events that come one after the other in partition 0, from offset 10 on.
    private func batch(_ events: [LikeEvent]) throws -> LedgerBatch {
        var batcher = EventBatcher()
        for (index, event) in events.enumerated() { batcher.take(event, partition: 0, offset: Int64(10 + index)) }
        let batches = batcher.batches(now: 1)
        #expect(batches.count == 1)
        let batch = try #require(batches.first)
        try batch.check()
        return batch
    }

    private func content(_ events: [LikeEvent]) throws -> LedgerBatch.ContentChange {
        try #require(try batch(events).contents.first)
    }

    private func users(_ change: LedgerBatch.ContentChange, _ batch: LedgerBatch) -> [String] {
        change.rows.map { row in
            String(
                decoding: batch.userBytes[Int(row.userOffset)...].prefix(Int(row.userLength)), as: UTF8.self)
        }
    }

    @Test("each register is there once, with the latest version, whatever the order of its events", arguments: 1...20)
    func latest(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var events: [LikeEvent] = []
        var model: [String: Register] = [:]
        for _ in 0..<200 {
            let user = "u\(random.below(20))"
            let event = LikeEvent.register(
                "c", user, at: UInt64(1 + random.below(50)), Reaction(rawValue: UInt8(random.below(4))),
                region: UInt16(random.below(2)))
            // One version is given once: by a region's clock to one event.
            guard !events.contains(where: { $0.version == event.version && $0.user == event.user }) else { continue }
            events.append(event)
            model[user, default: .untouched].merge(event.register)
        }
        let batch = try batch(events)
        let change = try #require(batch.contents.first)
        #expect(users(change, batch) == model.keys.sorted())
        #expect(change.rows.map(\.register) == model.sorted { $0.key < $1.key }.map(\.value), "seed \(seed)")
    }

    @Test("each content is there once, and contents and users are sorted by their bytes")
    func sorted() throws {
        let batch = try batch([
            .register("b", "z", at: 1), .register("a", "y", at: 2), .register("b", "é", at: 3),
            .register("a", "x", at: 4), .register("b", "a", at: 5),
        ])
        #expect(batch.contents.map(\.id) == [Array("a".utf8), Array("b".utf8)])
        #expect(users(batch.contents[0], batch) == ["x", "y"])
        #expect(users(batch.contents[1], batch) == ["a", "z", "é"])
    }

    @Test("a row says what was held before the first of its events")
    func previous() throws {
        let change = try content([
            .register("c", "u", at: 1, love, was: .like), .register("c", "u", at: 2, .none, was: love),
        ])
        #expect(change.rows.map(\.old) == [.like])
        #expect(change.rows.map(\.register.reaction) == [Reaction.none])
    }

    @Test("a content that is put and then deleted in one batch is no longer registered")
    func putThenDeleted() throws {
        let change = try content([.put("c", type: "video", at: 1), .deletion("c", at: 2)])
        #expect(change.description == nil)
        #expect(change.deleted == Version(reading: 2, region: 0))
    }

    @Test("a content that is deleted and then put in one batch is registered anew")
    func deletedThenPut() throws {
        let change = try content([
            .put("c", type: "video", at: 1), .deletion("c", at: 2), .put("c", type: "post", at: 3, .private),
        ])
        #expect(change.deleted == Version(reading: 2, region: 0))
        #expect(
            change.description
                == ContentDescription(type: Array("post".utf8), visibility: .private, registered: true))
    }

    @Test("of several deletions in one batch the latest counts, and a put that is older than it is void")
    func lateEvents() throws {
        let change = try content([
            .deletion("c", at: 5), .deletion("c", at: 3), .put("c", type: "video", at: 4),
        ])
        #expect(change.deleted == Version(reading: 5, region: 0))
        #expect(change.description == nil)
    }

    @Test("the type that a like tells is for a content that has none, the first one counts, and a deletion voids it")
    func types() throws {
        let told = try content([
            .register("c", "u", at: 1), LikeEvent.register("c", "v", at: 2).typed("video"),
            LikeEvent.register("c", "w", at: 3).typed("post"),
        ])
        #expect(told.typeIfNone == Array("video".utf8))
        #expect(told.description == nil)
        let deleted = try content([LikeEvent.register("c", "u", at: 1).typed("video"), .deletion("c", at: 2)])
        #expect(deleted.typeIfNone == nil)
    }

    @Test("a batch reaches to the offset behind its last record, also where that is no event")
    func positions() throws {
        var batcher = EventBatcher()
        batcher.pass(0, offset: 4)
        batcher.take(.register("c", "u", at: 1), partition: 0, offset: 5)
        batcher.pass(0, offset: 6)
        batcher.pass(3, offset: 0)
        let batches = batcher.batches(now: 77)
        #expect(batches.map(\.shard) == [0, 3])
        #expect(batches.map(\.through) == [7, 1])
        #expect(batches.map(\.contents.count) == [1, 0])
        #expect(batches.map(\.now) == [77, 77])
        #expect(batcher.count == 1)
    }

    @Test("a content that is spread has a change in each partition's batch, and one register and one gain in all")
    func partitions() throws {
        var batcher = EventBatcher()
        batcher.take(.register("c", "u", at: 1), partition: 2, offset: 0)
        batcher.take(.register("c", "v", at: 2), partition: 1, offset: 0)
        // The same user by another key, since the spread rose: the merge takes the later one.
        batcher.take(.register("c", "u", at: 3, love, was: .like), partition: 1, offset: 1)
        let batches = batcher.batches(now: 1)
        #expect(batches.map(\.shard) == [1, 2])
        for batch in batches { try batch.check() }
        #expect(batches.map { $0.contents.map(\.rows.count) } == [[2], [1]])
        #expect(batcher.contents == [Array("c".utf8)])
        var registers = RegisterTable()
        registers.merge(batcher.registers)
        #expect(registers.count == 2)
        #expect(registers[Array("c".utf8), Array("u".utf8)]?.reaction == love)
        #expect(batcher.gains == [Array("c".utf8): 2])
    }

    @Test("a gain is a user more or less who holds anything, and a change of reaction is none")
    func gains() {
        var batcher = EventBatcher()
        batcher.take(.register("a", "u", at: 1), partition: 0, offset: 0)
        batcher.take(.register("b", "u", at: 2, .none, was: .like), partition: 0, offset: 1)
        batcher.take(.register("c", "u", at: 3, love, was: .like), partition: 0, offset: 2)
        batcher.take(.deletion("d", at: 4), partition: 0, offset: 3)
        #expect(batcher.gains == [Array("a".utf8): 1, Array("b".utf8): -1])
    }
}
