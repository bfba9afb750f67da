// The struct of `stat` is CoreFoundation's to the compiler, as soon as a dependency has loaded that module.
import CoreFoundation
import Glibc

/// A server or library that a level needs is not installed: what, and how to get it. The level is skipped.
struct MissingServer: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Looks for programs and files of other packages.
enum Programs {
    /// The folder that has `program`: `bin` of the highest version below `versions`, or one of PATH.
    static func folder(of program: String, below versions: String) -> String? {
        let numbered = entries(of: versions).compactMap { Int($0) }.sorted(by: >).map { "\(versions)/\($0)/bin" }
        return (numbered + path).first { access("\($0)/\(program)", X_OK) == 0 }
    }

    /// Throws unless `program` is in PATH.
    static func require(_ program: String, package: String) throws {
        guard path.contains(where: { access("\($0)/\(program)", X_OK) == 0 }) else {
            throw MissingServer("\(program) is not installed: run scripts/bench/setup.sh (Debian: \(package))")
        }
    }

    /// The names in a folder, in order; none where it cannot be read.
    static func entries(of folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// A path from the root, of a folder that exists.
    static func absolute(_ folder: String) -> String {
        guard let resolved = realpath(folder, nil) else { return folder }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The first folder on the way to `folder`, an absolute path, that not everybody may enter.
    static func closedFolder(above folder: String) -> String? {
        var way = ""
        for name in folder.split(separator: "/").dropLast() {
            way += "/\(name)"
            var status = stat()
            if stat(way, &status) == 0 && status.st_mode & S_IXOTH == 0 { return way }
        }
        return nil
    }

    private static var path: [String] {
        guard let value = getenv("PATH") else { return [] }
        return String(cString: value).split(separator: ":").map(String.init)
    }
}

/// Bytes on disk.
enum FileBytes {
    /// The bytes in the files of a folder and below it, without the zeros at a file's end that are only set aside.
    static func written(below folder: String) -> Int {
        var sum = 0
        for name in Programs.entries(of: folder) {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: sum += written(below: path)
            case S_IFREG: sum += written(path, size: Int(status.st_size))
            default: break
            }
        }
        return sum
    }

    private static func written(_ path: String, size: Int) -> Int {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        var end = size
        while end > 0 {
            let start = max(0, end - chunk.count)
            let count = pread(descriptor, &chunk, end - start, off_t(start))
            if count <= 0 { return end }
            if let last = chunk[..<count].lastIndex(where: { $0 != 0 }) { return start + last + 1 }
            end = start
        }
        return 0
    }
}
