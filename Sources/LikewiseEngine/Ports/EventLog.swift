/// The durable, ordered record of transitions, as a shard writes it. `SegmentLog` is the embedded one.
package protocol EventLog: AnyObject {
    /// The sequence of the next record.
    var nextSequence: UInt64 { get }
    /// Records below this sequence are on stable storage.
    var durableSequence: UInt64 { get }
    /// Makes sure that the next `append` of up to `bytes` has room, before anything is evaluated. Throws `.full` where
    /// it has not; nothing has changed then, and a later call may succeed.
    func prepare(bytes: Int) throws(EventLogError)
    /// Appends the records of one batch. On return they are on stable storage (`sync always`) or will be within the
    /// sync interval. `.full`: nothing was appended. Any other error: the log is failed, and stays so.
    func append(_ buffer: borrowing LogBuffer) throws(EventLogError)
    /// Returns once all appended records are on stable storage.
    func sync() throws(EventLogError)
    /// Syncs if the sync interval has passed. Nanoseconds until the next one is due, nil if nothing waits for it.
    func syncIfDue() throws(EventLogError) -> UInt64?
}

package enum EventLogError: Error, Hashable, CustomStringConvertible {
    /// No space left for the log.
    case full(String)
    /// A record that was durable is not there, or not whole.
    case damaged(file: String, offset: Int, detail: String)
    /// The log ends before what the ledger holds.
    case behind(directory: String, next: UInt64, held: UInt64)
    /// Writing or syncing failed: what is on the disk is unknown until the next start has read it.
    case failed(String)

    package var description: String {
        switch self {
        case .full(let detail), .failed(let detail): detail
        case .behind(let directory, let next, let held):
            "the log in \(directory) ends before record \(next), but the ledger holds up to \(held). The ledger lacks "
                + "nothing: move \(directory) away and start again, and find out what took the end of the log"
        case .damaged(let file, let offset, let detail): "\(file) is damaged at offset \(offset): \(detail)"
        }
    }

    init(_ error: DiskError) {
        self = error.isFull ? .full(error.description) : .failed(error.description)
    }
}
