import Foundation
import LikewiseEngine
import Synchronization

/// The real disk, on which syncs of files can be held up.
final class HeldDisk: Disk {
    private let disk = PosixDisk()
    private let gate = Gate()

    /// From now on syncs wait.
    func hold() { gate.set(held: true) }

    /// Lets all go on that wait.
    func release() { gate.set(held: false) }

    func makeDirectory(_ path: String) throws(DiskError) { try disk.makeDirectory(path) }
    func list(_ directory: String) throws(DiskError) -> [String] { try disk.list(directory) }
    func open(_ path: String) throws(DiskError) -> any DiskFile { HeldFile(try disk.open(path), gate) }
    func create(_ path: String) throws(DiskError) -> any DiskFile { HeldFile(try disk.create(path), gate) }
    func remove(_ path: String) throws(DiskError) { try disk.remove(path) }
    func syncDirectory(_ directory: String) throws(DiskError) { try disk.syncDirectory(directory) }

    /// `@unchecked Sendable`: the flag is only touched under the condition's lock.
    fileprivate final class Gate: @unchecked Sendable {
        private let condition = NSCondition()
        private var isHeld = false

        func set(held: Bool) {
            condition.withLock {
                isHeld = held
                condition.broadcast()
            }
        }

        func pass() {
            condition.withLock {
                while isHeld { condition.wait() }
            }
        }
    }

    private final class HeldFile: DiskFile {
        private let file: any DiskFile
        private let gate: Gate

        init(_ file: any DiskFile, _ gate: Gate) {
            self.file = file
            self.gate = gate
        }

        func size() throws(DiskError) -> Int { try file.size() }
        func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
            try file.read(into: buffer, at: offset)
        }
        func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
            try file.write(bytes, at: offset)
        }
        func reserve(_ size: Int) throws(DiskError) { try file.reserve(size) }
        func truncate(to size: Int) throws(DiskError) { try file.truncate(to: size) }
        func sync() throws(DiskError) {
            gate.pass()
            try file.sync()
        }
    }
}

/// Bytes on their way to the server, sent by a thread of their own.
final class Sending: Sendable {
    private let state = Atomic(false)

    /// Whether all is sent, or cannot be.
    var isDone: Bool { state.load(ordering: .acquiring) }

    init(_ connection: RawConnection, _ bytes: [UInt8]) {
        // Sending and receiving share nothing but the socket.
        nonisolated(unsafe) let connection = connection
        _ = EngineThread(name: "sending") {
            try? connection.send(bytes)
            self.state.store(true, ordering: .releasing)
        }
    }
}
