// The struct of `stat` is CoreFoundation's to the compiler, as soon as a dependency has loaded that module.
import CoreFoundation
import Foundation
import Glibc

/// What a folder takes on the disk.
enum DiskUse {
    /// The blocks of all files below `folder`, in bytes: what was set aside and not written yet counts as well.
    static func bytes(below folder: String) -> Int {
        var sum = 0
        for case let name as String in FileManager.default.enumerator(atPath: folder) ?? .init() {
            var facts = stat()
            if lstat("\(folder)/\(name)", &facts) == 0 { sum += Int(facts.st_blocks) * 512 }
        }
        return sum
    }
}
