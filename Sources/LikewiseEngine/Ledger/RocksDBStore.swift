// RocksDB as the ledger sees it: a sorted map from bytes to bytes, behind the C functions of `likewise_store.h`.

internal import CRocksDB

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// An open store. It may be used on any thread.
///
/// `@unchecked Sendable`: guarded by RocksDB, whose handle takes calls from any thread; the handle itself never changes.
final class RocksDBStore: @unchecked Sendable {
    let path: String
    private let handle: OpaquePointer

    /// Kinds of keys that are looked for among all files, by register for each like and by content for each transaction.
    static let filtered = String(
        decoding: [LedgerKey.Kind.register.rawValue, LedgerKey.Kind.content.rawValue], as: UTF8.self)

    enum Access {
        case write(memtableBytes: Int)
        /// The store may be in use elsewhere; what was committed when it was opened is seen.
        case read
    }

    init(path: String, access: Access, cacheBytes: Int) throws(LedgerError) {
        precondition(cacheBytes >= 0, "a cache cannot have \(cacheBytes) bytes")
        self.path = path
        var options = likewise_store_options()
        options.cache_bytes = cacheBytes
        switch access {
        case .write(let memtableBytes): options.memtable_bytes = memtableBytes
        case .read: options.read_only = true
        }
        var opened: OpaquePointer?
        let status = Self.filtered.withCString { filtered in
            options.filtered = filtered
            return likewise_store_open(path, options, &opened)
        }
        try Self.check(status, path: path)
        guard let opened else { throw .failed("the ledger \(path) was opened to nothing") }
        handle = opened
    }

    deinit { likewise_store_close(handle) }

    // MARK: Reading

    /// The store as it was at one moment.
    struct Snapshot: ~Copyable {
        fileprivate let store: RocksDBStore
        fileprivate let pointer: UnsafeRawPointer?

        deinit { likewise_store_release(store.handle, pointer) }
    }

    func snapshot() -> Snapshot { Snapshot(store: self, pointer: likewise_store_snapshot(handle)) }

    /// What `read` makes of the value of `key`, or nil where there is none.
    func value<T>(
        of key: borrowing LedgerKey, at snapshot: borrowing Snapshot, _ read: (UnsafeRawBufferPointer) -> T
    ) throws(LedgerError) -> T? {
        try value(of: key, pointer: snapshot.pointer, read)
    }

    /// The same, of the store as it is now.
    func value<T>(
        of key: borrowing LedgerKey, _ read: (UnsafeRawBufferPointer) -> T
    ) throws(LedgerError) -> T? {
        try value(of: key, pointer: nil, read)
    }

    private func value<T>(
        of key: borrowing LedgerKey, pointer: UnsafeRawPointer?, _ read: (UnsafeRawBufferPointer) -> T
    ) throws(LedgerError) -> T? {
        var result: T?
        let status = withoutActuallyEscaping(read) { read in
            var found: (UnsafeRawBufferPointer) -> Void = { result = read($0) }
            return withUnsafeMutablePointer(to: &found) { context in
                key.withBytes { key in
                    likewise_store_get(handle, pointer, likewise_store_bytes(key), context) { context, value in
                        context?.assumingMemoryBound(to: ((UnsafeRawBufferPointer) -> Void).self)
                            .pointee(UnsafeRawBufferPointer(value))
                    }
                }
            }
        }
        try check(status)
        return result
    }

    /// Calls `found` with the index and the value of each of `keys` that is there. The keys are sorted.
    func values(
        of keys: UnsafeBufferPointer<likewise_store_bytes>, _ found: (Int, UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) {
        let status = withoutActuallyEscaping(found) { found in
            var call = found
            return withUnsafeMutablePointer(to: &call) { context in
                likewise_store_get_sorted(handle, keys.baseAddress, keys.count, context) { context, index, value in
                    context?.assumingMemoryBound(to: ((Int, UnsafeRawBufferPointer) -> Void).self)
                        .pointee(index, UnsafeRawBufferPointer(value))
                }
            }
        }
        try check(status)
    }

    /// A walk over the keys from `from` on and below `below`. `scan`: as a recount reads.
    func walk(
        from: borrowing LedgerKey, below: borrowing LedgerKey, at snapshot: borrowing Snapshot, scan: Bool = false
    ) -> RocksDBWalk {
        let walk = from.withBytes { from in
            below.withBytes { below in
                likewise_store_iterator_make(
                    handle, snapshot.pointer, likewise_store_bytes(from), likewise_store_bytes(below), scan)
            }
        }
        return RocksDBWalk(store: self, handle: walk)
    }

    // MARK: Writing

    /// Changes that are committed together; each key once.
    struct Batch: ~Copyable {
        fileprivate let handle: OpaquePointer? = likewise_store_batch_make()

        deinit { likewise_store_batch_free(handle) }

        var count: Int { likewise_store_batch_count(handle) }
        var bytes: Int { likewise_store_batch_bytes(handle) }

        @inline(__always)
        func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
            likewise_store_batch_put(handle, likewise_store_bytes(key), likewise_store_bytes(value))
        }

        @inline(__always)
        func put(_ key: borrowing LedgerKey, _ value: borrowing LedgerKey) {
            key.withBytes { key in value.withBytes { value in put(key, value) } }
        }

        @inline(__always)
        func delete(_ key: borrowing LedgerKey) {
            key.withBytes { likewise_store_batch_delete(handle, likewise_store_bytes($0)) }
        }
    }

    /// From so many changes on, a commit is a file of its own. Below, the write-ahead log is cheaper: a file costs
    /// several syncs, and each one is a run that lookups go through until it is merged.
    static let fileFrom = 30_000

    /// Commits all changes of `batch` or none; durable on return.
    func commit(_ batch: borrowing Batch) throws(LedgerError) {
        try check(likewise_store_commit(handle, batch.handle, Self.fileFrom))
    }

    /// Bytes of the store's files, the write-ahead log aside.
    var fileBytes: UInt64 { likewise_store_number(handle, "rocksdb.total-sst-files-size") }

    // MARK: Failing

    fileprivate func check(_ status: likewise_store_status) throws(LedgerError) {
        if status.code != LIKEWISE_STORE_OK { try Self.check(status, path: path) }
    }

    private static func check(_ status: likewise_store_status, path: String) throws(LedgerError) {
        if status.code == LIKEWISE_STORE_OK { return }
        let words = status.message.map { String(cString: $0) } ?? "no message"
        free(status.message)
        switch status.code {
        case LIKEWISE_STORE_FULL: throw .full
        case LIKEWISE_STORE_DAMAGED: throw .damaged(path, words)
        case LIKEWISE_STORE_MISSING:
            throw .unusable(
                "cannot open the ledger \(path): check that its folder exists and may be written to (\(words))")
        case LIKEWISE_STORE_LOCKED: throw .unusable("the ledger \(path) is in use by another process (\(words))")
        default: throw .failed("the ledger \(path): \(words)")
        }
    }
}

/// Where a walk over keys stands. For one thread at a time.
final class RocksDBWalk {
    private let store: RocksDBStore
    private let handle: OpaquePointer?

    fileprivate init(store: RocksDBStore, handle: OpaquePointer?) {
        self.store = store
        self.handle = handle
    }

    deinit { likewise_store_iterator_free(handle) }

    /// Whether it stands on a key; false at the end.
    @inline(__always)
    func isOnKey() throws(LedgerError) -> Bool {
        if likewise_store_iterator_valid(handle) { return true }
        try store.check(likewise_store_iterator_status(handle))
        return false
    }

    func advance() { likewise_store_iterator_next(handle) }
    /// Valid until the walk goes on.
    var key: UnsafeRawBufferPointer { UnsafeRawBufferPointer(likewise_store_iterator_key(handle)) }
    /// Valid until the walk goes on.
    var value: UnsafeRawBufferPointer { UnsafeRawBufferPointer(likewise_store_iterator_value(handle)) }
}

extension likewise_store_bytes {
    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(data: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), size: bytes.count)
    }
}

extension UnsafeRawBufferPointer {
    @inline(__always)
    fileprivate init(_ bytes: likewise_store_bytes) {
        self.init(start: bytes.data, count: bytes.size)
    }
}
