import CRocksDB
import Foundation
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Testing

@Suite("RocksDB's ledger")
struct RocksDBLedgerTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ledger.rocksdb" }

    init() throws { folder = try TemporaryFolder() }

    @Test("a reader sees what was committed, also when it was made before, and while another one reads")
    func readers() throws {
        let ledger = try filled()
        let (first, second) = (try ledger.makeReader(), try ledger.makeReader())
        #expect(try first.content(Array("c".utf8)) == nil)
        var batch = LedgerBatch(shard: 0, through: 2, now: 0)
        batch.row("c", "u", like(9))
        try ledger.apply([batch])
        #expect(try first.content(Array("c".utf8))?.tally.likes == 1)
        #expect(try second.content(Array("c".utf8))?.tally.likes == 1)
    }

    @Test("transactions that are files of their own and small ones mix, and all is there after they are opened again")
    func files() throws {
        do {
            let ledger = try RocksDBLedger(path: path)
            for (i, version) in [UInt64(10), 20, 30].enumerated() {
                try ledger.apply([wide(through: UInt64(3 * i + 1), version: version)])
                var few = LedgerBatch(shard: 0, through: UInt64(3 * i + 2), now: 0)
                few.row(
                    "wide", "user-1000007", Register(version: Version(reading: version + 1, region: 1), reaction: .none)
                )
                try ledger.apply([few])
                few = LedgerBatch(shard: 0, through: UInt64(3 * i + 3), now: 0)
                few.row("narrow", "user-1000007", like(version + 2))
                try ledger.apply([few])
            }
        }
        let ledger = try RocksDBLedger(path: path)
        let reader = try ledger.makeReader()
        #expect(try reader.positions() == [0: 9])
        #expect(try reader.content(Array("wide".utf8))?.tally.likes == 19_999)
        #expect(try reader.likes(ofUser: Array("user-1000007".utf8), behind: nil, limit: 9).count == 1)
        var users = 0
        let key = try #require(try reader.content(Array("wide".utf8))?.key)
        _ = try reader.users(ofContent: key, after: [], limit: .max) { _ in users += 1 }
        #expect(users == 20_000)
        var listed = 0
        var position: LikePosition?
        while true {
            let page = try reader.likes(ofContent: Array("wide".utf8), behind: position, limit: 1_000)
            guard let last = page.last else { break }
            listed += page.count
            position = LikePosition(version: last.register.version, id: last.user)
        }
        #expect(listed == 19_999)
        let recount = try ledger.recount()
        #expect(recount.driftCount == 0 && recount.registers == 20_001 && recount.likes == 20_000)
        #expect(try !FileManager.default.contentsOfDirectory(atPath: path).contains("commit.building"))
    }

    @Test("several batches about one content in one transaction count each register once")
    func repeats() throws {
        let ledger = try filled()
        let sqlite = try SQLiteLedger(path: folder.path + "/ledger.db")
        try sqlite.apply([first])
        var batches: [LedgerBatch] = []
        for shard in 1...3 {
            var batch = LedgerBatch(shard: UInt16(shard), through: 1, now: 0)
            if shard == 2 { batch.change("b") { $0.deleted = Version(reading: moment + 4, region: 1) } }
            for user in ["u", "v", "w"] {
                batch.row(
                    "a", user,
                    Register(version: Version(reading: moment + UInt64(4 - shard), region: 1), reaction: .like))
                batch.row("b", user, like(moment + UInt64(4 + shard)))
                batch.row(
                    "c", user,
                    Register(version: Version(reading: 1, region: 1), reaction: .init(rawValue: UInt8(shard))))
            }
            batches.append(batch)
        }
        for ledger in [ledger, sqlite] as [any Ledger] { try ledger.apply(batches) }
        #expect(
            try Ledgers.differences((.rocksdb, path), (.sqlite, folder.path + "/ledger.db"), limit: 10).isEmpty)
        #expect(try ledger.recount().driftCount == 0)
        while try ledger.purge(limit: 2) {}
        #expect(try ledger.recount().driftCount == 0)
    }

    // MARK: What is refused

    @Test("a ledger of a newer version is refused, for writing and for reading, and told what to do")
    func newer() throws {
        do { _ = try filled() }
        try tamper { put($0, "mformat", [0, 0, 0, 0, 0, 0, 0, 9]) }
        for open in [{ _ = try RocksDBLedger(path: path) }, { _ = try RocksDBLedger.recount(path: path) }]
            as [() throws -> Void]
        {
            let message = try unusable(open)
            #expect(message.contains("newer version") && message.contains(path) && message.contains("likewise replay"))
        }
    }

    @Test("the ledger says that it is of format 2 from the first like on that is held back")
    func format() throws {
        func format() -> [UInt8] {
            let store = open(readOnly: true)
            defer { likewise_store_close(store) }
            var found: [UInt8] = []
            withBytes(Array("mformat".utf8)) { key in
                withUnsafeMutablePointer(to: &found) { found in
                    let got = likewise_store_get(store, nil, key, found) { context, value in
                        let bytes = UnsafeRawBufferPointer(start: value.data, count: value.size)
                        context?.assumingMemoryBound(to: [UInt8].self).pointee = Array(bytes)
                    }
                    #expect(got.code == LIKEWISE_STORE_OK)
                }
            }
            return found
        }
        do { _ = try filled() }
        #expect(format() == [0, 0, 0, 0, 0, 0, 0, 1])
        do {
            let ledger = try RocksDBLedger(path: path)
            var batch = LedgerBatch(shard: 0, through: 9, now: 0)
            batch.row("h", "u", Register(version: Version(reading: 1, region: 1), reaction: Reaction.like.asHeld))
            try ledger.apply([batch])
        }
        #expect(format() == [0, 0, 0, 0, 0, 0, 0, 2])
        do { _ = try RocksDBLedger(path: path) }
    }

    @Test("a store that is no ledger is refused, and so is a file in its place")
    func foreign() throws {
        try tamper { put($0, "somebody's", [1]) }
        #expect(try unusable { _ = try RocksDBLedger(path: path) }.contains("not a ledger"))
        let file = folder.path + "/file"
        try Data(repeating: 0x78, count: 1_000).write(to: URL(fileURLWithPath: file))
        #expect(throws: LedgerError.self) { try RocksDBLedger(path: file) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)).count == 1_000)
    }

    @Test("damage inside of a file is told with what to run")
    func damaged() throws {
        do {
            let ledger = try RocksDBLedger(path: path)
            try ledger.apply([wide(through: 1, version: 1)])
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.hasSuffix(".sst") {
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: path + "/" + name))
            let size = Int(try file.seekToEnd())
            // All but the end, which says where everything is.
            try file.seek(toOffset: 0)
            try file.write(contentsOf: Data(repeating: 0xee, count: max(0, size - 40_000)))
            try file.close()
        }
        let message = try unusable { _ = try RocksDBLedger(path: path).recount() }
        #expect(message.contains(path) && message.contains("likewise replay --data-dir D --into E"))
    }

    @Test("a ledger in a folder that does not exist, or one to read that does not, is refused")
    func missing() throws {
        #expect(throws: LedgerError.self) { try RocksDBLedger(path: path + "/no/ledger") }
        #expect(throws: LedgerError.self) { try RocksDBLedger.recount(path: path) }
    }

    @Test("a ledger that is open cannot be opened for writing again, but read")
    func locked() throws {
        let ledger = try filled()
        #expect(try unusable { _ = try RocksDBLedger(path: path) }.contains("in use"))
        #expect(try RocksDBLedger.recount(path: path).likes == 3)
        withExtendedLifetime(ledger) {}
    }

    @Test("a full ledger says so, changes nothing, and goes on when there is room")
    func full() throws {
        do {
            let ledger = try RocksDBLedger(path: path, fileLimit: 100_000)
            try ledger.apply([first])
            for _ in 0..<2 {
                #expect(throws: LedgerError.full) { try ledger.apply([wide(through: 2, version: 1)]) }
            }
            #expect(try ledger.makeReader().positions() == [0: 1])
            #expect(try ledger.makeReader().content(Array("wide".utf8)) == nil)
        }
        let roomy = try RocksDBLedger(path: path)
        try roomy.apply([wide(through: 2, version: 1)])
        #expect(try roomy.makeReader().content(Array("wide".utf8))?.tally.likes == 20_000)
        #expect(try roomy.recount().driftCount == 0)
    }

    // MARK: Recount and comparison

    @Test("a recount finds a tally that is wrong, registers that are missing, and those that belong to nothing")
    func drift() throws {
        do { _ = try filled() }
        try tamper { batch in
            remove(batch, "r" + number(1) + "v")
            put(batch, "r" + number(99) + "u", [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1])
        }
        let result = try RocksDBLedger.recount(path: path)
        #expect(result.driftCount == 2)
        #expect(result.drifts.map(\.content) == [Array("a".utf8), nil])
        #expect(result.drifts.map(\.counted) == [0, 1])
        #expect(result.drifts.map(\.tallied) == [1, 0])
    }

    @Test("an unlike below a tally that was tampered with is refused as damage, and nothing changes")
    func belowZero() throws {
        do { _ = try filled() }
        // A register that no tally counts.
        try tamper { put($0, "r" + number(1) + "z", [3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]) }
        let ledger = try RocksDBLedger(path: path)
        var batch = LedgerBatch(shard: 0, through: 2, now: 0)
        batch.row("a", "z", Register(version: Version(reading: 1 << 60, region: 1), reaction: .none), old: .like)
        #expect(try unusable { try ledger.apply([batch]) }.contains("likewise replay"))
        #expect(try ledger.makeReader().positions() == [0: 1])
    }

    @Test("every kind of difference from an SQLite ledger is found")
    func differences() throws {
        let other = folder.path + "/other.db"
        do { _ = try filled() }
        do {
            let ledger = try SQLiteLedger(path: other)
            var batch = LedgerBatch(shard: 0, through: 1, now: 0)
            batch.change("a") { $0.description = ContentDescription(type: Array("post".utf8)) }
            batch.row("a", "u", like(moment + 1))
            batch.row("a", "w", like(moment))
            batch.row("c", "u", like(moment))
            try ledger.apply([batch])
        }
        let found = try Ledgers.differences((.rocksdb, path), (.sqlite, other), limit: 100)
        let subjects = found.map { "\(String(decoding: $0.content, as: UTF8.self)) \($0.subject)" }
        #expect(subjects.count == 12)
        #expect(found.filter { $0.first == nil }.count == 4)
        #expect(found.filter { $0.second == nil }.count == 5)
        let same = folder.path + "/same.db"
        try SQLiteLedger(path: same).apply([first])
        #expect(try Ledgers.differences((.rocksdb, path), (.sqlite, same), limit: 100).isEmpty)
    }

    // MARK: Which ledger a folder has

    @Test("a data folder keeps the ledger that it was made with, and one with two is refused")
    func choice() throws {
        #expect(try Ledgers.kind(in: folder.path) == nil)
        do { _ = try Ledgers.open(in: folder.path, otherwise: .sqlite) }
        do { _ = try Ledgers.open(in: folder.path, otherwise: .rocksdb) }
        #expect(try Ledgers.kind(in: folder.path) == .sqlite)
        _ = try filled()
        #expect(try unusable { _ = try Ledgers.kind(in: folder.path) }.contains("2 ledgers"))
        try Ledgers.remove(.sqlite, path: folder.path + "/ledger.sqlite", disk: PosixDisk())
        #expect(try Ledgers.kind(in: folder.path) == .rocksdb)
        try Ledgers.remove(.rocksdb, path: path, disk: PosixDisk())
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
}

// MARK: Tools

extension RocksDBLedgerTests {
    /// 2023-11-14T22:13:20Z.
    private var moment: UInt64 { 1_700_000_000_000 << 16 }

    private func like(_ reading: UInt64) -> Register {
        Register(version: Version(reading: reading, region: 1), reaction: .like)
    }

    /// Content 1, `a`, is liked by u and loved by v, and content 2, `b`, is liked by u.
    private var first: LedgerBatch {
        var batch = LedgerBatch(shard: 0, through: 1, now: 0)
        batch.row("a", "u", like(moment))
        batch.row("a", "v", Register(version: Version(reading: moment, region: 1), reaction: Reaction(rawValue: 2)))
        batch.row("b", "u", like(moment))
        return batch
    }

    private func filled() throws -> RocksDBLedger {
        let ledger = try RocksDBLedger(path: path, cacheBytes: 1 << 20)
        try ledger.apply([first])
        return ledger
    }

    /// Enough likes to be a file of their own.
    private func wide(through: UInt64, version: UInt64) -> LedgerBatch {
        var batch = LedgerBatch(shard: 0, through: through, now: 0)
        var change = LedgerBatch.ContentChange(id: Array("wide".utf8))
        for i in 0..<20_000 {
            let user = Array("user-\(1_000_000 + i)".utf8)
            change.rows.append(
                LedgerBatch.Row(
                    userOffset: UInt32(batch.userBytes.count), userLength: UInt8(user.count), old: .none,
                    register: like(version)))
            batch.userBytes += user
        }
        batch.contents = [change]
        return batch
    }

    @Test("a store that was written with filters over other keys is read whole", arguments: [("r", "ri"), ("ri", "r")])
    func otherFilters(written: String, read: String) throws {
        let keys = (0..<3_000).map { ($0 % 2 == 0 ? "i" : "r") + "\(10_000 + $0)" }.sorted()
        var store = open(readOnly: false, filtered: written)
        let batch = likewise_store_batch_make()
        for key in keys { put(batch, key, Array(key.utf8)) }
        #expect(likewise_store_commit(store, batch, 1_000).code == LIKEWISE_STORE_OK)
        likewise_store_batch_free(batch)
        likewise_store_close(store)
        store = open(readOnly: false, filtered: read)
        defer { likewise_store_close(store) }
        let asked = (keys + ["i1", "r1", "r10001"]).sorted()
        var found: [Int] = []
        let bytes = asked.map { Array($0.utf8) }
        let all = bytes.flatMap { $0 }
        all.withUnsafeBytes { all in
            var at = 0
            let slices = bytes.map { key in
                defer { at += key.count }
                return likewise_store_bytes(
                    data: all.baseAddress?.advanced(by: at).assumingMemoryBound(to: CChar.self), size: key.count)
            }
            withUnsafeMutablePointer(to: &found) { found in
                let got = likewise_store_get_sorted(store, slices, slices.count, found) { context, index, _ in
                    context?.assumingMemoryBound(to: [Int].self).pointee.append(index)
                }
                #expect(got.code == LIKEWISE_STORE_OK)
            }
        }
        #expect(found.sorted().map { asked[$0] } == (keys + ["r10001"]).sorted())
    }

    /// The ledger's folder, opened past the ledger, with a filter over keys of other kinds than the ledger's own.
    private func open(readOnly: Bool, filtered: String = "r") -> OpaquePointer? {
        var store: OpaquePointer?
        let code = filtered.withCString { filtered in
            let options = likewise_store_options(
                read_only: readOnly, cache_bytes: 1 << 20, memtable_bytes: 1 << 20, filtered: filtered)
            return likewise_store_open(path, options, &store).code
        }
        #expect(code == LIKEWISE_STORE_OK)
        return store
    }

    /// Changes the store behind the ledger's back.
    private func tamper(_ change: (OpaquePointer?) -> Void) throws {
        let store = open(readOnly: false)
        let batch = likewise_store_batch_make()
        change(batch)
        #expect(likewise_store_commit(store, batch, 1_000).code == LIKEWISE_STORE_OK)
        likewise_store_batch_free(batch)
        likewise_store_close(store)
    }

    /// A content's number in a key.
    private func number(_ number: Int) -> String {
        let bytes = withUnsafeBytes(of: Int64(number).bigEndian) { Array($0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func put(_ batch: OpaquePointer?, _ key: String, _ value: [UInt8]) {
        withBytes(Array(key.utf8)) { key in withBytes(value) { likewise_store_batch_put(batch, key, $0) } }
    }

    private func remove(_ batch: OpaquePointer?, _ key: String) {
        withBytes(Array(key.utf8)) { likewise_store_batch_delete(batch, $0) }
    }

    private func withBytes(_ bytes: [UInt8], _ body: (likewise_store_bytes) -> Void) {
        bytes.withUnsafeBytes {
            body(likewise_store_bytes(data: $0.baseAddress?.assumingMemoryBound(to: CChar.self), size: $0.count))
        }
    }

    private func unusable(_ body: () throws -> Void) throws -> String {
        let error = try #require(throws: LedgerError.self) { try body() }
        guard case .unusable(let message) = error else {
            Issue.record("expected an unusable ledger, got: \(error)")
            return ""
        }
        return message
    }
}
