// How fast SQLite's ledger is: prints figures, checks nothing. Run with
//
//     LIKEWISE_LEDGER_SPEED=1 swift test -c release --filter LedgerSpeedTests
//
// LIKEWISE_LEDGER_ROWS sets how many registers are written (2,000,000 unless set).

import Foundation
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite(
    "Speed of SQLite's ledger", .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["LIKEWISE_LEDGER_SPEED"] != nil))
struct LedgerSpeedTests {
    private static let rows = Int(ProcessInfo.processInfo.environment["LIKEWISE_LEDGER_ROWS"] ?? "") ?? 2_000_000

    @Test(
        "rows a second written, and microseconds for a lookup",
        arguments: [
            (contents: 1, rowsPerTransaction: 20_000), (contents: 1, rowsPerTransaction: 100_000),
            (contents: 1, rowsPerTransaction: 500_000), (contents: 100_000, rowsPerTransaction: 100_000),
            (contents: 100_000, rowsPerTransaction: 500_000),
        ])
    func speed(contents: Int, rowsPerTransaction: Int) throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let ledger = try SQLiteLedger(path: folder.path + "/ledger.db", cacheBytes: 256 << 20)
        var random = SeededRandom(seed: 1)
        var version = Version(reading: 1_700_000_000_000 << 16, region: 1)
        var users: Set<Int> = []
        var seconds = 0.0
        var marks: [String] = []
        var written = 0
        var through: UInt64 = 0
        while written < Self.rows {
            through += 1
            var likes: [(content: Int, user: Int, version: Version)] = []
            likes.reserveCapacity(rowsPerTransaction)
            while likes.count < rowsPerTransaction {
                let user = random.below(1 << 40)
                guard users.insert(user).inserted else { continue }
                version.reading += 1
                likes.append((random.below(contents), user, version))
            }
            let batch = Self.batch(likes, through: through)
            let began = ContinuousClock.now
            try ledger.apply([batch])
            let took = (ContinuousClock.now - began) / .seconds(1)
            seconds += took
            written += likes.count
            if written % 500_000 == 0 { marks.append("\(Int(Double(written) / seconds))") }
        }
        let bytes = try FileManager.default.attributesOfItem(atPath: folder.path + "/ledger.db")[.size] as? Int ?? 0
        print(
            """
            \(written) registers on \(contents) contents, \(rowsPerTransaction) a transaction: \
            \(Int(Double(written) / seconds)) rows/s (after each 500,000: \(marks.joined(separator: ", "))), \
            \(bytes / written) bytes a register
            """)
        try Self.lookUp(ledger, contents: contents, users: Array(users.prefix(20_000)))
    }

    private static func lookUp(_ ledger: SQLiteLedger, contents: Int, users: [Int]) throws {
        let reader = try ledger.makeReader()
        let content = try #require(try reader.content(Array("content-0".utf8)))
        let names = users.map { Array("user-\($0)".utf8) }
        for round in ["cold", "warm"] {
            let began = ContinuousClock.now
            var held = 0
            for name in names {
                let register = try name.withUnsafeBytes { try reader.register(content: content.key, user: $0) }
                if register.reaction != .none { held += 1 }
            }
            let took = (ContinuousClock.now - began) / .microseconds(1)
            print("  register, \(round): \(took / Double(names.count)) µs (\(held) of \(names.count) held)")
        }
        let began = ContinuousClock.now
        for i in 0..<20_000 { _ = try reader.content(Array("content-\(i % contents)".utf8)) }
        print("  content: \((ContinuousClock.now - began) / .microseconds(1) / 20_000) µs")
        let listed = ContinuousClock.now
        for name in names.prefix(2_000) { _ = try reader.likes(ofUser: name, behind: nil, limit: 50) }
        print("  likes of a user: \((ContinuousClock.now - listed) / .microseconds(1) / 2_000) µs")
        let paged = ContinuousClock.now
        var position: LikePosition?
        for _ in 0..<200 {
            let page = try reader.likes(ofContent: Array("content-0".utf8), behind: position, limit: 50)
            guard let last = page.last else { break }
            position = LikePosition(version: last.register.version, id: last.user)
        }
        print("  page of 50 likes of a content: \((ContinuousClock.now - paged) / .microseconds(1) / 200) µs")
        let counting = ContinuousClock.now
        let recount = try ledger.recount()
        let seconds = (ContinuousClock.now - counting) / .seconds(1)
        print("  recount: \(Int(Double(recount.registers) / seconds)) registers/s, \(recount.driftCount) drifts")
    }

    private static func batch(
        _ likes: [(content: Int, user: Int, version: Version)], through: UInt64
    ) -> LedgerBatch {
        var batch = LedgerBatch(shard: 0, through: through, now: 0)
        for (content, likes) in Dictionary(grouping: likes, by: \.content) {
            var change = LedgerBatch.ContentChange(id: Array("content-\(content)".utf8))
            let rows = likes.map { (user: Array("user-\($0.user)".utf8), version: $0.version) }
            for row in rows.sorted(by: { $0.user.lexicographicallyPrecedes($1.user) }) {
                change.rows.append(
                    LedgerBatch.Row(
                        userOffset: UInt32(batch.userBytes.count), userLength: UInt8(row.user.count), old: .none,
                        register: Register(version: row.version, reaction: .like)))
                batch.userBytes += row.user
            }
            batch.contents.append(change)
        }
        batch.contents.sort { $0.id.lexicographicallyPrecedes($1.id) }
        return batch
    }
}
