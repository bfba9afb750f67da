// Counts every register again and compares with every tally: what `likewise verify` does.
//
// Registers, contents and garbage are all kept in the order of the content's number, so that one walk along the three
// of them, side by side, needs no memory but the counters of one content.

import LikewiseCore

extension RocksDBLedger {
    /// Counts all registers of this ledger as they were when the call began. `progress` is called with the number of
    /// registers counted so far, now and then.
    package func recount(progress: (UInt64) -> Void = { _ in }) throws(LedgerError) -> RecountResult {
        try RocksDBRecount(store).run(progress)
    }

    /// The same for the ledger at `path`, which is only read. It may be in use; files that are merged meanwhile stay
    /// on the disk until the count has ended.
    package static func recount(
        path: String, progress: (UInt64) -> Void = { _ in }
    ) throws(LedgerError) -> RecountResult {
        try RocksDBRecount(openToRead(path)).run(progress)
    }
}

extension RocksDBLedger {
    /// Contents whose tallies are added up, at most: a moment's reading.
    private static let mostTallied = 1_000_000

    /// The sum of all tallies of the ledger at `path`, which is only read; nil where it has too many contents.
    static func talliedRegisters(path: String) throws(LedgerError) -> UInt64? {
        let store = try openToRead(path)
        let snapshot = store.snapshot()
        let contents = store.walk(from: LedgerKey(.content), below: .behind(.content), at: snapshot)
        var (sum, read): (UInt64, Int) = (0, 0)
        while try contents.isOnKey() {
            read += 1
            guard read <= mostTallied else { return nil }
            sum += LedgerBytes.content(contents.value)?.tally.total ?? 0
            contents.advance()
        }
        return sum
    }
}

private struct RocksDBRecount: ~Copyable {
    private let store: RocksDBStore
    private let contents, garbage, registers: RocksDBWalk
    private let snapshot: RocksDBStore.Snapshot

    init(_ store: RocksDBStore) {
        self.store = store
        snapshot = store.snapshot()
        contents = store.walk(from: LedgerKey(.contentID), below: .behind(.contentID), at: snapshot)
        garbage = store.walk(from: LedgerKey(.garbage), below: .behind(.garbage), at: snapshot)
        registers = store.walk(from: LedgerKey(.register), below: .behind(.register), at: snapshot, scan: true)
    }

    /// The content's number that a walk stands at; nil at its end.
    @inline(__always)
    private func number(_ walk: RocksDBWalk) throws(LedgerError) -> Int64? {
        guard try walk.isOnKey() else { return nil }
        var bytes = LedgerBytes(walk.key, from: 1)
        return bytes.number()
    }

    /// Counts content by content, upwards from the lowest number that any of the three knows.
    func run(_ progress: (UInt64) -> Void) throws(LedgerError) -> RecountResult {
        var result = RecountResult()
        var read: UInt64 = 0
        while true {
            let (known, deleted, held) = (try number(contents), try number(garbage), try number(registers))
            guard let key = [known, deleted, held].compactMap({ $0 }).min() else { break }
            var counts = [UInt64](repeating: 0, count: RecountResult.places)
            if held == key { try count(key, &counts, &read, progress) }
            if deleted == key {
                garbage.advance()
            } else {
                var content: [UInt8]?
                var told = [UInt64](repeating: 0, count: counts.count)
                if known == key {
                    let id = Array(contents.value)
                    for (reaction, count) in try tally(id).held { told[Int(reaction.rawValue)] = count }
                    content = id
                    result.contents += 1
                    contents.advance()
                }
                result.add(counts)
                result.compare(counts, told, of: key, content: content)
            }
        }
        progress(read)
        return result
    }

    private func count(
        _ key: Int64, _ counts: inout [UInt64], _ read: inout UInt64, _ progress: (UInt64) -> Void
    ) throws(LedgerError) {
        while try number(registers) == key {
            guard let register = LedgerBytes.register(registers.value) else {
                throw .damaged(store.path, "a register of content number \(key)")
            }
            counts[RecountResult.place(of: register.reaction)] += 1
            read += 1
            if read.isMultiple(of: 1 << 17) { progress(read) }
            registers.advance()
        }
    }

    private func tally(_ id: [UInt8]) throws(LedgerError) -> Tally {
        let found = try store.value(of: LedgerKey.of(.content, id), at: snapshot) {
            LedgerBytes.content($0)?.tally
        }
        guard let tally = found ?? nil else {
            throw .damaged(store.path, "the record of the content '\(String(decoding: id, as: UTF8.self))'")
        }
        return tally
    }
}
