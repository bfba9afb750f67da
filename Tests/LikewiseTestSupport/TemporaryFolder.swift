import LikewiseEngine

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A new, empty folder on the machine's disk, removed with everything in it when the last reference goes.
package final class TemporaryFolder: Sendable {
    package let path: String

    /// The folder is made below `TMPDIR`, or `/tmp` where that is not set.
    package init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/likewise-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(parent: parent, code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.removeTree(path) }

    /// Links are removed and not followed.
    private static func removeTree(_ path: String) {
        guard remove(path) != 0, errno == ENOTEMPTY else { return }
        for name in (try? PosixDisk().list(path)) ?? [] { removeTree(path + "/" + name) }
        remove(path)
    }

    private struct Failure: Error {
        var parent: String
        var code: Int32
    }
}
