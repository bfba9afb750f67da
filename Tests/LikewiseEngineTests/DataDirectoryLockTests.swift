import LikewiseEngine
import LikewiseTestSupport
import Testing

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

@Suite("Data folder lock")
struct DataDirectoryLockTests {
    @Test("A second holder is refused, and told who the first is")
    func refused() throws {
        let folder = try TemporaryFolder()
        let clock = SimulatedClock(milliseconds: 1_773_480_413_000)
        let lock = try DataDirectoryLock(directory: folder.path, clock: clock)
        let error = #expect(throws: DataDirectoryLockError.self) { try DataDirectoryLock(directory: folder.path) }
        guard case .held(folder.path, let holder?) = error else {
            Issue.record("refused with \(String(describing: error))")
            return
        }
        #expect(holder.process == getpid())
        #expect(!holder.command.isEmpty && !holder.host.isEmpty)
        #expect(holder.since == "2026-03-14T09:26:53Z")
        withExtendedLifetime(lock) {}
    }

    @Test("The refusal says what is in use, by whom, where, since when, and what to do")
    func message() {
        let holder = DataDirectoryLock.Holder(
            command: "likewise", process: 1_234, host: "db-1", since: "2026-03-14T09:26:53Z")
        #expect(
            "\(DataDirectoryLockError.held(directory: "data", holder: holder))"
                == "the data folder data is in use by likewise, process 1234 on db-1, since 2026-03-14T09:26:53Z; "
                + "stop it or choose another --data-dir")
        #expect(
            "\(DataDirectoryLockError.held(directory: "data", holder: nil))"
                == "the data folder data is in use by another process; stop it or choose another --data-dir")
    }

    @Test("The lock is free again when its holder goes, and the next one writes its own name over the last one's")
    func released() throws {
        let folder = try TemporaryFolder()
        for milliseconds in [UInt64(0), 1_000] {
            let clock = SimulatedClock(milliseconds: milliseconds)
            let lock = try DataDirectoryLock(directory: folder.path + "/", clock: clock)
            let file = try PosixDisk().open(folder.path + "/LOCK")
            let text = String(decoding: try file.all(), as: UTF8.self)
            #expect(text.hasSuffix("since 1970-01-01T00:00:0\(milliseconds / 1_000)Z\n"))
            withExtendedLifetime(lock) {}
        }
    }

    @Test("A lock file left by a process that died is taken over, whatever is in it")
    func leftBehind() throws {
        let folder = try TemporaryFolder()
        let text = "process 4194304\ncommand \(String(repeating: "x", count: 5_000))\n"
        try PosixDisk().create(folder.path + "/LOCK").write(Array(text.utf8), at: 0)
        let lock = try DataDirectoryLock(directory: folder.path)
        #expect(try PosixDisk().open(folder.path + "/LOCK").size() < 500)
        withExtendedLifetime(lock) {}
    }

    @Test("Another process that holds the lock but has not written its name is refused to as 'another process'")
    func unnamed() throws {
        let folder = try TemporaryFolder()
        let descriptor = open(folder.path + "/LOCK", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        #expect(flock(descriptor, LOCK_EX) == 0)
        #expect(throws: DataDirectoryLockError.held(directory: folder.path, holder: nil)) {
            try DataDirectoryLock(directory: folder.path)
        }
    }

    @Test("A child process does not keep the lock alive")
    func childProcess() throws {
        let folder = try TemporaryFolder()
        var lock: DataDirectoryLock? = try DataDirectoryLock(directory: folder.path)
        var child: pid_t = 0
        let name = strdup("sleep")
        let duration = strdup("60")
        defer {
            free(name)
            free(duration)
        }
        try #require(posix_spawn(&child, "/bin/sleep", nil, nil, [name, duration, nil], nil) == 0)
        defer {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
        }
        withExtendedLifetime(lock) {}
        lock = nil
        _ = try DataDirectoryLock(directory: folder.path)
    }

    @Test("A folder that is not there cannot be locked")
    func missing() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/missing"
        #expect(throws: DataDirectoryLockError.unavailable(.missing(path: path + "/LOCK"))) {
            try DataDirectoryLock(directory: path)
        }
    }
}
