// The real disk, straight on the system calls: the log needs to know which call failed, and how, and nothing here may
// buffer. Calls that a signal interrupts are begun again, fdatasync too: EINTR says that the wait was cut short, not
// that a page was lost.

import CPlatform

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The file system of the machine. Files are made with mode 0640 and folders with 0750, less the process's umask.
package struct PosixDisk: Disk {
    package init() {}

    package func makeDirectory(_ path: String) throws(DiskError) {
        // Each level is synced before the next is made, so of the levels already here only the deepest can have been
        // left unsynced by a process that was killed.
        let levels = Self.levels(of: path)
        var present = levels.count
        while present > 0, !Self.exists(levels[present - 1]) { present -= 1 }
        if present > 0 {
            guard Self.isDirectory(levels[present - 1]) else {
                throw .failed(operation: "mkdir", path: levels[present - 1], reason: systemMessage(ENOTDIR))
            }
            // A parent that may not be opened belongs to somebody else, who made what is in it.
            try Self.sync(directory: Self.parent(of: levels[present - 1]), mayBeClosedToUs: true)
        }
        for level in levels[present...] {
            if mkdir(level, 0o750) != 0 {
                let code = errno
                guard code == EEXIST, Self.isDirectory(level) else { throw diskError("mkdir", level, code) }
            }
            try Self.sync(directory: Self.parent(of: level))
        }
    }

    package func list(_ directory: String) throws(DiskError) -> [String] {
        guard let stream = opendir(directory) else {
            let code = errno
            if code == ENOENT { return [] }
            throw diskError("opendir", directory, code)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                let code = errno
                if code != 0 { throw diskError("readdir", directory, code) }
                return names.sorted()
            }
            // By address: an entry is as long as its name, and copying the whole of `d_name` could read past its end.
            let name = withUnsafeMutablePointer(to: &entry.pointee.d_name) {
                String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    package func open(_ path: String) throws(DiskError) -> any DiskFile {
        PosixFile(try systemOpen(path, O_RDWR), path)
    }

    package func create(_ path: String) throws(DiskError) -> any DiskFile {
        PosixFile(try systemOpen(path, O_RDWR | O_CREAT | O_EXCL, operation: "create"), path)
    }

    package func remove(_ path: String) throws(DiskError) {
        if unlink(path) != 0 { throw diskError("unlink", path, errno) }
    }

    /// Removes a folder that is empty; nothing where there is none.
    package func removeDirectory(_ path: String) throws(DiskError) {
        if rmdir(path) != 0, errno != ENOENT { throw diskError("rmdir", path, errno) }
    }

    package func syncDirectory(_ directory: String) throws(DiskError) {
        try Self.sync(directory: directory)
    }

    private static func sync(directory: String, mayBeClosedToUs: Bool = false) throws(DiskError) {
        let descriptor = openDescriptor(directory, O_RDONLY | O_DIRECTORY)
        if descriptor < 0 {
            if mayBeClosedToUs, descriptor == -EACCES { return }
            throw diskError("open", directory, -descriptor)
        }
        defer { closeDescriptor(descriptor) }
        while fsync(descriptor) != 0 {
            let code = errno
            if code == EINTR { continue }
            // A file system that cannot sync folders says EINVAL; it keeps names in a way of its own.
            if code == EINVAL { return }
            throw diskError("fsync", directory, code)
        }
    }

    private static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// `path` and everything above it, the topmost first: "a/b/c" gives "a", "a/b", "a/b/c".
    private static func levels(of path: String) -> [String] {
        var levels: [String] = []
        var level = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            level += level.isEmpty || level == "/" ? part : "/" + part
            levels.append(level)
        }
        return levels
    }

    /// The folder that holds `path`, which is one of `levels(of:)`.
    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

private final class PosixFile: DiskFile {
    private let descriptor: Int32
    private let path: String

    init(_ descriptor: Int32, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { closeDescriptor(descriptor) }

    func size() throws(DiskError) -> Int {
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw diskError("fstat", path, errno) }
        return Int(status.st_size)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        precondition(offset >= 0, "a file is read from 0 on, not from \(offset)")
        guard let base = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, base + done, buffer.count - done, off_t(offset + done))
            if count == 0 { break }
            if count > 0 {
                done += count
            } else {
                let code = errno
                if code != EINTR { throw diskError("pread", path, code) }
            }
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
        precondition(offset >= 0, "a file is written from 0 on, not from \(offset)")
        guard let base = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, base + done, bytes.count - done, off_t(offset + done))
            if count > 0 {
                done += count
            } else {
                // A write of nothing at all is no progress and has no error of its own.
                let code = count < 0 ? errno : EIO
                if code != EINTR { throw diskError("pwrite", path, code) }
            }
        }
    }

    func reserve(_ size: Int) throws(DiskError) {
        guard size > 0 else { return }
        switch likewise_allocate(descriptor, Int64(size)) {
        case 0, EOPNOTSUPP, ENOSYS, EINVAL: return
        case let code: throw diskError("fallocate", path, code)
        }
    }

    func truncate(to size: Int) throws(DiskError) {
        while ftruncate(descriptor, off_t(size)) != 0 {
            let code = errno
            if code != EINTR { throw diskError("ftruncate", path, code) }
        }
    }

    func sync() throws(DiskError) {
        while fdatasync(descriptor) != 0 {
            let code = errno
            if code != EINTR { throw diskError("fdatasync", path, code) }
        }
    }
}

// Free functions, because inside the types above `open` and `write` are methods.

/// A descriptor, or the error's number negated.
private func openDescriptor(_ path: String, _ flags: Int32) -> Int32 {
    while true {
        let descriptor = open(path, flags | O_CLOEXEC, 0o640)
        if descriptor >= 0 { return descriptor }
        let code = errno
        if code != EINTR { return -code }
    }
}

/// Opens `path`; the descriptor is not handed on to child processes.
func systemOpen(_ path: String, _ flags: Int32, operation: String = "open") throws(DiskError) -> Int32 {
    let descriptor = openDescriptor(path, flags)
    if descriptor < 0 { throw diskError(operation, path, -descriptor) }
    return descriptor
}

/// Closes for good, whatever is answered: on Linux the descriptor is gone even after EINTR, and what matters was synced.
func closeDescriptor(_ descriptor: Int32) {
    _ = close(descriptor)
}

/// The error with this number, as the engine sorts them.
func diskError(_ operation: String, _ path: String, _ code: Int32) -> DiskError {
    switch code {
    case ENOSPC, EDQUOT: .full(operation: operation, path: path)
    case ENOENT: .missing(path: path)
    default: .failed(operation: operation, path: path, reason: systemMessage(code))
    }
}

/// The system's words for an error number.
func systemMessage(_ code: Int32) -> String {
    guard let words = strerror(code) else { return "error \(code)" }
    return String(cString: words)
}
