// Bringing a ledger up to the end of the logs without a running shard: for `likewise replay`, and at a start with another
// number of shards, when a content's records may lie in the log of a shard that no longer owns it.
//
// The logs of all shards are merged by version. Within a register versions only rise, so every transition meets the
// register in the state in which it was evaluated, whichever log it is in.

import LikewiseCore

package struct LogReplay {
    /// Records of one transaction.
    private static let recordsPerTransaction = 200_000

    /// What a replay did.
    package struct Summary: Hashable, Sendable {
        package var records: UInt64 = 0
        /// Records that were damaged and passed over.
        package var lost: UInt64 = 0
        /// Bytes behind the last sound record that are no record.
        package var tornBytes = 0
        /// Shards whose log does not begin with its first record.
        package var incomplete: [UInt16] = []
    }

    package enum Failure: Error, CustomStringConvertible {
        case log(EventLogError)
        case ledger(LedgerError)

        package var description: String {
            switch self {
            case .log(let error): error.description
            case .ledger(let error): error.description
            }
        }
    }

    let disk: any Disk
    let ledger: any Ledger
    let clock: any EngineClock
    let skipDamage: Bool

    package init(disk: any Disk, ledger: any Ledger, clock: any EngineClock, skipDamage: Bool = false) {
        self.disk = disk
        self.ledger = ledger
        self.clock = clock
        self.skipDamage = skipDamage
    }

    /// Gives the ledger every record of the logs in `directory` that it does not hold. All of it is durable on return.
    /// - Parameter progress: called now and then with the records taken so far.
    package func run(directory: String, progress: (UInt64) -> Void = { _ in }) throws(Failure) -> Summary {
        var summary = Summary()
        var sources: [Source] = []
        var reactions: [String] = []
        do throws(EventLogError) {
            let positions = try held()
            for (shard, path) in try LogFolders.shards(in: directory, disk: disk) {
                let first = try SegmentScan(disk: disk, directory: path).segments().first
                guard let first else { continue }
                let next = (positions[shard] ?? 0) + 1
                if first.firstSequence > next { summary.incomplete.append(shard) }
                var source = Source(disk: disk, shard: shard, path: path, skipDamage: skipDamage)
                source.next = max(next, first.firstSequence)
                try source.fill()
                if source.reactions.count > reactions.count { reactions = source.reactions }
                sources.append(source)
            }
        } catch { throw .log(error) }
        do throws(LedgerError) {
            let known = try ledger.makeReader().reactions()
            if reactions.count > known.count { try ledger.setReactions(reactions) }
        } catch { throw .ledger(error) }
        var slice = ReplaySlice()
        while true {
            let earliest = sources.indices.filter { !sources[$0].isEmpty }.min { sources[$0].head < sources[$1].head }
            guard let earliest else { break }
            let shard = sources[earliest].shard
            do throws(LedgerError) {
                try sources[earliest].take { record throws(LedgerError) in
                    if slice.count >= LogReplay.recordsPerTransaction || slice.mixes(record, shard: shard) {
                        try flush(&slice)
                        progress(summary.records)
                    }
                    try slice.add(record, shard: shard)
                    summary.records += 1
                }
            } catch { throw .ledger(error) }
            do throws(EventLogError) { try sources[earliest].fillIfEmpty() } catch { throw .log(error) }
        }
        do throws(LedgerError) { try flush(&slice) } catch { throw .ledger(error) }
        for source in sources {
            summary.lost += source.lost
            summary.tornBytes += source.tornBytes
        }
        progress(summary.records)
        return summary
    }

    /// How many records the logs in `directory` have. Reads the last segment of each, and of the others no more than
    /// their names.
    package static func records(in directory: String, disk: any Disk) throws(EventLogError) -> UInt64 {
        var records: UInt64 = 0
        for (_, path) in try LogFolders.shards(in: directory, disk: disk) {
            var scan = SegmentScan(disk: disk, directory: path)
            let segments = try scan.segments()
            guard let first = segments.first, let last = segments.last else { continue }
            let end = try scan.records(from: last.firstSequence, onDamage: .skip) { _ in true }
            records += max(end.nextSequence, first.firstSequence) - first.firstSequence
        }
        return records
    }

    private func held() throws(EventLogError) -> [UInt16: UInt64] {
        do throws(LedgerError) {
            return try ledger.makeReader().positions()
        } catch { throw .failed(error.description) }
    }

    private func flush(_ slice: inout ReplaySlice) throws(LedgerError) {
        try ledger.apply(slice.takeBatches(now: clock.milliseconds()))
    }

    /// One shard's log, read ahead by a chunk.
    private struct Source {
        private static let chunk = 65_536

        let disk: any Disk
        let shard: UInt16
        let path: String
        let skipDamage: Bool
        var next: UInt64 = 1
        var reactions: [String] = []
        var lost: UInt64 = 0
        var tornBytes = 0
        private var bytes: [UInt8] = []
        private var at = 0
        private var isAtEnd = false

        init(disk: any Disk, shard: UInt16, path: String, skipDamage: Bool) {
            self.disk = disk
            self.shard = shard
            self.path = path
            self.skipDamage = skipDamage
        }

        var isEmpty: Bool { at >= bytes.count }

        /// The next record's place in the merged order.
        var head: UInt64 {
            bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at + 24, as: UInt64.self) }
        }

        mutating func fillIfEmpty() throws(EventLogError) {
            if isEmpty && !isAtEnd { try fill() }
        }

        mutating func fill() throws(EventLogError) {
            bytes = []
            at = 0
            var taken = 0
            var last = next &- 1
            var chunk: [UInt8] = []
            var scan = SegmentScan(disk: disk, directory: path)
            let end = try scan.records(from: next, onDamage: skipDamage ? .skip : .stop) { record in
                chunk.append(contentsOf: record.bytes)
                last = record.sequence
                taken += 1
                return taken < Source.chunk
            }
            bytes = chunk
            isAtEnd = taken < Source.chunk
            for range in scan.skipped where range.lowerBound >= next { lost += UInt64(range.count) }
            if isAtEnd { tornBytes = end.tornBytes }
            if let header = end.header { reactions = header.reactions }
            next = last + 1
        }

        mutating func take(_ body: (LogRecord) throws(LedgerError) -> Void) throws(LedgerError) {
            var length = 0
            let result = bytes.withUnsafeBytes { p in
                Result<Void, LedgerError> { () throws(LedgerError) in
                    guard let record = LogRecord(at: UnsafeRawBufferPointer(rebasing: p[at...])) else { return }
                    length = record.bytes.count
                    try body(record)
                }
            }
            try result.get()
            precondition(length > 0, "a record that was sound is not")
            at += length
        }
    }
}

/// Records on their way into one transaction of the ledger.
private struct ReplaySlice {
    private var generations: [UInt16: Generation] = [:]
    private var places: [UInt16: [[UInt8]: UInt32]] = [:]
    private var owners: [[UInt8]: UInt16] = [:]
    private(set) var count = 0

    /// Whether the record's content came from another shard's log before: then the order between the two counts, and
    /// batches of one transaction have none.
    func mixes(_ record: LogRecord, shard: UInt16) -> Bool {
        guard record.kind != .answer, let owner = owners[Array(record.content)] else { return false }
        return owner != shard
    }

    mutating func add(_ record: LogRecord, shard: UInt16) throws(LedgerError) {
        guard let kind = record.kind else {
            throw .unusable(
                "the log holds records of a kind that this version does not know: run the version that wrote them")
        }
        let generation = generations[shard] ?? Generation(number: 1, firstSequence: record.sequence)
        generations[shard] = generation
        count += 1
        if kind == .answer {
            if let answer = StoredAnswer(record) { generation.append(answer, sequence: record.sequence) }
            return
        }
        let id = Array(record.content)
        owners[id] = shard
        let place = places[shard]?[id] ?? generation.add(content: 0, id: id)
        places[shard, default: [:]][id] = place
        switch kind {
        case .transition, .heldTransition:
            if !record.extra.isEmpty {
                let description = ContentDescription(type: Array(record.extra))
                generation.append(event(place, record, description: description))
            }
            generation.append(
                content: place, keyHash: Hash64.combine(UInt64(place), Hash64.of(record.user, seed: 0)),
                user: record.user,
                transition: Transition(old: record.old, new: record.new, version: record.version),
                sequence: record.sequence)
        case .contentPut:
            let description = ContentDescription(
                type: Array(record.extra), visibility: record.visibility, registered: true)
            generation.append(event(place, record, description: description))
        case .contentDeleted: generation.append(event(place, record, deleted: record.version))
        case .answer: break
        }
    }

    private func event(
        _ place: UInt32, _ record: LogRecord, description: ContentDescription? = nil, deleted: Version? = nil
    ) -> Generation.ContentEvent {
        Generation.ContentEvent(
            content: place, sequence: record.sequence, description: description, deleted: deleted)
    }

    mutating func takeBatches(now: UInt64) -> [LedgerBatch] {
        defer { self = ReplaySlice() }
        return generations.sorted { $0.key < $1.key }.map { shard, generation in
            LedgerBatchBuilder.build([generation], shard: shard, now: now)
        }
    }
}
