import LikewiseEngine

/// The simulated disk without its lock: folders, files, armed faults.
struct SimulatedDiskState: Sendable {
    private var random: SeededRandom
    private var folders: [String: Folder] = ["/": Folder(), ".": Folder()]
    private var inodes: [SimulatedInode] = []

    /// Goes up with each crash and kill; a file opened under an earlier one is stale.
    private(set) var epoch = 0
    private(set) var used = 0
    private(set) var counters = SimulatedDisk.Counters()
    private(set) var hasStopped = false

    var capacity: Int?
    var operationsLeft: Int?
    var failingSyncs = 0
    var failingDirectorySyncs = 0
    var ignoredSyncs = SimulatedDisk.IgnoredSyncs.none

    /// A folder's names, each with the number of its inode.
    private struct Folder: Sendable {
        var visible: [String: Int] = [:]
        var durable: [String: Int] = [:]
        var unsynced: [Change] = []
        /// Folders in this one; durable from the start.
        var folders: Set<String> = []

        enum Change: Sendable {
            case added(String, inode: Int)
            case removed(String)
        }

        mutating func make(durable change: Change) {
            switch change {
            case .added(let name, let inode): durable[name] = inode
            case .removed(let name): durable[name] = nil
            }
        }

        mutating func sync() {
            for change in unsynced { make(durable: change) }
            unsynced.removeAll(keepingCapacity: true)
        }

        /// Makes some of the changes durable and forgets the others.
        mutating func syncSome(_ random: inout SeededRandom) {
            let mood = unsynced.isEmpty ? 0 : random.below(4)
            for change in unsynced where mood == 1 || mood > 1 && random.chance(oneIn: 2) { make(durable: change) }
            unsynced.removeAll()
        }
    }

    init(seed: UInt64, capacity: Int?) {
        random = SeededRandom(seed: seed)
        self.capacity = capacity
    }
}

// Names.
extension SimulatedDiskState {
    mutating func makeDirectory(_ path: String) throws(DiskError) {
        if try stopsAt("mkdir", path) { throw stopped("mkdir", path) }
        var parent = path.hasPrefix("/") ? "/" : "."
        for part in path.split(separator: "/") where part != "." {
            let name = String(part)
            let level = parent == "." ? name : parent == "/" ? "/" + name : parent + "/" + name
            if folders[parent]?.visible[name] != nil {
                throw .failed(operation: "mkdir", path: level, reason: "Not a directory")
            }
            folders[parent]?.folders.insert(name)
            if folders[level] == nil { folders[level] = Folder() }
            parent = level
        }
    }

    func list(_ path: String) throws(DiskError) -> [String] {
        if hasStopped { throw stopped("opendir", path) }
        guard let folder = folders[Self.normal(path)] else { return [] }
        return (Array(folder.visible.keys) + folder.folders).sorted()
    }

    func open(_ path: String) throws(DiskError) -> Int {
        if hasStopped { throw stopped("open", path) }
        let (folder, name) = Self.split(path)
        if let inode = folders[folder]?.visible[name] { return inode }
        throw refusal("open", path)
    }

    mutating func create(_ path: String) throws(DiskError) -> Int {
        let stops = try stopsAt("create", path)
        let (folder, name) = Self.split(path)
        guard let names = folders[folder] else { throw .missing(path: path) }
        if names.visible[name] != nil || names.folders.contains(name) {
            throw .failed(operation: "create", path: path, reason: "File exists")
        }
        if room == 0 { throw .full(operation: "create", path: path) }
        let inode = inodes.count
        inodes.append(SimulatedInode())
        folders[folder]?.visible[name] = inode
        folders[folder]?.unsynced.append(.added(name, inode: inode))
        if stops { throw stopped("create", path) }
        return inode
    }

    mutating func remove(_ path: String) throws(DiskError) {
        let stops = try stopsAt("unlink", path)
        let (folder, name) = Self.split(path)
        guard let inode = folders[folder]?.visible.removeValue(forKey: name) else { throw refusal("unlink", path) }
        folders[folder]?.unsynced.append(.removed(name))
        inodes[inode].isNamed = false
        used -= inodes[inode].visible.size
        if stops { throw stopped("unlink", path) }
    }

    mutating func syncDirectory(_ path: String) throws(DiskError) {
        counters.directorySyncs += 1
        if try stopsAt("fsync", path) { throw stopped("fsync", path) }
        let path = Self.normal(path)
        guard folders[path] != nil else { throw .missing(path: path) }
        if failingDirectorySyncs > 0 {
            failingDirectorySyncs -= 1
            folders[path]?.syncSome(&random)
            throw .failed(operation: "fsync", path: path, reason: "Input/output error")
        }
        if !ignores(path) { folders[path]?.sync() }
    }

    /// Why `path`, which is no file, cannot be used as one.
    private func refusal(_ operation: String, _ path: String) -> DiskError {
        if folders[Self.normal(path)] == nil { return .missing(path: path) }
        return .failed(operation: operation, path: path, reason: "Is a directory")
    }

    /// `path` without empty parts and dots; "." and "/" name themselves.
    private static func normal(_ path: String) -> String {
        let parts = path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
        return path.hasPrefix("/") ? "/" + parts : parts.isEmpty ? "." : parts
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        let path = normal(path)
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = slash == path.startIndex ? "/" : String(path[..<slash])
        return (folder, String(path[path.index(after: slash)...]))
    }
}

// Bytes. `path` is only for messages and for `ignoredSyncs`.
extension SimulatedDiskState {
    func size(_ inode: Int, _ path: String) throws(DiskError) -> Int {
        if hasStopped { throw stopped("fstat", path) }
        return inodes[inode].visible.size
    }

    mutating func read(
        _ inode: Int, _ path: String, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(DiskError) -> Int {
        if hasStopped { throw stopped("pread", path) }
        let count = inodes[inode].visible.read(into: buffer, at: offset)
        counters.reads += 1
        counters.bytesRead += count
        return count
    }

    mutating func write(
        _ inode: Int, _ path: String, _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) throws(DiskError) {
        counters.writes += 1
        let stops = try stopsAt("pwrite", path)
        let size = inodes[inode].visible.size
        var part = bytes
        if let room, inodes[inode].isNamed, offset + bytes.count > size + room {
            let fitting = min(bytes.count, max(0, size + room - offset))
            part = UnsafeRawBufferPointer(rebasing: bytes[..<random.within(0...fitting)])
        }
        inodes[inode].write(part, at: offset)
        account(inode, since: size)
        counters.bytesWritten += part.count
        if stops { throw stopped("pwrite", path) }
        if part.count < bytes.count { throw .full(operation: "pwrite", path: path) }
    }

    mutating func reserve(_ inode: Int, _ path: String, _ newSize: Int) throws(DiskError) {
        let stops = try stopsAt("fallocate", path)
        let size = inodes[inode].visible.size
        var reached = newSize
        if let room, inodes[inode].isNamed, newSize > size + room { reached = size + random.within(0...room) }
        inodes[inode].extend(to: reached)
        account(inode, since: size)
        if stops { throw stopped("fallocate", path) }
        if reached < newSize { throw .full(operation: "fallocate", path: path) }
    }

    mutating func truncate(_ inode: Int, _ path: String, to newSize: Int) throws(DiskError) {
        let stops = try stopsAt("ftruncate", path)
        let size = inodes[inode].visible.size
        newSize < size ? inodes[inode].cut(to: newSize) : inodes[inode].extend(to: newSize)
        account(inode, since: size)
        if stops { throw stopped("ftruncate", path) }
    }

    mutating func sync(_ inode: Int, _ path: String) throws(DiskError) {
        counters.syncs += 1
        if try stopsAt("fdatasync", path) { throw stopped("fdatasync", path) }
        if failingSyncs > 0 {
            failingSyncs -= 1
            inodes[inode].failSync(&random)
            throw .failed(operation: "fdatasync", path: path, reason: "Input/output error")
        }
        if !ignores(Self.normal(path)) { inodes[inode].sync() }
    }

    /// Bytes that still fit, nil without a bound.
    private var room: Int? { capacity.map { max(0, $0 - used) } }

    private mutating func account(_ inode: Int, since size: Int) {
        if inodes[inode].isNamed { used += inodes[inode].visible.size - size }
    }
}

// Faults.
extension SimulatedDiskState {
    mutating func crash() {
        for path in folders.keys.sorted() {
            folders[path]?.syncSome(&random)
            if let durable = folders[path]?.durable { folders[path]?.visible = durable }
        }
        let named = Set(folders.values.flatMap(\.visible.values))
        used = 0
        for inode in inodes.indices {
            if named.contains(inode) {
                inodes[inode].crash(&random)
                inodes[inode].isNamed = true
                used += inodes[inode].visible.size
            } else {
                inodes[inode] = SimulatedInode()
                inodes[inode].isNamed = false
            }
        }
        startAnew()
    }

    mutating func processKill() {
        startAnew()
    }

    func contents(_ path: String) -> [UInt8]? {
        let (folder, name) = Self.split(path)
        return folders[folder]?.visible[name].map { inodes[$0].visible.all }
    }

    mutating func corrupt(_ path: String, at offset: Int, mask: UInt8) {
        let (folder, name) = Self.split(path)
        guard let inode = folders[folder]?.visible[name] else { preconditionFailure("there is no file \(path)") }
        inodes[inode].corrupt(at: offset, mask: mask)
    }

    private mutating func startAnew() {
        epoch += 1
        hasStopped = false
        operationsLeft = nil
        failingSyncs = 0
        failingDirectorySyncs = 0
    }

    /// Counts an operation that changes something or syncs it. Throws where the disk has stopped; true where it stops
    /// at this one, which then throws too, once it has done what it can.
    private mutating func stopsAt(_ operation: String, _ path: String) throws(DiskError) -> Bool {
        counters.operations += 1
        if hasStopped { throw stopped(operation, path) }
        guard let left = operationsLeft else { return false }
        operationsLeft = left - 1
        hasStopped = left == 0
        return hasStopped
    }

    private mutating func ignores(_ path: String) -> Bool {
        switch ignoredSyncs {
        case .none: false
        case .all: true
        case .paths(let paths): paths.contains { Self.normal($0) == path }
        case .some(let probability): random.chance(probability)
        }
    }

    private func stopped(_ operation: String, _ path: String) -> DiskError {
        .failed(operation: operation, path: path, reason: "the simulated disk has stopped")
    }
}
