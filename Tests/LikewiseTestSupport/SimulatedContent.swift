// One file of the simulated disk: what a reader sees, what is on stable storage, and the changes between the two, of
// which a power loss keeps what it likes. Bytes never written are not stored, so that setting 64 MiB aside costs
// nothing.

/// The bytes of a file. Those from `bytes.count` to `size` are zeros.
struct SimulatedContent: Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var size = 0

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        let count = max(0, min(buffer.count, size - offset))
        guard count > 0 else { return 0 }
        let stored = max(0, min(count, bytes.count - offset))
        bytes.withUnsafeBytes { source in
            if stored > 0 {
                UnsafeMutableRawBufferPointer(rebasing: buffer[..<stored])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[offset..<(offset + stored)]))
            }
        }
        if stored < count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[stored..<count])
            rest.initializeMemory(as: UInt8.self, repeating: 0)
        }
        return count
    }

    mutating func write(_ new: UnsafeRawBufferPointer, at offset: Int) {
        guard new.count > 0 else { return }
        if offset > bytes.count { bytes.append(contentsOf: repeatElement(0, count: offset - bytes.count)) }
        let over = min(new.count, bytes.count - offset)
        if over > 0 {
            bytes.withUnsafeMutableBytes { target in
                UnsafeMutableRawBufferPointer(rebasing: target[offset..<(offset + over)])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: new[..<over]))
            }
        }
        if over < new.count { bytes.append(contentsOf: new[over...]) }
        size = max(size, offset + new.count)
    }

    mutating func extend(to newSize: Int) {
        size = max(size, newSize)
    }

    mutating func cut(to newSize: Int) {
        guard newSize < size else { return }
        size = newSize
        if bytes.count > newSize { bytes.removeLast(bytes.count - newSize) }
    }

    /// Turns over the bits of `mask` in the byte at `offset`; false where there is none.
    mutating func flip(at offset: Int, mask: UInt8) -> Bool {
        guard offset < size else { return false }
        if offset >= bytes.count { bytes.append(contentsOf: repeatElement(0, count: offset + 1 - bytes.count)) }
        bytes[offset] ^= mask
        return true
    }

    /// Everything, zeros included.
    var all: [UInt8] {
        bytes + repeatElement(0, count: size - bytes.count)
    }
}

/// A file, with what is durable of it.
struct SimulatedInode: Sendable {
    /// What a reader sees: the page cache.
    private(set) var visible = SimulatedContent()
    /// What is on stable storage for certain.
    private(set) var durable = SimulatedContent()
    /// What has been done to `visible` since it last was `durable`.
    private(set) var unsynced: [Change] = []
    /// Whether there is a visible name for it. Its bytes count against the capacity while it has one.
    var isNamed = true

    enum Change: Sendable {
        case write([UInt8], offset: Int)
        case extend(Int)
        case cut(Int)
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard bytes.count > 0 else { return }
        visible.write(bytes, at: offset)
        unsynced.append(.write(Array(bytes), offset: offset))
    }

    mutating func extend(to size: Int) {
        guard size > visible.size else { return }
        visible.extend(to: size)
        unsynced.append(.extend(size))
    }

    mutating func cut(to size: Int) {
        guard size < visible.size else { return }
        visible.cut(to: size)
        unsynced.append(.cut(size))
    }

    /// Makes everything durable.
    mutating func sync() {
        for change in unsynced {
            switch change {
            case .write(let bytes, let offset): bytes.withUnsafeBytes { durable.write($0, at: offset) }
            case .extend(let size): durable.extend(to: size)
            case .cut(let size): durable.cut(to: size)
            }
        }
        unsynced.removeAll(keepingCapacity: true)
    }

    /// What Linux does when fdatasync fails: some pages got there, some did not, and all are marked clean, so that the
    /// next sync succeeds and does nothing for them. A reader sees them still, or, once they are evicted, does not.
    mutating func failSync(_ random: inout SeededRandom) {
        durable = surviving(&random)
        unsynced.removeAll(keepingCapacity: true)
        if random.chance(oneIn: 2) {
            let size = visible.size
            visible = durable
            visible.cut(to: size)
            visible.extend(to: size)
        }
    }

    /// Power loss.
    mutating func crash(_ random: inout SeededRandom) {
        durable = surviving(&random)
        visible = durable
        unsynced.removeAll()
    }

    mutating func corrupt(at offset: Int, mask: UInt8) {
        let isThere = visible.flip(at: offset, mask: mask)
        precondition(isThere, "there is no byte at \(offset) in a file of \(visible.size)")
        _ = durable.flip(at: offset, mask: mask)
    }
}

extension SimulatedInode {
    static let sectorSize = 512

    /// The durable content with whatever of the unsynced changes reaches the disk: now and then none or all of them,
    /// otherwise each for itself, whole, not at all, or some of its sectors. Hence a later write may be there and an
    /// earlier one not. The size is a change like the bytes: it may be kept without them, and they are lost without it.
    private func surviving(_ random: inout SeededRandom) -> SimulatedContent {
        guard !unsynced.isEmpty else { return durable }
        let mood = random.below(4)
        if mood == 0 { return durable }
        if mood == 1 {
            var all = self
            all.sync()
            return all.durable
        }
        var content = durable
        var size = content.size
        for change in unsynced {
            switch change {
            case .write(let bytes, let offset):
                let end = offset + bytes.count
                switch random.below(3) {
                case 0:
                    bytes.withUnsafeBytes { content.write($0, at: offset) }
                    size = max(size, end)
                case 1:
                    Self.writeSomeSectors(of: bytes, at: offset, to: &content, &random)
                    size = Self.someSize(from: size, to: end, &random)
                default:
                    size = Self.someSize(from: size, to: end, &random)
                }
            case .extend(let end):
                size = Self.someSize(from: size, to: end, &random)
            case .cut(let end):
                if random.chance(oneIn: 2) {
                    content.cut(to: end)
                    size = min(size, end)
                }
            }
        }
        content.cut(to: size)
        content.extend(to: size)
        return content
    }

    private static func writeSomeSectors(
        of bytes: [UInt8], at offset: Int, to content: inout SimulatedContent, _ random: inout SeededRandom
    ) {
        bytes.withUnsafeBytes { source in
            var done = 0
            while done < source.count {
                let toBoundary = sectorSize - (offset + done) % sectorSize
                let end = min(source.count, done + toBoundary)
                if random.chance(oneIn: 2) {
                    content.write(UnsafeRawBufferPointer(rebasing: source[done..<end]), at: offset + done)
                }
                done = end
            }
        }
    }

    /// A size that a file may be left with on its way from `size` to `end`: either, or a sector's boundary between.
    private static func someSize(from size: Int, to end: Int, _ random: inout SeededRandom) -> Int {
        guard end > size else { return size }
        switch random.below(3) {
        case 0: return size
        case 1: return end
        default:
            let first = size / sectorSize + 1
            let boundaries = (end - 1) / sectorSize - first + 1
            return boundaries > 0 ? (first + random.below(boundaries)) * sectorSize : end
        }
    }
}
