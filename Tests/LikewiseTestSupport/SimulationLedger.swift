import LikewiseCore
package import LikewiseEngine
import Synchronization

/// A ledger that fails while it is told to: writes all together, reads now and then. What lies behind it is not
/// touched by a call that fails.
package final class UnreliableLedger: Ledger {
    private struct Faults {
        var writeFailure: LedgerError?
        var readFailuresOneIn = 0
        var random: SeededRandom
    }

    package let base: any Ledger
    private let faults: Mutex<Faults>

    package init(_ base: any Ledger, seed: UInt64) {
        self.base = base
        faults = Mutex(Faults(random: SeededRandom(seed: seed)))
    }

    /// What `apply` and `purge` throw; nil if they work.
    package var writeFailure: LedgerError? {
        get { faults.withLock { $0.writeFailure } }
        set { faults.withLock { $0.writeFailure = newValue } }
    }

    /// One in so many reads throws; 0 for none.
    package var readFailuresOneIn: Int {
        get { faults.withLock { $0.readFailuresOneIn } }
        set { faults.withLock { $0.readFailuresOneIn = newValue } }
    }

    fileprivate func checkRead() throws(LedgerError) {
        let fails = faults.withLock { faults in
            faults.readFailuresOneIn > 0 && faults.random.chance(oneIn: faults.readFailuresOneIn)
        }
        if fails { throw .failed("the simulated ledger could not be read") }
    }

    package func apply(_ batches: [LedgerBatch]) throws(LedgerError) {
        if let failure = writeFailure { throw failure }
        try base.apply(batches)
    }

    package func makeReader() throws(LedgerError) -> any LedgerReader {
        UnreliableReader(try base.makeReader(), self)
    }

    package func setReactions(_ names: [String]) throws(LedgerError) { try base.setReactions(names) }

    package func save(_ trends: [TrendBucket]) throws(LedgerError) {
        if let failure = writeFailure { throw failure }
        try base.save(trends)
    }

    package func purge(limit: Int) throws(LedgerError) -> Bool {
        if let failure = writeFailure { throw failure }
        return try base.purge(limit: limit)
    }
}

private final class UnreliableReader: LedgerReader {
    private let base: any LedgerReader
    private let ledger: UnreliableLedger

    init(_ base: any LedgerReader, _ ledger: UnreliableLedger) {
        self.base = base
        self.ledger = ledger
    }

    func positions() throws(LedgerError) -> [UInt16: UInt64] {
        try ledger.checkRead()
        return try base.positions()
    }

    func reactions() throws(LedgerError) -> [String] {
        try ledger.checkRead()
        return try base.reactions()
    }

    func latestReading() throws(LedgerError) -> UInt64 {
        try ledger.checkRead()
        return try base.latestReading()
    }

    func content(_ id: [UInt8]) throws(LedgerError) -> LedgerContent? {
        try ledger.checkRead()
        return try base.content(id)
    }

    func register(content key: Int64, user: UnsafeRawBufferPointer) throws(LedgerError) -> Register {
        try ledger.checkRead()
        return try base.register(content: key, user: user)
    }

    func users(
        ofContent key: Int64, after: [UInt8], limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> [UInt8]? {
        try ledger.checkRead()
        return try base.users(ofContent: key, after: after, limit: limit, body)
    }

    func contents(
        after: Int64, limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(LedgerError) -> Int64? {
        try ledger.checkRead()
        return try base.contents(after: after, limit: limit, body)
    }

    func likes(
        ofUser user: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        try ledger.checkRead()
        return try base.likes(ofUser: user, behind: position, limit: limit)
    }

    func likes(
        ofContent id: [UInt8], behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        try ledger.checkRead()
        return try base.likes(ofContent: id, behind: position, limit: limit)
    }

    func heldLikes(
        of filter: HeldFilter, behind position: LikePosition?, limit: Int
    ) throws(LedgerError) -> [LedgerLike] {
        try ledger.checkRead()
        return try base.heldLikes(of: filter, behind: position, limit: limit)
    }

    func answers(unexpiredAt milliseconds: UInt64) throws(LedgerError) -> [StoredAnswer] {
        try ledger.checkRead()
        return try base.answers(unexpiredAt: milliseconds)
    }

    func trends(since milliseconds: UInt64) throws(LedgerError) -> [TrendBucket] {
        try ledger.checkRead()
        return try base.trends(since: milliseconds)
    }
}
