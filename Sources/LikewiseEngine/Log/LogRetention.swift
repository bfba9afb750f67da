import LikewiseCore

/// Which segments of a shard's log may go: those that the ledger holds whole and that are older than the retention time.
package struct LogRetention: Sendable {
    let disk: any Disk
    /// Milliseconds that a record stays at least.
    let milliseconds: UInt64

    package init(disk: any Disk, milliseconds: UInt64) {
        self.disk = disk
        self.milliseconds = milliseconds
    }

    /// Removes the segments in `directory` that may go. The last one always stays.
    /// - Parameter held: the sequence of the last record that the ledger holds.
    /// - Returns: how many were removed.
    package func apply(directory: String, held: UInt64, now: UInt64) throws(EventLogError) -> Int {
        let scan = SegmentScan(disk: disk, directory: directory)
        let segments = try scan.segments()
        var removed = 0
        for (segment, next) in zip(segments, segments.dropFirst()) {
            // All records of a segment were written before the next one was made.
            guard next.firstSequence <= held + 1, let ended = try scan.created(next), ended + milliseconds <= now else {
                break
            }
            // One after the other: a crash must not leave an older one without the one behind it.
            do throws(DiskError) {
                try disk.remove(segment.path)
                try disk.syncDirectory(directory)
            } catch { throw EventLogError(error) }
            removed += 1
        }
        return removed
    }
}
