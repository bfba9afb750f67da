import LikewiseCore

extension LedgerBatch {
    /// Throws where a ledger could not store this batch: numbers of 2^63 and above (stores have signed integers), codes
    /// that no reaction has, users outside of `userBytes`. Every ledger calls it before it changes anything.
    package func check() throws(LedgerError) {
        let limit = UInt64(Int64.max)
        var highest = max(through, now)
        for change in contents {
            if let deleted = change.deleted { highest = max(highest, deleted.reading) }
            for row in change.rows {
                highest = max(highest, row.register.version.reading)
                guard row.register.reaction.isSound, row.old.isSound else {
                    throw .failed("a register names reaction \(row.register.reaction.rawValue) or \(row.old.rawValue)")
                }
                guard Int(row.userOffset) + Int(row.userLength) <= userBytes.count, row.userLength > 0 else {
                    throw .failed("a register's user is at \(row.userOffset) of \(userBytes.count) bytes")
                }
            }
        }
        for answer in answers { highest = max(highest, answer.expires) }
        for bucket in trends { highest = max(highest, bucket.start, bucket.length) }
        guard highest <= limit else {
            throw .failed("shard \(shard) gave the number \(highest), and a ledger's numbers end at \(limit)")
        }
    }
}

extension TrendBucket {
    /// How long after its end a bucket may still be asked for; a ledger may remove it after that. The longest window
    /// that is shown is a day.
    package static let retentionMilliseconds: UInt64 = 48 * 3_600 * 1_000
}
