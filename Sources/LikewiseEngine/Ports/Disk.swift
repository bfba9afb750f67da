/// What the event log needs of a file system. `PosixDisk` is the real one; the simulation's forgets what was not
/// synced, tears writes and fills up.
package protocol Disk: Sendable {
    /// Makes `path` and what is missing above it. Durable on return.
    func makeDirectory(_ path: String) throws(DiskError)
    /// The names in `directory`, sorted; empty where there is no such directory.
    func list(_ directory: String) throws(DiskError) -> [String]
    /// Opens a file that exists, for reading and writing.
    func open(_ path: String) throws(DiskError) -> any DiskFile
    /// Makes a new, empty file; its name is durable only after `syncDirectory`.
    func create(_ path: String) throws(DiskError) -> any DiskFile
    /// Removes a file; durable only after `syncDirectory`.
    func remove(_ path: String) throws(DiskError)
    /// Puts the names in `directory` on stable storage.
    func syncDirectory(_ directory: String) throws(DiskError)
}

/// An open file, used by one thread at a time. Closed when the last reference goes.
package protocol DiskFile: AnyObject {
    /// Bytes.
    func size() throws(DiskError) -> Int
    /// Reads up to `buffer.count` bytes at `offset`; fewer only at the file's end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int
    /// Writes all of `bytes` at `offset`. Where it throws, any part may have been written.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError)
    /// Sets room aside, so that writes below `size` do not fail for want of space; the new part reads as zeros. Does
    /// nothing where the file system cannot.
    func reserve(_ size: Int) throws(DiskError)
    /// Cuts the file to `size` bytes.
    func truncate(to size: Int) throws(DiskError)
    /// Returns once everything written is on stable storage (fdatasync). After a failure, nothing is known of what
    /// was written since the last success, and trying again proves nothing (Rebello et al., "Can Applications Recover
    /// from fsync Failures?", 2020).
    func sync() throws(DiskError)
}

/// What the world did to a file operation.
package enum DiskError: Error, Hashable, CustomStringConvertible {
    /// No space left on the device, or over quota.
    case full(operation: String, path: String)
    /// The named thing is not there.
    case missing(path: String)
    /// Anything else, with the system's words.
    case failed(operation: String, path: String, reason: String)

    package var isFull: Bool {
        if case .full = self { return true }
        return false
    }

    package var description: String {
        switch self {
        case .full(let operation, let path): "\(operation) \(path): no space left on the device"
        case .missing(let path): "\(path): no such file"
        case .failed(let operation, let path, let reason): "\(operation) \(path): \(reason)"
        }
    }
}
