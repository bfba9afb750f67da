import LikewiseCore
import LikewiseEngine

/// A content on its way, under the numbers that it has at both ends.
struct MovedContent {
    var source: Int64
    var target: Int64
}

/// Copies contents with all that belongs to them from one server to another; the transactions are the caller's.
struct RebalanceCopy {
    let source: PostgresConnection
    let target: PostgresConnection
    /// Rows that are in memory at a time.
    let portion: Int
    /// By id: what has been copied.
    private(set) var contents: [[UInt8]: MovedContent] = [:]
    /// Registers copied, those that were copied again included.
    private(set) var registers: UInt64 = 0

    private typealias Statements = RebalanceStatements

    init(source: PostgresConnection, target: PostgresConnection, portion: Int) {
        self.source = source
        self.target = target
        self.portion = portion
    }

    /// Copies the contents behind `from`, up to `to`, that `isMoving` picks; where they were copied before, what was
    /// written since the snapshot.
    mutating func copy(
        behind from: [UInt8], through to: Watermark, since snapshot: String = RebalanceStatements.everything,
        where isMoving: ([UInt8]) -> Bool
    ) throws(PostgresError) {
        let before = contents.values.map { $0 }
        var new: [[UInt8]: MovedContent] = [:]
        var after = from
        while true {
            let found = try source.run(
                Statements.findContents(
                    .bytes(after), .bytes(to.through), .bytes([to.isEnd ? 1 : 0]), .bytes(Array(snapshot.utf8)),
                    .int4(Int32(portion))))
            let rows = (0..<found.count).filter { isMoving(found.bytes($0, 0)) }
            new.merge(try settle(found, rows)) { $1 }
            guard found.count == portion else { break }
            after = found.bytes(portion - 1, 0)
        }
        // Those that got a new number meanwhile are new.
        let old = before.filter { entry in !replaced.contains(entry.source) }
        try copyRows(of: old, since: snapshot)
        try copyRows(of: Array(new.values), since: Statements.everything)
        replaced = []
    }

    /// Numbers at the source that stand for nothing any more.
    private var replaced: Set<Int64> = []

    /// Brings the contents themselves to the target; answers those that are new there.
    private mutating func settle(
        _ found: PostgresResult, _ rows: [Int]
    ) throws(PostgresError) -> [[UInt8]: MovedContent] {
        var (added, changed, stale): ([Int], [Int], [MovedContent]) = ([], [], [])
        for row in rows {
            guard let held = contents[found.bytes(row, 0)] else {
                added.append(row)
                continue
            }
            if held.source == found.int(row, 1) {
                changed.append(row)
            } else {
                stale.append(held)
                added.append(row)
            }
        }
        if !stale.isEmpty {
            replaced.formUnion(stale.map(\.source))
            _ = try target.run(Statements.dropContents(.int8s(stale.map(\.target))))
        }
        if !changed.isEmpty {
            let numbers = changed.compactMap { contents[found.bytes($0, 0)]?.target }
            _ = try target.run(
                Statements.describe(
                    .int8s(numbers), .texts(changed.map { found.bytes($0, 2) }),
                    .int2s(changed.map { Int16(truncatingIfNeeded: found.int($0, 3)) }),
                    .booleans(changed.map { found.flag($0, 4) })))
        }
        return try add(found, added)
    }

    private mutating func add(_ found: PostgresResult, _ rows: [Int]) throws(PostgresError) -> [[UInt8]: MovedContent] {
        guard !rows.isEmpty else { return [:] }
        let added = try target.run(
            Statements.addContents(
                .texts(rows.map { found.bytes($0, 0) }), .texts(rows.map { found.bytes($0, 2) }),
                .int2s(rows.map { Int16(truncatingIfNeeded: found.int($0, 3)) }),
                .booleans(rows.map { found.flag($0, 4) }), .int8s(rows.map { found.int($0, 5) }),
                .int4s(rows.map { Int32(truncatingIfNeeded: found.int($0, 6)) })))
        precondition(added.count == rows.count, "of \(rows.count) contents \(added.count) were added")
        let sources = Dictionary(uniqueKeysWithValues: rows.map { (found.bytes($0, 0), found.int($0, 1)) })
        var new: [[UInt8]: MovedContent] = [:]
        for row in 0..<added.count {
            let id = added.bytes(row, 0)
            new[id] = MovedContent(source: sources[id] ?? 0, target: added.int(row, 1))
        }
        contents.merge(new) { $1 }
        return new
    }

    // MARK: Registers and tallies

    private mutating func copyRows(of moved: [MovedContent], since snapshot: String) throws(PostgresError) {
        guard !moved.isEmpty else { return }
        let targets = Dictionary(uniqueKeysWithValues: moved.map { ($0.source, $0.target) })
        let numbers = targets.keys.sorted()
        try source.execute(Statements.openRegisters(numbers, since: snapshot))
        let fetch = Statements.fetchRegisters(portion)
        while true {
            let found = try source.run(fetch())
            if found.count > 0 { try addRegisters(found, targets) }
            registers += UInt64(found.count)
            guard found.count == portion else { break }
        }
        try source.execute(Statements.closeRegisters)
        for start in stride(from: 0, to: numbers.count, by: Self.talliedAtOnce) {
            let part = Array(numbers[start..<min(start + Self.talliedAtOnce, numbers.count)])
            let found = try source.run(Statements.findTallies(.int8s(part), .bytes(Array(snapshot.utf8))))
            if found.count > 0 { try addTallies(found, targets) }
        }
    }

    /// Contents whose tallies are in memory at a time: a row a partition and reaction each.
    private static let talliedAtOnce = 500

    private func addRegisters(_ found: PostgresResult, _ targets: [Int64: Int64]) throws(PostgresError) {
        let rows = 0..<found.count
        _ = try target.run(
            Statements.addRegisters(
                .int8s(rows.map { targets[found.int($0, 0)] ?? 0 }), .texts(rows.map { found.bytes($0, 1) }),
                .int8s(rows.map { found.int($0, 2) }),
                .int4s(rows.map { Int32(truncatingIfNeeded: found.int($0, 3)) }),
                .int2s(rows.map { Int16(truncatingIfNeeded: found.int($0, 4)) })))
    }

    private func addTallies(_ found: PostgresResult, _ targets: [Int64: Int64]) throws(PostgresError) {
        let rows = 0..<found.count
        _ = try target.run(
            Statements.addTallies(
                .int8s(rows.map { targets[found.int($0, 0)] ?? 0 }),
                .int4s(rows.map { Int32(truncatingIfNeeded: found.int($0, 1)) }),
                .int2s(rows.map { Int16(truncatingIfNeeded: found.int($0, 2)) }),
                .int8s(rows.map { found.int($0, 3) })))
    }
}
