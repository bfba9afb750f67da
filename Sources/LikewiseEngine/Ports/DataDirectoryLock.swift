// One process at a time may have a data folder: two that append to one log would each overwrite the other's likes.
//
// The lock is flock(2) on `<data-dir>/LOCK`, which the kernel lets go of when the process ends, however it ends. What
// is written in the file is only for the message to whoever comes second, and means nothing without the lock, so the
// file is never removed: removing it would let two processes lock two files of one name.

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The sole right to a data folder, for as long as this object lives.
package final class DataDirectoryLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock on `directory`, which must be there; does not wait. Throws `.held` where another has it.
    package init(directory: String, clock: any EngineClock = SystemClock()) throws(DataDirectoryLockError) {
        let path = directory.hasSuffix("/") ? directory + "LOCK" : directory + "/LOCK"
        do {
            descriptor = try systemOpen(path, O_RDWR | O_CREAT)
        } catch {
            throw .unavailable(error)
        }
        // From here on a throw runs deinit, which closes the file.
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            guard code == EWOULDBLOCK else { throw .unavailable(diskError("flock", path, code)) }
            throw .held(directory: directory, holder: Holder(text: Self.text(of: descriptor)))
        }
        // A full disk is no reason to refuse: the lock holds without the text.
        Self.replace(with: Holder.current(clock).text, in: descriptor)
    }

    deinit {
        // Closing alone would leave the lock with a child process that is between fork and exec just now.
        _ = flock(descriptor, LOCK_UN)
        closeDescriptor(descriptor)
    }

    private static func text(of descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 1_024)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }

    private static func replace(with text: String, in descriptor: Int32) {
        guard ftruncate(descriptor, 0) == 0 else { return }
        let bytes = Array(text.utf8)
        _ = pwrite(descriptor, bytes, bytes.count, 0)
    }
}

extension DataDirectoryLock {
    /// Who has the lock.
    package struct Holder: Hashable, Sendable {
        package var command: String
        package var process: Int32
        package var host: String
        /// When the lock was taken, in UTC: `2026-03-14T09:26:53Z`.
        package var since: String

        package init(command: String, process: Int32, host: String, since: String) {
            self.command = command
            self.process = process
            self.host = host
            self.since = since
        }

        static func current(_ clock: any EngineClock) -> Holder {
            Holder(
                command: commandName(), process: getpid(), host: hostName(),
                since: timestamp(milliseconds: clock.milliseconds()))
        }
    }
}

extension DataDirectoryLock.Holder {
    /// What stands in the file: a name and a value a line.
    var text: String {
        "process \(process)\ncommand \(command)\nhost \(host)\nsince \(since)\n"
    }

    /// Nil where a line is missing, as between locking and writing.
    init?(text: String) {
        var values: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            guard let space = line.firstIndex(of: " ") else { continue }
            values[line[..<space]] = String(line[line.index(after: space)...])
        }
        guard let process = values["process"].flatMap(Int32.init), let command = values["command"],
            let host = values["host"], let since = values["since"]
        else { return nil }
        self.init(command: command, process: process, host: host, since: since)
    }
}

/// Why a data folder could not be locked.
package enum DataDirectoryLockError: Error, Hashable, CustomStringConvertible {
    /// Another has it; `holder` is nil where it has not yet said who it is.
    case held(directory: String, holder: DataDirectoryLock.Holder?)
    /// The lock file could not be opened or locked.
    case unavailable(DiskError)

    package var description: String {
        switch self {
        case .held(let directory, let holder?):
            "the data folder \(directory) is in use by \(holder.command), process \(holder.process) on "
                + "\(holder.host), since \(holder.since); stop it or choose another --data-dir"
        case .held(let directory, nil):
            "the data folder \(directory) is in use by another process; stop it or choose another --data-dir"
        case .unavailable(let error):
            "the data folder could not be locked: \(error)"
        }
    }
}

/// The process's name as the kernel has it.
private func commandName() -> String {
    guard let descriptor = try? systemOpen("/proc/self/comm", O_RDONLY) else { return "another program" }
    defer { closeDescriptor(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return printable(bytes.prefix(max(0, count))) ?? "another program"
}

private func hostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "this host" }
    return printable(name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }) ?? "this host"
}

/// `bytes` as text without control characters, nil where nothing is left.
private func printable(_ bytes: some Sequence<UInt8>) -> String? {
    let text = String(decoding: bytes.filter { $0 >= 0x20 && $0 != 0x7f }, as: UTF8.self)
    return text.isEmpty ? nil : text
}

/// `2026-03-14T09:26:53Z`.
private func timestamp(milliseconds: UInt64) -> String {
    var seconds = time_t(milliseconds / 1_000)
    var date = tm()
    guard gmtime_r(&seconds, &date) != nil else { return "\(seconds) seconds after 1970" }
    func padded(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(date.tm_year + 1_900)-\(padded(date.tm_mon + 1))-\(padded(date.tm_mday))"
        + "T\(padded(date.tm_hour)):\(padded(date.tm_min)):\(padded(date.tm_sec))Z"
}
