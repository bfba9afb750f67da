import Logging
import Metrics
import NIOPosix
import Synchronization

/// A file of keys that is read again when it has changed. What cannot be read or used leaves the keys as they are.
final class WatchedFile: Sendable {
    private struct State {
        var mark: IdentityFile.Mark?
        /// What was wrong when it was last looked at, so that it is told once.
        var problem: String?
    }

    private let setting: String
    private let file: IdentityFile
    private let take: @Sendable ([UInt8]) async throws -> Void
    private let logger: Logger
    private let failed: Counter
    private let state = Mutex(State())

    /// - Parameters:
    ///   - setting: the setting that names the file, for the log.
    ///   - take: gets the file's bytes; throws where they are of no use.
    init(
        _ setting: String, _ file: IdentityFile, logger: Logger,
        take: @escaping @Sendable ([UInt8]) async throws -> Void
    ) {
        self.setting = setting
        self.file = file
        self.logger = logger
        self.take = take
        failed = Counter(label: "likewise_identity_files_failed", dimensions: [("setting", setting)])
    }

    /// Reads the file for the first time.
    func load() async throws { try await look() }

    /// Reads the file where it has changed.
    func lookAgain() async {
        do {
            if try await look() { logger.notice("keys were read again", metadata: ["setting": "\(setting)"]) }
            state.withLock { $0.problem = nil }
        } catch {
            let isNew = state.withLock { state in
                defer { state.problem = "\(error)" }
                return state.problem != "\(error)"
            }
            guard isNew else { return }
            failed.increment()
            logger.error(
                "a file of keys cannot be used; the keys that were read before stay in use",
                metadata: ["setting": "\(setting)", "path": "\(file.path)", "reason": "\(error)"])
        }
    }

    /// Whether there was something new.
    @discardableResult
    private func look() async throws -> Bool {
        let known = state.withLock { $0.mark }
        let found = try await NIOThreadPool.singleton.runIfActive { [file] () -> ([UInt8], IdentityFile.Mark)? in
            // Before the bytes: what is written in between is read the next time.
            let mark = try file.mark()
            return mark == known ? nil : (try file.contents(), mark)
        }
        guard let (bytes, mark) = found else { return false }
        try await take(bytes)
        state.withLock { $0.mark = mark }
        return true
    }
}
