import CoreMetrics
import Logging
import NIOPosix
import Synchronization

/// Files of keys, or of what else belongs together, that are read again when one of them has changed. What cannot be read
/// or used leaves what was read before as it is.
final class WatchedFiles: Sendable {
    private struct State {
        var marks: [IdentityFile.Mark]?
        /// What was wrong when they were last looked at, so that it is told once.
        var problem: String?
    }

    /// One of several files could not be read.
    private struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    private let setting: String
    private let what: String
    private let files: [IdentityFile]
    private let take: @Sendable ([[UInt8]]) async throws -> Void
    private let logger: Logger
    private let failed: Counter
    private let state = Mutex(State())

    /// - Parameters:
    ///   - setting: the setting that names the files, for the log.
    ///   - what: what is in them, for the log.
    ///   - failed: counts what could not be read or used.
    ///   - take: gets the bytes of all files; throws where they are of no use.
    init(
        _ setting: String, what: String, _ files: [IdentityFile], failed: Counter, logger: Logger,
        take: @escaping @Sendable ([[UInt8]]) async throws -> Void
    ) {
        self.setting = setting
        self.what = what
        self.files = files
        self.failed = failed
        self.logger = logger
        self.take = take
    }

    /// Reads the files for the first time.
    func load() async throws { try await look() }

    /// Reads the files where they have changed.
    func lookAgain() async {
        do {
            if try await look() { logger.notice("\(what) were read again", metadata: ["setting": "\(setting)"]) }
            state.withLock { $0.problem = nil }
        } catch is CancellationError {
            // The server ends.
        } catch {
            let isNew = state.withLock { state in
                defer { state.problem = "\(error)" }
                return state.problem != "\(error)"
            }
            guard isNew else { return }
            failed.increment()
            let paths = files.map(\.path).joined(separator: ", ")
            logger.error(
                "\(what) cannot be read again; what was read before stays in use",
                metadata: ["setting": "\(setting)", "path": "\(paths)", "reason": "\(error)"])
        }
    }

    /// Whether there was something new.
    @discardableResult
    private func look() async throws -> Bool {
        let known = state.withLock { $0.marks }
        let found = try await NIOThreadPool.singleton.runIfActive { [files] () -> ([[UInt8]], [IdentityFile.Mark])? in
            // Before the bytes: what is written in between is read the next time.
            let marks = try files.map { file in try WatchedFiles.named(file, files) { try file.mark() } }
            guard marks != known else { return nil }
            return (try files.map { file in try WatchedFiles.named(file, files) { try file.contents() } }, marks)
        }
        guard let (contents, marks) = found else { return false }
        try await take(contents)
        state.withLock { $0.marks = marks }
        return true
    }

    /// What `work` answers; where it fails, and there are several files, the error names the file.
    private static func named<T>(_ file: IdentityFile, _ files: [IdentityFile], _ work: () throws -> T) throws -> T {
        do { return try work() } catch {
            throw files.count > 1 ? Unreadable(description: "\(file.path): \(error)") : error
        }
    }
}
