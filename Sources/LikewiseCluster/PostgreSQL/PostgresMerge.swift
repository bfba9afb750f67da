// One transaction of the ledger's writer: three round trips, or a few more where contents are new or deleted, however
// many registers.
//
//     0  contents that the writer does not know are made known, in a transaction of its own: a content that another
//        writer adds makes us wait until his transaction ends, and that had two writers take turns. They get the type that
//        a like tells of at once, since a row that is changed right after it was made costs as much as two
//     1  the lock, and the positions, FOR UPDATE: a consumer that wakes up late waits here and then finds them moved on
//     2  the numbers of the contents that the writer does not remember
//     3  registers, tallies, everything else, the positions, COMMIT
//
// Without `synchronous_commit`, COMMIT returns before the server's disk has it. A server that crashes then forgets its
// last transactions (a fraction of a second of them), each whole and the latest first: registers, tallies and positions
// together. The positions then say to read those events again, and Kafka has them for days. So it is exact; what is
// lost for a moment is only that a reader may have seen a count that is gone until it is read again.

import LikewiseCore
import LikewiseEngine

/// Takes batches in one transaction of a connection.
struct PostgresMerge {
    let connection: PostgresConnection
    /// What is known of contents from transactions that were committed.
    let memory: PostgresContentMemory
    /// The epoch of the placement by which the batches were split; nil where this is the only server. A transaction that
    /// finds another one is refused, under the lock that keeps it from changing until the end.
    var epoch: Int64?

    /// Merges those of the batches that are beyond the positions held. Durable on return as `synchronous_commit` has
    /// it. What it throws leaves nothing changed but that contents may be known, of which nothing is counted; and a
    /// loss of the connection at the very end may come after the commit. Taking the same batches again does no harm.
    func apply(_ batches: [LedgerBatch]) throws(PostgresError) {
        let deletes = batches.contains { $0.contents.contains { $0.deleted != nil } }
        let shards = Set(batches.map(\.shard)).sorted().map { Int32($0) }
        var view = memory.view()
        try makeKnown(batches, shards, &view)
        let opened = try connection.run(
            begin(deletes ? Self.lockAlone() : Self.lockInCommon()) + [
                Self.addPositions(.int4s(shards)), Self.lockPositions(.int4s(shards)), Self.findDeletions(),
            ])
        view = memory.begin(view, deletions: opened[opened.count - 1].int(0, 0))
        let taken = Self.beyond(opened[opened.count - 2], batches)
        guard !taken.isEmpty else { return try connection.execute("ROLLBACK") }
        var contents = PostgresFold.contents(taken)
        let found = try findNumbers(&contents, view)
        for i in contents.indices { contents[i].settle(taken) }
        try renew(&contents, shard: taken[0].shard)
        // What was found and what got a type is new to the memory; where numbers change, `renew` has ended the view.
        let news = contents.indices.filter { found.contains($0) || contents[$0].type != nil }
            .map { (id: contents[$0].id, held: contents[$0].held) }
        contents.sort { $0.held.number < $1.held.number }
        try connection.run(calls(taken, contents))
        memory.note(news, view)
    }

    /// How each transaction begins.
    private func begin(_ lock: PostgresCall) -> [PostgresCall] {
        [Self.begin(), lock] + (epoch.map { [Self.checkEpoch(.int8($0))] } ?? [])
    }

    /// The batches that are beyond the positions in the result's rows, and beyond those before them.
    private static func beyond(_ positions: PostgresResult, _ batches: [LedgerBatch]) -> [LedgerBatch] {
        var sequences: [UInt16: Int64] = [:]
        for row in 0..<positions.count {
            sequences[UInt16(truncatingIfNeeded: positions.int(row, 0))] = positions.int(row, 1)
        }
        return batches.filter { batch in
            guard sequences[batch.shard, default: -1] < Int64(batch.through) else { return false }
            sequences[batch.shard] = Int64(batch.through)
            return true
        }
    }

    // MARK: Contents

    /// Adds the contents that are not remembered, of batches that are not taken yet.
    private func makeKnown(
        _ batches: [LedgerBatch], _ shards: [Int32], _ view: inout PostgresContentMemory.View
    ) throws(PostgresError) {
        guard !unknown(batches).isEmpty else { return }
        let positions = try connection.run(Self.findPositions(.int4s(shards)))
        let news = unknown(Self.beyond(positions, batches)).sorted { $0.key.lexicographicallyPrecedes($1.key) }
        guard !news.isEmpty else { return }
        // Under the lock as well: a content is never made known to a server that has given it away.
        let results = try connection.run(
            begin(Self.lockInCommon()) + [
                Self.findDeletions(), Self.addContents(.texts(news.map(\.key)), .texts(news.map(\.value))),
                Self.commit(),
            ])
        let (deletions, added) = (results[results.count - 3], results[results.count - 2])
        view = memory.begin(view, deletions: deletions.int(0, 0))
        memory.note(
            (0..<added.count).map { row in
                (added.bytes(row, 0), PostgresHeldContent(added.int(row, 1), .zero, hasType: added.flag(row, 2)))
            }, view)
    }

    /// The contents of the batches that are not remembered, with the type that a like tells of. Where a deletion is among the
    /// batches, the type is settled with it.
    private func unknown(_ batches: [LedgerBatch]) -> [[UInt8]: [UInt8]] {
        let changes = batches.flatMap(\.contents)
        var types: [[UInt8]: [UInt8]] = [:]
        for (change, isKnown) in zip(changes, memory.areKnown(changes.map(\.id))) where !isKnown {
            let type = change.typeIfNone ?? []
            types[change.id] = types[change.id].map { $0.isEmpty ? type : $0 } ?? type
        }
        for change in changes where change.deleted != nil && types[change.id] != nil { types[change.id] = [] }
        return types
    }

    /// Finds the contents' numbers; answers the indices of those that were not remembered.
    private func findNumbers(
        _ contents: inout [PostgresFoldedContent], _ view: PostgresContentMemory.View
    ) throws(PostgresError) -> Set<Int> {
        var unknown = memory.find(&contents, view)
        guard !unknown.isEmpty else { return [] }
        unknown.sort { contents[$0].id.lexicographicallyPrecedes(contents[$1].id) }
        let ids = PostgresValue.texts(unknown.map { contents[$0].id })
        let types = PostgresValue.texts(unknown.map { _ in [] })
        let found = try connection.run([Self.addContents(ids, types), Self.findContents(ids)])[1]
        precondition(found.count == unknown.count, "of \(unknown.count) contents \(found.count) have a number")
        for row in 0..<found.count {
            let i = unknown[Int(found.int(row, 0)) - 1]
            contents[i].held = PostgresHeldContent(
                found.int(row, 1), found.version(row, 2), hasType: found.flag(row, 4))
        }
        return Set(unknown)
    }

    /// Gives the contents that are deleted their new numbers.
    private func renew(_ contents: inout [PostgresFoldedContent], shard: UInt16) throws(PostgresError) {
        let deleted = contents.indices.filter { contents[$0].deletion != nil }
            .sorted { contents[$0].held.number < contents[$1].held.number }
        guard !deleted.isEmpty else { return }
        let versions = deleted.map { contents[$0].deletion ?? .zero }
        let readings = PostgresValue.int8s(versions.map { Int64($0.reading) })
        let regions = PostgresValue.int4s(versions.map { Int32($0.region) })
        let olds = deleted.map { contents[$0].held.number }
        let renewed = try connection.run(Self.renewContents(.int8s(olds), readings, regions))
        var numbers: [Int64: Int64] = [:]
        for row in 0..<renewed.count { numbers[renewed.int(row, 0)] = renewed.int(row, 1) }
        for i in deleted { contents[i].held.number = numbers[contents[i].held.number] ?? 0 }
        let news = deleted.map { contents[$0].held.number }
        precondition(!news.contains(0), "a deleted content got no new number")
        _ = try connection.run(
            Self.keepRegisters(.int8s(olds), .int8s(news), readings, regions, .int4(Int32(shard))))
        memory.forget()
    }

    // MARK: The last round trip

    private func calls(_ batches: [LedgerBatch], _ contents: [PostgresFoldedContent]) -> [PostgresCall] {
        var calls: [PostgresCall] = []
        let described = contents.filter { $0.description != nil }
        if !described.isEmpty { calls.append(describe(described)) }
        let typed = contents.filter { $0.type != nil && $0.description == nil }
        if !typed.isEmpty {
            calls.append(
                Self.typeContents(.int8s(typed.map(\.held.number)), .texts(typed.map { $0.type ?? [] })))
        }
        if let merge = merge(batches, contents) { calls.append(merge) }
        let answers = Dictionary(batches.flatMap(\.answers).map { ($0.key, $0) }) { _, later in later }
        if !answers.isEmpty { calls.append(set(answers.values.sorted { $0.key.lexicographicallyPrecedes($1.key) })) }
        calls += Self.set(batches.flatMap(\.trends))
        let now = Int64(batches.map(\.now).max() ?? 0)
        calls.append(Self.dropAnswers(.int8(now)))
        calls.append(Self.dropTrends(.int8(now - Int64(TrendBucket.retentionMilliseconds))))
        calls.append(advance(batches))
        calls.append(Self.commit())
        return calls
    }

    private func describe(_ contents: [PostgresFoldedContent]) -> PostgresCall {
        let descriptions = contents.map { $0.description ?? ContentDescription() }
        return Self.describeContents(
            .int8s(contents.map(\.held.number)), .texts(descriptions.map(\.type)),
            .int2s(descriptions.map { Int16($0.visibility.rawValue) }), .booleans(descriptions.map(\.registered)))
    }

    private func merge(_ batches: [LedgerBatch], _ contents: [PostgresFoldedContent]) -> PostgresCall? {
        PostgresFold.withUsers(of: batches) { users in
            var numbers: [Int64] = []
            var rows: [PostgresFoldedRow] = []
            for content in contents {
                rows += PostgresFold.rows(of: content, batches, users: users)
                numbers += repeatElement(content.held.number, count: rows.count - numbers.count)
            }
            guard !rows.isEmpty else { return nil }
            let bytes = rows.reduce(0) { $0 + $1.user.count }
            return Self.mergeRegisters(
                .int8s(numbers),
                .array(.text, count: rows.count, payload: bytes) { for row in rows { $0.element(row.user) } },
                .int8s(rows.map { Int64($0.register.version.reading) }),
                .int4s(rows.map { Int32($0.register.version.region) }),
                .int2s(rows.map { Int16($0.register.reaction.rawValue) }), .int8s(contents.map(\.held.number)),
                .int4s(contents.map { Int32($0.shard(batches)) }))
        }
    }

    private func set(_ answers: [StoredAnswer]) -> PostgresCall {
        Self.setAnswers(
            .byteStrings(answers.map(\.key)), .int8s(answers.map { Int64(bitPattern: $0.fingerprint) }),
            .int8s(answers.map { Int64($0.expires) }), .byteStrings(answers.map(\.payload)))
    }

    /// One call a bucket: there are a few at most.
    static func set(_ trends: [TrendBucket]) -> [PostgresCall] {
        trends.map { bucket in
            let (start, length) = (PostgresValue.int8(Int64(bucket.start)), PostgresValue.int8(Int64(bucket.length)))
            if bucket.entries.isEmpty { return dropTrend(start, length) }
            return setTrend(start, length, .texts(bucket.entries.map(\.content)), .int8s(bucket.entries.map(\.gained)))
        }
    }

    /// The positions, and the latest reading of each shard, whether or not it changed anything.
    private func advance(_ batches: [LedgerBatch]) -> PostgresCall {
        var shards: [UInt16: (through: UInt64, latest: UInt64)] = [:]
        for batch in batches {
            var (through, latest) = shards[batch.shard] ?? (0, 0)
            through = max(through, batch.through)
            for change in batch.contents {
                latest = max(latest, change.deleted?.reading ?? 0)
                for row in change.rows { latest = max(latest, row.register.version.reading) }
            }
            shards[batch.shard] = (through, latest)
        }
        let sorted = shards.sorted { $0.key < $1.key }
        return Self.setPositions(
            .int4s(sorted.map { Int32($0.key) }), .int8s(sorted.map { Int64($0.value.through) }),
            .int8s(sorted.map { Int64($0.value.latest) }))
    }
}
