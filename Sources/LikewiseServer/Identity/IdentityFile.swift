// Files of keys: read when they have changed, and written so that a reader sees the old ones or the new ones, and a crash
// leaves one of both. Calls block, so they are made on threads that may wait.

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A file of keys.
package struct IdentityFile: Sendable {
    /// What changes with a file.
    package struct Mark: Equatable, Sendable {
        fileprivate var device: UInt64
        fileprivate var inode: UInt64
        fileprivate var size: Int64
        fileprivate var seconds: Int64
        fileprivate var nanoseconds: Int64
    }

    /// A call of the system that failed.
    package struct Failure: Error, CustomStringConvertible {
        package let call: String
        package let code: Int32
        package var description: String { "\(call): \(String(cString: strerror(code)))" }
    }

    package let path: String
    private let maxBytes: Int

    /// - Parameter maxBytes: of a larger file only so much, and a byte, is read.
    package init(_ path: String, maxBytes: Int) {
        self.path = path
        self.maxBytes = maxBytes
    }

    /// What the file is marked by now.
    package func mark() throws(Failure) -> Mark {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Failure(call: "stat", code: errno) }
        return Mark(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
            seconds: Int64(status.st_mtim.tv_sec), nanoseconds: Int64(status.st_mtim.tv_nsec))
    }

    /// The file's bytes.
    package func contents() throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(call: "open", code: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= maxBytes {
            let count = read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(call: "read", code: errno) }
            if count == 0 { break }
            bytes += part[..<count]
        }
        return bytes
    }

    /// Changes the file by `change`, which gets its bytes, or nil where there is none yet. Others that do this wait.
    /// What `change` answers is on stable storage when this returns, readable by the file's owner alone.
    package func update<T>(_ change: ([UInt8]?) throws -> (bytes: [UInt8], result: T)) throws -> T {
        let folder = open(IdentityFile.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw Failure(call: "open the folder", code: errno) }
        defer { close(folder) }
        guard flock(folder, LOCK_EX) == 0 else { throw Failure(call: "flock", code: errno) }
        let isThere = access(path, F_OK) == 0
        let (bytes, result) = try change(isThere ? try contents() : nil)
        try replace(with: bytes)
        guard fsync(folder) == 0 else { throw Failure(call: "fsync the folder", code: errno) }
        return result
    }

    private func replace(with bytes: [UInt8]) throws(Failure) {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(call: "create", code: errno) }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(call: "write", code: errno) }
            written += count
        }
        guard fchmod(descriptor, 0o600) == 0 else { throw Failure(call: "fchmod", code: errno) }
        guard fsync(descriptor) == 0 else { throw Failure(call: "fsync", code: errno) }
        guard rename(temporary, path) == 0 else { throw Failure(call: "rename", code: errno) }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
