// What the event log may rely on, whichever disk it is given. The checks throw rather than use a test framework, so
// that a fuzzer or a benchmark can run them too.

package import LikewiseEngine

/// The conformance suite of the port `Disk`.
package enum DiskConformance {
    /// One rule. `run` is given a disk and the path of an empty folder on it.
    package struct Rule: Sendable, CustomStringConvertible {
        /// The sentence that it proves.
        package let description: String
        package let run: @Sendable (any Disk, String) throws -> Void

        init(_ description: String, _ run: @escaping @Sendable (any Disk, String) throws -> Void) {
            self.description = description
            self.run = run
        }
    }

    /// A rule that was broken.
    package struct Violation: Error, CustomStringConvertible {
        package let description: String
    }

    /// All rules.
    package static let rules: [Rule] = nameRules + byteRules
}

extension DiskConformance {
    private static let nameRules: [Rule] = [
        Rule("a folder is made with what is missing above it, and may be made again") { disk, root in
            for _ in 0..<2 { try disk.makeDirectory(root + "/a/b/c") }
            try equal(try disk.list(root + "/a"), ["b"], "the names in the folder between")
            try equal(try disk.list(root + "/a/b/c"), [], "the names in the new folder")
            _ = try disk.create(root + "/a/b/c/file")
        },
        Rule("a folder is not made where a file is") { disk, root in
            _ = try disk.create(root + "/a")
            try refused(.failed) { try disk.makeDirectory(root + "/a") }
            try refused(.failed) { try disk.makeDirectory(root + "/a/b") }
        },
        Rule("names are listed sorted, and none in a folder that is not there") { disk, root in
            for name in ["b", "10", "a", "2"] { _ = try disk.create(root + "/" + name) }
            try equal(try disk.list(root), ["10", "2", "a", "b"], "the names")
            try equal(try disk.list(root + "/missing"), [], "the names in no folder")
        },
        Rule("what is not there cannot be opened, removed or synced, nor can a file be made in it") { disk, root in
            try refused(.missing) { _ = try disk.open(root + "/missing") }
            try refused(.missing) { try disk.remove(root + "/missing") }
            try refused(.missing) { try disk.syncDirectory(root + "/missing") }
            try refused(.missing) { _ = try disk.create(root + "/missing/file") }
            try refused(.missing) { _ = try disk.open(root + "/missing/file") }
        },
        Rule("a file is not made where there is one, and the one there keeps its bytes") { disk, root in
            try disk.create(root + "/a").write([1, 2, 3], at: 0)
            try refused(.failed) { _ = try disk.create(root + "/a") }
            try equal(try disk.open(root + "/a").all(), [1, 2, 3], "the file")
        },
        Rule("a folder is no file") { disk, root in
            try disk.makeDirectory(root + "/a")
            try refused(.failed) { _ = try disk.open(root + "/a") }
            try refused(.failed) { _ = try disk.create(root + "/a") }
            try refused(.failed) { try disk.remove(root + "/a") }
        },
        Rule("a removed file is gone by name, works on for who has it open, and its name is free") { disk, root in
            let old = try disk.create(root + "/a")
            try old.write([1, 2], at: 0)
            try disk.remove(root + "/a")
            try equal(try disk.list(root), [], "the names after the removal")
            try old.write([3], at: 2)
            try old.sync()
            let new = try disk.create(root + "/a")
            try equal(try new.size(), 0, "the new file's size")
            try equal(try old.all(), [1, 2, 3], "the old file")
        },
        Rule("files and folders can be synced, again and with nothing to sync") { disk, root in
            let file = try disk.create(root + "/a")
            for _ in 0..<2 {
                try file.sync()
                try disk.syncDirectory(root)
            }
            try file.write([1], at: 0)
            try file.sync()
            try equal(try disk.open(root + "/a").all(), [1], "the file")
        },
    ]

    private static let byteRules: [Rule] = [
        Rule("a new file is empty, and reading at or behind the end gives nothing") { disk, root in
            let file = try disk.create(root + "/a")
            try equal(try file.size(), 0, "the size")
            try equal(try file.read(count: 10, at: 0), [], "a read of an empty file")
            try file.write([1, 2, 3], at: 0)
            try equal(try file.read(count: 10, at: 3), [], "a read at the end")
            try equal(try file.read(count: 10, at: 1_000_000), [], "a read far behind the end")
            try equal(try file.read(count: 0, at: 0), [], "a read of nothing")
        },
        Rule("what is written is read, up to the end") { disk, root in
            let file = try disk.create(root + "/a")
            try file.write([1, 2, 3, 4, 5], at: 0)
            try file.write([8, 9], at: 1)
            try file.write([], at: 100)
            try equal(try file.all(), [1, 8, 9, 4, 5], "the file")
            try equal(try file.read(count: 2, at: 2), [9, 4], "a read in the middle")
            try equal(try file.read(count: 9, at: 3), [4, 5], "a read across the end")
        },
        Rule("a write behind the end leaves zeros between") { disk, root in
            let file = try disk.create(root + "/a")
            try file.write([1], at: 0)
            try file.write([2], at: 4)
            try equal(try file.all(), [1, 0, 0, 0, 2], "the file")
        },
        Rule("a file opened twice is one file") { disk, root in
            let first = try disk.create(root + "/a")
            let second = try disk.open(root + "/a")
            try first.write([1, 2], at: 0)
            try second.write([3], at: 2)
            try equal(try second.all(), [1, 2, 3], "the file as the second sees it")
            try equal(try first.all(), [1, 2, 3], "the file as the first sees it")
        },
        Rule("room set aside changes no byte and reads as zeros") { disk, root in
            let file = try disk.create(root + "/a")
            try file.write([1, 2, 3], at: 0)
            try file.reserve(100_000)
            let size = try file.size()
            guard size == 3 || size == 100_000 else { throw Violation(description: "the size is now \(size)") }
            try equal(try file.all(), [1, 2, 3] + [UInt8](repeating: 0, count: size - 3), "the file")
            try file.write([4], at: 50_000)
            try file.reserve(10)
            try file.reserve(0)
            try equal(try file.size(), max(size, 50_001), "the size after setting aside less")
            try equal(try file.read(count: 2, at: 49_999), [0, 4], "a write in the room")
        },
        Rule("a file that is cut ends there, and what was cut off does not come back") { disk, root in
            let file = try disk.create(root + "/a")
            try file.write([1, 2, 3, 4, 5], at: 0)
            try file.truncate(to: 2)
            try equal(try file.all(), [1, 2], "the cut file")
            try file.write([9], at: 4)
            try equal(try file.all(), [1, 2, 0, 0, 9], "the file when it has grown again")
            try file.truncate(to: 0)
            try equal(try file.size(), 0, "the size of the emptied file")
        },
        Rule("three megabytes are read as they were written") { disk, root in
            var random = SeededRandom(seed: 3)
            let bytes = random.bytes(3 << 20)
            let file = try disk.create(root + "/a")
            try file.write(bytes, at: 0)
            try file.sync()
            guard try file.all() == bytes else { throw Violation(description: "other bytes came back") }
        },
        Rule("a random course of writes, cuts and room set aside does what it does to an array") { disk, root in
            for seed in SeededRandom.seeds(10) {
                try compareWithArray(try disk.create(root + "/\(seed)"), seed: seed)
            }
        },
    ]

    private static func compareWithArray(_ file: any DiskFile, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var model: [UInt8] = []
        for step in 0..<200 {
            switch random.below(8) {
            case 0:
                model.removeLast(random.within(0...model.count))
                try file.truncate(to: model.count)
            case 1:
                try file.reserve(random.within(0...20_000))
                let grown = try file.size() - model.count
                guard grown >= 0 else { throw Violation(description: "seed \(seed), step \(step): the file shrank") }
                model += [UInt8](repeating: 0, count: grown)
            case 2:
                try file.sync()
            default:
                let bytes = random.bytes(random.within(0...2_000))
                let offset = random.within(0...(model.count + 600))
                try file.write(bytes, at: offset)
                guard !bytes.isEmpty else { break }
                model += [UInt8](repeating: 0, count: max(0, offset + bytes.count - model.count))
                model.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
            }
            let offset = random.within(0...(model.count + 10))
            let count = random.within(0...3_000)
            let expected = Array(model.dropFirst(offset).prefix(count))
            let found = try file.read(count: count, at: offset)
            try equal(found, expected, "seed \(seed), step \(step): a read at \(offset)")
        }
        guard try file.all() == model else { throw Violation(description: "seed \(seed): the file differs at the end") }
    }
}

extension DiskConformance {
    /// The kinds of `DiskError`.
    enum Refusal { case full, missing, failed }

    static func equal<Value: Equatable>(_ value: Value, _ expected: Value, _ what: String) throws {
        if value != expected { throw Violation(description: "\(what): \(value) instead of \(expected)") }
    }

    static func refused(_ expected: Refusal, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as DiskError {
            switch (error, expected) {
            case (.full, .full), (.missing, .missing), (.failed, .failed): return
            default: throw Violation(description: "refused with '\(error)' instead of as \(expected)")
            }
        }
        throw Violation(description: "done instead of refused as \(expected)")
    }
}

extension DiskFile {
    /// Writes `bytes` at `offset`.
    package func write(_ bytes: [UInt8], at offset: Int) throws(DiskError) {
        try bytes.withUnsafeBufferPointer { buffer throws(DiskError) in
            try self.write(UnsafeRawBufferPointer(buffer), at: offset)
        }
    }

    /// Up to `count` bytes at `offset`.
    package func read(count: Int, at offset: Int) throws(DiskError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xaa, count: count)
        let done = try bytes.withUnsafeMutableBufferPointer { buffer throws(DiskError) in
            try self.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
        }
        return Array(bytes[..<done])
    }

    /// The whole file.
    package func all() throws(DiskError) -> [UInt8] {
        try read(count: try size(), at: 0)
    }
}
