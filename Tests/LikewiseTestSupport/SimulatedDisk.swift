// A disk in memory that does its worst, the same worst for the same seed.
//
// Its rules are POSIX's, not those of a kind file system: a file's bytes are durable after `sync`, its name after
// `syncDirectory`, and neither does the other's work. What was not synced may survive a power loss in any part and in
// any order. A file system may be kinder (ext4 makes a new file's name durable with the file), so what passes here
// does not lean on it.
//
// A test arms a fault, runs the engine until it fails or ends, calls `crash` or `processKill`, and opens the files anew.

package import LikewiseEngine
import Synchronization

/// The simulated disk. Safe from any thread; repeatable when used by one at a time.
package final class SimulatedDisk: Disk {
    private let state: Mutex<SimulatedDiskState>

    /// `capacity` is in bytes, nil without a bound; sizes count, also of what is only set aside.
    package init(seed: UInt64, capacity: Int? = nil) {
        state = Mutex(SimulatedDiskState(seed: seed, capacity: capacity))
    }

    package func makeDirectory(_ path: String) throws(DiskError) {
        try locked { state throws(DiskError) in try state.makeDirectory(path) }
    }

    package func list(_ directory: String) throws(DiskError) -> [String] {
        try locked { state throws(DiskError) in try state.list(directory) }
    }

    package func open(_ path: String) throws(DiskError) -> any DiskFile {
        let (inode, epoch) = try locked { state throws(DiskError) in (try state.open(path), state.epoch) }
        return SimulatedFile(self, inode: inode, epoch: epoch, path: path)
    }

    package func create(_ path: String) throws(DiskError) -> any DiskFile {
        let (inode, epoch) = try locked { state throws(DiskError) in (try state.create(path), state.epoch) }
        return SimulatedFile(self, inode: inode, epoch: epoch, path: path)
    }

    package func remove(_ path: String) throws(DiskError) {
        try locked { state throws(DiskError) in try state.remove(path) }
    }

    package func syncDirectory(_ directory: String) throws(DiskError) {
        try locked { state throws(DiskError) in try state.syncDirectory(directory) }
    }

    fileprivate func locked<Result: Sendable>(
        _ body: (inout SimulatedDiskState) throws(DiskError) -> Result
    ) throws(DiskError) -> Result {
        try state.withLock { (state: inout sending SimulatedDiskState) throws(DiskError) -> Result in
            try body(&state)
        }
    }
}

// What a test does to the disk.
extension SimulatedDisk {
    /// Power loss. Of what was not synced, any part survives: writes whole, not at all or by sectors of 512 bytes, in any
    /// order; sizes, new names and removals likewise. Every open file is stale: whatever is done with it throws.
    /// Disarms `failAfter` and the failing syncs.
    package func crash() {
        state.withLock { $0.crash() }
    }

    /// The process dies and the machine does not: everything written stays, synced or not, and still needs a sync to
    /// outlive a `crash`. Open files are stale. Disarms `failAfter` and the failing syncs.
    package func processKill() {
        state.withLock { $0.processKill() }
    }

    /// Lets `operations` more operations that change something succeed, and lets the next one and everything after it
    /// throw, until `crash` or `processKill`. The one that it stops at may have happened, in part or in whole.
    package func failAfter(operations: Int) {
        precondition(operations >= 0, "a disk cannot stop \(-operations) operations ago")
        state.withLock { $0.operationsLeft = operations }
    }

    /// Whether `failAfter` has struck.
    package var hasStopped: Bool { state.withLock { $0.hasStopped } }

    /// The next `count` syncs of files throw. Each leaves a part of the file's unsynced writes on stable storage and
    /// forgets the rest, for which no later sync does anything, though a reader may see it until the next crash.
    package func failNextSync(count: Int = 1) {
        state.withLock { $0.failingSyncs = count }
    }

    /// The next `count` calls of `syncDirectory` throw, with the same effect on the names.
    package func failNextDirectorySync(count: Int = 1) {
        state.withLock { $0.failingDirectorySyncs = count }
    }

    /// Bytes that fit, nil without a bound. What would go beyond throws `.full`, at times after a part was done.
    package var capacity: Int? {
        get { state.withLock { $0.capacity } }
        set { state.withLock { $0.capacity = newValue } }
    }

    /// Bytes taken by the files that have a name.
    package var used: Int { state.withLock { $0.used } }

    /// A lying disk: the syncs that succeed and do nothing. It exists to prove that a test would notice an engine that
    /// forgot to sync.
    package var ignoredSyncs: IgnoredSyncs {
        get { state.withLock { $0.ignoredSyncs } }
        set { state.withLock { $0.ignoredSyncs = newValue } }
    }

    package enum IgnoredSyncs: Hashable, Sendable {
        case none
        /// Of files and folders.
        case all
        /// Of these files and folders.
        case paths(Set<String>)
        /// Each with this probability, 0 to 1.
        case some(Double)
    }

    /// Turns over the bits of `mask` in the byte at `offset` of the file, as a worn-out disk does.
    package func corrupt(_ path: String, at offset: Int, mask: UInt8 = 0xff) {
        state.withLock { $0.corrupt(path, at: offset, mask: mask) }
    }

    /// What a reader of the file sees, nil where there is none. Works also when the disk has stopped.
    package func contents(_ path: String) -> [UInt8]? {
        state.withLock { $0.contents(path) }
    }

    /// What has been asked of the disk so far, refused operations included.
    package var counters: Counters { state.withLock { $0.counters } }

    package struct Counters: Hashable, Sendable {
        /// Operations that change something or sync it: what `failAfter` counts.
        package var operations = 0
        package var reads = 0
        package var bytesRead = 0
        package var writes = 0
        package var bytesWritten = 0
        package var syncs = 0
        package var directorySyncs = 0

        package init() {}
    }
}

private final class SimulatedFile: DiskFile {
    private let disk: SimulatedDisk
    private let inode: Int
    private let epoch: Int
    private let path: String

    init(_ disk: SimulatedDisk, inode: Int, epoch: Int, path: String) {
        self.disk = disk
        self.inode = inode
        self.epoch = epoch
        self.path = path
    }

    func size() throws(DiskError) -> Int {
        try on("fstat") { state throws(DiskError) in try state.size(inode, path) }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        precondition(offset >= 0, "a file is read from 0 on, not from \(offset)")
        return try on("pread") { state throws(DiskError) in try state.read(inode, path, into: buffer, at: offset) }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
        precondition(offset >= 0, "a file is written from 0 on, not from \(offset)")
        try on("pwrite") { state throws(DiskError) in try state.write(inode, path, bytes, at: offset) }
    }

    func reserve(_ size: Int) throws(DiskError) {
        try on("fallocate") { state throws(DiskError) in try state.reserve(inode, path, size) }
    }

    func truncate(to size: Int) throws(DiskError) {
        try on("ftruncate") { state throws(DiskError) in try state.truncate(inode, path, to: size) }
    }

    func sync() throws(DiskError) {
        try on("fdatasync") { state throws(DiskError) in try state.sync(inode, path) }
    }

    private func on<Result: Sendable>(
        _ operation: String, _ body: (inout SimulatedDiskState) throws(DiskError) -> Result
    ) throws(DiskError) -> Result {
        try disk.locked { state throws(DiskError) in
            guard state.epoch == epoch else {
                throw .failed(operation: operation, path: path, reason: "opened before the last crash")
            }
            return try body(&state)
        }
    }
}
