// A disk of a few small files that only a fuzzer writes, for what reads files.

import LikewiseEngine
import Synchronization

/// Files in memory, by path.
final class MemoryDisk: Disk {
    private let files = Mutex<[String: [UInt8]]>([:])

    /// Puts a file there.
    func put(_ path: String, _ bytes: [UInt8]) { files.withLock { $0[path] = bytes } }

    func makeDirectory(_ path: String) throws(DiskError) {}
    func syncDirectory(_ directory: String) throws(DiskError) {}

    func list(_ directory: String) throws(DiskError) -> [String] {
        files.withLock { $0.keys.map { String($0.dropFirst(directory.count + 1)) } }.sorted()
    }

    func open(_ path: String) throws(DiskError) -> any DiskFile {
        guard let bytes = files.withLock({ $0[path] }) else { throw .missing(path: path) }
        return MemoryFile(bytes)
    }

    func create(_ path: String) throws(DiskError) -> any DiskFile {
        throw .failed(operation: "create", path: path, reason: "this disk is only read")
    }

    func remove(_ path: String) throws(DiskError) {
        throw .failed(operation: "remove", path: path, reason: "this disk is only read")
    }
}

private final class MemoryFile: DiskFile {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func size() throws(DiskError) -> Int { bytes.count }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        let count = max(0, min(buffer.count, bytes.count - offset))
        if count > 0 { buffer.copyBytes(from: bytes[offset..<(offset + count)]) }
        return count
    }

    private func refused(_ operation: String) -> DiskError {
        .failed(operation: operation, path: "", reason: "this disk is only read")
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) { throw refused("write") }
    func reserve(_ size: Int) throws(DiskError) { throw refused("reserve") }
    func truncate(to size: Int) throws(DiskError) { throw refused("truncate") }
    func sync() throws(DiskError) { throw refused("sync") }
}
