internal import CRocksDB

/// Asks for many keys at a time, in memory that is used again.
final class RocksDBLookup {
    /// Keys asked for at a time.
    static let piece = 4_096

    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var keys: [likewise_store_bytes] = []

    /// Asks for `count` keys, which `append` adds to the bytes given, none below the one before; calls `found` with index
    /// and value of each that is there.
    func find(
        _ count: Int, in store: RocksDBStore, append: (Int, inout [UInt8]) -> Void,
        found: (Int, UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) {
        for start in stride(from: 0, to: count, by: Self.piece) {
            let end = min(start + Self.piece, count)
            bytes.removeAll(keepingCapacity: true)
            ends.removeAll(keepingCapacity: true)
            keys.removeAll(keepingCapacity: true)
            for index in start..<end {
                append(index, &bytes)
                ends.append(bytes.count)
            }
            let outcome: Result<Void, LedgerError> = bytes.withUnsafeBytes { all in
                var from = 0
                for end in ends {
                    keys.append(likewise_store_bytes(UnsafeRawBufferPointer(rebasing: all[from..<end])))
                    from = end
                }
                return keys.withUnsafeBufferPointer { keys in
                    Result { () throws(LedgerError) in
                        try store.values(of: keys) { index, value in found(start + index, value) }
                    }
                }
            }
            try outcome.get()
        }
    }

    /// The contents with these ids; nil for each that is not there.
    func contents(_ ids: [[UInt8]], in store: RocksDBStore) throws(LedgerError) -> [LedgerContent?] {
        let order = ids.indices.sorted { a, b in
            ids[a].withUnsafeBytes { a in ids[b].withUnsafeBytes { compare(a, $0) < 0 } }
        }
        var result = [LedgerContent?](repeating: nil, count: ids.count)
        var damaged: Int?
        try find(order.count, in: store) { index, keys in
            keys.append(LedgerKey.Kind.content.rawValue)
            keys += ids[order[index]]
        } found: { index, value in
            let place = order[index]
            result[place] = LedgerBytes.content(value)
            if result[place] == nil { damaged = place }
        }
        if let damaged {
            throw .damaged(store.path, "the record of the content '\(String(decoding: ids[damaged], as: UTF8.self))'")
        }
        return result
    }
}
