// A program that a benchmark has started. It is signalled and reaped by its own number, under one lock: a number is free
// for other processes once its process is reaped.

import Glibc
import Synchronization

final class ChildProcess: Sendable {
    let id: pid_t
    /// What was started, for messages.
    let program: String
    /// The file that has what it printed.
    let log: String
    private let isReaped = Mutex(false)

    /// Starts `program` (a path, or a name to be found in PATH). What it prints goes to the file `log`. Its environment is
    /// this process' own, without the settings of Likewise, which were meant for the benchmark.
    init(_ program: String, _ arguments: [String], log: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var id: pid_t = 0
        let code = withCStrings([program] + arguments) { argv in
            withCStrings(ChildProcess.environment()) { envp in
                posix_spawnp(&id, program, &actions, nil, argv, envp)
            }
        }
        guard code == 0 else { throw BenchError("\(program) could not be started: \(String(cString: strerror(code)))") }
        self.id = id
        self.program = program
        self.log = log
    }

    /// Whether it runs.
    var isRunning: Bool { isReaped.withLock { isReaped in !reap(&isReaped, options: WNOHANG) } }

    /// Asks it to end, and kills it where that takes longer than `seconds`. Answers whether it ended by itself.
    @discardableResult
    func stop(seconds: Double = 60) -> Bool {
        signal(SIGTERM)
        if BenchClock.wait(seconds: seconds, for: { isRunning ? nil : true }) != nil { return true }
        kill()
        return false
    }

    /// Kills it at once (SIGKILL), and returns when it is gone.
    func kill() {
        isReaped.withLock { isReaped in
            guard !isReaped else { return }
            Glibc.kill(id, SIGKILL)
            _ = reap(&isReaped, options: 0)
        }
    }

    /// Sends a signal, unless it has ended.
    func signal(_ number: Int32) {
        isReaped.withLock { isReaped in
            if !isReaped { Glibc.kill(id, number) }
        }
    }

    /// Resident memory in bytes.
    var residentBytes: Int { ProcText.bytes(of: "VmRSS", in: ProcText.read("/proc/\(id)/status")) ?? 0 }

    /// The most that its resident memory has been, in bytes.
    var peakResidentBytes: Int { ProcText.bytes(of: "VmHWM", in: ProcText.read("/proc/\(id)/status")) ?? 0 }

    /// The end of what it has printed.
    var lastWords: String { String(ProcText.read(log).suffix(2000)) }

    private func reap(_ isReaped: inout Bool, options: Int32) -> Bool {
        if isReaped { return true }
        var status: Int32 = 0
        var found = waitpid(id, &status, options)
        while found < 0 && errno == EINTR { found = waitpid(id, &status, options) }
        isReaped = found != 0
        return isReaped
    }

    private static func environment() -> [String] {
        var found: [String] = []
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if !text.hasPrefix(SettingNames.variablePrefix) { found.append(text) }
            next += 1
        }
        return found
    }
}

private func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return body(copies)
}
